//! One operation as it was seen by the driver.

/// One finished (or given-up) operation. Times are nanoseconds on the run's own monotonic clock,
/// 0 = the start of the measured phase (negative = warm-up).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Index into the plan's `ops`.
    pub op: usize,
    /// When the schedule said it should start.
    pub intended_ns: i64,
    /// When its last byte was handed to the socket; `None` if it never was.
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
    /// The server answered with this error code (specification 3.3).
    Error(i32),
    /// The connection ended before the reply: neither failed nor done.
    Unknown,
    /// No reply within the operation timeout.
    TimedOut,
    /// Never sent: no connection until the operation timeout passed.
    NotSent,
}
