//! The limits that decide whether a run is valid and which warnings it gets. `docs/METHODOLOGY.md`
//! quotes them, and a test compares the two.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// The generator must issue at least this share of the due operations.
pub const ISSUED_MIN: f64 = 0.95;
/// The generator's lateness may be at most this share of an operation's response time, at a
/// percentile.
pub const LATE_SHARE_MAX: f64 = 0.10;
/// Largest share of a core that a driver thread may use in an open loop.
pub const DRIVER_BUSY_MAX: f64 = 0.80;
/// Largest share of the time that a driver thread may wait for a core in an open loop.
pub const DRIVER_WAITING_MAX: f64 = 0.10;
/// Above this share of the time that a driver thread waited for a core there is a warning.
pub const DRIVER_WAITING_TOLD: f64 = 0.02;
/// A target that acknowledges less than this share of the issued operations is saturated.
pub const ACKNOWLEDGED_MIN: f64 = 0.95;
/// Above this share of the processors' time that the hypervisor took there is a warning.
pub const STOLEN_MAX: f64 = 0.005;
/// Above this share of the processors' time that was not idle, a warning says that the cores limit
/// the figures.
pub const PROCESSORS_BUSY_MAX: f64 = 0.90;
/// A server that used at least this share of its CPU quota was limited by it.
pub const QUOTA_USED_UP: f64 = 0.90;
/// Above this backlog at the start of the measured phase, as a share of the due operations, there
/// is a warning.
pub const BACKLOG_MAX: f64 = 0.001;
