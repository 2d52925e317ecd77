//! What workers tell the collector.

use crate::load::LoadError;
use crate::measure::{Event, OpCounts, Parts, ServerRecord, Timeline};

/// From a worker to the collector. Nothing of it is sent per operation.
#[derive(Debug)]
pub(super) enum Message {
    /// Every session of this worker is attached: it waits for the start.
    Connected,
    /// This worker cannot go on.
    Failed(LoadError),
    /// An interval has passed.
    Parts(Box<Parts>),
    /// Something happened.
    Event(Event),
    /// How it is getting on.
    Snapshot(usize, Snapshot),
    /// This worker is done.
    Done(Box<Summary>),
}

/// How one worker is getting on: its counts since the load began, warm-up included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Snapshot {
    /// When it was taken.
    pub(super) at_ns: i64,
    /// Per operation index.
    pub(super) ops: Vec<OpCounts>,
    /// Operations acknowledged, per server index.
    pub(super) servers: Vec<u64>,
    pub(super) in_flight: u64,
    /// Operations due and not sent.
    pub(super) waiting: u64,
    pub(super) connected: u32,
}

/// What one worker has to say at the end.
#[derive(Clone, Debug, Default)]
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
    pub(super) servers: Vec<Vec<ServerRecord>>,
    pub(super) timeline: Timeline,
}
