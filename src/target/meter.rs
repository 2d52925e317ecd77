//! Measures the resources that local servers use in the measured phase. It takes one reading at the beginning
//! of the phase and one at the end.
//!
//! The calling thread reads `/proc`. The number of syncs comes from each server's answer to `mntr`. A separate
//! thread sends these requests, to all servers at the same time, so that neither the driver nor its collector
//! waits for an answer.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::answers::parse_mntr;
use super::quota::ThrottleGauge;
use super::usage::Usage;
use crate::measure::{Recording, Throttled};
use crate::protocol::zookeeper::four_letter;

/// Timeout for an answer. The counters in a later answer would not belong to the moment of the reading.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(250);
/// Name of the number of log syncs in the answer to `mntr`, without the prefix `zk_`. Apache ZooKeeper has this
/// counter since 3.6.
const SYNCS: &str = "cnt_fsynctime";

/// One reading of all servers, by index.
type Readings<T> = Vec<Option<T>>;

#[derive(Clone, Debug)]
pub(super) struct MeteredServer {
    pub(super) pid: u32,
    /// Address of the client port.
    pub(super) address: SocketAddr,
    /// `None` if the server has no CPU quota.
    pub(super) gauge: Option<ThrottleGauge>,
}

/// What the calling thread reads of a server.
#[derive(Clone, Copy, Debug)]
struct Reading {
    usage: Option<Usage>,
    throttled: Option<Throttled>,
}

/// Measures the resources that servers use between two readings.
#[derive(Debug)]
pub struct Meter {
    servers: Vec<MeteredServer>,
    read: Mutex<Vec<Readings<Reading>>>,
    asks: Sender<()>,
    asking: JoinHandle<Vec<Readings<u64>>>,
}

impl Meter {
    pub(super) fn new(servers: &[MeteredServer]) -> Self {
        Self::with_timeout(servers, ANSWER_TIMEOUT)
    }

    fn with_timeout(servers: &[MeteredServer], timeout: Duration) -> Self {
        let (asks, asked) = channel();
        let addresses: Vec<SocketAddr> = servers.iter().map(|server| server.address).collect();
        Self {
            servers: servers.to_vec(),
            read: Mutex::default(),
            asks,
            asking: thread::spawn(move || answer(&asked, &addresses, timeout)),
        }
    }

    /// Takes a reading. Call it when the measured phase begins and when it ends.
    pub fn read(&self) {
        // The receiving thread runs as long as this value exists.
        let _sent = self.asks.send(());
        let readings = self.servers.iter().map(|server| {
            Some(Reading {
                usage: Usage::of(server.pid),
                throttled: server.gauge.as_ref().and_then(ThrottleGauge::read),
            })
        });
        let readings = readings.collect();
        let mut read = self
            .read
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        read.push(readings);
    }

    /// Adds the differences of the two readings to the recording. Figures without two readings stay empty.
    pub fn fill(self, recording: &mut Recording) {
        drop(self.asks);
        let syncs = self.asking.join().unwrap_or_default();
        let read = self
            .read
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        for (index, server) in recording.servers.iter_mut().enumerate() {
            if let Some([before, after]) = both(&read, index) {
                let used = after.usage.zip(before.usage);
                if let Some(used) = used.and_then(|(after, before)| after.since(&before)) {
                    server.cpu_s = Some(used.cpu_s);
                    server.disk_written_bytes = used.disk_written_bytes;
                }
                let throttled = after.throttled.zip(before.throttled);
                server.throttled = throttled.and_then(|(after, before)| after.since(before));
            }
            server.syncs =
                both(&syncs, index).and_then(|[before, after]| after.checked_sub(before));
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

    fn metered(pid: u32, address: SocketAddr) -> MeteredServer {
        MeteredServer {
            pid,
            address,
            gauge: None,
        }
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
        let servers = [metered(me, counting), metered(u32::MAX, refusing)];
        let meter = Meter::with_timeout(&servers, TIMEOUT);
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
        let servers = [metered(me, server(["zk_cnt_fsynctime\t7\n", ""]))];
        let meter = Meter::with_timeout(&servers, TIMEOUT);
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
