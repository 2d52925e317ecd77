//! Where the line is drawn between a run that may be believed and one that may not. In one place: the
//! documents quote these, and a test holds them to it.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// Least share of the due operations that the generator must have issued.
pub const ISSUED_MIN: f64 = 0.95;
/// Largest part of an operation's response time, at a percentile, that the generator's lateness may be.
pub const LATE_SHARE_MAX: f64 = 0.10;
/// Largest share of its core that a driver thread may use in an open loop.
pub const DRIVER_BUSY_MAX: f64 = 0.80;
/// Largest share of the time that a driver thread may wait for a core in an open loop.
pub const DRIVER_WAITING_MAX: f64 = 0.10;
/// Share of the time that a driver thread may wait for a core without a word.
pub const DRIVER_WAITING_TOLD: f64 = 0.02;
/// Least share of the issued operations that the target must acknowledge in time not to be saturated.
pub const ACKNOWLEDGED_MIN: f64 = 0.95;
/// Largest share of the processors' time that the hypervisor may take without a word.
pub const STOLEN_MAX: f64 = 0.005;
/// Backlog at the start of the measured phase, as a share of its due operations, that is not worth a word.
pub const BACKLOG_MAX: f64 = 0.001;
