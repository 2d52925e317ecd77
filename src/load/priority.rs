//! The priority of a driver thread.
//!
//! On few cores a server that a request has just woken takes the processor from the driver, and the
//! operation that is due next starts late for no fault of the target's. A driver of an open loop needs
//! little processor time, but at once; so it asks the kernel to be preferred, where it may (as root, or
//! within `RLIMIT_NICE`). A driver of a closed loop takes all it can get and must not starve the servers.

use rustix::process::{getpriority_process, setpriority_process};

/// What is asked for.
const PREFERRED: i32 = -20;

/// Prefers the calling thread, if that is allowed; its nice value then, or as it was.
pub(super) fn prefer() -> i32 {
    // Refused to most users: then the run goes on as it is, and the verdict looks at the lateness.
    let _refused = setpriority_process(None, PREFERRED);
    current()
}

/// The nice value of the calling thread.
pub(super) fn current() -> i32 {
    getpriority_process(None).unwrap_or(0)
}
