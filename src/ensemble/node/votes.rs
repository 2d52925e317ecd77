//! The connections of the election port: one per pair of servers (specification 12.1, 12.2).
//!
//! The server with the larger id opens the connection that the pair uses. The server with the smaller
//! id connects only to send its greeting; it is closed then, and the other server dials back.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpStream};

use super::dial;
use super::poller::{Interest, Poller, Ready, Token};
use super::socket::{Ended, Socket};
use crate::wire::jute::{JuteError, Notification, PeerId, VoteHello};

/// Longest time for a connect or for an incoming greeting, ms (`zookeeper.cnxTimeout`).
const CONNECT_MS: u64 = 5_000;
/// Most incoming connections whose greeting has not arrived; further ones are refused.
const UNKNOWN_MAX: usize = 64;

#[derive(Debug, PartialEq, Eq)]
enum ElectionLinkStage {
    /// We dial this server.
    Connecting { peer: PeerId, since_ms: u64 },
    /// An incoming connection whose greeting has not arrived.
    Unknown { since_ms: u64 },
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
    addresses: BTreeMap<PeerId, SocketAddr>,
    links: BTreeMap<u64, ElectionLink>,
    by_peer: BTreeMap<PeerId, u64>,
    /// The newest message for each server. It is sent again over a new connection.
    newest: BTreeMap<PeerId, Notification>,
    next_id: u64,
}

impl Votes {
    /// `own_address` is our election address as the configuration gives it.
    pub(super) fn new(
        me: PeerId,
        own_address: String,
        addresses: BTreeMap<PeerId, SocketAddr>,
    ) -> Self {
        Self {
            me,
            hello: VoteHello {
                sid: me,
                address: Some(own_address),
            },
            addresses,
            links: BTreeMap::new(),
            by_peer: BTreeMap::new(),
            newest: BTreeMap::new(),
            next_id: 0,
        }
    }

    /// Sends a message. Opens a connection if the pair has none.
    pub(super) fn send(&mut self, poller: &Poller, now_ms: u64, to: PeerId, message: Notification) {
        if let Some(link) = self.open_link(to) {
            let mut frame = Vec::new();
            message.encode_frame(&mut frame);
            link.socket.queue(&frame);
            let id = self.by_peer[&to];
            self.newest.insert(to, message);
            self.flush(poller, id);
            return;
        }
        self.newest.insert(to, message);
        self.dial(poller, now_ms, to);
    }

    fn open_link(&mut self, peer: PeerId) -> Option<&mut ElectionLink> {
        let id = self.by_peer.get(&peer)?;
        self.links.get_mut(id)
    }

    fn dial(&mut self, poller: &Poller, now_ms: u64, to: PeerId) {
        let Some(address) = self.addresses.get(&to) else {
            return;
        };
        let under_way = self.links.values().any(
            |link| matches!(link.stage, ElectionLinkStage::Connecting { peer, .. } if peer == to),
        );
        if under_way {
            return;
        }
        // After a failure the election sends its vote again, which dials again.
        if let Ok(stream) = dial::begin(*address) {
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
    ) -> io::Result<()> {
        let mut socket = Socket::new(stream)?;
        let id = self.next_id;
        poller.add(&socket, Token::Vote(id), interest)?;
        socket.interest = interest;
        self.next_id += 1;
        self.links.insert(id, ElectionLink { socket, stage });
        Ok(())
    }

    /// Takes a connection that another server has opened to our election port.
    pub(super) fn accept(&mut self, poller: &Poller, now_ms: u64, stream: TcpStream) {
        let unknown = self
            .links
            .values()
            .filter(|link| matches!(link.stage, ElectionLinkStage::Unknown { .. }))
            .count();
        if unknown < UNKNOWN_MAX {
            let _refused = self.add(
                poller,
                stream,
                ElectionLinkStage::Unknown { since_ms: now_ms },
                Interest::READ,
            );
        }
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
            link.socket.queue(&greeting);
            if self.me > peer {
                self.keep(poller, id, peer);
            } else {
                link.stage = ElectionLinkStage::Greeting;
                self.flush(poller, id);
            }
            return;
        }
        if event.readable && !self.read(poller, now_ms, id, messages) {
            self.close(id);
            return;
        }
        if event.writable {
            self.flush(poller, id);
        }
    }

    /// Makes `id` the connection that the pair uses, and sends the newest message over it.
    fn keep(&mut self, poller: &Poller, id: u64, peer: PeerId) {
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
            link.socket.queue(&frame);
        }
        self.flush(poller, id);
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
        if let ElectionLinkStage::Unknown { .. } = link.stage {
            match VoteHello::decode(&link.socket.inbox) {
                Ok(None) => return true,
                Err(_garbage) => return false,
                Ok(Some((hello, length))) => {
                    link.socket.consume(length);
                    if hello.sid == self.me || !self.addresses.contains_key(&hello.sid) {
                        return false;
                    }
                    if hello.sid < self.me {
                        // Dial back, to the address in our own configuration.
                        if self.open_link(hello.sid).is_none() {
                            self.dial(poller, now_ms, hello.sid);
                        } else {
                            self.redial(poller, now_ms, hello.sid);
                        }
                        return false;
                    }
                    self.keep(poller, id, hello.sid);
                }
            }
        }
        self.messages(id, messages)
    }

    /// Replaces the connection to `peer`. A peer that greets us while we have a connection has
    /// restarted and lost its end.
    fn redial(&mut self, poller: &Poller, now_ms: u64, peer: PeerId) {
        if let Some(stale) = self.by_peer.remove(&peer) {
            self.links.remove(&stale);
        }
        self.dial(poller, now_ms, peer);
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
            link.socket.consume(4 + length);
        }
    }

    fn flush(&mut self, poller: &Poller, id: u64) {
        let Some(link) = self.links.get_mut(&id) else {
            return;
        };
        let over = link.socket.flush().is_err()
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
        self.links.retain(|_, link| match link.stage {
            ElectionLinkStage::Connecting { since_ms, .. }
            | ElectionLinkStage::Unknown { since_ms } => now_ms < since_ms + CONNECT_MS,
            ElectionLinkStage::Open(_) | ElectionLinkStage::Greeting => true,
        });
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn connections_without_a_greeting_are_limited_and_time_out() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        let poller = Poller::new().expect("a poller");
        let mut votes = Votes::new(PeerId(1), String::new(), BTreeMap::new());
        let mut dialled = Vec::new();
        let mut accept = |votes: &mut Votes, now_ms| {
            dialled.push(TcpStream::connect(address).expect("the listener accepts"));
            let (stream, _) = listener.accept().expect("dialled");
            votes.accept(&poller, now_ms, stream);
        };
        for now_ms in 0..=UNKNOWN_MAX as u64 {
            accept(&mut votes, now_ms);
        }
        assert_eq!(votes.links.len(), UNKNOWN_MAX, "one connection is refused");
        votes.tick(CONNECT_MS);
        accept(&mut votes, CONNECT_MS);
        assert_eq!(
            votes.links.len(),
            UNKNOWN_MAX,
            "the oldest connection has timed out"
        );
        votes.tick(3 * CONNECT_MS);
        assert_eq!(votes.links.len(), 0);
    }
}
