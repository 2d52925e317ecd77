//! Handles Ctrl-C (SIGINT), SIGTERM and SIGHUP. The first signal sets a flag, and the command ends in an orderly
//! way. The second signal ends the program at once, and the kernel then ends the servers that it had started. In
//! both cases the process ends by the signal, so that a shell that runs it in a loop leaves the loop.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::low_level::emulate_default_handler;

/// Number of the last signal that was received, or 0.
static RECEIVED: OnceLock<Arc<AtomicUsize>> = OnceLock::new();

/// Returns a flag that becomes true with the first signal.
///
/// # Errors
/// If the signal handlers cannot be installed.
pub(super) fn flag() -> io::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let received = RECEIVED.get_or_init(Arc::default);
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        // Handlers run in the order of registration. The conditional default must run before the flag is set, so
        // that it acts only on a second signal.
        flag::register_conditional_default(signal, Arc::clone(&stop))?;
        flag::register(signal, Arc::clone(&stop))?;
        let number = usize::try_from(signal).unwrap_or(0);
        flag::register_usize(signal, Arc::clone(received), number)?;
    }
    Ok(stop)
}

/// Ends the process by the received signal, if there is one. Call this as the last action of the program.
pub(super) fn end_by_signal() {
    let received = RECEIVED.get().map(|number| number.load(Ordering::Relaxed));
    let signal = received.and_then(|number| i32::try_from(number).ok());
    if let Some(signal) = signal.filter(|number| *number > 0) {
        // If this fails, the process ends with its ordinary exit status.
        let _failed = emulate_default_handler(signal);
    }
}
