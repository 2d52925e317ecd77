//! The shell of a server: one thread, one epoll loop, no decisions.
//!
//! Reads sockets, hands bytes to the pure [`Peer`], performs its effects. The disk has a thread of
//! its own, so that reads are answered while a write waits for its sync; what arrives meanwhile
//! becomes one group commit.

mod answers;
mod dial;
mod files;
mod perform;
mod poller;
mod refusals;
mod socket;
mod votes;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use self::poller::{Poller, Ready, Token};
use self::refusals::{Refusals, Whose};
use self::socket::Socket;
use self::votes::Votes;
use super::config::Config;
use super::database::ConnId;
use super::peer::{Effects, Input, LinkId, Now, Peer, Settings};
use super::storage::{Disk, DiskEvent, LogBatch, StorageError};
use crate::wire::jute::{PeerId, Zxid};

/// One read takes at most this.
const READ_BYTES: usize = 256 << 10;
/// Connections accepted per wake-up, so that a storm does not starve those who are in.
const ACCEPTS_MAX: usize = 256;
/// A connection that is to close has this long to take its last bytes, ms.
const LINGER_MS: u64 = 5_000;

/// Why a server ended.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// A port could not be opened.
    #[error("cannot listen on {address} ({what}): {source}; is another server running there?")]
    Bind {
        /// `clientPort`, `quorum port` or `election port`.
        what: &'static str,
        address: String,
        source: io::Error,
    },
    /// A host name of the configuration has no address.
    #[error("server.{server}: cannot resolve {host}: {source}")]
    Resolve {
        server: i64,
        host: String,
        source: io::Error,
    },
    /// The data directory cannot be used.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The configuration does not make a server.
    #[error("{0}")]
    Config(String),
    /// The system refused something that it never should.
    #[error("{0}")]
    System(#[from] io::Error),
    /// The server gave up.
    #[error("{reason}")]
    Fatal {
        /// Exit status (specification 16.1).
        status: u8,
        reason: String,
    },
}

impl NodeError {
    /// The process's exit status (specification 16.1).
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

/// A client's connection.
#[derive(Debug)]
struct Client {
    socket: Socket,
    address: SocketAddr,
    /// Nothing read yet: it may still say a four-letter word.
    fresh: bool,
}

/// See [`crate::ensemble::peer::Effect::WriteEpochs`].
#[derive(Clone, Copy, Debug)]
struct EpochWrite {
    ticket: u64,
    accepted: i64,
    current: i64,
}

/// A snapshot from the leader on its way to the disk, and the epochs that must be written after it.
#[derive(Debug)]
struct Saving {
    zxid: Zxid,
    held: Vec<EpochWrite>,
}

/// A running server.
#[derive(Debug)]
struct Node {
    config: Config,
    poller: Poller,
    peer: Peer,
    fx: Effects,
    disk: Disk,
    /// Entries of this round, not yet given to the disk.
    batch: LogBatch,
    /// Tickets of the epoch writes that the disk has yet to confirm, oldest first.
    epoch_tickets: VecDeque<u64>,
    /// A snapshot from the leader that must be durable before any later epoch.
    saving: Option<Saving>,
    wake: Arc<OwnedFd>,
    /// Reused between polls.
    disk_events: Vec<DiskEvent>,
    client_listener: Option<TcpListener>,
    quorum_listener: Option<TcpListener>,
    election_listener: Option<TcpListener>,
    /// Readable once SIGTERM or SIGINT has come; only polled.
    _signals: UnixStream,
    clients: HashMap<u64, Client>,
    per_host: HashMap<IpAddr, u32>,
    refusals: Refusals,
    links: HashMap<u64, Socket>,
    /// The connection to the leader and whether it is established.
    leader: Option<(u64, Socket, bool)>,
    votes: Option<Votes>,
    quorum_addresses: BTreeMap<PeerId, SocketAddr>,
    next_id: u64,
    dirty: Vec<Token>,
    resume: Vec<Token>,
    /// To be offered again in the next round: their unsent bytes are fewer now.
    later: Vec<Token>,
    /// Connections that close once their bytes are out, and when that has taken too long.
    lingering: VecDeque<(u64, Token)>,
    buffer: Vec<u8>,
    started: Instant,
    fatal: Option<NodeError>,
}

/// Runs a server until SIGTERM or SIGINT.
///
/// # Errors
/// If it cannot start, or has to give up.
pub fn run(config: &Config) -> Result<(), NodeError> {
    if let Err(error) = files::allow_all() {
        // Fewer connections are possible then, and nothing else is wrong.
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
        poller.add(&signals, Token::Signal, (true, false))?;

        let me = PeerId(config.server_id());
        let (quorum_addresses, election_addresses) = addresses(config)?;
        let own = |addresses: &Addresses| {
            let own = addresses.get(&me)?;
            Some(quorum_bind_address(config, *own))
        };
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
                poller.add(listener, token, (true, false))?;
            }
        }

        let wake = rustix::event::eventfd(
            0,
            rustix::event::EventfdFlags::CLOEXEC | rustix::event::EventfdFlags::NONBLOCK,
        )
        .map_err(io::Error::from)?;
        poller.add(&wake, Token::Disk, (true, false))?;
        let wake = Arc::new(wake);
        let (disk, recovered) = perform::open_disk(config, &wake)?;
        let peer = Peer::new(settings(config, wall_ms()), recovered);
        let votes = (!config.is_standalone()).then(|| {
            let own = config.election_address_text();
            Votes::new(me, own, election_addresses)
        });
        Ok(Self {
            config: config.clone(),
            poller,
            peer,
            fx: Effects::default(),
            batch: disk.batch(),
            disk,
            epoch_tickets: VecDeque::new(),
            saving: None,
            wake,
            disk_events: Vec::new(),
            client_listener,
            quorum_listener,
            election_listener,
            _signals: signals,
            clients: HashMap::new(),
            per_host: HashMap::new(),
            refusals: Refusals::default(),
            links: HashMap::new(),
            leader: None,
            votes,
            quorum_addresses,
            next_id: 1,
            dirty: Vec::new(),
            resume: Vec::new(),
            later: Vec::new(),
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
            let timeout = if self.peer.is_snapshotting() || !self.later.is_empty() {
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
            for event in &ready {
                if event.token == Token::Signal {
                    self.submit();
                    return Ok(()); // dropping the disk carries out what was requested
                }
                self.handle(now, *event);
            }
            self.resume.append(&mut self.later);
            self.end_lingering(now);
            for line in self.refusals.due(now.mono_ms) {
                log(self.config.server_id(), &line);
            }
            if self.peer.is_snapshotting() {
                self.step(now, Input::SnapshotContinue);
            }
            if now.mono_ms >= self.peer.deadline_ms(now.mono_ms) {
                self.step(now, Input::Tick);
                if let Some(votes) = &mut self.votes {
                    votes.tick(now.mono_ms);
                }
            }
        }
    }

    /// Gives one input to the peer and performs what it wants. `Input` may borrow from a buffer
    /// that was taken out of `self`; returns how much of it was consumed.
    fn step(&mut self, now: Now, input: Input<'_>) -> usize {
        self.peer.step(now, input, &mut self.fx);
        let consumed = self.fx.consumed;
        self.perform(now);
        consumed
    }

    /// After all events of a wake-up: offer held-back bytes, start the disk, send.
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
            None => self.finish_round(now), // a broken connection gave the peer something to say
            Some(fatal) => Err(fatal),
        }
    }

    fn handle(&mut self, now: Now, event: Ready) {
        match event.token {
            Token::ClientListener => self.accept_clients(now),
            Token::QuorumListener => self.accept_links(now),
            Token::ElectionListener => self.accept_votes(now),
            Token::Disk => self.disk_events(now),
            Token::Signal => {}
            Token::Vote(id) => {
                let mut messages = Vec::new();
                if let Some(votes) = &mut self.votes {
                    let ready = (id, event.readable, event.writable);
                    votes.ready(&self.poller, now.mono_ms, ready, &mut messages);
                }
                for (from, message) in messages {
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

    /// Has the poller watch an accepted connection; `None` if the system will not have it.
    fn admit(&self, stream: TcpStream, token: Token) -> Option<Socket> {
        let mut socket = Socket::new(stream).ok()?;
        socket.interest = (true, false);
        self.poller.add(&socket, token, socket.interest).ok()?;
        Some(socket)
    }

    fn accept_clients(&mut self, now: Now) {
        for _ in 0..ACCEPTS_MAX {
            let Some((stream, address)) = accept(self.client_listener.as_ref()) else {
                return;
            };
            if let Some((whose, limit)) = self.exceeded(address.ip()) {
                if let Some(line) = self.refusals.refused(now.mono_ms, whose, limit) {
                    log(self.config.server_id(), &line);
                }
                continue; // closed by dropping it
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
                },
            );
            self.step(now, Input::ClientUp(ConnId(id), &address.ip().to_string()));
        }
    }

    /// The limit that one more connection from `host` would exceed.
    fn exceeded(&self, host: IpAddr) -> Option<(Whose, u32)> {
        let all = u32::try_from(self.clients.len()).unwrap_or(u32::MAX);
        let of_host = self.per_host.get(&host).copied().unwrap_or(0);
        [
            (Whose::All, all, self.config.max_connections()),
            (
                Whose::Host(host),
                of_host,
                self.config.max_client_connections(),
            ),
        ]
        .into_iter()
        .find(|(_, connected, limit)| *limit != 0 && connected >= limit)
        .map(|(whose, _, limit)| (whose, limit))
    }

    fn accept_links(&mut self, now: Now) {
        for _ in 0..ACCEPTS_MAX {
            let Some((stream, _)) = accept(self.quorum_listener.as_ref()) else {
                return;
            };
            let id = self.next_id;
            self.next_id += 1;
            let Some(socket) = self.admit(stream, Token::Link(id)) else {
                continue;
            };
            self.links.insert(id, socket);
            self.step(now, Input::LinkUp(LinkId(id)));
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

/// The next connection that waits, if any. Running out of descriptors is no reason to die: those who
/// are in go on.
fn accept(listener: Option<&TcpListener>) -> Option<(TcpStream, SocketAddr)> {
    listener?.accept().ok()
}

/// Milliseconds since 1970.
fn wall_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

/// A line of the server's log.
fn log(server_id: i64, line: &str) {
    let at = humantime::format_rfc3339_millis(SystemTime::now());
    // Nobody to tell if standard error is closed.
    let _closed = writeln!(io::stderr(), "{at} [myid:{server_id}] {line}");
}

/// What the pure peer has to know of the configuration.
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
        config_text: config.config_text(),
        super_digest: config.super_digest(),
        config_version: config.version(),
        quorum_of_one: !config.is_standalone(),
        extended_types: config.extended_types(),
        skip_acl: config.skips_acl(),
        leader_serves: config.leader_serves(),
        max_frame_bytes: config.max_frame_bytes(),
        outstanding_limit: config.outstanding_limit(),
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
            // The queue of a socket that listens already gets the new length.
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

/// Where a quorum or election port is opened: at `own`, or at all addresses of its family.
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

/// Every server's quorum and election address.
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
