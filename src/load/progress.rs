//! Progress of a job, for displays.

use std::time::Duration;

use super::Phase;
use crate::measure::OpCounts;

/// Progress of a job.
///
/// Counts cover the warm-up and the measured phase.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    pub phase: Phase,
    /// Time since the start of the phase.
    pub elapsed: Duration,
    /// Planned length of the phase; zero for prepare and clean-up, which take as long as they need.
    pub total: Duration,
    /// Number of things to create or remove in this phase, if it is known.
    pub goal: Option<u64>,
    /// Operations acknowledged per second, over about the last second.
    pub throughput_per_s: f64,
    /// Median response time of the last complete interval.
    pub p50_us: Option<f64>,
    /// 99th percentile of the response time in the last complete interval.
    pub p99_us: Option<f64>,
    pub ok: u64,
    /// Operations that ended in any other way: errors, time-outs, unknown outcomes, not sent.
    pub errors: u64,
    /// Operations without a reply.
    pub in_flight: u64,
    /// Operations that are due and not sent, because the in-flight cap is reached or there is no
    /// connection.
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

/// Progress of one operation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OpProgress {
    /// Label in the plan.
    pub label: String,
    pub counts: OpCounts,
    /// Operations acknowledged per second, over about the last second.
    pub throughput_per_s: f64,
    /// Median response time of the last complete interval.
    pub p50_us: Option<f64>,
    /// 99th percentile of the response time in the last complete interval.
    pub p99_us: Option<f64>,
}

/// Progress of one server.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServerProgress {
    pub name: String,
    /// Operations that the server acknowledged.
    pub acknowledged: u64,
    /// Operations that the server acknowledged per second, over about the last second.
    pub throughput_per_s: f64,
}

impl Progress {
    /// Returns the progress at the start of a phase, with all counts zero.
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

    /// Returns the counts of all operations together.
    #[must_use]
    pub fn counts(&self) -> OpCounts {
        let mut all = OpCounts::default();
        for op in &self.ops {
            all.merge(&op.counts);
        }
        all
    }
}
