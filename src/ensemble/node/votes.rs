//! The connections of the election port: one per pair of servers (specification 12.1, 12.2).
//!
//! The server with the larger id opens the connection that the pair uses. The server with the smaller
//! id connects only to send its greeting; it is closed then, and the other server dials back.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};

use super::dial;
use super::newcomers::Newcomers;
use super::poller::{Interest, Poller, Ready, Token};
use super::socket::{Ended, KEPT_MIN, Socket};
use crate::wire::jute::{JuteError, Notification, PeerId, VoteHello};

/// Longest time for a connect or for an incoming greeting, ms (`zookeeper.cnxTimeout`).
const CONNECT_MS: u64 = 5_000;
/// A connection with more unsent bytes than this is closed. Messages are small, and a server sends few.
const UNSENT_MAX: usize = 1 << 20;

#[derive(Debug, PartialEq, Eq)]
enum ElectionLinkStage {
    /// We dial this server.
    Connecting { peer: PeerId, since_ms: u64 },
    /// An incoming connection whose greeting has not arrived.
    Unknown,
    /// The connection that this pair uses.
    Open(PeerId),
    /// Closes once our greeting is sent; the peer dials back.
    Greeting,
}

#[derive(Debug)]
struct ElectionLink {
    socket: Socket,
    stage: ElectionLinkStage,
}

/// A message and the server that sent it.
#[derive(Debug)]
pub(super) struct ReceivedVote {
    pub(super) from: PeerId,
    pub(super) message: Notification,
}

/// All election connections of this server.
#[derive(Debug)]
pub(super) struct Votes {
    me: PeerId,
    hello: VoteHello,
    /// All servers of the ensemble.
    peers: BTreeSet<PeerId>,
    links: BTreeMap<u64, ElectionLink>,
    /// The connections in [`ElectionLinkStage::Unknown`].
    newcomers: Newcomers,
    /// Servers to which a connection must be opened.
    wanted: BTreeSet<PeerId>,
    by_peer: BTreeMap<PeerId, u64>,
    /// The newest message for each server. It is sent again over a new connection.
    newest: BTreeMap<PeerId, Notification>,
    next_id: u64,
}

impl Votes {
    /// `own_address` is our election address as the configuration gives it. Accepts `newcomers_max`
    /// connections that have not sent their greeting.
    pub(super) fn new(
        me: PeerId,
        own_address: String,
        peers: BTreeSet<PeerId>,
        newcomers_max: usize,
    ) -> Self {
        Self {
            me,
            hello: VoteHello {
                sid: me,
                address: Some(own_address),
            },
            peers,
            links: BTreeMap::new(),
            newcomers: Newcomers::new(newcomers_max, CONNECT_MS),
            wanted: BTreeSet::new(),
            by_peer: BTreeMap::new(),
            newest: BTreeMap::new(),
            next_id: 0,
        }
    }

    /// Sends a message. Wants a connection if the pair has none.
    pub(super) fn send(&mut self, poller: &Poller, now_ms: u64, to: PeerId, message: Notification) {
        if let Some(link) = self.open_link(to) {
            let mut frame = Vec::new();
            message.encode_frame(&mut frame);
            link.socket.queue(now_ms, &frame);
            let id = self.by_peer[&to];
            self.newest.insert(to, message);
            self.flush(poller, now_ms, id);
            return;
        }
        self.newest.insert(to, message);
        self.want(to);
    }

    fn open_link(&mut self, peer: PeerId) -> Option<&mut ElectionLink> {
        let id = self.by_peer.get(&peer)?;
        self.links.get_mut(id)
    }

    /// Wants a connection to `peer`, unless one is being opened.
    fn want(&mut self, peer: PeerId) {
        if self.peers.contains(&peer) && !self.is_connecting(peer) {
            self.wanted.insert(peer);
        }
    }

    fn is_connecting(&self, server: PeerId) -> bool {
        self.links.values().any(
            |link| matches!(link.stage, ElectionLinkStage::Connecting { peer, .. } if peer == server),
        )
    }

    /// Returns the servers to which the caller must [`Self::dial`], once it knows their addresses.
    pub(super) fn take_wanted(&mut self) -> BTreeSet<PeerId> {
        std::mem::take(&mut self.wanted)
    }

    pub(super) fn dial(&mut self, poller: &Poller, now_ms: u64, to: PeerId, address: SocketAddr) {
        if self.is_connecting(to) || self.open_link(to).is_some() {
            return; // it has connected to us while its address was looked up
        }
        // After a failure the election sends its vote again, which dials again.
        if let Ok(stream) = dial::begin(address) {
            let _registered = self.add(
                poller,
                stream,
                ElectionLinkStage::Connecting {
                    peer: to,
                    since_ms: now_ms,
                },
                Interest::WRITE,
            );
        }
    }

    fn add(
        &mut self,
        poller: &Poller,
        stream: TcpStream,
        stage: ElectionLinkStage,
        interest: Interest,
    ) -> io::Result<u64> {
        let mut socket = Socket::new(stream, UNSENT_MAX)?;
        let id = self.next_id;
        poller.add(&socket, Token::Vote(id), interest)?;
        socket.interest = interest;
        self.next_id += 1;
        self.links.insert(id, ElectionLink { socket, stage });
        Ok(id)
    }

    /// Takes a connection that another server has opened to our election port. Returns whether another
    /// one had to be closed to make room.
    pub(super) fn accept(
        &mut self,
        poller: &Poller,
        now_ms: u64,
        stream: TcpStream,
        host: IpAddr,
    ) -> bool {
        let Ok(id) = self.add(poller, stream, ElectionLinkStage::Unknown, Interest::READ) else {
            return false;
        };
        let closed = self.newcomers.add(id, host, now_ms);
        if let Some(closed) = closed {
            self.links.remove(&closed);
        }
        closed.is_some()
    }

    /// Handles `event` on connection `id`. Appends the messages that have arrived to `messages`.
    pub(super) fn ready(
        &mut self,
        poller: &Poller,
        now_ms: u64,
        id: u64,
        event: Ready,
        messages: &mut Vec<ReceivedVote>,
    ) {
        let Some(link) = self.links.get_mut(&id) else {
            return;
        };
        if let ElectionLinkStage::Connecting { peer, .. } = link.stage {
            if !dial::finish(link.socket.stream()) {
                self.links.remove(&id);
                return;
            }
            let mut greeting = Vec::new();
            self.hello.encode(&mut greeting);
            link.socket.queue(now_ms, &greeting);
            if self.me > peer {
                self.keep(poller, now_ms, id, peer);
            } else {
                link.stage = ElectionLinkStage::Greeting;
                self.flush(poller, now_ms, id);
            }
            return;
        }
        if event.readable && !self.read(poller, now_ms, id, messages) {
            self.close(id);
            return;
        }
        if event.writable {
            self.flush(poller, now_ms, id);
        }
    }

    /// Makes `id` the connection that the pair uses, and sends the newest message over it.
    fn keep(&mut self, poller: &Poller, now_ms: u64, id: u64, peer: PeerId) {
        if let Some(older) = self.by_peer.insert(peer, id)
            && older != id
        {
            self.links.remove(&older);
        }
        let Some(link) = self.links.get_mut(&id) else {
            return;
        };
        link.stage = ElectionLinkStage::Open(peer);
        if let Some(message) = self.newest.get(&peer) {
            let mut frame = Vec::new();
            message.encode_frame(&mut frame);
            link.socket.queue(now_ms, &frame);
        }
        self.flush(poller, now_ms, id);
    }

    /// Returns `false` if the connection must be closed.
    fn read(
        &mut self,
        poller: &Poller,
        now_ms: u64,
        id: u64,
        messages: &mut Vec<ReceivedVote>,
    ) -> bool {
        let Some(link) = self.links.get_mut(&id) else {
            return false;
        };
        let mut buffer = [0; 4096];
        match link.socket.read(&mut buffer) {
            Err(Ended::Closed | Ended::Stuck) => return false,
            Ok(count) => link.socket.inbox.extend_from_slice(&buffer[..count]),
        }
        if link.stage == ElectionLinkStage::Unknown {
            match VoteHello::decode(&link.socket.inbox) {
                Ok(None) => return true,
                Err(_garbage) => return false,
                Ok(Some((hello, length))) => {
                    link.socket.consume(length, KEPT_MIN);
                    self.newcomers.remove(id);
                    if hello.sid == self.me || !self.peers.contains(&hello.sid) {
                        return false;
                    }
                    if hello.sid < self.me {
                        // Dial back, to the address in our own configuration. A peer that greets us while
                        // we have a connection has restarted and lost its end.
                        if let Some(stale) = self.by_peer.remove(&hello.sid) {
                            self.links.remove(&stale);
                        }
                        self.want(hello.sid);
                        return false;
                    }
                    self.keep(poller, now_ms, id, hello.sid);
                }
            }
        }
        self.messages(id, messages)
    }

    /// Decodes the whole messages in the inbox. Returns `false` if the connection must be closed.
    fn messages(&mut self, id: u64, messages: &mut Vec<ReceivedVote>) -> bool {
        let Some(link) = self.links.get_mut(&id) else {
            return false;
        };
        let ElectionLinkStage::Open(peer) = link.stage else {
            return true;
        };
        loop {
            let Some(prefix) = link.socket.inbox.first_chunk::<4>() else {
                return true;
            };
            let length = usize::try_from(i32::from_be_bytes(*prefix)).unwrap_or(0);
            if length == 0 || length > Notification::MAX_BYTES {
                return false;
            }
            let Some(frame) = link.socket.inbox.get(4..4 + length) else {
                return true;
            };
            match Notification::decode(frame) {
                Ok(message) => messages.push(ReceivedVote {
                    from: peer,
                    message,
                }),
                Err(JuteError::Truncated | JuteError::Value { .. }) => {} // the specification ignores these
                Err(JuteError::Length(_) | JuteError::Utf8) => {}
            }
            link.socket.consume(4 + length, KEPT_MIN);
        }
    }

    fn flush(&mut self, poller: &Poller, now_ms: u64, id: u64) {
        let Some(link) = self.links.get_mut(&id) else {
            return;
        };
        let over = link.socket.flush(now_ms, KEPT_MIN).is_err()
            || (link.stage == ElectionLinkStage::Greeting && link.socket.is_flushed());
        if over {
            self.close(id);
            return;
        }
        let wanted = Interest {
            read: true,
            ..link.socket.wanted_interest()
        };
        if link.socket.interest != wanted
            && poller.modify(&link.socket, Token::Vote(id), wanted).is_ok()
        {
            link.socket.interest = wanted;
        }
    }

    fn close(&mut self, id: u64) {
        self.newcomers.remove(id);
        if let Some(ElectionLink {
            stage: ElectionLinkStage::Open(peer),
            ..
        }) = self.links.remove(&id)
            && self.by_peer.get(&peer) == Some(&id)
        {
            self.by_peer.remove(&peer);
        }
    }

    /// Closes connections whose connect or greeting takes longer than [`CONNECT_MS`].
    pub(super) fn tick(&mut self, now_ms: u64) {
        for id in self.newcomers.take_late(now_ms) {
            self.links.remove(&id);
        }
        self.links.retain(|_, link| match link.stage {
            ElectionLinkStage::Connecting { since_ms, .. } => now_ms < since_ms + CONNECT_MS,
            _ => true,
        });
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::time::Duration;

    use super::*;
    use crate::wire::jute::WriteJute as _;

    const NEWCOMERS: usize = 64;

    /// The election port of server 2.
    struct ElectionPort {
        votes: Votes,
        poller: Poller,
        listener: TcpListener,
    }

    impl ElectionPort {
        fn new() -> Self {
            let peers = BTreeSet::from([1, 2, 3].map(PeerId));
            Self {
                votes: Votes::new(PeerId(2), "zk2:3888".to_owned(), peers, NEWCOMERS),
                poller: Poller::new().expect("a poller"),
                listener: TcpListener::bind("127.0.0.1:0").expect("a port"),
            }
        }

        fn dialled(&mut self, now_ms: u64) -> TcpStream {
            let address = self.listener.local_addr().expect("bound");
            let stream = TcpStream::connect(address).expect("the listener accepts");
            let (accepted, from) = self.listener.accept().expect("dialled");
            self.votes.accept(&self.poller, now_ms, accepted, from.ip());
            stream
        }

        /// Handles events until the condition holds.
        fn until(&mut self, now_ms: u64, done: impl Fn(&Votes) -> bool) {
            let mut ready = Vec::new();
            while !done(&self.votes) {
                self.poller.wait(Duration::MAX, &mut ready).expect("polled");
                for event in &ready {
                    let Token::Vote(id) = event.token else {
                        panic!("{event:?}");
                    };
                    self.votes
                        .ready(&self.poller, now_ms, id, *event, &mut Vec::new());
                }
            }
        }
    }

    #[test]
    fn connections_without_a_greeting_make_room_for_others_and_time_out() {
        let mut port = ElectionPort::new();
        let mut silent: Vec<TcpStream> = (0..=NEWCOMERS as u64)
            .map(|now_ms| port.dialled(now_ms))
            .collect();
        assert_eq!(port.votes.links.len(), NEWCOMERS);
        let oldest = silent[0].read(&mut [0; 1]);
        assert_eq!(oldest.expect("closed in order"), 0, "the oldest is closed");
        port.votes.tick(CONNECT_MS + 1);
        assert_eq!(port.votes.links.len(), NEWCOMERS - 1);
        port.votes.tick(3 * CONNECT_MS);
        assert_eq!(port.votes.links.len(), 0);
    }

    #[test]
    fn a_server_is_heard_while_silent_connections_are_renewed() {
        let mut port = ElectionPort::new();
        let mut all: Vec<TcpStream> = (0..2 * NEWCOMERS as u64)
            .map(|now_ms| port.dialled(now_ms))
            .collect();
        let mut server = port.dialled(200);
        let mut greeting = Vec::new();
        greeting.put_i64(3);
        server.write_all(&greeting).expect("open");
        port.until(200, |votes| votes.by_peer.contains_key(&PeerId(3)));
        all.extend((300..500).map(|now_ms| port.dialled(now_ms)));
        assert!(
            port.votes.open_link(PeerId(3)).is_some(),
            "only connections without a greeting are closed"
        );
    }

    #[test]
    fn a_server_with_a_smaller_id_is_dialled_back() {
        let mut port = ElectionPort::new();
        let mut server = port.dialled(0);
        let mut greeting = Vec::new();
        greeting.put_i64(1);
        server.write_all(&greeting).expect("open");
        port.until(0, |votes| votes.links.is_empty());
        assert_eq!(port.votes.take_wanted(), BTreeSet::from([PeerId(1)]));
    }
}
