//! One operation as the driver saw it.

use super::ErrorId;

/// One operation that finished or was given up. Times are nanoseconds on the run's monotonic clock.
/// 0 is the start of the measured phase; times in the warm-up are negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Index into the plan's `ops`.
    pub op: usize,
    /// Index of the server that the operation was sent to or was waiting for; `None` if unknown.
    pub server: Option<usize>,
    /// When the schedule started the operation.
    pub intended_ns: i64,
    /// When the connection was up and the in-flight cap left room; `None` if that never happened.
    pub ready_ns: Option<i64>,
    /// The clock before the system call that wrote the last byte to the socket; `None` if unsent.
    pub sent_ns: Option<i64>,
    /// When the reply was decoded or the operation was given up.
    pub done_ns: i64,
    pub outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Ok,
    /// The server answered with this error.
    Error(ErrorId),
    /// The operation opens a connection of its own, and that failed.
    Refused,
    /// The connection ended before the reply, so nobody knows whether the server did the operation.
    Unknown,
    /// No reply within the operation timeout.
    TimedOut,
    NotSent(Unsent),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsent {
    /// The session had no connection. The target caused this.
    NoConnection,
    /// The session's in-flight cap was reached. The target caused this.
    CapFull,
    /// The operation could have been sent, but the generator did not get to it.
    NotIssued,
}
