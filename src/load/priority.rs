//! The priority of a driver thread.
//!
//! On few cores, a server that a request wakes can take the processor from the driver. The next
//! operation then starts late, which is not the target's fault. The driver of an open loop needs
//! little processor time but needs it at once, so it raises its priority where the kernel allows
//! that (as root, or within `RLIMIT_NICE`). The driver of a closed loop uses all the time that it
//! gets and must not starve the servers.

use rustix::process::{getpriority_process, setpriority_process};

/// The nice value to set.
const PREFERRED: i32 = -20;

/// Raises the priority of the calling thread if that is allowed. Returns the resulting nice value.
pub(super) fn prefer() -> i32 {
    // Most users may not do this. The run continues, and the verdict checks how late operations
    // were.
    let _refused = setpriority_process(None, PREFERRED);
    current()
}

/// Returns the nice value of the calling thread.
pub(super) fn current() -> i32 {
    getpriority_process(None).unwrap_or(0)
}
