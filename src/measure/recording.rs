//! What a run measured: merged intervals and what happened meanwhile.

use std::collections::BTreeMap;

use super::{Histogram, IntervalPart};

/// Counts by outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpCounts {
    /// Acknowledged.
    pub ok: u64,
    /// Replies with an error code, by code.
    pub errors: BTreeMap<i32, u64>,
    /// Connection lost before the reply.
    pub unknown: u64,
    /// No reply in time.
    pub timed_out: u64,
    /// Never sent.
    pub not_sent: u64,
}

/// One operation kind within one interval (or, merged, within the run).
#[derive(Clone, Debug, Default)]
pub struct OpRecord {
    /// done - intended.
    pub response: Histogram,
    /// done - sent.
    pub service: Histogram,
    /// sent - intended.
    pub send_delay: Histogram,
    /// Counts by outcome.
    pub counts: OpCounts,
}

/// One recording interval, all workers merged.
#[derive(Clone, Debug)]
pub struct Interval {
    /// Interval index, 0 = first of the measured phase.
    pub index: u32,
    /// Per operation index.
    pub ops: Vec<OpRecord>,
}

/// Something that happened during the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Milliseconds since the start of the measured phase (negative = before).
    pub at_ms: i64,
    /// One line: "session 3 lost 127.0.0.1:2181 (connection reset), 4 operations unknown".
    pub text: String,
}

/// What one run measured.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// Wall clock at the start of the measured phase, ms since the epoch.
    pub started_unix_ms: u64,
    /// Length of an interval.
    pub interval_ms: u64,
    /// Length of the measured phase as it really was (shorter when interrupted), seconds.
    pub measured_s: f64,
    /// Merged intervals, by index, without gaps.
    pub intervals: Vec<Interval>,
    /// Connection losses, reconnects, expiries ... in time order (bounded; `events_dropped` beyond).
    pub events: Vec<Event>,
    /// Events beyond the bound.
    pub events_dropped: u64,
    /// Share of one core that each driver thread used in the measured phase, 0..1.
    pub driver_cpu: Vec<f64>,
    /// Operations still without a reply at the end of the drain.
    pub in_flight_at_end: u64,
    /// Sessions lost and re-established with the same id.
    pub reconnects: u64,
    /// Sessions the server declared expired.
    pub expired_sessions: u64,
    /// Ended by the user before the planned end.
    pub interrupted: bool,
}

impl Recording {
    /// Merges one worker's part.
    pub fn add(&mut self, part: IntervalPart) {
        let _ = part;
    }
}
