//! How a job is getting on, for whoever watches it.

use std::time::Duration;

use super::Phase;
use crate::measure::OpCounts;

/// How a job is getting on.
///
/// Counts are those of the warm-up and the measured phase together.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// The phase.
    pub phase: Phase,
    /// Time since the start of the phase.
    pub elapsed: Duration,
    /// Planned length of the phase; zero for prepare and clean-up, which take as long as they need.
    pub total: Duration,
    /// How many operations the phase consists of, where that is known: the things to prepare.
    pub goal: Option<u64>,
    /// Operations acknowledged per second, lately.
    pub throughput_per_s: f64,
    /// Median response time of the last complete interval.
    pub p50_us: Option<f64>,
    /// 99th percentile of the response time in the last complete interval.
    pub p99_us: Option<f64>,
    /// Operations acknowledged.
    pub ok: u64,
    /// Operations that ended in any other way.
    pub errors: u64,
    /// Operations without a reply.
    pub in_flight: u64,
    /// Operations that are due and not sent: the in-flight cap is reached, or there is no connection.
    pub waiting: u64,
    /// Sessions that the plan asks for.
    pub sessions: u32,
    /// Sessions with a connection.
    pub sessions_connected: u32,
    /// Per operation index; empty while no load is issued.
    pub ops: Vec<OpProgress>,
    /// Per server, in the order of the job; empty while no load is issued.
    pub servers: Vec<ServerProgress>,
}

/// How one kind of operation is getting on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OpProgress {
    /// Its label in the plan.
    pub label: String,
    /// Counts by outcome.
    pub counts: OpCounts,
    /// Operations acknowledged per second, lately.
    pub throughput_per_s: f64,
    /// Median response time of the last complete interval.
    pub p50_us: Option<f64>,
    /// 99th percentile of the response time in the last complete interval.
    pub p99_us: Option<f64>,
}

/// How one server is getting on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServerProgress {
    /// Its name in the job.
    pub name: String,
    /// Operations it acknowledged.
    pub acknowledged: u64,
    /// Operations it acknowledged per second, lately.
    pub throughput_per_s: f64,
}

impl Progress {
    /// Nothing has happened yet.
    #[must_use]
    pub const fn start_of(phase: Phase, total: Duration) -> Self {
        Self {
            phase,
            elapsed: Duration::ZERO,
            total,
            goal: None,
            throughput_per_s: 0.0,
            p50_us: None,
            p99_us: None,
            ok: 0,
            errors: 0,
            in_flight: 0,
            waiting: 0,
            sessions: 0,
            sessions_connected: 0,
            ops: Vec::new(),
            servers: Vec::new(),
        }
    }

    /// Counts of all operations together.
    #[must_use]
    pub fn counts(&self) -> OpCounts {
        let mut all = OpCounts::default();
        for op in &self.ops {
            all.merge(&op.counts);
        }
        all
    }
}
