//! The parts of a durable log that do not depend on what is logged.
//!
//! Reading order:
//!
//! - [`Batch`] holds encoded records that are written together.
//! - [`Appender`] writes batches into preallocated files whose names and headers a [`Layout`] gives:
//!   first [`Appender::append`], then [`Appender::sync`].
//! - [`DiskThread`] takes requests from a queue and commits batches in groups, with one sync per group.
//! - [`tail`] judges what a crash left at the end of a log. It is pure.
//! - [`directory`] makes changes of file names durable.
//!
//! The owner of a log supplies the file format as a [`Layout`] and the rest of its disk work as a
//! [`Service`]. Both are type parameters, so that no call per record is dynamic.

mod append;
pub mod directory;
mod error;
mod group;
pub(crate) mod kill;
mod queue;
pub mod tail;
mod thread;
mod zeroed;

#[cfg(test)]
mod tests;

pub use append::{AppendOptions, Appender, Layout, MakeFile};
pub use error::DiskError;
pub use group::{Batch, Part};
#[cfg(test)]
pub(crate) use queue::Hold;
pub use queue::{DiskStats, Events};
pub use thread::{DiskThread, Service};
pub use zeroed::create_zeroed;
