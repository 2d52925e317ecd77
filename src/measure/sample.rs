//! One operation as the driver saw it.

use super::ErrorId;

/// One operation that finished or was given up. Times are nanoseconds of the run's monotonic clock,
/// 0 = the start of the measured phase (negative = warm-up).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Index into the plan's `ops`.
    pub op: usize,
    /// Index of the server it was sent to, or would have been; `None` where that is not known.
    pub server: Option<usize>,
    /// When the schedule said it should start.
    pub intended_ns: i64,
    /// When the in-flight cap and the connection let it go; `None` if they never did.
    pub ready_ns: Option<i64>,
    /// Read before the system call that handed its last byte to the socket; `None` if none did.
    pub sent_ns: Option<i64>,
    /// When its reply was decoded, or when it was given up.
    pub done_ns: i64,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Acknowledged.
    Ok,
    /// The server answered with this error.
    Error(ErrorId),
    /// An operation that is a connection of its own, and no connection could be opened.
    Refused,
    /// The connection ended before the reply: neither failed nor done.
    Unknown,
    /// No reply within the operation timeout.
    TimedOut,
    /// Never sent.
    NotSent(Unsent),
}

/// Why an operation was never sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsent {
    /// Its session had no connection. The target's doing.
    NoConnection,
    /// Its session had as many operations in flight as it may. The target's doing.
    CapFull,
    /// Nothing held it back: the generator did not get to it.
    NotIssued,
}
