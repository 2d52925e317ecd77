//! The simulated cluster: servers, connections, clients and time.

mod changes;
mod checks;
mod clients;
mod disks;
mod disturb;
mod servers;
mod stalls;
mod wires;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};
use std::hash::DefaultHasher;

use quorate::ensemble::database::ConnId;
use quorate::ensemble::peer::Input;
use quorate::wire::jute::{Notification, PeerId};
use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

pub(crate) use self::checks::Coverage;
use self::clients::Client;
use self::disturb::Disturbance;
use self::servers::Server;
use self::stalls::Stall;
use self::wires::Wire;
use crate::disk::{Disk, Kept};
use crate::faults::{self, Chances, Fault};
use crate::history::History;

const TICK_MS: u64 = 200;

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Tick(usize, u64),
    Vote {
        from: usize,
        to: usize,
        id: u64,
    },
    Dial {
        from: usize,
        to: usize,
        wire: u64,
    },
    /// Bytes arrive at the leader's or the learner's end of a wire.
    Wire {
        wire: u64,
        to_leader: bool,
    },
    WireDown {
        wire: u64,
        to_leader: bool,
    },
    /// A leader may send more over a wire.
    Room(u64),
    /// A disk completes an operation, in this life of its server.
    Disk(usize, u64),
    /// A snapshot writer completes a snapshot, in this life of its server.
    Saved(usize, u64),
    /// A stopped process goes on.
    Wake(usize, u64),
    Kill(usize, u64),
    Start(usize),
    Client(usize),
    ClientUp(usize, ConnId),
    ClientBytes(usize, ConnId, Vec<u8>),
    ClientDown(usize, ConnId),
}

#[derive(Debug)]
pub(crate) struct Cluster {
    rng: Xoshiro256PlusPlus,
    now: u64,
    sequence: u64,
    events: BinaryHeap<Reverse<(u64, u64, Event)>>,
    servers: Vec<Server>,
    clients: Vec<Client>,
    wires: BTreeMap<u64, Wire>,
    votes: BTreeMap<u64, Notification>,
    /// The side of each server in a partition.
    cut: Vec<bool>,
    cut_active: bool,
    chances: Chances,
    /// How many entries a server recovers for its learners. With few, it sends them snapshots.
    committed_max: usize,
    snap_count: u64,
    /// Longest time that the snapshot writer takes, ms.
    longest_save_ms: u64,
    voters: BTreeSet<PeerId>,
    observers: BTreeSet<PeerId>,
    /// Small, so that the tree changes while a snapshot is written or sent.
    slice_bytes: usize,
    history: History,
    next_id: u64,
    log: VecDeque<String>,
    hasher: DefaultHasher,
    seen: Coverage,
}

impl Cluster {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let voters = [3, 3, 3, 5, 5, 7][rng.random_range(0..6)];
        let observers = [0, 0, 1, 2][rng.random_range(0..4)];
        let ids: Vec<PeerId> = (1..=voters + observers).map(PeerId).collect();
        let committed_max = [500, 5, 0][rng.random_range(0..3)];
        let snap_count = [20, 200, 1000][rng.random_range(0..3)];
        let longest_save_ms = [5, 150, 1500][rng.random_range(0..3)];
        let split = usize::try_from(voters).expect("small");
        let servers = ids
            .iter()
            .map(|id| Server {
                id: *id,
                peer: None,
                disk: Disk::default(),
                disk_busy: false,
                disk_slow_until: 0,
                life: 0,
                leader_wire: None,
                tick_at: u64::MAX,
                stall: Stall::default(),
                disturbance: Disturbance::default(),
            })
            .collect();
        let clients = (0..rng.random_range(2..6))
            .map(|_| Client::default())
            .collect();
        let mut cluster = Self {
            rng,
            now: 0,
            sequence: 0,
            events: BinaryHeap::new(),
            cut: vec![false; ids.len()],
            servers,
            clients,
            wires: BTreeMap::new(),
            votes: BTreeMap::new(),
            cut_active: false,
            chances: Chances::default(),
            committed_max,
            snap_count,
            longest_save_ms,
            voters: ids[..split].iter().copied().collect(),
            observers: ids[split..].iter().copied().collect(),
            slice_bytes: 0,
            history: History::default(),
            next_id: 1,
            log: VecDeque::new(),
            hasher: DefaultHasher::new(),
            seen: Coverage::default(),
        };
        cluster.slice_bytes = cluster.rng.random_range(100..3000);
        for server in 0..cluster.servers.len() {
            cluster.start(server);
        }
        for client in 0..cluster.clients.len() {
            cluster.after(500, Event::Client(client));
        }
        cluster
    }

    pub(crate) fn report_syncs_early(&mut self) {
        for server in &mut self.servers {
            server.disk.syncs_early = true;
        }
    }

    /// Runs with load and faults.
    pub(crate) fn with_faults(&mut self) {
        self.run_for(1500);
        self.chances = Chances::draw(&mut self.rng);
        for (pause, fault) in faults::plan(&mut self.rng, self.servers.len()) {
            self.note(format!("fault {fault:?}"));
            self.inflict(fault);
            self.run_for(pause);
        }
    }

    /// Ends all faults and starts the killed servers.
    pub(crate) fn heal(&mut self) {
        self.cut_active = false;
        self.chances = Chances {
            split: self.chances.split,
            ..Chances::default()
        };
        for server in 0..self.servers.len() {
            self.servers[server].disk_slow_until = 0;
            self.wake(server, self.servers[server].life);
            if self.servers[server].peer.is_none() {
                self.start(server);
            }
        }
    }

    fn inflict(&mut self, fault: Fault) {
        match fault {
            Fault::Crash { server, kept } => self.crash(server, kept),
            Fault::CrashLeader { kept } => {
                if let Some(server) = self.leader() {
                    self.crash(server, kept);
                }
            }
            Fault::WipeObserver => {
                let first = self.voters.len();
                if first < self.servers.len() {
                    let server = self.rng.random_range(first..self.servers.len());
                    self.crash(server, Kept { ops: 0, saves: 0 });
                    self.servers[server].disk = Disk::default();
                    self.start(server);
                }
            }
            Fault::Blackout => {
                for server in 0..self.servers.len() {
                    let kept = faults::kept(&mut self.rng);
                    self.crash(server, kept);
                    let pause = self.rng.random_range(0..400);
                    self.after(pause, Event::Start(server));
                }
            }
            Fault::Stall { server, ms } => self.stall(server, ms),
            Fault::StallLeader { ms } => {
                if let Some(server) = self.leader() {
                    self.stall(server, ms);
                }
            }
            Fault::IsolateLeader => {
                if let Some(leader) = self.leader() {
                    self.cut = (0..self.servers.len())
                        .map(|server| server == leader)
                        .collect();
                    self.cut_active = true;
                }
            }
            Fault::Restart { server } => {
                if self.servers[server].peer.is_none() {
                    self.start(server);
                }
            }
            Fault::Partition { side } => {
                self.cut = side;
                self.cut_active = true;
            }
            Fault::Heal => self.cut_active = false,
            Fault::Break { server } => {
                if let Some(wire) = self.servers[server].leader_wire {
                    self.break_wire(wire);
                }
            }
            Fault::SlowDisk { server, ms } => {
                self.servers[server].disk_slow_until = self.now + ms;
            }
        }
    }

    fn after(&mut self, ms: u64, event: Event) {
        self.sequence += 1;
        self.events
            .push(Reverse((self.now + ms, self.sequence, event)));
    }

    fn delay(&mut self) -> u64 {
        if self.rng.random_bool(0.02) {
            self.rng.random_range(0..80)
        } else {
            self.rng.random_range(0..3)
        }
    }

    fn run_for(&mut self, ms: u64) {
        let end = self.now + ms;
        while let Some(Reverse((at, _, _))) = self.events.peek() {
            if *at > end {
                break;
            }
            let Some(Reverse((at, _, event))) = self.events.pop() else {
                break;
            };
            self.now = at;
            self.handle(event);
        }
        self.now = end;
        self.check_prefixes();
    }

    fn handle(&mut self, event: Event) {
        let Some(event) = self.unless_stopped(event) else {
            return;
        };
        match event {
            Event::Tick(server, at) => {
                if self.servers[server].tick_at == at {
                    self.servers[server].tick_at = u64::MAX;
                    self.tick(server);
                }
            }
            Event::Vote { from, to, id } => {
                let message = self.votes.remove(&id).expect("each vote arrives once");
                if !self.is_cut(from, to) {
                    let from = self.servers[from].id;
                    self.step(to, Input::Vote(from, message));
                }
            }
            Event::Dial { from, to, wire } => self.dialled(from, to, wire),
            Event::Wire { wire, to_leader } => self.arrive(wire, to_leader),
            Event::WireDown { wire, to_leader } => self.wire_down(wire, to_leader),
            Event::Room(wire) => self.room(wire),
            Event::Disk(server, life) => self.disk_done(server, life),
            Event::Saved(server, life) => self.snapshot_saved(server, life),
            Event::Wake(server, life) => self.wake(server, life),
            Event::Kill(server, life) => self.kill_synchronised(server, life),
            Event::Start(server) => {
                if self.servers[server].peer.is_none() {
                    self.start(server);
                }
            }
            Event::Client(client) => self.client_turn(client),
            Event::ClientUp(server, conn) => {
                self.step(server, Input::ClientUp(conn, "127.0.0.1"));
            }
            Event::ClientBytes(server, conn, bytes) => {
                self.step(server, Input::ClientBytes(conn, &bytes));
            }
            Event::ClientDown(server, conn) => {
                self.step(server, Input::ClientDown(conn));
            }
        }
    }
}
