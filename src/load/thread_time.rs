//! Processor time that a thread used, and time that it waited for a processor.
//!
//! `procfs` needs a thread's number; `/proc/thread-self` does not.

use super::clock::{now_ns, thread_cpu_ns};
use crate::measure::DriverThread;

/// A reading of the calling thread's clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct ThreadTime {
    at_ns: i64,
    used_ns: i64,
    /// Time in the run queue; `None` where the kernel does not report it.
    waited_ns: Option<i64>,
}

impl ThreadTime {
    /// Reads the clocks of the calling thread.
    pub(super) fn now() -> Self {
        Self {
            at_ns: now_ns(),
            used_ns: thread_cpu_ns(),
            waited_ns: std::fs::read_to_string("/proc/thread-self/schedstat")
                .ok()
                .and_then(|text| waited_ns(&text)),
        }
    }

    /// Returns the shares of the time since this reading, for a thread with this priority. Call it
    /// on the same thread.
    pub(super) fn until_now(self, nice: i32) -> DriverThread {
        let now = Self::now();
        let passed_ns = now.at_ns - self.at_ns;
        let waited = self.waited_ns.zip(now.waited_ns);
        DriverThread {
            busy: share(now.used_ns - self.used_ns, passed_ns),
            waiting: waited.map(|(before, after)| share(after - before, passed_ns)),
            nice,
        }
    }
}

/// Returns the second of three numbers: time on the processor and time waiting for one, both in
/// nanoseconds, and the number of time slices (the kernel's
/// Documentation/scheduler/sched-stats.rst).
fn waited_ns(schedstat: &str) -> Option<i64> {
    schedstat.split_whitespace().nth(1)?.parse().ok()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a share needs no more than 53 bits"
)]
fn share(part: i64, whole: i64) -> f64 {
    if whole <= 0 {
        return 0.0;
    }
    part as f64 / whole as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_waiting_time_is_the_second_number() {
        assert_eq!(waited_ns("123456 789 12\n"), Some(789));
        assert_eq!(waited_ns(""), None);
    }

    #[test]
    fn a_thread_that_computes_is_busy() {
        let before = ThreadTime::now();
        let mut sum = 0_u64;
        while now_ns() - before.at_ns < 5_000_000 {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        let after = before.until_now(0);
        assert!(after.busy > 0.0, "{after:?}");
        assert!(after.busy <= 1.01, "{after:?}");
    }
}
