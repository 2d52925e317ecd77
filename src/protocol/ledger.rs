//! What the acknowledged writes of a run promise, and the check that they were kept.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt;

use super::{SetupError, SetupJob};
use crate::measure::Verified;

/// A record of the acknowledged writes of a run. Every driver thread keeps its own. They are merged when
/// the load has ended, and then every write is read back.
pub trait Ledger: fmt::Debug + Send {
    /// Adds the ledger of another driver thread of the same run.
    fn merge(&mut self, other: Self)
    where
        Self: Sized;

    /// Returns the number of acknowledged writes, warm-up included.
    fn writes(&self) -> u64;

    /// Reads the writes back from the servers.
    ///
    /// # Errors
    /// If the servers cannot be reached or refuse.
    fn verify(&self, job: &SetupJob<'_>) -> Result<Verified, SetupError>;
}

/// The ledger of a protocol without writes that can be read back. There is no value of it.
#[derive(Debug)]
pub enum NoLedger {}

impl Ledger for NoLedger {
    fn merge(&mut self, _other: Self) {}

    fn writes(&self) -> u64 {
        match *self {}
    }

    fn verify(&self, _job: &SetupJob<'_>) -> Result<Verified, SetupError> {
        match *self {}
    }
}
