//! Accepts connections, limits them, and opens connections to the other servers.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};

use super::files::Room;
use super::listener::{Accepted, Listener};
use super::newcomers::Newcomers;
use super::poller::{Interest, Token};
use super::resolver::{Answer, Port, Resolution, Target};
use super::socket::Socket;
use super::{AwaitedLeader, Client, LeaderLink, Node, dial, unsent};
use crate::ensemble::database::ConnId;
use crate::ensemble::peer::{Input, LinkId, Now};
use crate::wire::jute::PeerId;

/// Most connections accepted per wake-up, so that many new connections do not delay the older ones.
const ACCEPTS_MAX: usize = 256;
/// Most connections of the quorum port that have not introduced themselves.
const NEWCOMERS_MAX: usize = 64;
/// How long such a connection may take, ms. A learner introduces itself at once.
const INTRODUCTION_MS: u64 = 5_000;
/// Largest introduction. FOLLOWERINFO has 44 bytes.
const INTRODUCTION_BYTES_MAX: usize = 1 << 10;
/// Most bytes of incomplete packets from all learners.
const INCOMPLETE_MAX: usize = 16 << 20;
/// Shorter incomplete packets are not counted.
const INCOMPLETE_SMALL: usize = 8 << 10;
/// A learner's connection with more unsent bytes than this is closed.
const LEARNER_UNSENT_MAX: usize = 256 << 20;
/// Longest lookup of the leader's address, ms. The learner then tries again.
const LOOKUP_MS: u64 = 5_000;

/// The connections of the quorum port that have not introduced themselves.
pub(super) fn newcomers(room: Room) -> Newcomers {
    Newcomers::new(NEWCOMERS_MAX.min(room.links / 2), INTRODUCTION_MS)
}

impl Node {
    fn listener(&mut self, token: Token) -> Option<&mut Listener> {
        match token {
            Token::ClientListener => self.client_listener.as_mut(),
            Token::QuorumListener => self.quorum_listener.as_mut(),
            Token::ElectionListener => self.election_listener.as_mut(),
            _ => None,
        }
    }

    /// Accepts the next waiting connection, if any. Pauses the port if the system has no means for it.
    fn accept(&mut self, now: Now, token: Token) -> Option<(TcpStream, SocketAddr)> {
        match self.listener(token)?.accept() {
            Accepted::Connection(stream, address) => Some((stream, address)),
            Accepted::Nothing => None,
            Accepted::Exhausted(error) => {
                let line = format!("cannot accept connections: {error}; they wait");
                self.pause(now, token, true, line);
                None
            }
        }
    }

    fn pause(&mut self, now: Now, token: Token, exhausted: bool, why: String) {
        self.log.limited(now.mono_ms, "connections wait", why);
        let listener = match token {
            Token::ClientListener => self.client_listener.as_mut(),
            Token::QuorumListener => self.quorum_listener.as_mut(),
            _ => self.election_listener.as_mut(),
        };
        let outcome = listener.map(|listener| listener.pause(&self.poller, now.mono_ms, exhausted));
        if let Some(Err(error)) = outcome {
            self.fatal.get_or_insert(error.into());
        }
    }

    /// Takes connections again on paused ports that have room.
    pub(super) fn resume_listeners(&mut self, now: Now) -> io::Result<()> {
        let has_room = [
            (
                &mut self.client_listener,
                self.clients.len() < self.room.clients,
            ),
            (
                &mut self.quorum_listener,
                self.links.len() < self.room.links,
            ),
            (&mut self.election_listener, true),
        ];
        for (listener, has_room) in has_room {
            if let Some(listener) = listener
                && has_room
                && listener.is_paused()
            {
                listener.resume(&self.poller, now.mono_ms)?;
            }
        }
        Ok(())
    }

    /// Registers an accepted connection with the poller. Returns `None` if the system refuses.
    fn admit(&self, stream: TcpStream, token: Token, unsent_max: usize) -> Option<Socket> {
        let mut socket = Socket::new(stream, unsent_max).ok()?;
        socket.interest = Interest::READ;
        self.poller.add(&socket, token, socket.interest).ok()?;
        Some(socket)
    }

    pub(super) fn accept_clients(&mut self, now: Now) {
        for _ in 0..ACCEPTS_MAX {
            if self.clients.len() >= self.room.clients {
                let line = format!(
                    "{} clients are connected, as many as the limit of open files allows (ulimit -n); further ones wait",
                    self.clients.len()
                );
                return self.pause(now, Token::ClientListener, false, line);
            }
            let Some((stream, address)) = self.accept(now, Token::ClientListener) else {
                return;
            };
            if let Some((kind, line)) = self.exceeded(address.ip()) {
                self.traffic.rejected += 1;
                self.log.limited(now.mono_ms, kind, line);
                continue; // dropping the stream closes it
            }
            let id = self.next_id;
            self.next_id += 1;
            let Some(socket) = self.admit(stream, Token::Client(id), unsent::CLIENT_MAX) else {
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

    /// Returns the line to log, and its kind, if one more client of this host would exceed a limit. The
    /// lines have the wording of Apache ZooKeeper, which operators search logs for.
    fn exceeded(&self, host: IpAddr) -> Option<(&'static str, String)> {
        let reached = |connected: usize, limit: u32| limit != 0 && connected >= limit as usize;
        let limit = self.config.max_connections();
        if reached(self.clients.len(), limit) {
            let line = format!("Too many connections max allowed is {limit}");
            return Some(("too many connections", line));
        }
        let limit = self.config.max_client_connections();
        let of_host = self.per_host.get(&host).copied().unwrap_or(0);
        if reached(of_host as usize, limit) {
            let line = format!("Too many connections from /{host} - max is {limit}");
            return Some(("too many connections from a host", line));
        }
        None
    }

    pub(super) fn accept_links(&mut self, now: Now) {
        for _ in 0..ACCEPTS_MAX {
            if self.links.len() >= self.room.links && !self.make_room_for_a_link(now) {
                let line = format!(
                    "{} learners are in sync, as many as this server accepts; further ones wait",
                    self.links.len()
                );
                return self.pause(now, Token::QuorumListener, false, line);
            }
            let Some((stream, address)) = self.accept(now, Token::QuorumListener) else {
                return;
            };
            let id = self.next_id;
            self.next_id += 1;
            let Some(socket) = self.admit(stream, Token::Link(id), LEARNER_UNSENT_MAX) else {
                continue;
            };
            self.links.insert(id, socket);
            if let Some(oldest) = self.newcomers.add(id, address.ip(), now.mono_ms) {
                let line = format!(
                    "closing a connection to the quorum port from {}: it has not introduced itself, and others wait",
                    address.ip()
                );
                self.log
                    .limited(now.mono_ms, "quorum port without introduction", line);
                self.disconnected(now, Token::Link(oldest));
            }
            let address = address.ip().to_string();
            self.step(now, Input::LinkUp(LinkId(id), &address));
        }
    }

    /// Closes the oldest learner that is not in sync. Returns `false` if all are: those are probably servers
    /// of ours.
    fn make_room_for_a_link(&mut self, now: Now) -> bool {
        let unsynced = self
            .links
            .keys()
            .filter(|id| !self.peer.is_synced(LinkId(**id)));
        let Some(oldest) = unsynced.min().copied() else {
            return false;
        };
        let line = format!(
            "closing a learner's connection that is not in sync: {} are connected, and others wait",
            self.links.len()
        );
        self.log.limited(now.mono_ms, "too many learners", line);
        self.disconnected(now, Token::Link(oldest));
        true
    }

    pub(super) fn accept_votes(&mut self, now: Now) {
        for _ in 0..ACCEPTS_MAX {
            let Some((stream, address)) = self.accept(now, Token::ElectionListener) else {
                return;
            };
            let Some(votes) = &mut self.votes else {
                continue;
            };
            if votes.accept(&self.poller, now.mono_ms, stream, address.ip()) {
                let line = format!(
                    "closing a connection to the election port from {}: it has not sent its greeting, and others wait",
                    address.ip()
                );
                self.log
                    .limited(now.mono_ms, "election port without greeting", line);
            }
        }
    }

    /// Checks a connection to the quorum port after its bytes were offered to the peer: its introduction
    /// must be short, and incomplete packets must not fill the memory.
    pub(super) fn judge_link(&mut self, now: Now, id: u64) {
        let Some(held) = self.links.get(&id).map(|socket| socket.inbox.len()) else {
            return;
        };
        if self.newcomers.contains(id) {
            if self.peer.is_introduced(LinkId(id)) {
                self.newcomers.remove(id);
            } else if held > INTRODUCTION_BYTES_MAX {
                let line = "closing a connection to the quorum port: its introduction is too long"
                    .to_owned();
                self.log
                    .limited(now.mono_ms, "quorum port long introduction", line);
                self.disconnected(now, Token::Link(id));
            }
            return;
        }
        if held < INCOMPLETE_SMALL {
            return;
        }
        let all: usize = self.links.values().map(|socket| socket.inbox.len()).sum();
        if all <= INCOMPLETE_MAX {
            return;
        }
        // Learners in sync are probably servers of ours.
        let largest = self
            .links
            .iter()
            .max_by_key(|(id, socket)| {
                let synced = self.peer.is_synced(LinkId(**id));
                (!synced, socket.inbox.len())
            })
            .map(|(id, _)| *id);
        if let Some(largest) = largest {
            let line = format!(
                "closing a learner's connection: learners have sent {all} bytes of incomplete packets"
            );
            self.log.limited(now.mono_ms, "incomplete packets", line);
            self.disconnected(now, Token::Link(largest));
        }
    }

    /// Closes connections to the quorum port that have not introduced themselves in time.
    pub(super) fn close_late_newcomers(&mut self, now: Now) {
        for id in self.newcomers.take_late(now.mono_ms) {
            let line = format!(
                "closing a connection to the quorum port: it has not introduced itself within {INTRODUCTION_MS} ms"
            );
            self.log
                .limited(now.mono_ms, "quorum port without introduction", line);
            self.disconnected(now, Token::Link(id));
        }
    }

    /// Closes clients that do not read, while all clients together have too many unsent bytes.
    pub(super) fn close_slow_clients(&mut self, now: Now) {
        if !self.unsent.is_excessive() {
            return;
        }
        // The bytes of this round were not offered to the kernel yet.
        self.submit();
        for token in std::mem::take(&mut self.dirty) {
            self.flush(now, token);
        }
        if !self.unsent.is_excessive() {
            return;
        }
        let clients = self
            .clients
            .iter()
            .map(|(id, client)| (*id, &client.socket));
        for id in self.unsent.too_slow(now.mono_ms, clients) {
            self.log_slow_client(now, id);
            self.disconnected(now, Token::Client(id));
        }
    }

    pub(super) fn log_slow_client(&mut self, now: Now, id: u64) {
        if let Some(client) = self.clients.get(&id) {
            let line = format!(
                "closing the connection of /{}: it does not read; {} bytes wait for it, and {} for all clients",
                client.address,
                client.socket.unsent(),
                self.unsent.bytes()
            );
            self.log.limited(now.mono_ms, "slow client", line);
        }
    }

    /// Starts to connect to the leader. May look its name up first.
    pub(super) fn dial_leader(&mut self, now: Now, leader: PeerId) {
        let id = self.next_id;
        self.next_id += 1;
        self.leader = None;
        self.awaited_leader = None;
        let target = Target {
            server: leader,
            port: Port::Quorum,
        };
        match self.resolver.resolve(target) {
            Resolution::Known(address) => self.connect_leader(id, address),
            Resolution::Pending => {
                self.awaited_leader = Some(AwaitedLeader {
                    id,
                    leader,
                    since_ms: now.mono_ms,
                });
            }
            Resolution::Failed(error) => {
                self.log_lookup(now, target, &error);
                self.leader_failed(id);
            }
        }
    }

    /// Lets `offer_again` report to the peer that the leader cannot be reached. A step may be under way,
    /// so the peer must not get that input now.
    fn leader_failed(&mut self, id: u64) {
        self.resume.push(Token::Leader(id));
    }

    fn connect_leader(&mut self, id: u64, address: SocketAddr) {
        let begun = dial::begin(address)
            .and_then(|stream| Socket::new(stream, LEARNER_UNSENT_MAX))
            .and_then(|mut socket| {
                socket.interest = Interest::WRITE;
                self.poller
                    .add(&socket, Token::Leader(id), socket.interest)?;
                Ok(socket)
            });
        match begun {
            Ok(socket) => {
                self.leader = Some(LeaderLink {
                    id,
                    socket,
                    established: false,
                });
            }
            Err(_refused) => self.leader_failed(id),
        }
    }

    /// Opens the connections to election ports that the election wants.
    pub(super) fn dial_voters(&mut self, now: Now) {
        let Some(votes) = &mut self.votes else {
            return;
        };
        for server in votes.take_wanted() {
            let target = Target {
                server,
                port: Port::Election,
            };
            match self.resolver.resolve(target) {
                Resolution::Known(address) => {
                    if let Some(votes) = &mut self.votes {
                        votes.dial(&self.poller, now.mono_ms, server, address);
                    }
                }
                Resolution::Pending => {}
                Resolution::Failed(error) => self.log_lookup(now, target, &error),
            }
        }
    }

    fn log_lookup(&mut self, now: Now, target: Target, error: &io::Error) {
        let host = self.resolver.endpoint(target);
        let host = host.map_or("?", |endpoint| endpoint.host.as_str());
        let line = format!(
            "server.{}: cannot resolve {host}: {error}; trying again with the next connection",
            target.server
        );
        self.log.limited(now.mono_ms, "lookup", line);
    }

    /// Connects to the servers whose addresses were looked up.
    pub(super) fn lookups_ended(&mut self, now: Now) {
        let mut drained = [0; 8];
        let _empty = rustix::io::read(&*self.lookups, &mut drained);
        for answer in self.resolver.take_answers() {
            let Answer {
                target,
                address,
                error,
            } = answer;
            if let Some(error) = error {
                self.log_lookup(now, target, &error);
            }
            match target.port {
                Port::Quorum => {
                    let awaited = self
                        .awaited_leader
                        .take_if(|awaited| awaited.leader == target.server);
                    match (awaited, address) {
                        (Some(awaited), Some(address)) => self.connect_leader(awaited.id, address),
                        (Some(awaited), None) => self.leader_failed(awaited.id),
                        (None, _) => {}
                    }
                }
                Port::Election => {
                    if let (Some(votes), Some(address)) = (&mut self.votes, address) {
                        votes.dial(&self.poller, now.mono_ms, target.server, address);
                    }
                }
            }
        }
    }

    /// Ends a dial whose lookup takes too long.
    pub(super) fn give_up_lookup(&mut self, now: Now) {
        let late = self
            .awaited_leader
            .take_if(|awaited| now.mono_ms >= awaited.since_ms + LOOKUP_MS);
        if let Some(AwaitedLeader { id, leader, .. }) = late {
            let target = Target {
                server: leader,
                port: Port::Quorum,
            };
            let error = io::Error::new(io::ErrorKind::TimedOut, "the name server does not answer");
            self.log_lookup(now, target, &error);
            self.leader_failed(id);
        }
    }
}
