//! The connections of the election port: one per pair of servers (specification 12.1, 12.2).
//!
//! Of two servers the one with the larger id keeps the connection that it opened; the other only
//! knocks, so as to be dialled back.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpStream};

use super::dial;
use super::poller::{Poller, Token};
use super::socket::{Ended, Socket};
use crate::wire::jute::{JuteError, Notification, PeerId, VoteHello};

/// A connect, or a greeting, that takes longer is given up (`zookeeper.cnxTimeout`), ms.
const CONNECT_MS: u64 = 5_000;
/// Connections that have not said who they are; more are refused.
const UNKNOWN_MAX: usize = 64;

#[derive(Debug, PartialEq, Eq)]
enum ElectionLinkStage {
    /// We dial this server.
    Connecting(PeerId, u64),
    /// Somebody dialled us then and has not said who it is.
    Unknown(u64),
    /// The connection of this pair.
    Open(PeerId),
    /// Closed once our greeting is out: we only knocked.
    Knocking,
}

#[derive(Debug)]
struct Line {
    socket: Socket,
    stage: ElectionLinkStage,
}

/// All election connections of this server.
#[derive(Debug)]
pub(super) struct Votes {
    me: PeerId,
    hello: VoteHello,
    addresses: BTreeMap<PeerId, SocketAddr>,
    lines: BTreeMap<u64, Line>,
    by_peer: BTreeMap<PeerId, u64>,
    /// The newest message for each server, sent again over a new connection.
    newest: BTreeMap<PeerId, Notification>,
    next_id: u64,
}

impl Votes {
    /// `own` is our election address as the configuration has it.
    pub(super) fn new(me: PeerId, own: String, addresses: BTreeMap<PeerId, SocketAddr>) -> Self {
        Self {
            me,
            hello: VoteHello {
                sid: me,
                address: Some(own),
            },
            addresses,
            lines: BTreeMap::new(),
            by_peer: BTreeMap::new(),
            newest: BTreeMap::new(),
            next_id: 0,
        }
    }

    /// Sends a message, over a new connection if there is none.
    pub(super) fn send(&mut self, poller: &Poller, now_ms: u64, to: PeerId, message: Notification) {
        if let Some(line) = self.open_line(to) {
            let mut frame = Vec::new();
            message.encode_frame(&mut frame);
            line.socket.queue(&frame);
            let id = self.by_peer[&to];
            self.newest.insert(to, message);
            self.flush(poller, id);
            return;
        }
        self.newest.insert(to, message);
        self.dial(poller, now_ms, to);
    }

    fn open_line(&mut self, peer: PeerId) -> Option<&mut Line> {
        let id = self.by_peer.get(&peer)?;
        self.lines.get_mut(id)
    }

    fn dial(&mut self, poller: &Poller, now_ms: u64, to: PeerId) {
        let Some(address) = self.addresses.get(&to) else {
            return;
        };
        let under_way = self
            .lines
            .values()
            .any(|line| matches!(line.stage, ElectionLinkStage::Connecting(p, _) if p == to));
        if under_way {
            return;
        }
        // A refusal shows in the next resend of the election.
        if let Ok(stream) = dial::begin(*address) {
            let _registered = self.add(
                poller,
                stream,
                ElectionLinkStage::Connecting(to, now_ms),
                (false, true),
            );
        }
    }

    fn add(
        &mut self,
        poller: &Poller,
        stream: TcpStream,
        stage: ElectionLinkStage,
        interest: (bool, bool),
    ) -> io::Result<()> {
        let mut socket = Socket::new(stream)?;
        let id = self.next_id;
        poller.add(&socket, Token::Vote(id), interest)?;
        socket.interest = interest;
        self.next_id += 1;
        self.lines.insert(id, Line { socket, stage });
        Ok(())
    }

    /// Somebody has connected to our election port.
    pub(super) fn accept(&mut self, poller: &Poller, now_ms: u64, stream: TcpStream) {
        let unknown = self
            .lines
            .values()
            .filter(|line| matches!(line.stage, ElectionLinkStage::Unknown(_)))
            .count();
        if unknown < UNKNOWN_MAX {
            let _refused = self.add(
                poller,
                stream,
                ElectionLinkStage::Unknown(now_ms),
                (true, false),
            );
        }
    }

    /// A connection is ready; whole messages go to `messages`.
    pub(super) fn ready(
        &mut self,
        poller: &Poller,
        now_ms: u64,
        (id, readable, writable): (u64, bool, bool),
        messages: &mut Vec<(PeerId, Notification)>,
    ) {
        let Some(line) = self.lines.get_mut(&id) else {
            return;
        };
        if let ElectionLinkStage::Connecting(peer, _) = line.stage {
            if !dial::finish(line.socket.stream()) {
                self.lines.remove(&id);
                return;
            }
            let mut greeting = Vec::new();
            self.hello.encode(&mut greeting);
            line.socket.queue(&greeting);
            if self.me > peer {
                self.keep(poller, id, peer);
            } else {
                line.stage = ElectionLinkStage::Knocking;
                self.flush(poller, id);
            }
            return;
        }
        if readable && !self.read(poller, now_ms, id, messages) {
            self.close(id);
            return;
        }
        if writable {
            self.flush(poller, id);
        }
    }

    /// Makes this the connection of the pair and sends the newest message over it.
    fn keep(&mut self, poller: &Poller, id: u64, peer: PeerId) {
        if let Some(older) = self.by_peer.insert(peer, id)
            && older != id
        {
            self.lines.remove(&older);
        }
        let Some(line) = self.lines.get_mut(&id) else {
            return;
        };
        line.stage = ElectionLinkStage::Open(peer);
        if let Some(message) = self.newest.get(&peer) {
            let mut frame = Vec::new();
            message.encode_frame(&mut frame);
            line.socket.queue(&frame);
        }
        self.flush(poller, id);
    }

    /// False if the connection is over.
    fn read(
        &mut self,
        poller: &Poller,
        now_ms: u64,
        id: u64,
        messages: &mut Vec<(PeerId, Notification)>,
    ) -> bool {
        let Some(line) = self.lines.get_mut(&id) else {
            return false;
        };
        let mut buffer = [0; 4096];
        match line.socket.read(&mut buffer) {
            Err(Ended::Closed | Ended::Stuck) => return false,
            Ok(count) => line.socket.inbox.extend_from_slice(&buffer[..count]),
        }
        if let ElectionLinkStage::Unknown(_) = line.stage {
            match VoteHello::decode(&line.socket.inbox) {
                Ok(None) => return true,
                Err(_garbage) => return false,
                Ok(Some((hello, length))) => {
                    line.socket.consume(length);
                    if hello.sid == self.me || !self.addresses.contains_key(&hello.sid) {
                        return false;
                    }
                    if hello.sid < self.me {
                        // It knocks; we dial back, to the address we are configured with.
                        if self.open_line(hello.sid).is_none() {
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

    /// A server that knocks although we have a connection has lost it: it restarted.
    fn redial(&mut self, poller: &Poller, now_ms: u64, peer: PeerId) {
        if let Some(stale) = self.by_peer.remove(&peer) {
            self.lines.remove(&stale);
        }
        self.dial(poller, now_ms, peer);
    }

    fn messages(&mut self, id: u64, messages: &mut Vec<(PeerId, Notification)>) -> bool {
        let Some(line) = self.lines.get_mut(&id) else {
            return false;
        };
        let ElectionLinkStage::Open(peer) = line.stage else {
            return true;
        };
        loop {
            let Some(prefix) = line.socket.inbox.first_chunk::<4>() else {
                return true;
            };
            let length = usize::try_from(i32::from_be_bytes(*prefix)).unwrap_or(0);
            if length == 0 || length > Notification::MAX_BYTES {
                return false;
            }
            let Some(frame) = line.socket.inbox.get(4..4 + length) else {
                return true;
            };
            match Notification::decode(frame) {
                Ok(message) => messages.push((peer, message)),
                Err(JuteError::Truncated | JuteError::Value { .. }) => {} // ignored, as specified
                Err(JuteError::Length(_) | JuteError::Utf8) => {}
            }
            line.socket.consume(4 + length);
        }
    }

    fn flush(&mut self, poller: &Poller, id: u64) {
        let Some(line) = self.lines.get_mut(&id) else {
            return;
        };
        let over = line.socket.flush().is_err()
            || (line.stage == ElectionLinkStage::Knocking && line.socket.is_flushed());
        if over {
            self.close(id);
            return;
        }
        let (_, write) = line.socket.wanted_interest();
        let wanted = (true, write);
        if line.socket.interest != wanted
            && poller.modify(&line.socket, Token::Vote(id), wanted).is_ok()
        {
            line.socket.interest = wanted;
        }
    }

    fn close(&mut self, id: u64) {
        if let Some(Line {
            stage: ElectionLinkStage::Open(peer),
            ..
        }) = self.lines.remove(&id)
            && self.by_peer.get(&peer) == Some(&id)
        {
            self.by_peer.remove(&peer);
        }
    }

    /// Gives up connects and greetings that take too long.
    pub(super) fn tick(&mut self, now_ms: u64) {
        self.lines.retain(|_, line| match line.stage {
            ElectionLinkStage::Connecting(_, since_ms) | ElectionLinkStage::Unknown(since_ms) => {
                now_ms < since_ms + CONNECT_MS
            }
            ElectionLinkStage::Open(_) | ElectionLinkStage::Knocking => true,
        });
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn those_who_do_not_say_who_they_are_make_room() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        let poller = Poller::new().expect("a poller");
        let mut votes = Votes::new(PeerId(1), String::new(), BTreeMap::new());
        let mut dialled = Vec::new();
        let mut accept = |votes: &mut Votes, now_ms| {
            dialled.push(TcpStream::connect(address).expect("it listens"));
            let (stream, _) = listener.accept().expect("dialled");
            votes.accept(&poller, now_ms, stream);
        };
        for now_ms in 0..=UNKNOWN_MAX as u64 {
            accept(&mut votes, now_ms);
        }
        assert_eq!(votes.lines.len(), UNKNOWN_MAX, "one too many");
        votes.tick(CONNECT_MS);
        accept(&mut votes, CONNECT_MS);
        assert_eq!(votes.lines.len(), UNKNOWN_MAX, "the oldest made room");
        votes.tick(3 * CONNECT_MS);
        assert_eq!(votes.lines.len(), 0);
    }
}
