//! WHAT is asked: the workload file, the operation mix, key choice and the resolved plan. Pure, but
//! for [`load`], which reads the file.
//!
//! - [`Source`], [`load`], [`resolve`]: TOML text, overrides and seed to a [`Plan`]
//! - [`Plan`]: the workload with every default filled in; [`Plan::render_toml`] writes it out again
//! - [`Mix`]: the endless stream of [`Operation`]s of one session
//! - [`prepared_path`], [`run_dir`], [`session_dir`], [`directories`]: where in the tree everything lies
//! - [`shipped`]: the workloads in the binary
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod error;
mod file;
mod limits;
mod mix;
mod paths;
mod plan;
mod render;
mod role;
mod shipped;

pub use error::{Place, WorkloadError};
pub use file::{Source, known_keys, load, resolve};
pub use mix::{Mix, Operation};
pub use paths::{directories, prepared_path, run_dir, session_dir};
pub use plan::{
    Arrival, Attach, Gates, KeyChoice, LoadPlan, OpKind, OpPlan, Plan, Prepare, RatePhase,
    Reconnect, SizeChoice, Spacing, TargetShape,
};
pub use role::Role;
pub use shipped::{Shipped, find_shipped, nearest_shipped, shipped};
