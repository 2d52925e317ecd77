//! Measures the resources that local servers use in the measured phase. It takes one reading at the beginning
//! of the phase and one at the end.
//!
//! The calling thread reads `/proc`. The number of syncs comes from each server's answer to `mntr`. A separate
//! thread sends these requests, to all servers at the same time, so that neither the driver nor its collector
//! waits for an answer.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::answers::parse_mntr;
use super::usage::ServerUsage;
use crate::measure::{Recording, Throttled};
use crate::protocol::zookeeper::four_letter;

/// Timeout for an answer. The counters in a later answer would not belong to the moment of the reading.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(250);
/// Name of the number of log syncs in the answer to `mntr`, without the prefix `zk_`. Apache ZooKeeper has this
/// counter since 3.6.
const SYNCS: &str = "cnt_fsynctime";

/// One reading of all servers, by index.
pub(super) type Readings<T> = Vec<Option<T>>;

/// What the calling thread reads of a server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) usage: ServerUsage,
    /// `None` if the server has no CPU quota.
    pub(super) throttled: Option<Throttled>,
}

/// Reads the usage of all servers.
pub(super) type ReadUsages<'a> = Box<dyn Fn() -> Readings<Reading> + Send + Sync + 'a>;

/// Measures the resources that servers use between two readings.
pub struct Meter<'a> {
    read_usages: ReadUsages<'a>,
    usages: Mutex<Vec<Readings<Reading>>>,
    asks: Sender<()>,
    asking: JoinHandle<Vec<Readings<u64>>>,
}

impl fmt::Debug for Meter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meter")
            .field("usages", &self.usages)
            .finish_non_exhaustive()
    }
}

impl<'a> Meter<'a> {
    /// Makes a meter for the servers with these client ports.
    pub(super) fn new(addresses: Vec<SocketAddr>, read_usages: ReadUsages<'a>) -> Self {
        Self::with_timeout(addresses, read_usages, ANSWER_TIMEOUT)
    }

    fn with_timeout(
        addresses: Vec<SocketAddr>,
        read_usages: ReadUsages<'a>,
        timeout: Duration,
    ) -> Self {
        let (asks, asked) = channel();
        Self {
            read_usages,
            usages: Mutex::default(),
            asks,
            asking: thread::spawn(move || answer(&asked, &addresses, timeout)),
        }
    }

    /// Takes a reading. Call it when the measured phase begins and when it ends.
    pub fn read(&self) {
        // The receiving thread runs as long as this value exists.
        let _sent = self.asks.send(());
        let usages = (self.read_usages)();
        let mut read = self
            .usages
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        read.push(usages);
    }

    /// Adds the differences of the two readings to the recording. Figures without two readings stay empty.
    pub fn fill(self, recording: &mut Recording) {
        drop(self.asks);
        let syncs = self.asking.join().unwrap_or_default();
        let usages = self
            .usages
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        for (index, server) in recording.servers.iter_mut().enumerate() {
            let Some([before, after]) = both(&usages, index) else {
                continue;
            };
            let throttled = after.throttled.zip(before.throttled);
            server.throttled = throttled.and_then(|(after, before)| after.since(before));
            let (before, after) = (before.usage, after.usage);
            if let Some(used) = after.since(&before) {
                server.cpu_s = Some(used.cpu_s);
                server.disk_written_bytes = used.disk_written_bytes;
            }
            // A restarted server counts its syncs from 0 again.
            if after.is_same_process(&before) {
                server.syncs =
                    both(&syncs, index).and_then(|[before, after]| after.checked_sub(before));
            }
        }
    }
}

/// Returns the two readings of the server at `index`, or `None` if there are not exactly two.
fn both<T: Copy>(readings: &[Readings<T>], index: usize) -> Option<[T; 2]> {
    let [before, after] = readings else {
        return None;
    };
    Some([(*before.get(index)?)?, (*after.get(index)?)?])
}

/// Takes one reading of all servers for each message.
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

    use super::super::usage::{EndedUsage, Usage};
    use super::*;
    use crate::measure::ServerRun;

    const TIMEOUT: Duration = Duration::from_secs(60);

    /// Starts a server that answers two requests.
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

    fn meter(servers: &[(u32, SocketAddr)]) -> Meter<'static> {
        let pids: Vec<u32> = servers.iter().map(|(pid, _)| *pid).collect();
        let read = move || {
            let server = |pid: &u32| {
                Usage::of(*pid).map(|process| Reading {
                    usage: ServerUsage {
                        ended: EndedUsage::default(),
                        current: Some(process),
                    },
                    throttled: None,
                })
            };
            pids.iter().map(server).collect()
        };
        let addresses = servers.iter().map(|(_, address)| *address).collect();
        Meter::with_timeout(addresses, Box::new(read), TIMEOUT)
    }

    fn recording(servers: usize) -> Recording {
        Recording {
            servers: vec![ServerRun::default(); servers],
            ..Recording::default()
        }
    }

    #[test]
    fn the_meter_records_differences_and_leaves_unknown_figures_empty() {
        let me = std::process::id();
        let counting = server(["zk_cnt_fsynctime\t7\n", "zk_cnt_fsynctime\t19\n"]);
        let refusing = server(["mntr is not executed\n", ""]);
        let meter = meter(&[(me, counting), (u32::MAX, refusing)]);
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
    fn a_phase_without_a_second_reading_has_no_figures() {
        let me = std::process::id();
        let meter = meter(&[(me, server(["zk_cnt_fsynctime\t7\n", ""]))]);
        meter.read();
        let mut recording = recording(1);
        meter.fill(&mut recording);
        assert_eq!(recording.servers[0], ServerRun::default());
    }

    #[test]
    fn negative_and_huge_counts_are_rejected() {
        assert_eq!(count(12.0), Some(12));
        assert_eq!(count(-1.0), None);
        assert_eq!(count(1e300), None);
    }
}
