//! Ctrl-C, SIGTERM and SIGHUP. The first signal asks a command to end. The second ends the program at once, and
//! the kernel then ends the servers that it had started. Either way the program ends by the signal, so that
//! a shell that runs it in a loop leaves the loop.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::low_level::emulate_default_handler;

/// Number of the last signal that asked this process to end; 0 = none.
static RECEIVED: OnceLock<Arc<AtomicUsize>> = OnceLock::new();

/// A flag that becomes true with the first signal.
///
/// # Errors
/// If the kernel does not let the signals be handled.
pub(super) fn flag() -> io::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let received = RECEIVED.get_or_init(Arc::default);
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        // In this order: the default handler sees the flag of an earlier signal only.
        flag::register_conditional_default(signal, Arc::clone(&stop))?;
        flag::register(signal, Arc::clone(&stop))?;
        let number = usize::try_from(signal).unwrap_or(0);
        flag::register_usize(signal, Arc::clone(received), number)?;
    }
    Ok(stop)
}

/// Ends the process by the signal that asked for it, if one did. Call this when everything is done.
pub(super) fn end_as_asked() {
    let received = RECEIVED.get().map(|number| number.load(Ordering::Relaxed));
    let signal = received.and_then(|number| i32::try_from(number).ok());
    if let Some(signal) = signal.filter(|number| *number > 0) {
        // If this fails, the process ends with its ordinary exit status.
        let _still_here = emulate_default_handler(signal);
    }
}
