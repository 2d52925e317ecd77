//! The acknowledged writes of a run, and what they promise about the tree after it.
//!
//! A set of a prepared znode was answered with the znode's new version. For each znode the ledger has the
//! number of these sets, their lowest and highest version and their highest zxid: 24 bytes, and no more
//! for more sets. A created znode takes 3 bits. All figures include the warm-up.

mod bits;
mod names;
mod sets;
mod verify;
mod witness;

use std::collections::BTreeMap;

use names::{Names, NamesKey};
use sets::Sets;

use crate::measure::Verified;
use crate::protocol::{Ledger, SetupError, SetupJob};

pub(super) use witness::Witness;

/// The acknowledged writes of one driver thread or, merged, of a run.
#[derive(Debug, Default)]
pub struct ZooKeeperLedger {
    sets: Sets,
    /// The created znodes by session and create operation.
    names: BTreeMap<NamesKey, Names>,
    /// Acknowledged writes that cannot be read back: creates of ephemeral znodes, which end with their
    /// session.
    unverifiable: u64,
}

impl ZooKeeperLedger {
    fn names(&mut self, key: NamesKey) -> &mut Names {
        self.names.entry(key).or_default()
    }
}

impl Ledger for ZooKeeperLedger {
    fn merge(&mut self, other: Self) {
        self.sets.merge(&other.sets);
        // The sessions of different threads are different.
        self.names.extend(other.names);
        self.unverifiable += other.unverifiable;
    }

    fn writes(&self) -> u64 {
        let names: u64 = self.names.values().map(Names::writes).sum();
        self.sets.writes() + names + self.unverifiable
    }

    fn verify(&self, job: &SetupJob<'_>) -> Result<Verified, SetupError> {
        Ok(verify::verify(self, job)?)
    }
}
