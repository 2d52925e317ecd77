//! Waits until a server serves again after its fault was undone.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::protocol::zookeeper::four_letter;
use crate::target::{ServerHandle, parse_srvr};
use crate::workload::TargetShape;

/// Interval between two requests.
const ASK: Duration = Duration::from_millis(100);
/// Timeout for one answer.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(500);
/// Time for the start of the process and for an election.
const START: Duration = Duration::from_secs(10);

/// A server that was restarted or resumed.
#[derive(Clone, Debug)]
pub(super) struct Comeback {
    /// Index of the fault in the plan.
    pub(super) fault: u32,
    /// `restart` or `resume`.
    pub(super) action: String,
    /// Index of the server.
    pub(super) server: usize,
}

/// Returns how long a server may take until it serves: the time in which it must join its leader, and the
/// time for its start.
pub(super) fn limit(shape: &TargetShape) -> Duration {
    Duration::from_millis(
        shape
            .tick_time_ms
            .saturating_mul(u64::from(shape.init_limit)),
    ) + START
}

/// What a wait for a server needs.
pub(super) struct Wait<'a> {
    pub(super) address: SocketAddr,
    /// Its process. `None` if it has ended.
    pub(super) process: Option<&'a ServerHandle>,
    pub(super) limit: Duration,
    /// An interrupt ends the wait, because then nothing follows that needs the server.
    pub(super) stop: &'a AtomicBool,
}

impl Wait<'_> {
    /// Waits until the server serves. Returns false if its process ends, or if it does not serve in time.
    pub(super) fn serves(&self) -> bool {
        let began = Instant::now();
        loop {
            let answer = four_letter(self.address, "srvr", ANSWER_TIMEOUT).ok();
            if answer.and_then(|answer| parse_srvr(&answer)).is_some()
                || self.stop.load(Ordering::Relaxed)
            {
                return true;
            }
            if began.elapsed() >= self.limit || self.ends_within(ASK) {
                return false;
            }
        }
    }

    /// Waits for the end of the process. Returns whether it has come within `time`.
    fn ends_within(&self, time: Duration) -> bool {
        let Some(handle) = self.process else {
            return true;
        };
        let timeout = Timespec {
            tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(time.subsec_nanos()),
        };
        let mut polled = [PollFd::new(&handle.process, PollFlags::IN)];
        // After an error, the caller asks the server again.
        poll(&mut polled, Some(&timeout)).is_ok_and(|ended| ended > 0)
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_server_that_ended_or_does_not_serve_in_time_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let serves = |limit, stop| {
            Wait {
                address,
                process: None,
                limit,
                stop: &AtomicBool::new(stop),
            }
            .serves()
        };
        assert!(!serves(Duration::ZERO, false));
        assert!(!serves(Duration::from_secs(600), false), "the server ended");
        assert!(serves(Duration::ZERO, true), "an interrupt ends the wait");
    }

    #[test]
    fn the_limit_grows_with_the_time_to_join_a_leader() {
        let shape = TargetShape {
            tick_time_ms: 100,
            init_limit: 50,
            ..TargetShape::default()
        };
        assert_eq!(limit(&shape), Duration::from_secs(15));
    }
}
