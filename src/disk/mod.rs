//! The parts of a durable log that do not depend on what is logged.
//!
//! Reading order: [`Batch`] (encoded records that are written together), [`Layout`] and [`Appender`]
//! (batches into preallocated files: [`Appender::append`], then [`Appender::sync`]), [`DiskThread`]
//! (a queue of requests, group commit, one sync per group), [`tail`] (what a crash left at the end of a log,
//! pure), [`directory`] (names made durable). A log's owner supplies the record format as a [`Layout`] and
//! the rest of its disk work as a [`Service`]. Both are type parameters: no call per record is dynamic.

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
pub use group::Batch;
#[cfg(test)]
pub(crate) use queue::Hold;
pub use queue::{DiskStats, Events};
pub use thread::{DiskThread, Service};
pub use zeroed::create_zeroed;
