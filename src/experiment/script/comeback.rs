//! Waits until a server serves again after its fault was undone.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::protocol::zookeeper::four_letter;
use crate::target::parse_srvr;
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

impl Comeback {
    /// Waits until the server at `address` serves. Returns false if it does not within `limit`. An interrupt
    /// ends the wait, because then nothing follows that needs the server.
    pub(super) fn await_serving(
        &self,
        address: SocketAddr,
        limit: Duration,
        stop: &AtomicBool,
    ) -> bool {
        let began = Instant::now();
        loop {
            let answer = four_letter(address, "srvr", ANSWER_TIMEOUT).ok();
            if answer.and_then(|answer| parse_srvr(&answer)).is_some()
                || stop.load(Ordering::Relaxed)
            {
                return true;
            }
            if began.elapsed() >= limit {
                return false;
            }
            thread::sleep(ASK);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn comeback() -> Comeback {
        Comeback {
            fault: 0,
            action: "restart".to_owned(),
            server: 0,
        }
    }

    #[test]
    fn a_server_that_does_not_serve_is_given_up_after_the_limit() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let serves =
            |stop| comeback().await_serving(address, Duration::ZERO, &AtomicBool::new(stop));
        assert!(!serves(false));
        assert!(serves(true), "an interrupt ends the wait");
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
