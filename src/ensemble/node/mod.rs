//! The I/O part of a server: one thread with one epoll loop.
//!
//! The loop reads sockets, hands the bytes to the pure [`Peer`] and performs its effects. The peer
//! makes all decisions. The disk has its own thread, so that the server answers reads while a write
//! waits for its sync. Writes that arrive during a sync become one group commit.

mod answers;
mod dial;
mod files;
mod perform;
mod poller;
mod refusals;
mod socket;
mod traffic;
mod votes;

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::BuildHasher as _;
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use self::poller::{Interest, Poller, Ready, Token};
use self::refusals::{Counted, Refusals};
use self::socket::Socket;
use self::traffic::Traffic;
use self::votes::{ReceivedVote, Votes};
use super::config::Config;
use super::database::{ConnId, DatabaseSettings};
use super::peer::{Effects, Input, LinkId, Now, Peer, Settings};
use super::storage::{Disk, DiskEvent, LogBatch, StorageError};
use crate::wire::jute::PeerId;

/// Largest number of bytes that one read takes.
const READ_BYTES: usize = 256 << 10;
/// Bytes of a snapshot that are encoded between two looks at the sockets, well below a millisecond's work.
const SLICE_BYTES: usize = 128 << 10;
/// Most connections accepted per wake-up, so that many new clients do not delay the connected ones.
const ACCEPTS_MAX: usize = 256;
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

#[derive(Debug)]
struct Node {
    config: Config,
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
    client_listener: Option<TcpListener>,
    quorum_listener: Option<TcpListener>,
    election_listener: Option<TcpListener>,
    /// Readable once SIGTERM or SIGINT has arrived; polled, never read.
    _signals: UnixStream,
    clients: HashMap<u64, Client>,
    per_host: HashMap<IpAddr, u32>,
    refusals: Refusals,
    traffic: Traffic,
    links: HashMap<u64, Socket>,
    leader: Option<LeaderLink>,
    votes: Option<Votes>,
    quorum_addresses: BTreeMap<PeerId, SocketAddr>,
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
    if let Err(error) = files::allow_all() {
        // The server works without it, with fewer connections.
        let line = format!("cannot raise the limit of open files (ulimit -n): {error}");
        log(config.server_id(), &line);
    }
    for note in config.notes() {
        log(config.server_id(), note);
    }
    Node::start(config)?.serve()
}

impl Node {
    fn start(config: &Config) -> Result<Self, NodeError> {
        let poller = Poller::new()?;
        let (signals, notify) = UnixStream::pair()?;
        signals.set_nonblocking(true)?;
        for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
            signal_hook::low_level::pipe::register(signal, notify.try_clone()?)?;
        }
        poller.add(&signals, Token::Signal, Interest::READ)?;

        let me = PeerId(config.server_id());
        let (quorum_addresses, election_addresses) = addresses(config)?;
        let own = |addresses: &Addresses| Some(quorum_bind_address(config, *addresses.get(&me)?));
        let quorum_listener = listen("quorum port", own(&quorum_addresses), None)?;
        let election_listener = listen("election port", own(&election_addresses), None)?;
        let client_address = Some(config.client_address());
        let client_listener = listen("clientPort", client_address, config.client_backlog())?;
        for (listener, token) in [
            (&quorum_listener, Token::QuorumListener),
            (&election_listener, Token::ElectionListener),
            (&client_listener, Token::ClientListener),
        ] {
            if let Some(listener) = listener {
                poller.add(listener, token, Interest::READ)?;
            }
        }

        let wake = event_counter()?;
        poller.add(&wake, Token::Disk, Interest::READ)?;
        let wake = Arc::new(wake);
        let settings = settings(config, wall_ms());
        let database = settings.database();
        let (disk, recovered) = perform::open_disk(config, database, &wake)?;
        let peer = Peer::new(settings, recovered);
        let votes = (!config.is_standalone()).then(|| {
            let own_address = config.election_address_text();
            Votes::new(me, own_address, election_addresses)
        });
        Ok(Self {
            config: config.clone(),
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
            _signals: signals,
            clients: HashMap::new(),
            per_host: HashMap::new(),
            refusals: Refusals::default(),
            traffic: Traffic::default(),
            links: HashMap::new(),
            leader: None,
            votes,
            quorum_addresses,
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
            self.poller.wait(timeout, &mut ready)?;
            now = self.now();
            self.offer_waiting(now);
            for event in &ready {
                if event.token == Token::Signal {
                    self.submit();
                    return Ok(()); // dropping the disk completes its pending work
                }
                self.handle(now, *event);
            }
            self.end_lingering(now);
            for line in self.refusals.due(now.mono_ms) {
                log(self.config.server_id(), &line);
            }
            if self.snapshot_goes_on() {
                self.step(now, Input::SnapshotContinue);
            }
            if let Some(link) = self.roomy.pop_front() {
                self.step(now, Input::LinkRoom(link));
            }
            if now.mono_ms >= self.peer.deadline_ms(now.mono_ms) {
                self.step(now, Input::Tick);
                if let Some(votes) = &mut self.votes {
                    votes.tick(now.mono_ms);
                }
            }
        }
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
            Token::Signal => {}
            Token::Vote(id) => {
                let mut messages = Vec::new();
                if let Some(votes) = &mut self.votes {
                    votes.ready(&self.poller, now.mono_ms, id, event, &mut messages);
                }
                for ReceivedVote { from, message } in messages {
                    self.step(now, Input::Vote(from, message));
                }
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

    /// Registers an accepted connection with the poller. Returns `None` if the system refuses.
    fn admit(&self, stream: TcpStream, token: Token) -> Option<Socket> {
        let mut socket = Socket::new(stream).ok()?;
        socket.interest = Interest::READ;
        self.poller.add(&socket, token, socket.interest).ok()?;
        Some(socket)
    }

    fn accept_clients(&mut self, now: Now) {
        for _ in 0..ACCEPTS_MAX {
            let Some((stream, address)) = accept(self.client_listener.as_ref()) else {
                return;
            };
            if let Some((counted, limit)) = self.exceeded(address.ip()) {
                self.traffic.rejected += 1;
                if let Some(line) = self.refusals.refused(now.mono_ms, counted, limit) {
                    log(self.config.server_id(), &line);
                }
                continue; // dropping the stream closes it
            }
            let id = self.next_id;
            self.next_id += 1;
            let Some(socket) = self.admit(stream, Token::Client(id)) else {
                continue;
            };
            *self.per_host.entry(address.ip()).or_default() += 1;
            self.clients.insert(
                id,
                Client {
                    socket,
                    address,
                    fresh: true,
                    waiting: false,
                },
            );
            self.step(now, Input::ClientUp(ConnId(id), &address.ip().to_string()));
        }
    }

    /// Returns the limit that one more connection from `host` would exceed, if any.
    fn exceeded(&self, host: IpAddr) -> Option<(Counted, u32)> {
        let all = u32::try_from(self.clients.len()).unwrap_or(u32::MAX);
        let of_host = self.per_host.get(&host).copied().unwrap_or(0);
        [
            (Counted::All, all, self.config.max_connections()),
            (
                Counted::Host(host),
                of_host,
                self.config.max_client_connections(),
            ),
        ]
        .into_iter()
        .find(|(_, connected, limit)| *limit != 0 && connected >= limit)
        .map(|(counted, _, limit)| (counted, limit))
    }

    fn accept_links(&mut self, now: Now) {
        for _ in 0..ACCEPTS_MAX {
            let Some((stream, address)) = accept(self.quorum_listener.as_ref()) else {
                return;
            };
            let id = self.next_id;
            self.next_id += 1;
            let Some(socket) = self.admit(stream, Token::Link(id)) else {
                continue;
            };
            self.links.insert(id, socket);
            let address = address.ip().to_string();
            self.step(now, Input::LinkUp(LinkId(id), &address));
        }
    }

    fn accept_votes(&mut self, now: Now) {
        for _ in 0..ACCEPTS_MAX {
            let Some((stream, _)) = accept(self.election_listener.as_ref()) else {
                return;
            };
            if let Some(votes) = &mut self.votes {
                votes.accept(&self.poller, now.mono_ms, stream);
            }
        }
    }
}

/// Accepts the next waiting connection, if any. Errors are ignored: a server without free descriptors
/// keeps serving the clients it has.
fn accept(listener: Option<&TcpListener>) -> Option<(TcpStream, SocketAddr)> {
    listener?.accept().ok()
}

/// Draws a number that nobody outside can guess: the standard library seeds its hash maps from the system.
fn random_number() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

/// Returns a descriptor that becomes readable when another thread writes to it.
fn event_counter() -> io::Result<OwnedFd> {
    use rustix::event::EventfdFlags as Flags;
    Ok(rustix::event::eventfd(0, Flags::CLOEXEC | Flags::NONBLOCK)?)
}

/// Milliseconds since 1970.
fn wall_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

/// Writes a line to the server's log, which is standard error.
fn log(server_id: i64, line: &str) {
    let at = humantime::format_rfc3339_millis(SystemTime::now());
    // An error here cannot be reported anywhere.
    let _closed = writeln!(io::stderr(), "{at} [myid:{server_id}] {line}");
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

/// Returns the address on which a quorum or election port listens: `own`, or all addresses of its family.
fn quorum_bind_address(config: &Config, own: SocketAddr) -> SocketAddr {
    if !config.listens_on_all() {
        return own;
    }
    let all: IpAddr = match own {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    (all, own.port()).into()
}

type Addresses = BTreeMap<PeerId, SocketAddr>;

/// Resolves the quorum and the election address of every server.
fn addresses(config: &Config) -> Result<(Addresses, Addresses), NodeError> {
    let (mut quorum, mut election) = (BTreeMap::new(), BTreeMap::new());
    for server in config.servers() {
        for (all, port) in [
            (&mut quorum, server.quorum_port),
            (&mut election, server.election_port),
        ] {
            let address = resolve(&server.host, port).map_err(|source| NodeError::Resolve {
                server: server.id,
                host: server.host.clone(),
                source,
            })?;
            all.insert(PeerId(server.id), address);
        }
    }
    Ok((quorum, election))
}

fn resolve(host: &str, port: u16) -> io::Result<SocketAddr> {
    use std::net::ToSocketAddrs as _;
    (host, port)
        .to_socket_addrs()?
        .next()
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no address"))
}
