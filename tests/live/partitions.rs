//! An ensemble behind proxies: every connection between servers goes through them, and cuts have the effect of cuts.
//! The tests of the bundled server and of Apache ZooKeeper share these steps.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path as FilePath;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use quorate::protocol::zookeeper::{AdminClient, four_letter};
use quorate::target::{
    Deployment, DeploymentConfig, Endpoint, Links, Member, Path, Software, parse_srvr,
};
use quorate::workload::{Network, Role, TargetShape};

/// Timeout for every wait. It is longer than any of them takes on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(60);

/// An ensemble of three voters and one observer behind proxies.
pub(crate) struct Ensemble {
    pub(crate) deployment: Deployment,
    pub(crate) members: Vec<Member>,
    _root: tempfile::TempDir,
}

impl Ensemble {
    pub(crate) fn start(software: &Software, network: Option<Network>) -> Self {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("deployment");
        let (deployment, members) = Deployment::start(&DeploymentConfig {
            software,
            shape: &TargetShape {
                voters: 3,
                observers: 1,
                tick_time_ms: 500,
                heap_mib: 128,
                network,
                ..TargetShape::default()
            },
            links: Links {
                servers: true,
                clients: true,
            },
            cores: None,
            quorate: env!("CARGO_BIN_EXE_quorate").as_ref(),
            dir: &dir,
            stop: &AtomicBool::new(false),
        })
        .unwrap();
        Self {
            deployment,
            members,
            _root: root,
        }
    }

    /// Returns the role of a server, which a direct connection asks for. `None` if it does not serve.
    fn role(&self, index: usize) -> Option<Role> {
        let answer = four_letter(self.members[index].address, "srvr", TIMEOUT).ok()?;
        parse_srvr(&answer).map(|srvr| srvr.role)
    }

    fn await_leader(&self, among: &[usize]) -> usize {
        await_some("a leader", || {
            let mut among = among.iter().copied();
            among.find(|index| self.role(*index) == Some(Role::Leader))
        })
    }

    fn await_role(&self, index: usize, role: Option<Role>) {
        await_some(&format!("{role:?} as the role of server {index}"), || {
            (self.role(index) == role).then_some(())
        });
    }

    /// Returns a client that is connected through the proxy of a server.
    fn client(&self, index: usize) -> AdminClient {
        let address = self.members[index].session_address();
        assert_ne!(address, self.members[index].address);
        await_some("a session", || {
            AdminClient::connect(&[address], TIMEOUT).ok()
        })
    }

    /// Checks that no server is connected directly to the quorum or election port of another one.
    fn assert_no_server_bypasses_the_proxy(&self) {
        let ports = self.peer_ports();
        let of_proxy = sockets_of(self.deployment.proxy_pid().unwrap());
        let mut carried = 0;
        for socket in established() {
            if ports.contains(&socket.remote_port) {
                assert!(
                    of_proxy.contains(&socket.inode),
                    "a server is connected directly: {socket:?}"
                );
                carried += 1;
            }
        }
        assert!(carried >= 3, "only {carried} connections between servers");
    }

    /// Returns the quorum and election ports on which the servers listen, from their own lines.
    fn peer_ports(&self) -> BTreeSet<u16> {
        let mut ports = BTreeSet::new();
        for id in 1..=self.members.len() {
            let path = self.deployment.dir().join(format!("server-{id}/zoo.cfg"));
            let text = fs::read_to_string(path).unwrap();
            let own = format!("server.{id}=");
            let line = text.lines().find_map(|line| line.strip_prefix(&own));
            let mut words = line.unwrap().split(':').skip(1);
            for _ in 0..2 {
                ports.insert(words.next().unwrap().parse().unwrap());
            }
        }
        ports
    }
}

fn await_some<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = attempt() {
            return found;
        }
        assert!(began.elapsed() < TIMEOUT, "waited in vain for {what}");
        std::thread::yield_now();
    }
}

/// An established connection, from the side that has `remote_port` at its other end.
#[derive(Debug)]
struct Established {
    remote_port: u16,
    inode: u64,
}

fn established() -> Vec<Established> {
    let text = fs::read_to_string("/proc/net/tcp").unwrap();
    let lines = text.lines().skip(1).map(|line| {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        (
            words[2].to_owned(),
            words[3].to_owned(),
            words[9].to_owned(),
        )
    });
    lines
        .filter(|(_, state, _)| state == "01")
        .map(|(remote, _, inode)| Established {
            remote_port: u16::from_str_radix(remote.split_once(':').unwrap().1, 16).unwrap(),
            inode: inode.parse().unwrap(),
        })
        .collect()
}

/// Returns the inodes of the sockets of a process.
fn sockets_of(pid: u32) -> BTreeSet<u64> {
    fs::read_dir(FilePath::new("/proc").join(pid.to_string()).join("fd"))
        .unwrap()
        .filter_map(|entry| {
            let link = fs::read_link(entry.unwrap().path()).ok()?;
            let name = link.to_str()?.to_owned();
            let inode = name.strip_prefix("socket:[")?.strip_suffix(']')?;
            inode.parse().ok()
        })
        .collect()
}

/// Returns the paths between `one` and each of `others`, in both directions.
fn around(one: usize, others: &[usize]) -> Vec<Path> {
    let both = |other: &usize| Path::both(Endpoint::Server(one), Endpoint::Server(*other));
    others.iter().flat_map(both).collect()
}

/// The leader is cut off from the others, which elect a new one. After the heal it follows.
pub(crate) fn a_leader_that_is_cut_off_stops_serving_and_rejoins(software: &Software) {
    let ensemble = Ensemble::start(software, Network::named("lan"));
    ensemble.assert_no_server_bypasses_the_proxy();
    let old = ensemble.await_leader(&[0, 1, 2]);
    ensemble.client(old).create("/before", b"x", 0).unwrap();
    let others: Vec<usize> = (0..4).filter(|index| *index != old).collect();
    let cut = around(old, &others);
    ensemble.deployment.cut(&cut).unwrap();
    let voters = &others[..2];
    let new = ensemble.await_leader(voters);
    ensemble.await_role(old, None);
    ensemble.client(new).create("/during", b"y", 0).unwrap();
    ensemble.deployment.heal(&cut).unwrap();
    ensemble.await_role(old, Some(Role::Follower));
    let mut rejoined = ensemble.client(old);
    // The server has joined when it serves, but `sync` makes sure that it has what was written before.
    rejoined.create("/after", b"z", 0).unwrap();
    assert_eq!(rejoined.get("/during").unwrap().data, b"y");
    ensemble.await_role(3, Some(Role::Observer));
    ensemble.assert_no_server_bypasses_the_proxy();
    ensemble.deployment.stop().unwrap();
}

/// Only what the leader sends is lost: the followers hear nothing of it and elect another one.
pub(crate) fn a_leader_that_is_not_heard_is_replaced(software: &Software) {
    let ensemble = Ensemble::start(software, None);
    let old = ensemble.await_leader(&[0, 1, 2]);
    let voters: Vec<usize> = (0..3).filter(|index| *index != old).collect();
    let cut: Vec<Path> = (0..4)
        .filter(|index| *index != old)
        .map(|index| Path {
            from: Endpoint::Server(old),
            to: Endpoint::Server(index),
        })
        .collect();
    ensemble.deployment.cut(&cut).unwrap();
    let new = ensemble.await_leader(&voters);
    ensemble.client(new).create("/during", b"y", 0).unwrap();
    ensemble.deployment.heal(&cut).unwrap();
    ensemble.await_role(old, Some(Role::Follower));
    ensemble.deployment.stop().unwrap();
}
