//! Strangers who open connections to the ports of the servers. They must not keep the servers from each
//! other, nor fill the memory or the log.

use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use super::client::{Bytes, Client, Hello, PING, Wire};
use super::servers::{Ensemble, Server, wait_for};

/// The connections of a port that may wait for an introduction or a greeting.
const NEWCOMERS_MAX: usize = 64;

/// Raises the soft limit of open files of this process to the hard limit.
pub(crate) fn allow_many_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Nofile).maximum;
    let current = maximum;
    setrlimit(Resource::Nofile, Rlimit { current, maximum }).unwrap();
}

/// Prepares three servers whose `initLimit` is longer than any test.
fn patient_servers() -> Ensemble {
    let ensemble = Ensemble::prepared(3, 0, "");
    for server in &ensemble.servers {
        let text = std::fs::read_to_string(server.config()).unwrap();
        let patient = text.replace("initLimit=40", "initLimit=4000");
        assert_ne!(text, patient);
        std::fs::write(server.config(), patient).unwrap();
    }
    ensemble
}

/// Sends a ping and reads its reply.
pub(crate) fn ping(client: &mut Client) {
    let frame = Bytes::new().int(-2).int(PING).framed();
    client.wire.send(&frame).unwrap();
    let reply = client.next().unwrap();
    assert_eq!((reply.xid, reply.err), (-2, 0));
}

/// Lines of the log that contain `text`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Logged {
    /// How many lines were written.
    pub(crate) lines: u64,
    /// How many lines these stand for: a line of a kind that was held back tells how many there were.
    pub(crate) told: u64,
}

pub(crate) fn logged(server: &Server, text: &str) -> Logged {
    let output = server.output();
    let tails: Vec<&str> = output
        .lines()
        .filter_map(|line| line.split_once(text))
        .map(|(_, tail)| tail)
        .collect();
    let counts = tails.iter().map(|tail| {
        let more = tail
            .rsplit_once(" (")
            .and_then(|(_, count)| count.strip_suffix(" more)"));
        more.map_or(1, |count| count.parse::<u64>().unwrap())
    });
    Logged {
        lines: tails.len() as u64,
        told: counts.sum(),
    }
}

/// Waits until the log has told of `count` events, and checks that it took one line a second at most.
fn assert_told(server: &Server, text: &str, count: u64, since: Instant) {
    let logged = wait_for("all of them to be logged", || {
        Some(logged(server, text)).filter(|logged| logged.told >= count)
    });
    assert_eq!(logged.told, count, "{text}");
    let most = 2 + since.elapsed().as_secs();
    assert!(logged.lines <= most, "{logged:?}, but {most} seconds");
}

#[test]
fn silent_connections_to_the_quorum_port_make_room_for_servers() {
    allow_many_files();
    let mut ensemble = patient_servers();
    ensemble.start_all();
    let leader = ensemble.leader();
    let follower = ensemble.follower();
    let mut bystander = Client::new(ensemble.servers[leader].client);
    let mut silent: Vec<Wire> = Vec::new();
    for at in 0..1_000 {
        silent.push(Wire::open(ensemble.servers[leader].quorum).unwrap());
        if at % 100 == 0 {
            ping(&mut bystander);
        }
    }
    for wire in &mut silent[..1_000 - NEWCOMERS_MAX] {
        assert_eq!(wire.until_closed(), b"");
    }
    ensemble.servers[follower].kill();
    ensemble.servers[follower].start();
    assert_eq!(ensemble.servers[follower].await_serving(), "follower");
    ping(&mut bystander);
    // The others are closed because they stay silent, and not because of initLimit.
    for wire in &mut silent[1_000 - NEWCOMERS_MAX..] {
        assert_eq!(wire.until_closed(), b"");
    }
    assert_eq!(ensemble.leader(), leader);
}

#[test]
fn an_introduction_that_is_too_long_is_not_kept() {
    let mut ensemble = patient_servers();
    ensemble.start_all();
    let leader = ensemble.leader();
    let address = ensemble.servers[leader].quorum;
    // FOLLOWERINFO with data of 500,000 bytes, of which most never arrive.
    let half = Bytes::new().int(11).long(0).int(500_000).raw(&[0; 8_000]);
    let mut wires: Vec<Wire> = (0..50)
        .map(|_| {
            let mut wire = Wire::open(address).unwrap();
            let _closed_while_sending = wire.send(&half.0);
            wire
        })
        .collect();
    for wire in &mut wires {
        assert_eq!(wire.until_closed(), b"");
    }
    let mut bystander = Client::new(ensemble.servers[leader].client);
    ping(&mut bystander);
    assert_eq!(ensemble.leader(), leader);
}

#[test]
fn a_storm_of_connections_to_the_quorum_port_takes_one_line_a_second() {
    let ensemble = Ensemble::start(3, 0);
    let leader = &ensemble.servers[ensemble.leader()];
    let mut bystander = Client::new(leader.client);
    let since = Instant::now();
    for at in 0..1_000 {
        drop(TcpStream::connect(leader.quorum).unwrap());
        if at % 100 == 0 {
            ping(&mut bystander);
        }
    }
    assert_told(
        leader,
        "a connection to the quorum port has ended before its introduction",
        1_000,
        since,
    );
    // An ACK before any introduction.
    let since = Instant::now();
    for _ in 0..200 {
        let mut wire = Wire::open(leader.quorum).unwrap();
        let ack = Bytes::new().int(3).long(0).int(-1).int(-1);
        wire.send(&ack.0).unwrap();
        assert_eq!(wire.until_closed(), b"");
    }
    assert_told(leader, "it sent Ack before its introduction", 200, since);
}

/// Keeps a connection open that sends nothing, and opens another one when it is closed.
fn stay_silent(address: SocketAddr, end: &AtomicBool) {
    while !end.load(Ordering::Relaxed) {
        if let Ok(mut wire) = Wire::open(address) {
            wire.until_closed();
        }
    }
}

/// Ends the threads, which return once the servers have closed their connections.
pub(crate) struct End<'a>(pub(crate) &'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_voter_comes_back_while_silent_connections_to_the_election_ports_are_renewed() {
    let mut ensemble = Ensemble::start(3, 0);
    let restarted = ensemble.follower();
    let healthy: Vec<SocketAddr> = (0..3)
        .filter(|index| *index != restarted)
        .map(|index| ensemble.servers[index].election)
        .collect();
    ensemble.servers[restarted].kill();
    let end = &AtomicBool::new(false);
    thread::scope(|scope| {
        let _end_threads = End(end);
        for address in healthy {
            for _ in 0..NEWCOMERS_MAX {
                scope.spawn(move || stay_silent(address, end));
            }
        }
        for _ in 0..3 {
            ensemble.servers[restarted].start();
            assert_eq!(ensemble.servers[restarted].await_serving(), "follower");
            ensemble.servers[restarted].kill();
        }
    });
}

#[test]
fn clients_that_are_ahead_take_one_line_a_second() {
    let ensemble = Ensemble::start(1, 0);
    let server = &ensemble.servers[0];
    let mut bystander = Client::new(server.client);
    let hello = Hello {
        last_zxid: i64::MAX,
        timeout_ms: 10_000,
        ..Hello::default()
    };
    let since = Instant::now();
    for at in 0..1_000 {
        let mut wire = Wire::open(server.client).unwrap();
        wire.send(&hello.bytes()).unwrap();
        assert_eq!(wire.until_closed(), b"");
        if at % 100 == 0 {
            ping(&mut bystander);
        }
    }
    assert_told(server, "refusing a client that has seen", 1_000, since);
}
