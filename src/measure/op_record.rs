//! What was measured of one operation kind or of one server.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{Histogram, OpCounts};

/// One kind of operation in one interval or, merged, in a run.
///
/// Histograms and counts hold the operations that were *intended* in the interval. `acknowledged`
/// counts the operations that were *done* in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OpRecord {
    /// done - intended, for every operation with any outcome.
    pub response: Histogram,
    /// done - sent, for operations that were sent.
    pub service: Histogram,
    /// ready - intended: how long the target delayed the operation. Operations that were never
    /// ready count until they were given up.
    pub blocked: Histogram,
    /// sent - ready, for operations that were sent: how late the generator was.
    pub late: Histogram,
    pub counts: OpCounts,
    /// Acknowledged in this interval, whenever they were intended. Throughput is computed from
    /// this.
    pub acknowledged: u64,
}

impl OpRecord {
    pub fn merge(&mut self, other: &Self) {
        self.response.merge(&other.response);
        self.service.merge(&other.service);
        self.blocked.merge(&other.blocked);
        self.late.merge(&other.late);
        self.counts.merge(&other.counts);
        self.acknowledged += other.acknowledged;
    }

    /// Frees the memory of empty buckets.
    pub fn pack(&mut self) {
        self.response.pack();
        self.service.pack();
        self.blocked.pack();
        self.late.pack();
    }

    /// Whether no operation was intended and none was acknowledged in the interval.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.total() == 0 && self.acknowledged == 0
    }
}

/// One kind of operation at one server in the whole measured phase.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServerRecord {
    /// done - intended, for the operations that were sent to this server or waited for it.
    pub response: Histogram,
    /// Operations counted in `response` that were not acknowledged.
    pub failed: u64,
    /// Acknowledged in the measured phase.
    pub acknowledged: u64,
}

/// One server in one run: its role, the operations it received and the resources it used.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServerRun {
    /// `host:port` of the client port.
    pub address: String,
    /// `leader`, `follower`, `observer` or `standalone` when the load started; `None` if the server
    /// did not report it.
    pub mode: Option<String>,
    /// Per operation index.
    pub ops: Vec<ServerRecord>,
    /// Processor time used in the measured phase, in seconds. Known for local servers only, like
    /// the next fields.
    pub cpu_s: Option<f64>,
    /// Bytes that the server wrote to the disk in the measured phase.
    pub disk_written_bytes: Option<u64>,
    /// Syncs of the server's log in the measured phase; `None` if the server does not count them.
    pub syncs: Option<u64>,
    /// How the server's CPU quota stopped it in the measured phase; `None` without a quota.
    pub throttled: Option<Throttled>,
}

/// How often a CPU quota stopped a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Throttled {
    /// Periods of the quota in which the server had work.
    pub periods: u64,
    /// Those of them in which the server used its quota up and was stopped.
    pub throttled_periods: u64,
    /// Time for which the server was stopped, as a sum over the processors on which it had work.
    pub throttled_ns: u64,
}

impl Throttled {
    /// Returns what was counted since `earlier`; `None` if a count is smaller than before.
    #[must_use]
    pub fn since(self, earlier: Self) -> Option<Self> {
        Some(Self {
            periods: self.periods.checked_sub(earlier.periods)?,
            throttled_periods: self
                .throttled_periods
                .checked_sub(earlier.throttled_periods)?,
            throttled_ns: self.throttled_ns.checked_sub(earlier.throttled_ns)?,
        })
    }

    /// Returns the share of the periods in which the server was stopped, 0..1; `None` if it had no work.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53 periods")]
    pub fn share(self) -> Option<f64> {
        (self.periods > 0).then(|| self.throttled_periods as f64 / self.periods as f64)
    }
}

impl ServerRun {
    /// Returns all kinds of operation merged.
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
    pub fn merge(&mut self, other: &Self) {
        self.response.merge(&other.response);
        self.failed += other.failed;
        self.acknowledged += other.acknowledged;
    }
}

/// Merges the records of several kinds of operation.
pub(super) fn merged<'a>(records: impl IntoIterator<Item = &'a OpRecord>) -> OpRecord {
    let mut all = OpRecord::default();
    for record in records {
        all.merge(record);
    }
    all
}
