//! One operation kind within one interval, or, merged, within a run.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Histogram, OpCounts};

/// One operation kind within one interval, or, merged, within a run.
///
/// Histograms and counts hold the operations *intended* in the interval, whenever they were done;
/// `acknowledged` those *done* in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OpRecord {
    /// done - intended: every operation, whatever became of it.
    pub response: Histogram,
    /// done - sent, where it was sent.
    pub service: Histogram,
    /// ready - intended: how long the target held it back. Until it was given up, if it never was ready.
    pub blocked: Histogram,
    /// sent - ready, where it was sent: how late the generator was.
    pub late: Histogram,
    /// Counts by outcome.
    pub counts: OpCounts,
    /// Acknowledged in the interval, whenever they were intended. Throughput is made of these.
    pub acknowledged: u64,
}

impl OpRecord {
    /// Adds another's histograms and counts.
    pub fn merge(&mut self, other: &Self) {
        self.response.merge(&other.response);
        self.service.merge(&other.service);
        self.blocked.merge(&other.blocked);
        self.late.merge(&other.late);
        self.counts.merge(&other.counts);
        self.acknowledged += other.acknowledged;
    }

    /// Gives back the memory of empty buckets.
    pub fn pack(&mut self) {
        self.response.pack();
        self.service.pack();
        self.blocked.pack();
        self.late.pack();
    }

    /// Nothing was intended in it and nothing acknowledged.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.total() == 0 && self.acknowledged == 0
    }
}

/// One operation kind at one server, in the whole measured phase.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServerRecord {
    /// done - intended, of the operations that went (or were to go) to this server.
    pub response: Histogram,
    /// Of those, the ones that were not acknowledged.
    pub failed: u64,
    /// Acknowledged in the measured phase.
    pub acknowledged: u64,
}

/// One server in one run: what it was, what operations met there, and what it used.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServerRun {
    /// `host:port` of its client port.
    pub address: String,
    /// `leader`, `follower`, `observer` or `standalone` when the load started; `None` if it did not say.
    pub mode: Option<String>,
    /// Per operation index.
    pub ops: Vec<ServerRecord>,
    /// Processor time it used in the measured phase, seconds; local servers only, as what follows.
    pub cpu_s: Option<f64>,
    /// Bytes that it caused to be written to the disk in the measured phase.
    pub disk_written_bytes: Option<u64>,
    /// Syncs of its log in the measured phase, where it counts them.
    pub syncs: Option<u64>,
}

impl ServerRun {
    /// All operation kinds merged.
    #[must_use]
    pub fn all(&self) -> ServerRecord {
        let mut all = ServerRecord::default();
        for record in &self.ops {
            all.merge(record);
        }
        all
    }
}

impl ServerRecord {
    /// Adds another's.
    pub fn merge(&mut self, other: &Self) {
        self.response.merge(&other.response);
        self.failed += other.failed;
        self.acknowledged += other.acknowledged;
    }
}

/// Merges records of several operation kinds.
pub(super) fn merged<'a>(records: impl IntoIterator<Item = &'a OpRecord>) -> OpRecord {
    let mut all = OpRecord::default();
    for record in records {
        all.merge(record);
    }
    all
}
