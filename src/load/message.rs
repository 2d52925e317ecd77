//! Messages from the workers to the collector.

use crate::load::LoadError;
use crate::measure::{Event, OpCounts, Parts, SessionGap, SessionOutage, WholeRun};

/// A message from a worker to the collector. No message is sent per operation.
#[derive(Debug)]
pub(super) enum Message {
    /// All sessions of this worker are attached, and it waits for the start.
    Connected,
    /// This worker cannot continue.
    Failed(LoadError),
    /// The histograms of an interval that has passed.
    Parts(Box<Parts>),
    Event(Event),
    /// The worker's index and its counts so far.
    Snapshot(usize, Snapshot),
    /// This worker has ended.
    Done(Box<Summary>),
}

/// The counts of one worker since the load began, warm-up included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Snapshot {
    pub(super) at_ns: i64,
    /// Per operation index.
    pub(super) ops: Vec<OpCounts>,
    /// Operations acknowledged, per server index.
    pub(super) servers: Vec<u64>,
    pub(super) in_flight: u64,
    /// Operations due and not yet sent.
    pub(super) waiting: u64,
    pub(super) connected: u32,
}

/// The summary that one worker sends at the end.
#[derive(Debug, Default)]
pub(super) struct Summary {
    /// Its processor time in the measured phase.
    pub(super) thread: crate::measure::DriverThread,
    /// Length of the measured phase.
    pub(super) measured_ns: i64,
    pub(super) backlog_at_start: u64,
    pub(super) in_flight_at_end: u64,
    pub(super) reconnects: u64,
    pub(super) expired_sessions: u64,
    pub(super) events_dropped: u64,
    pub(super) interrupted: bool,
    pub(super) whole: WholeRun,
    /// Gaps of its sessions.
    pub(super) session_gaps: Vec<SessionGap>,
    /// Sessions that were without a connection, in order of the loss.
    pub(super) outages: Vec<SessionOutage>,
    pub(super) outages_dropped: u64,
}
