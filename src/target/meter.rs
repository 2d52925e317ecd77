//! What local servers used in the measured phase: read when it begins and when it ends.
//!
//! `/proc` is read by the thread that says that the phase begins or ends. Syncs are counted by the servers
//! themselves: a thread of its own asks each for one `mntr`, all at the same time, so that neither the
//! driver nor its collector waits for an answer.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::answers::parse_mntr;
use super::usage::Usage;
use crate::measure::Recording;
use crate::protocol::zookeeper::four_letter;

/// An answer that takes longer tells of another moment than the one it was asked at.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(250);
/// Syncs of the log in the answer to `mntr`, without its `zk_`: Apache ZooKeeper counts them since 3.6.
const SYNCS: &str = "cnt_fsynctime";

/// One reading of one kind, by server.
type Readings<T> = Vec<Option<T>>;

/// A server that is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct MeteredServer {
    pub(super) pid: u32,
    /// Its client port.
    pub(super) address: SocketAddr,
}

/// Reads what servers used between two moments.
#[derive(Debug)]
pub struct Meter {
    pids: Vec<u32>,
    usages: Mutex<Vec<Readings<Usage>>>,
    asks: Sender<()>,
    asking: JoinHandle<Vec<Readings<u64>>>,
}

impl Meter {
    pub(super) fn new(servers: &[MeteredServer]) -> Self {
        Self::with_timeout(servers, ANSWER_TIMEOUT)
    }

    /// Each server may take `timeout` over an answer.
    fn with_timeout(servers: &[MeteredServer], timeout: Duration) -> Self {
        let (asks, asked) = channel();
        let addresses: Vec<SocketAddr> = servers.iter().map(|server| server.address).collect();
        Self {
            pids: servers.iter().map(|server| server.pid).collect(),
            usages: Mutex::default(),
            asks,
            asking: thread::spawn(move || answer(&asked, &addresses, timeout)),
        }
    }

    /// Reads now: once when the measured phase begins, and once when it ends.
    pub fn read(&self) {
        // The thread that asks ends with this value only.
        let _still_there = self.asks.send(());
        let usages = self.pids.iter().map(|pid| Usage::of(*pid)).collect();
        let mut read = self
            .usages
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        read.push(usages);
    }

    /// Adds what was used between the two readings. What was not read twice stays missing.
    pub fn fill(self, recording: &mut Recording) {
        drop(self.asks);
        let syncs = self.asking.join().unwrap_or_default();
        let usages = self
            .usages
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        for (index, server) in recording.servers.iter_mut().enumerate() {
            if let Some([before, after]) = both(&usages, index)
                && let Some(used) = after.since(&before)
            {
                server.cpu_s = Some(used.cpu_s);
                server.disk_written_bytes = used.disk_written_bytes;
            }
            server.syncs =
                both(&syncs, index).and_then(|[before, after]| after.checked_sub(before));
        }
    }
}

/// The two readings of the server at `index`.
fn both<T: Copy>(readings: &[Readings<T>], index: usize) -> Option<[T; 2]> {
    let [before, after] = readings else {
        return None;
    };
    Some([(*before.get(index)?)?, (*after.get(index)?)?])
}

/// Asks all servers as often as it is told to.
fn answer(asked: &Receiver<()>, addresses: &[SocketAddr], timeout: Duration) -> Vec<Readings<u64>> {
    asked
        .iter()
        .map(|()| {
            thread::scope(|scope| {
                let asking: Vec<_> = addresses
                    .iter()
                    .map(|address| scope.spawn(move || syncs(*address, timeout)))
                    .collect();
                asking
                    .into_iter()
                    .map(|thread| thread.join().ok().flatten())
                    .collect()
            })
        })
        .collect()
}

fn syncs(address: SocketAddr, timeout: Duration) -> Option<u64> {
    let answer = four_letter(address, "mntr", timeout).ok()?;
    count(*parse_mntr(&answer).get(SYNCS)?)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count between 0 and 2^53"
)]
fn count(value: f64) -> Option<u64> {
    (0.0..9e15).contains(&value).then_some(value as u64)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;
    use crate::measure::ServerRun;

    const PATIENCE: Duration = Duration::from_secs(60);

    /// Answers two words, then goes.
    fn server(answers: [&'static str; 2]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut word = [0; 4];
                stream.read_exact(&mut word).unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        address
    }

    fn metered(pid: u32, address: SocketAddr) -> MeteredServer {
        MeteredServer { pid, address }
    }

    fn recording(servers: usize) -> Recording {
        Recording {
            servers: vec![ServerRun::default(); servers],
            ..Recording::default()
        }
    }

    #[test]
    fn the_difference_between_both_readings_is_told_and_what_is_not_known_is_missing() {
        let me = std::process::id();
        let counting = server(["zk_cnt_fsynctime\t7\n", "zk_cnt_fsynctime\t19\n"]);
        let mute = server(["mntr is not executed\n", ""]);
        let meter =
            Meter::with_timeout(&[metered(me, counting), metered(u32::MAX, mute)], PATIENCE);
        meter.read();
        meter.read();
        let mut recording = recording(2);
        meter.fill(&mut recording);
        let [first, second] = recording.servers.as_slice() else {
            panic!("{recording:?}");
        };
        assert!(first.cpu_s.is_some(), "{first:?}");
        assert_eq!(first.syncs, Some(12));
        assert_eq!((second.cpu_s, second.syncs), (None, None));
    }

    #[test]
    fn a_phase_that_never_ended_has_no_figures() {
        let me = std::process::id();
        let meter = Meter::with_timeout(
            &[metered(me, server(["zk_cnt_fsynctime\t7\n", ""]))],
            PATIENCE,
        );
        meter.read();
        let mut recording = recording(1);
        meter.fill(&mut recording);
        assert_eq!(recording.servers[0], ServerRun::default());
    }

    #[test]
    fn a_count_is_a_whole_number_that_is_not_negative() {
        assert_eq!(count(12.0), Some(12));
        assert_eq!(count(-1.0), None);
        assert_eq!(count(1e300), None);
    }
}
