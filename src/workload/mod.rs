//! The workload file and the resolved plan. Everything here is pure except [`load`], which reads
//! the file. The module does not depend on a protocol: an operation has a kind by name, and values
//! that its protocol defines.
//!
//! - [`Source`], [`load`], [`resolve`]: TOML text, overrides and seed to a [`Plan`]
//! - [`expand`]: the same text, in which keys may hold lists, to an [`Experiment`] with a plan for each
//!   combination of values
//! - [`Plan`]: the workload with every default filled in; [`Plan::render_toml`] writes it as a file
//! - [`Vocabulary`]: what a protocol adds to the workload file, read with [`Section`]
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod error;
mod experiment;
mod fault;
mod file;
mod limits;
mod network;
mod plan;
mod render;
mod role;
mod slug;
mod values;
mod vocabulary;

pub use error::{Place, WorkloadError};
pub use experiment::{Axis, Cell, Experiment, FigureKind, FigurePlan, SearchPlan};
pub use fault::{
    Between, Direction, Fault, FaultAction, Victim, VictimError, planned_ends_ms, restarted_kills,
};
pub use file::{OpDraft, Read, Section, Shape, Source, expand, known_keys, load, nearest, resolve};
pub use network::{LinkShape, Network};
pub use plan::{
    Arrival, Attach, Gates, KeyChoice, LoadPlan, OpPlan, Plan, Prepare, RatePhase, Reconnect,
    SizeChoice, Spacing, TargetShape,
};
pub use role::Role;
pub use slug::slug;
pub use values::{Value, Values};
pub use vocabulary::{Kind, Vocabulary};
