//! Applies the CPU quota of the servers during the warm-up of a load.
//!
//! Servers start, and data is prepared, without the quota: under 3 % of a core a Java server would start for minutes.
//! The first part of the warm-up has no quota either, so that a Java server compiles what the load needs. The rest
//! lets the servers and the load settle under the quota before anything is measured.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::Duration;

use crate::load::clock::now_ns;
use crate::target::CpuQuota;

/// Longest time under the quota before the measured phase. It is 60 of the usual periods.
const SETTLING_MS: u64 = 3_000;

/// Returns how long before the measured phase the quota is applied: 3 s, or half of a warm-up that is shorter than
/// 6 s.
fn settling(warm_up_ms: u64) -> Duration {
    Duration::from_millis(SETTLING_MS.min(warm_up_ms / 2))
}

/// A thread that applies the quota in time. [`Applying::end`] lifts it.
#[derive(Debug)]
pub(super) struct Applying<'scope> {
    quota: &'scope CpuQuota,
    thread: ScopedJoinHandle<'scope, io::Result<()>>,
}

/// Tells the thread when the measured phase begins. When it is dropped, the load has ended.
pub(super) type StartTeller = Sender<i64>;

impl<'scope> Applying<'scope> {
    /// Starts the thread.
    pub(super) fn start<'env>(
        scope: &'scope Scope<'scope, 'env>,
        quota: &'scope CpuQuota,
        warm_up_ms: u64,
    ) -> (Self, StartTeller) {
        let (teller, start) = channel();
        let thread = scope.spawn(move || apply_in_time(&start, settling(warm_up_ms), quota));
        (Self { quota, thread }, teller)
    }

    /// Lifts the quota. Drop the teller before.
    ///
    /// # Errors
    /// If the kernel refused to apply or to lift the quota.
    pub(super) fn end(self) -> io::Result<()> {
        let applied = self.thread.join().unwrap_or(Ok(()));
        applied.and(self.quota.lift())
    }
}

fn apply_in_time(start: &Receiver<i64>, settling: Duration, quota: &CpuQuota) -> io::Result<()> {
    let Ok(start_ns) = start.recv() else {
        return Ok(());
    };
    let until_start = u64::try_from(start_ns - now_ns()).unwrap_or(0);
    let wait = Duration::from_nanos(until_start).saturating_sub(settling);
    match start.recv_timeout(wait) {
        Err(RecvTimeoutError::Disconnected) => Ok(()),
        Ok(_) | Err(RecvTimeoutError::Timeout) => quota.apply(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quota_settles_for_three_seconds_or_half_of_a_short_warm_up() {
        let settling_ms = |warm_up_ms| settling(warm_up_ms).as_millis();
        assert_eq!(settling_ms(20_000), 3_000);
        assert_eq!(settling_ms(2_000), 1_000);
        assert_eq!(settling_ms(0), 0);
    }
}
