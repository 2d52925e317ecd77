//! The I/O part of a server: one thread with one epoll loop.
//!
//! The loop reads sockets, hands the bytes to the pure [`Peer`] and performs its effects. The peer
//! makes all decisions. The disk has its own thread, so that the server answers reads while a write
//! waits for its sync. Writes that arrive during a sync become one group commit.

mod answers;
mod dial;
mod files;
mod heap;
mod inboxes;
mod line_limiter;
mod listener;
mod newcomers;
mod perform;
mod poller;
mod ports;
mod resolver;
mod server_log;
mod socket;
mod traffic;
mod turns;
mod unsent;
mod votes;

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::BuildHasher as _;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use self::files::Room;
use self::heap::Heap;
use self::inboxes::Inboxes;
use self::listener::Listener;
use self::newcomers::Newcomers;
use self::poller::{EVENTS_MAX, Interest, Poller, Ready, Token};
use self::resolver::{Endpoint, Port, Resolver, Target};
use self::server_log::ServerLog;
use self::socket::Socket;
use self::traffic::Traffic;
use self::turns::Turns;
use self::unsent::Unsent;
use self::votes::{ReceivedVote, Votes};
use super::config::Config;
use super::database::DatabaseSettings;
use super::peer::{Effects, Input, LinkId, Now, Peer, ReaperSettings, Settings};
use super::storage::{Disk, DiskEvent, LogBatch, StorageError};
use crate::wire::jute::PeerId;

/// Largest number of bytes that one read takes.
const READ_BYTES: usize = 256 << 10;
/// Bytes of a snapshot that are encoded between two looks at the sockets, well below a millisecond's work.
const SLICE_BYTES: usize = 128 << 10;
/// Longest time that a closing connection waits for its last bytes to be sent, ms.
const LINGER_MS: u64 = 5_000;

#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    #[error("cannot listen on {address} ({what}): {source}; is another server running there?")]
    Bind {
        /// `clientPort`, `quorum port` or `election port`.
        what: &'static str,
        address: String,
        source: io::Error,
    },
    #[error("server.{server}: cannot resolve {host}: {source}")]
    Resolve {
        server: i64,
        host: String,
        source: io::Error,
    },
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("{0}")]
    Config(String),
    /// A system call failed for which the server has no remedy.
    #[error("{0}")]
    System(#[from] io::Error),
    /// The server cannot continue without the risk of losing data.
    #[error("{reason}")]
    Fatal {
        /// Exit status (specification 16.1).
        status: u8,
        reason: String,
    },
}

impl NodeError {
    /// Returns the exit status of the process (specification 16.1).
    #[must_use]
    pub const fn exit_status(&self) -> u8 {
        match self {
            Self::Bind { .. } => 14,
            Self::Storage(_) => 3,
            Self::Config(_) | Self::Resolve { .. } => 2,
            Self::System(_) => 1,
            Self::Fatal { status, .. } => *status,
        }
    }
}

#[derive(Debug)]
struct Client {
    socket: Socket,
    address: SocketAddr,
    /// The first four bytes have not arrived. They may be a four-letter word.
    fresh: bool,
    /// The connection is on the list of those whose inbox is offered again in the next round.
    waiting: bool,
}

/// The connection to the leader's quorum port.
#[derive(Debug)]
struct LeaderLink {
    id: u64,
    socket: Socket,
    established: bool,
}

/// A connection that closes once its bytes are sent, at `due_ms` at the latest.
#[derive(Debug)]
struct Lingering {
    due_ms: u64,
    token: Token,
}

/// The dial of a leader whose address is looked up.
#[derive(Debug)]
struct AwaitedLeader {
    id: u64,
    leader: PeerId,
    since_ms: u64,
}

#[derive(Debug)]
struct Node {
    config: Config,
    log: ServerLog,
    database: DatabaseSettings,
    poller: Poller,
    peer: Peer,
    fx: Effects,
    disk: Disk,
    /// Log entries of this round that are not yet handed to the disk thread.
    batch: LogBatch,
    /// Tickets of the epoch writes that the disk thread has not confirmed, oldest first.
    epoch_tickets: VecDeque<u64>,
    wake: Arc<OwnedFd>,
    /// Reused between polls.
    disk_events: Vec<DiskEvent>,
    client_listener: Option<Listener>,
    quorum_listener: Option<Listener>,
    election_listener: Option<Listener>,
    /// Most connections of each port.
    room: Room,
    /// Readable once SIGTERM or SIGINT has arrived; polled, never read.
    _signals: UnixStream,
    clients: HashMap<u64, Client>,
    per_host: HashMap<IpAddr, u32>,
    /// The unsent bytes of all clients.
    unsent: Unsent,
    inboxes: Inboxes,
    turns: Turns,
    heap: Heap,
    traffic: Traffic,
    links: HashMap<u64, Socket>,
    /// The links whose other side has not introduced itself.
    newcomers: Newcomers,
    leader: Option<LeaderLink>,
    /// The id of the connection to the leader, while the address of the leader is looked up.
    awaited_leader: Option<AwaitedLeader>,
    votes: Option<Votes>,
    resolver: Resolver,
    /// Signalled when a lookup has ended.
    lookups: Arc<OwnedFd>,
    next_id: u64,
    /// Connections to flush at the end of the round.
    dirty: Vec<Token>,
    /// Connections whose inbox is offered to the peer again in this round.
    resume: Vec<Token>,
    /// Connections whose inbox is offered again in the next round, oldest first: they are no longer backed
    /// up, or they had more requests than a round serves.
    later: VecDeque<Token>,
    /// Learners with room for the next slice of their stream. One of them gets it in each round.
    roomy: VecDeque<LinkId>,
    /// Oldest first.
    lingering: VecDeque<Lingering>,
    buffer: Vec<u8>,
    started: Instant,
    fatal: Option<NodeError>,
}

/// Runs a server until SIGTERM or SIGINT.
///
/// # Errors
/// If the server cannot start or cannot continue.
pub fn run(config: &Config) -> Result<(), NodeError> {
    let mut log = ServerLog::start(config.server_id())?;
    if let Err(error) = files::allow_all() {
        // The server works without it, with fewer connections.
        log.line(&format!(
            "cannot raise the limit of open files (ulimit -n): {error}"
        ));
    }
    for note in config.notes() {
        log.line(note);
    }
    Node::start(config, log)?.serve()
}

impl Node {
    fn start(config: &Config, mut log: ServerLog) -> Result<Self, NodeError> {
        let poller = Poller::new()?;
        let signals = await_signals(&poller)?;
        let me = PeerId(config.server_id());
        let quorum_address = own_address(config, Port::Quorum)?;
        let election_address = own_address(config, Port::Election)?;
        let quorum_listener = listen("quorum port", quorum_address, None)?;
        let election_listener = listen("election port", election_address, None)?;
        let client_address = Some(config.client_address());
        let client_listener = listen("clientPort", client_address, config.client_backlog())?;
        let quorum_listener = register(&poller, quorum_listener, Token::QuorumListener)?;
        let election_listener = register(&poller, election_listener, Token::ElectionListener)?;
        let client_listener = register(&poller, client_listener, Token::ClientListener)?;

        let wake = signal(&poller, Token::Disk)?;
        let settings = settings(config, wall_ms());
        let database = settings.database();
        let (disk, recovered) = perform::open_disk(config, database, &wake, &mut log)?;
        let peer = Peer::new(settings, recovered);
        let lookups = signal(&poller, Token::Lookup)?;
        let resolver = Resolver::new(endpoints(config), Arc::clone(&lookups));
        let room = Room::now(config.servers().count());
        let votes = (!config.is_standalone()).then(|| {
            let own_address = config.election_address_text();
            let peers = config.servers().map(|server| PeerId(server.id)).collect();
            Votes::new(me, own_address, peers, room.greetings)
        });
        Ok(Self {
            config: config.clone(),
            log,
            database,
            poller,
            peer,
            fx: Effects::default(),
            batch: disk.batch(),
            disk,
            epoch_tickets: VecDeque::new(),
            wake,
            disk_events: Vec::new(),
            client_listener,
            quorum_listener,
            election_listener,
            room,
            _signals: signals,
            clients: HashMap::new(),
            per_host: HashMap::new(),
            unsent: Unsent::default(),
            inboxes: Inboxes::default(),
            turns: Turns::default(),
            heap: Heap::default(),
            traffic: Traffic::default(),
            links: HashMap::new(),
            newcomers: ports::newcomers(room),
            leader: None,
            awaited_leader: None,
            votes,
            resolver,
            lookups,
            next_id: 1,
            dirty: Vec::new(),
            resume: Vec::new(),
            later: VecDeque::new(),
            roomy: VecDeque::new(),
            lingering: VecDeque::new(),
            buffer: vec![0; READ_BYTES],
            started: Instant::now(),
            fatal: None,
        })
    }

    fn now(&self) -> Now {
        let mono_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Now {
            mono_ms,
            wall_ms: i64::try_from(wall_ms()).unwrap_or(i64::MAX),
        }
    }

    fn serve(mut self) -> Result<(), NodeError> {
        let mut ready = Vec::new();
        let mut now = self.now();
        self.step(now, Input::Start);
        loop {
            self.finish_round(now)?;
            let busy = self.snapshot_goes_on() || !self.later.is_empty() || !self.roomy.is_empty();
            let timeout = if busy {
                Duration::ZERO
            } else {
                let due_ms = self
                    .peer
                    .deadline_ms(now.mono_ms)
                    .saturating_sub(now.mono_ms);
                Duration::from_millis(due_ms)
            };
            let planned_ms = now.mono_ms + u64::try_from(timeout.as_millis()).unwrap_or(0);
            self.poller.wait(timeout, &mut ready)?;
            now = self.now();
            self.offer_waiting(now);
            if !self.handle_all(now, &ready) {
                return Ok(()); // dropping the disk completes its pending work
            }
            self.end_lingering(now);
            self.take_turns(now);
            self.log.write_due(now.mono_ms);
            self.resume_listeners(now)?;
            if self.snapshot_goes_on() {
                self.step(now, Input::SnapshotContinue);
            }
            if let Some(link) = self.roomy.pop_front() {
                self.step(now, Input::LinkRoom(link));
            }
            if now.mono_ms >= self.peer.deadline_ms(now.mono_ms) {
                // Announces the judgement below, so that the peer knows of all that is read in between.
                self.step(now, Input::Tick);
                if !self.read_waiting(&mut ready)? {
                    return Ok(());
                }
                now = self.now();
                let late_ms = now.mono_ms.saturating_sub(planned_ms);
                if late_ms >= self.config.tick_time_ms() / 2 {
                    self.log_stall(now, late_ms);
                    self.step(now, Input::Stalled(late_ms));
                }
                self.judge_deadlines(now);
            }
        }
    }

    /// Handles what waits on the sockets, each socket once. Deadlines are judged only after that: while the
    /// process was stopped or a step was slow, a connection may have sent what keeps it alive. Returns
    /// `false` if the server must end.
    fn read_waiting(&mut self, ready: &mut Vec<Ready>) -> Result<bool, NodeError> {
        // Sockets that are ready take turns. One round more reads from connections that are accepted here.
        let rounds = 2 + (self.clients.len() + self.links.len()) / EVENTS_MAX;
        for _ in 0..rounds {
            let now = self.now();
            self.finish_round(now)?;
            self.poller.wait(Duration::ZERO, ready)?;
            if ready.is_empty() {
                break;
            }
            if !self.handle_all(self.now(), ready) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn log_stall(&mut self, now: Now, late_ms: u64) {
        let line = format!("this server did not run for {late_ms} ms");
        self.log.limited(now.mono_ms, "stall", line);
    }

    fn judge_deadlines(&mut self, now: Now) {
        self.step(now, Input::Tick);
        if let Some(votes) = &mut self.votes {
            votes.tick(now.mono_ms);
        }
        self.close_late_newcomers(now);
        self.give_up_lookup(now);
        self.read_paused_clients();
        if !self.peer.database().is_forgetting() {
            self.heap.return_some(now.mono_ms);
        }
    }

    /// Handles the events of one wait. Returns `false` if the server must end.
    fn handle_all(&mut self, now: Now, ready: &[Ready]) -> bool {
        for event in ready {
            if event.token == Token::Signal {
                self.submit();
                return false;
            }
            self.handle(now, *event);
            self.close_slow_clients(now);
        }
        true
    }

    /// Returns whether to encode the next slice of a background snapshot now. Slices are not encoded
    /// faster than the disk writes them.
    fn snapshot_goes_on(&self) -> bool {
        self.peer.is_snapshotting() && self.disk.has_snapshot_room()
    }

    /// Gives one input to the peer and performs the effects. Returns how many bytes of the input the
    /// peer has consumed. Input bytes come from a buffer that was taken out of `self`.
    fn step(&mut self, now: Now, input: Input<'_>) -> usize {
        self.peer.step(now, input, &mut self.fx);
        let consumed = self.fx.consumed;
        self.perform(now);
        consumed
    }

    /// Ends the round after all events of a wake-up: offers unconsumed bytes again, hands the log
    /// entries to the disk thread and sends the queued bytes.
    fn finish_round(&mut self, now: Now) -> Result<(), NodeError> {
        while !self.resume.is_empty() {
            for token in std::mem::take(&mut self.resume) {
                self.offer_again(now, token);
                self.close_slow_clients(now);
            }
        }
        self.submit();
        for token in std::mem::take(&mut self.dirty) {
            self.flush(now, token);
        }
        match self.fatal.take() {
            None if self.dirty.is_empty() && self.resume.is_empty() => Ok(()),
            None => self.finish_round(now), // a connection broke, and the peer reacted with new effects
            Some(fatal) => Err(fatal),
        }
    }

    fn handle(&mut self, now: Now, event: Ready) {
        match event.token {
            Token::ClientListener => self.accept_clients(now),
            Token::QuorumListener => self.accept_links(now),
            Token::ElectionListener => self.accept_votes(now),
            Token::Disk => {
                self.disk_events(now);
                // The disk may take more of the leader's snapshot now.
                if let Some(LeaderLink { id, .. }) = self.leader {
                    self.hold_back(Token::Leader(id));
                }
            }
            Token::Lookup => self.lookups_ended(now),
            Token::Signal => {}
            Token::Vote(id) => {
                let mut messages = Vec::new();
                if let Some(votes) = &mut self.votes {
                    votes.ready(&self.poller, now.mono_ms, id, event, &mut messages);
                }
                for ReceivedVote { from, message } in messages {
                    self.step(now, Input::Vote(from, message));
                }
                self.dial_voters(now);
            }
            Token::Leader(id) => self.leader_ready(now, id, event),
            Token::Client(_) | Token::Link(_) => {
                if event.readable {
                    self.read(now, event.token);
                }
                if event.writable {
                    self.flush(now, event.token);
                }
            }
        }
    }
}

/// Draws a number that nobody outside can guess: the standard library seeds its hash maps from the system.
fn random_number() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

/// Milliseconds since 1970.
fn wall_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

/// Returns a stream that becomes readable when SIGTERM or SIGINT arrives.
fn await_signals(poller: &Poller) -> io::Result<UnixStream> {
    let (signals, notify) = UnixStream::pair()?;
    signals.set_nonblocking(true)?;
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        signal_hook::low_level::pipe::register(signal, notify.try_clone()?)?;
    }
    poller.add(&signals, Token::Signal, Interest::READ)?;
    Ok(signals)
}

/// Returns an eventfd with which another thread wakes the event loop.
fn signal(poller: &Poller, token: Token) -> io::Result<Arc<OwnedFd>> {
    let flags = rustix::event::EventfdFlags::CLOEXEC | rustix::event::EventfdFlags::NONBLOCK;
    let descriptor = rustix::event::eventfd(0, flags)?;
    poller.add(&descriptor, token, Interest::READ)?;
    Ok(Arc::new(descriptor))
}

/// Extracts what the peer needs from the configuration.
fn settings(config: &Config, start_ms: u64) -> Settings {
    let (session_timeout_min_ms, session_timeout_max_ms) = config.session_timeouts_ms();
    let of_role = |observer: bool| {
        config
            .servers()
            .filter(move |s| s.observer == observer)
            .map(|s| PeerId(s.id))
    };
    let mut settings = Settings {
        me: PeerId(config.server_id()),
        voters: of_role(false).collect(),
        observers: of_role(true).collect(),
        tick_ms: config.tick_time_ms(),
        init_limit: config.init_limit(),
        sync_limit: config.sync_limit(),
        session_timeout_min_ms,
        session_timeout_max_ms,
        snap_count: config.snap_count(),
        slice_bytes: SLICE_BYTES,
        seed: random_number(),
        config_text: config.config_text(),
        super_digest: config.super_digest(),
        config_version: config.version(),
        quorum_of_one: !config.is_standalone(),
        extended_types: config.extended_types(),
        reaper: ReaperSettings {
            interval_ms: config.container_check_ms(),
            per_minute: config.containers_per_minute(),
            never_used_ms: config.container_never_used_ms(),
        },
        skip_acl: config.skips_acl(),
        leader_serves: config.leader_serves(),
        max_frame_bytes: config.max_frame_bytes(),
        outstanding_limit: config.outstanding_limit(),
        hash_key: [random_number(), random_number()],
        start_ms,
        finalize_wait_ms: 200,
    };
    if config.is_standalone() {
        settings.voters = [settings.me].into();
        settings.observers.clear();
    }
    settings
}

fn listen(
    what: &'static str,
    address: Option<SocketAddr>,
    backlog: Option<i32>,
) -> Result<Option<TcpListener>, NodeError> {
    let Some(address) = address else {
        return Ok(None);
    };
    let bound = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        if let Some(backlog) = backlog {
            // A second `listen` changes the length of the queue.
            rustix::net::listen(&listener, backlog)?;
        }
        Ok(listener)
    });
    bound.map(Some).map_err(|source| NodeError::Bind {
        what,
        address: address.to_string(),
        source,
    })
}

fn register(
    poller: &Poller,
    socket: Option<TcpListener>,
    token: Token,
) -> io::Result<Option<Listener>> {
    let listener = socket.map(|socket| Listener::new(socket, token, poller));
    listener.transpose()
}

/// Returns the ports of all servers, as the configuration gives them.
fn endpoints(config: &Config) -> BTreeMap<Target, Endpoint> {
    let targets = config.servers().flat_map(|server| {
        [
            (Port::Quorum, server.quorum_port),
            (Port::Election, server.election_port),
        ]
        .map(|(kind, port)| {
            let target = Target {
                server: PeerId(server.id),
                port: kind,
            };
            let host = server.host.clone();
            (target, Endpoint { host, port })
        })
    });
    targets.collect()
}

/// Resolves the address on which this server listens; `None` without an ensemble.
fn own_address(config: &Config, port: Port) -> Result<Option<SocketAddr>, NodeError> {
    let target = Target {
        server: PeerId(config.server_id()),
        port,
    };
    let Some(endpoint) = endpoints(config).remove(&target) else {
        return Ok(None);
    };
    let addresses = resolver::look_up(&endpoint).map_err(|source| NodeError::Resolve {
        server: target.server.0,
        host: endpoint.host.clone(),
        source,
    })?;
    Ok(addresses.first().map(|own| bind_address(config, *own)))
}

/// Returns the address on which a quorum or election port listens: `own`, or all addresses of its family.
fn bind_address(config: &Config, own: SocketAddr) -> SocketAddr {
    if !config.listens_on_all() {
        return own;
    }
    let all: IpAddr = match own {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    (all, own.port()).into()
}
