//! Servers, connections, clients and time, all simulated.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};

use quorate::ensemble::database::ConnId;
use quorate::ensemble::peer::{Effect, Effects, Input, LinkId, Mode, Now, Peer, Settings};
use quorate::wire::jute::{
    Acl, ConnectRequest, ConnectResponse, CreateRequest, ErrorCode, Notification, OpCode, PeerId,
    Reader, ReplyHeader, RequestHeader, SessionId, Zxid,
};
use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::disk::{Disk, Op};
use crate::faults::{self, Fault};
use crate::history::History;

const TICK_MS: u64 = 200;
/// The liveness phase must end within this much simulated time.
const SETTLE_MS: u64 = 60_000;

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
    /// Bytes at the other end of a wire, towards the leader or the learner.
    Wire {
        wire: u64,
        to_leader: bool,
    },
    WireDown {
        wire: u64,
        to_leader: bool,
    },
    Disk(usize, u64),
    Client(usize),
}

/// A connection from a learner to a leader.
#[derive(Debug)]
struct Wire {
    learner: usize,
    leader: usize,
    up: bool,
    to_leader: Vec<u8>,
    to_learner: Vec<u8>,
    /// In flight: chunks that arrive in order.
    flying: [VecDeque<Vec<u8>>; 2],
}

#[derive(Debug)]
struct Server {
    id: PeerId,
    peer: Option<Peer>,
    disk: Disk,
    disk_busy: bool,
    disk_slow_until: u64,
    /// Counts restarts, so that events of a former life are ignored.
    life: u64,
    leader_wire: Option<u64>,
    tick_at: u64,
}

#[derive(Debug, Default)]
struct Client {
    server: Option<usize>,
    conn: u64,
    connected: bool,
    inbox: Vec<u8>,
    sent: VecDeque<(i32, String)>,
    xid: i32,
    counter: u64,
}

/// The whole world.
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
    cut: Vec<bool>,
    cut_active: bool,
    voters: BTreeSet<PeerId>,
    observers: BTreeSet<PeerId>,
    history: History,
    next_id: u64,
    log: VecDeque<String>,
    hasher: DefaultHasher,
    seen: Coverage,
}

/// What a run went through, so that a test can tell that the seeds reach what they should.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Coverage {
    pub(crate) acknowledged: usize,
    pub(crate) elections: usize,
    pub(crate) diffs: usize,
    pub(crate) truncations: usize,
    pub(crate) snapshots_sent: usize,
    pub(crate) snapshots_taken: usize,
}

impl Coverage {
    pub(crate) fn add(&mut self, other: Self) {
        self.acknowledged += other.acknowledged;
        self.elections += other.elections;
        self.diffs += other.diffs;
        self.truncations += other.truncations;
        self.snapshots_sent += other.snapshots_sent;
        self.snapshots_taken += other.snapshots_taken;
    }
}

impl Cluster {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let voters = [3, 3, 3, 5, 5, 7][rng.random_range(0..6)];
        let observers = [0, 0, 1, 2][rng.random_range(0..4)];
        let ids: Vec<PeerId> = (1..=voters + observers).map(PeerId).collect();
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
            voters: ids[..split].iter().copied().collect(),
            observers: ids[split..].iter().copied().collect(),
            history: History::default(),
            next_id: 1,
            log: VecDeque::new(),
            hasher: DefaultHasher::new(),
            seen: Coverage::default(),
        };
        for server in 0..cluster.servers.len() {
            cluster.start(server);
        }
        for client in 0..cluster.clients.len() {
            cluster.after(500, Event::Client(client));
        }
        cluster
    }

    pub(crate) fn make_disks_lie(&mut self) {
        for server in &mut self.servers {
            server.disk.lies = true;
        }
    }

    /// Load and faults.
    pub(crate) fn with_faults(&mut self) {
        self.run_for(1500);
        for (pause, fault) in faults::plan(&mut self.rng, self.servers.len()) {
            self.note(format!("fault {fault:?}"));
            self.inflict(fault);
            self.run_for(pause);
        }
    }

    /// The faults end.
    pub(crate) fn heal(&mut self) {
        self.cut_active = false;
        for server in 0..self.servers.len() {
            self.servers[server].disk_slow_until = 0;
            if self.servers[server].peer.is_none() {
                self.start(server);
            }
        }
    }

    /// Everybody must come to serve and hold the same tree with every acknowledged write.
    pub(crate) fn settle(&mut self) {
        let deadline = self.now + SETTLE_MS;
        while !self.all_serve() {
            assert!(
                self.now < deadline,
                "no ensemble within {SETTLE_MS} ms: {}",
                self.modes()
            );
            self.run_for(50);
        }
        let before = self.history.len();
        self.run_for(3000);
        assert!(
            self.history.len() > before,
            "a healed ensemble acknowledges writes"
        );
        for client in &mut self.clients {
            client.server = None; // no more load
            client.conn = 0;
        }
        self.events
            .retain(|Reverse((_, _, event))| !matches!(event, Event::Client(_)));
        let deadline = self.now + SETTLE_MS;
        while !(self.all_serve() && self.agree()) {
            assert!(
                self.now < deadline,
                "the trees still differ: {}",
                self.modes()
            );
            self.run_for(50);
        }
        for (at, server) in self.servers.iter().enumerate() {
            let mut database = quorate::ensemble::database::Database::new();
            if let Some(peer) = &server.peer {
                let mut body = Vec::new();
                peer.database().encode_snapshot(&mut body);
                let mut decoder = quorate::ensemble::database::SnapshotDecoder::new();
                decoder.feed(&body).expect("our own snapshot");
                database = decoder.finish().expect("our own snapshot");
            }
            self.history.check(at, &mut database);
        }
    }

    fn all_serve(&self) -> bool {
        self.servers
            .iter()
            .all(|s| s.peer.as_ref().is_some_and(Peer::is_serving))
    }

    fn agree(&self) -> bool {
        let trees: Vec<(Zxid, Vec<u8>)> = self
            .trees()
            .into_iter()
            .map(|(_, zxid, tree)| (zxid, tree))
            .collect();
        trees.windows(2).all(|pair| pair[0] == pair[1])
    }

    /// Every serving server's position and tree.
    fn trees(&self) -> Vec<(usize, Zxid, Vec<u8>)> {
        let serving = self.servers.iter().enumerate().filter_map(|(at, server)| {
            let peer = server.peer.as_ref().filter(|peer| peer.is_serving())?;
            let mut tree = Vec::new();
            peer.database().encode_snapshot(&mut tree);
            Some((at, peer.database().last_processed(), tree))
        });
        serving.collect()
    }

    /// Servers that serve have applied the same prefix: equal positions mean equal trees.
    fn check_prefixes(&self) {
        let mut seen: BTreeMap<Zxid, (usize, Vec<u8>)> = BTreeMap::new();
        for (at, zxid, tree) in self.trees() {
            if let Some((other, theirs)) = seen.get(&zxid) {
                assert!(*theirs == tree, "servers {other} and {at} differ at {zxid}");
            }
            seen.insert(zxid, (at, tree));
        }
    }

    fn modes(&self) -> String {
        let mut text = String::new();
        for server in &self.servers {
            let mode = server.peer.as_ref().map(Peer::mode);
            let last = server.peer.as_ref().map(Peer::last_logged);
            let _ok = write!(text, "{}: {mode:?} {last:?}; ", server.id);
        }
        text
    }

    pub(crate) fn tail(&self) -> String {
        let mut text = String::from("the last events:\n");
        for line in &self.log {
            let _ok = writeln!(text, "  {line}");
        }
        text
    }

    pub(crate) fn coverage(&self) -> Coverage {
        Coverage {
            acknowledged: self.history.len(),
            ..self.seen
        }
    }

    pub(crate) fn fingerprint(&self) -> u64 {
        self.hasher.finish()
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "callers build the line for it"
    )]
    fn note(&mut self, line: String) {
        let says = |what: &str| usize::from(line.contains(what));
        self.seen.elections += says("serving from");
        self.seen.diffs += says("synchronises us by Diff");
        self.seen.truncations += says("cuts its log");
        self.seen.snapshots_sent += says("synchronises us by Snap");
        line.hash(&mut self.hasher);
        self.log.push_back(format!("{:>6} {line}", self.now));
        if self.log.len() > 200 {
            self.log.pop_front();
        }
    }

    // --- time ---------------------------------------------------------------------------------

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

    #[expect(clippy::needless_pass_by_value, reason = "an event happens once")]
    fn handle(&mut self, event: Event) {
        match event {
            Event::Tick(server, at) => {
                if self.servers[server].tick_at == at {
                    self.servers[server].tick_at = u64::MAX;
                    self.step(server, Input::Tick);
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
            Event::Disk(server, life) => self.disk_done(server, life),
            Event::Client(client) => self.client_turn(client),
        }
    }

    fn is_cut(&self, a: usize, b: usize) -> bool {
        self.cut_active && self.cut[a] != self.cut[b]
    }

    // --- servers ------------------------------------------------------------------------------

    fn settings(&self, server: usize) -> Settings {
        Settings {
            me: self.servers[server].id,
            voters: self.voters.clone(),
            observers: self.observers.clone(),
            tick_ms: TICK_MS,
            init_limit: 10,
            sync_limit: 5,
            session_timeout_min_ms: 2 * 200,
            session_timeout_max_ms: 20 * 200,
            snap_count: 60,
            config_text: String::new(),
            super_digest: None,
            start_ms: self.now + 1000 * self.servers[server].life,
            finalize_wait_ms: 200,
        }
    }

    fn start(&mut self, server: usize) {
        let settings = self.settings(server);
        let state = &mut self.servers[server];
        state.life += 1;
        state.disk_busy = false;
        state.leader_wire = None;
        state.tick_at = u64::MAX;
        let recovered = state.disk.recover();
        let found = format!("server {server} starts at {}", recovered.last_logged);
        state.peer = Some(Peer::new(settings, recovered));
        self.note(found);
        self.step(server, Input::Start);
    }

    fn crash(&mut self, server: usize, kept: usize) {
        let state = &mut self.servers[server];
        if state.peer.take().is_none() {
            return;
        }
        state.disk.crash(kept);
        state.disk_busy = false;
        state.leader_wire = None;
        let touching: Vec<u64> = self
            .wires
            .iter()
            .filter(|(_, wire)| wire.learner == server || wire.leader == server)
            .map(|(id, _)| *id)
            .collect();
        for wire in touching {
            self.break_wire(wire);
        }
        for client in &mut self.clients {
            if client.server == Some(server) {
                client.server = None;
            }
        }
    }

    fn step(&mut self, server: usize, input: Input<'_>) -> usize {
        let now = self.clock();
        let Some(peer) = &mut self.servers[server].peer else {
            return usize::MAX;
        };
        let mut fx = Effects::default();
        peer.step(now, input, &mut fx);
        let consumed = fx.consumed;
        if peer.mode() == Mode::Leader
            && let Some(epoch) = peer.serving_epoch()
        {
            self.history.leader(epoch, server);
        }
        self.perform(server, fx);
        if let Some(peer) = &self.servers[server].peer {
            let snapshotting = peer.is_snapshotting();
            let due = peer.deadline_ms(self.now).max(self.now + 1);
            if due < self.servers[server].tick_at {
                self.servers[server].tick_at = due;
                self.after(due - self.now, Event::Tick(server, due));
            }
            if snapshotting && self.rng.random_bool(0.3) {
                self.step(server, Input::SnapshotContinue);
            }
        }
        consumed
    }

    fn clock(&self) -> Now {
        Now {
            mono_ms: self.now,
            wall_ms: 1_700_000_000_000 + self.now.cast_signed(),
        }
    }

    #[expect(clippy::too_many_lines, reason = "one short arm for each effect")]
    fn perform(&mut self, server: usize, fx: Effects) {
        for effect in fx.list {
            match effect {
                Effect::Vote { to, message } => self.send_vote(server, to, message),
                Effect::DialLeader(leader) => {
                    let to = self.index(leader);
                    let wire = self.next_id;
                    self.next_id += 1;
                    self.servers[server].leader_wire = Some(wire);
                    let delay = self.delay();
                    self.after(
                        delay,
                        Event::Dial {
                            from: server,
                            to,
                            wire,
                        },
                    );
                }
                Effect::HangUpLeader => {
                    if let Some(wire) = self.servers[server].leader_wire.take() {
                        self.break_wire(wire);
                    }
                }
                Effect::ToLeader(range) => {
                    if let Some(wire) = self.servers[server].leader_wire {
                        self.send(wire, true, fx.bytes[range].to_vec());
                    }
                }
                Effect::ToLearner(LinkId(wire), range) => {
                    self.send(wire, false, fx.bytes[range].to_vec());
                }
                Effect::CloseLearner(LinkId(wire)) => self.break_wire(wire),
                Effect::ToClient(conn, range) => {
                    self.client_bytes(server, conn, &fx.bytes[range]);
                }
                Effect::CloseClient(conn) => self.client_closed(server, conn),
                Effect::ResumeClient(_) | Effect::AbortSnapshot => {
                    if effect == Effect::AbortSnapshot {
                        self.servers[server].disk.slices = None;
                    }
                }
                Effect::ResumeLeader => {
                    if let Some(wire) = self.servers[server].leader_wire {
                        self.after(
                            0,
                            Event::Wire {
                                wire,
                                to_leader: false,
                            },
                        );
                    }
                }
                Effect::Append(zxid, range) => {
                    self.queue(server, Op::Append(zxid, fx.bytes[range].into()));
                }
                Effect::WriteEpochs {
                    ticket,
                    accepted,
                    current,
                } => {
                    self.queue(
                        server,
                        Op::Epochs {
                            ticket,
                            accepted,
                            current,
                        },
                    );
                }
                Effect::SaveSnapshot(zxid, range) => {
                    self.queue(server, Op::Snapshot(zxid, fx.bytes[range].to_vec()));
                }
                Effect::BeginSnapshot(zxid) => {
                    self.servers[server].disk.slices = Some((zxid, Vec::new()));
                }
                Effect::SnapshotSlice(range) => {
                    if let Some((_, body)) = &mut self.servers[server].disk.slices {
                        body.extend_from_slice(&fx.bytes[range]);
                    }
                }
                Effect::EndSnapshot => {
                    if let Some((zxid, body)) = self.servers[server].disk.slices.take() {
                        self.seen.snapshots_taken += 1;
                        self.queue(server, Op::Snapshot(zxid, body));
                    }
                }
                Effect::Truncate(zxid) => {
                    self.note(format!("server {server} cuts its log to {zxid}"));
                    self.servers[server].disk.truncate(zxid);
                    let recovered = self.servers[server].disk.recover();
                    self.step(server, Input::Truncated(Box::new(recovered)));
                }
                Effect::Log(line) => self.note(format!("server {server}: {line}")),
                Effect::Fatal(status, why) => panic!("server {server} gave up ({status}): {why}"),
            }
        }
    }

    fn index(&self, id: PeerId) -> usize {
        self.servers
            .iter()
            .position(|server| server.id == id)
            .expect("a known server")
    }

    fn send_vote(&mut self, from: usize, to: PeerId, message: Notification) {
        let to = self.index(to);
        let id = self.next_id;
        self.next_id += 1;
        self.votes.insert(id, message);
        let delay = self.delay();
        self.after(delay, Event::Vote { from, to, id });
    }

    fn queue(&mut self, server: usize, op: Op) {
        self.servers[server].disk.queue.push_back(op);
        self.disk_next(server);
    }

    fn disk_next(&mut self, server: usize) {
        let state = &self.servers[server];
        if state.disk_busy || state.disk.queue.is_empty() {
            return;
        }
        let slow = state.disk_slow_until.saturating_sub(self.now);
        let life = state.life;
        self.servers[server].disk_busy = true;
        let delay = slow + self.rng.random_range(0..4);
        self.after(delay, Event::Disk(server, life));
    }

    fn disk_done(&mut self, server: usize, life: u64) {
        let state = &mut self.servers[server];
        if state.life != life || state.peer.is_none() {
            return;
        }
        state.disk_busy = false;
        // Group commit: a run of appends becomes durable together.
        let mut last = None;
        while let Some(Op::Append(zxid, _)) = state.disk.queue.front() {
            last = Some(*zxid);
            state.disk.complete();
        }
        let done = if last.is_none() {
            state.disk.complete()
        } else {
            None
        };
        if let Some(last) = last {
            self.step(server, Input::Synced(last));
        }
        if let Some(Op::Epochs { ticket, .. }) = done {
            self.step(server, Input::EpochsWritten(ticket));
        }
        self.disk_next(server);
    }

    // --- quorum connections -------------------------------------------------------------------

    fn dialled(&mut self, from: usize, to: usize, wire: u64) {
        if self.servers[from].leader_wire != Some(wire) {
            return;
        }
        if self.servers[to].peer.is_none() || self.is_cut(from, to) {
            self.servers[from].leader_wire = None;
            self.step(from, Input::LeaderDown);
            return;
        }
        let state = Wire {
            learner: from,
            leader: to,
            up: true,
            to_leader: Vec::new(),
            to_learner: Vec::new(),
            flying: [VecDeque::new(), VecDeque::new()],
        };
        self.wires.insert(wire, state);
        self.step(to, Input::LinkUp(LinkId(wire)));
        if self.wires.get(&wire).is_some_and(|wire| wire.up) {
            self.step(from, Input::LeaderUp);
        }
    }

    fn send(&mut self, wire: u64, to_leader: bool, bytes: Vec<u8>) {
        let delay = self.delay();
        let Some(state) = self.wires.get_mut(&wire) else {
            return;
        };
        if state.up {
            state.flying[usize::from(to_leader)].push_back(bytes);
            self.after(delay, Event::Wire { wire, to_leader });
        }
    }

    fn arrive(&mut self, wire: u64, to_leader: bool) {
        let Some(state) = self.wires.get_mut(&wire) else {
            return;
        };
        let (learner, leader) = (state.learner, state.leader);
        if !state.up {
            return;
        }
        if self.cut_active && self.cut[learner] != self.cut[leader] {
            return; // lost on the way; the bytes stay queued until the connection times out
        }
        let Some(state) = self.wires.get_mut(&wire) else {
            return;
        };
        // Whatever has been sent by now arrives: chunks merge as they do in TCP.
        while let Some(chunk) = state.flying[usize::from(to_leader)].pop_front() {
            let inbox = if to_leader {
                &mut state.to_leader
            } else {
                &mut state.to_learner
            };
            inbox.extend_from_slice(&chunk);
        }
        let inbox = if to_leader {
            &mut state.to_leader
        } else {
            &mut state.to_learner
        };
        let bytes = std::mem::take(inbox);
        let used = if to_leader {
            self.step(leader, Input::LinkBytes(LinkId(wire), &bytes))
        } else if self.servers[learner].leader_wire == Some(wire) {
            self.step(learner, Input::LeaderBytes(&bytes))
        } else {
            bytes.len()
        };
        if let Some(state) = self.wires.get_mut(&wire) {
            let rest = bytes.get(used..).unwrap_or_default();
            let inbox = if to_leader {
                &mut state.to_leader
            } else {
                &mut state.to_learner
            };
            let mut whole = rest.to_vec();
            whole.append(inbox);
            *inbox = whole;
        }
    }

    /// Both ends learn of it after a while.
    fn break_wire(&mut self, wire: u64) {
        let Some(state) = self.wires.get_mut(&wire) else {
            return;
        };
        if state.up {
            state.up = false;
            self.after(
                1,
                Event::WireDown {
                    wire,
                    to_leader: true,
                },
            );
            self.after(
                1,
                Event::WireDown {
                    wire,
                    to_leader: false,
                },
            );
        }
    }

    fn wire_down(&mut self, wire: u64, to_leader: bool) {
        let Some(state) = self.wires.get(&wire) else {
            return;
        };
        let (learner, leader) = (state.learner, state.leader);
        if to_leader {
            self.step(leader, Input::LinkDown(LinkId(wire)));
        } else if self.servers[learner].leader_wire == Some(wire) {
            self.servers[learner].leader_wire = None;
            self.step(learner, Input::LeaderDown);
        }
    }

    fn leader(&self) -> Option<usize> {
        self.servers.iter().position(|server| {
            server
                .peer
                .as_ref()
                .is_some_and(|peer| peer.mode() == Mode::Leader)
        })
    }

    // --- faults -------------------------------------------------------------------------------

    fn inflict(&mut self, fault: Fault) {
        match fault {
            Fault::Crash { server, kept } => self.crash(server, kept),
            Fault::CrashLeader { kept } => {
                if let Some(server) = self.leader() {
                    self.crash(server, kept);
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

    // --- clients ------------------------------------------------------------------------------

    fn client_turn(&mut self, client: usize) {
        let pause = self.rng.random_range(2..40);
        self.after(pause, Event::Client(client));
        let Some(server) = self.clients[client].server else {
            return self.client_connect(client);
        };
        let state = &mut self.clients[client];
        if !state.connected || state.sent.len() > 20 {
            return;
        }
        state.xid += 1;
        state.counter += 1;
        let (xid, conn) = (state.xid, ConnId(state.conn));
        let path = format!("/c{client}-{}", state.counter);
        state.sent.push_back((xid, path.clone()));
        let mut frame = Vec::new();
        RequestHeader::encode_frame(&mut frame, xid, OpCode::Create, |out| {
            let data = Some(path.as_bytes());
            CreateRequest {
                path: &path,
                data,
                acl: Acl::open(),
                flags: 0,
                ttl_ms: None,
            }
            .encode(out);
        });
        self.step(server, Input::ClientBytes(conn, &frame));
    }

    fn client_connect(&mut self, client: usize) {
        let server = self.rng.random_range(0..self.servers.len());
        if self.servers[server].peer.is_none() {
            return;
        }
        let conn = self.next_id;
        self.next_id += 1;
        let state = &mut self.clients[client];
        let counter = state.counter;
        *state = Client {
            server: Some(server),
            conn,
            counter,
            ..Client::default()
        };
        self.step(server, Input::ClientUp(ConnId(conn), "127.0.0.1"));
        let mut frame = Vec::new();
        ConnectRequest {
            last_zxid_seen: Zxid::ZERO,
            timeout_ms: 4000,
            session: SessionId(0),
            password: &[0; 16],
            read_only: Some(false),
        }
        .encode_frame(&mut frame);
        self.step(server, Input::ClientBytes(ConnId(conn), &frame));
    }

    fn client_bytes(&mut self, server: usize, conn: ConnId, bytes: &[u8]) {
        let Some(client) = self
            .clients
            .iter_mut()
            .find(|c| c.conn == conn.0 && c.server == Some(server))
        else {
            return;
        };
        client.inbox.extend_from_slice(bytes);
        while let Some(prefix) = client.inbox.first_chunk::<4>() {
            let length = usize::try_from(i32::from_be_bytes(*prefix)).expect("a length");
            if client.inbox.len() < 4 + length {
                break;
            }
            let frame: Vec<u8> = client.inbox.drain(..4 + length).skip(4).collect();
            if !client.connected {
                let response = ConnectResponse::decode(&frame).expect("a ConnectResponse");
                client.connected = response.timeout_ms > 0;
                continue;
            }
            let header = ReplyHeader::decode(&mut Reader::new(&frame)).expect("a header");
            let (xid, path) = client.sent.pop_front().expect("a request for each reply");
            assert_eq!(header.xid, xid, "replies come in request order");
            if header.err == ErrorCode::OK {
                self.history.acknowledge(header.zxid, &path);
            }
        }
    }

    fn client_closed(&mut self, server: usize, conn: ConnId) {
        for client in &mut self.clients {
            if client.conn == conn.0 && client.server == Some(server) {
                client.server = None;
            }
        }
        self.step(server, Input::ClientDown(conn));
    }
}
