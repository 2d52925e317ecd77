//! A ZooKeeper client session as a pure state machine: bytes in, bytes out, `now` as argument.
//!
//! The session outlives its connections. [`Session::attach`] starts the handshake on a fresh
//! connection (with the same id and password, if there was one before), [`Session::detach`] ends a
//! lost one and gives back what was in flight. Specification 2.2-2.6, 3.1.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::outbox::Outbox;
use super::pending::{Pending, PendingRing, Sent};
use super::reply::check;
use crate::wire::jute::{
    ConnectRequest, ConnectResponse, ErrorCode, JuteError, OpCode, Reader, ReplyHeader,
    RequestHeader, SessionId, WatcherEvent, Zxid,
};

/// Largest frame accepted from a server, as Java's client does it: a listing may exceed the
/// server's own `jute.maxbuffer`.
const FRAME_BYTES_MAX: usize = 4 << 20;
/// Capacity that a buffer for partial frames keeps; a rare huge frame does not pin its memory.
const INBOX_BYTES_KEPT: usize = 64 << 10;

/// The server sent what no server should; the connection is of no more use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// A frame length that is negative or too large.
    #[error("the server sent a frame of {0} bytes (at most {FRAME_BYTES_MAX} are accepted)")]
    Length(i32),
    /// A record that cannot be read.
    #[error("the server sent a malformed reply: {0}")]
    Record(#[from] JuteError),
    /// A reply out of order.
    #[error("the server answered request {actual}, but {expected} was next")]
    Order {
        /// Xid of the oldest request.
        expected: i32,
        /// Xid of the reply.
        actual: i32,
    },
    /// A reply to nothing.
    #[error("the server answered request {0}, but nothing was asked")]
    Unasked(i32),
}

/// One reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply<'a, T> {
    /// What was given with the request.
    pub token: T,
    /// The request's code.
    pub op: OpCode,
    /// How the request went out; `None` if its last byte was not written.
    pub sent: Option<Sent>,
    /// 0, or the error; of a multi the first one inside.
    pub error: ErrorCode,
    /// The response record, checked to be long enough; empty on an error.
    pub body: &'a [u8],
}

/// What comes out of received bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a, T> {
    /// The handshake is done.
    Attached {
        /// The same session as before the connection was lost?
        resumed: bool,
    },
    /// The server does not know the session any more (or refused a new one). The next
    /// [`Session::attach`] asks for a new one; the server closes this connection.
    Expired,
    /// A reply.
    Reply(Reply<'a, T>),
    /// A watch fired.
    Notified(WatcherEvent<'a>),
    /// The session is closed, as asked.
    Closed,
}

/// One operation whose connection ended before its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given<T> {
    /// What was given with the request.
    pub token: T,
    /// How it went out; `None` if its last byte was not written.
    pub sent: Option<Sent>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No connection.
    Detached,
    /// ConnectRequest sent.
    Handshake,
    /// In use.
    Attached,
    /// closeSession sent with this xid.
    Closing(i32),
    /// closeSession answered.
    Closed,
}

/// A client session; `T` is what the caller wants back with each reply.
#[derive(Debug)]
pub struct Session<T> {
    state: State,
    id: SessionId,
    password: [u8; 16],
    asked_timeout_ms: i32,
    /// Negotiated; what was asked before that.
    timeout_ns: i64,
    last_zxid: Zxid,
    next_xid: i32,
    pending: PendingRing<T>,
    outbox: Outbox,
    /// The beginning of a frame whose rest has not come yet.
    inbox: Vec<u8>,
    heard_ns: i64,
    wrote_ns: i64,
    notifications: u64,
}

impl<T> Session<T> {
    /// A session that does not exist yet. `timeout_ms` is asked for, the server decides.
    #[must_use]
    pub fn new(timeout_ms: u64) -> Self {
        let asked_timeout_ms = i32::try_from(timeout_ms).unwrap_or(i32::MAX);
        Self {
            state: State::Detached,
            id: SessionId(0),
            password: [0; 16],
            asked_timeout_ms,
            timeout_ns: ms_to_ns(asked_timeout_ms),
            last_zxid: Zxid::ZERO,
            next_xid: 1,
            pending: PendingRing::default(),
            outbox: Outbox::default(),
            inbox: Vec::new(),
            heard_ns: 0,
            wrote_ns: 0,
            notifications: 0,
        }
    }

    /// Starts the handshake on a connection that was just opened.
    ///
    /// # Panics
    /// If the last connection was not ended by [`Session::detach`].
    pub fn attach(&mut self, now_ns: i64) {
        assert!(
            self.state == State::Detached && self.pending.len() == 0,
            "a session has one connection at a time"
        );
        self.outbox.reset();
        self.inbox.clear();
        ConnectRequest {
            last_zxid_seen: self.last_zxid,
            timeout_ms: self.asked_timeout_ms,
            session: self.id,
            password: &self.password,
            read_only: Some(false),
        }
        .encode_frame(self.outbox.bytes());
        self.state = State::Handshake;
        self.heard_ns = now_ns;
        self.wrote_ns = now_ns;
    }

    /// The connection is gone. Calls `lost` for each operation in flight, oldest first.
    pub fn detach(&mut self, mut lost: impl FnMut(Given<T>)) {
        self.outbox.reset();
        self.inbox.clear();
        if self.state != State::Closed {
            self.state = State::Detached;
        }
        while let Some((Pending { token, .. }, sent)) = self.pending.pop() {
            lost(Given { token, sent });
        }
    }

    /// Appends a request; `body` appends its record (see [`super::request`]).
    ///
    /// # Panics
    /// If the session is not attached.
    pub fn submit(&mut self, op: OpCode, token: T, now_ns: i64, body: impl FnOnce(&mut Vec<u8>)) {
        assert!(self.is_attached(), "requests need an attached session");
        let xid = self.take_xid();
        RequestHeader::encode_frame(self.outbox.bytes(), xid, op, body);
        self.pending
            .push(token, xid, op, (self.outbox.end(), now_ns));
    }

    /// Appends closeSession; [`Event::Closed`] follows after the replies to everything before.
    ///
    /// # Panics
    /// If the session is not attached.
    pub fn close(&mut self) {
        assert!(self.is_attached(), "closing needs an attached session");
        let xid = self.take_xid();
        RequestHeader::encode_frame(self.outbox.bytes(), xid, OpCode::CloseSession, |_| {});
        self.state = State::Closing(xid);
    }

    /// Bytes for the socket.
    #[must_use]
    pub fn output(&self) -> &[u8] {
        self.outbox.waiting()
    }

    /// The first `count` bytes of [`Session::output`] were written so.
    pub fn wrote(&mut self, count: usize, sent: Sent) {
        let written = self.outbox.advance(count);
        self.pending.wrote(written, sent);
        self.wrote_ns = sent.at_ns;
    }

    /// Bytes came from the socket. Frames are read where they lie; only the beginning of an
    /// incomplete one is copied.
    ///
    /// # Errors
    /// If the server broke the protocol; the connection must be given up then.
    pub fn received(
        &mut self,
        mut bytes: &[u8],
        now_ns: i64,
        sink: &mut impl FnMut(Event<'_, T>),
    ) -> Result<(), ProtocolError> {
        self.heard_ns = now_ns;
        if !self.inbox.is_empty() {
            let Some(rest) = self.complete_inbox(bytes)? else {
                return Ok(());
            };
            bytes = rest;
            let mut frame = std::mem::take(&mut self.inbox);
            self.frame(&frame[4..], sink)?;
            frame.clear();
            frame.shrink_to(INBOX_BYTES_KEPT);
            self.inbox = frame;
        }
        while let Some(length) = frame_length(bytes)? {
            let Some(frame) = bytes.get(4..4 + length) else {
                break;
            };
            self.frame(frame, sink)?;
            bytes = &bytes[4 + length..];
        }
        self.inbox.extend_from_slice(bytes);
        Ok(())
    }

    /// Adds what the frame begun in `inbox` lacks; the bytes behind it, or `None` if it is still
    /// incomplete.
    fn complete_inbox<'a>(
        &mut self,
        mut bytes: &'a [u8],
    ) -> Result<Option<&'a [u8]>, ProtocolError> {
        loop {
            let needed = frame_length(&self.inbox)?.map_or(4, |length| 4 + length);
            let missing = needed.saturating_sub(self.inbox.len());
            if missing == 0 {
                return Ok(Some(bytes));
            }
            if bytes.is_empty() {
                return Ok(None);
            }
            let (part, rest) = bytes.split_at(missing.min(bytes.len()));
            self.inbox.extend_from_slice(part);
            bytes = rest;
        }
    }

    fn frame(
        &mut self,
        frame: &[u8],
        sink: &mut impl FnMut(Event<'_, T>),
    ) -> Result<(), ProtocolError> {
        if self.state == State::Handshake {
            return self.handshake(frame, sink);
        }
        let mut reader = Reader::new(frame);
        let header = ReplyHeader::decode(&mut reader)?;
        match header.xid {
            ReplyHeader::NOTIFICATION_XID => {
                self.notifications += 1;
                sink(Event::Notified(WatcherEvent::decode(&mut reader)?));
                return Ok(());
            }
            RequestHeader::PING_XID => return Ok(()),
            _ => {}
        }
        self.last_zxid = self.last_zxid.max(header.zxid);
        let Some(expected) = self.pending.front().map(|entry| entry.xid) else {
            if self.state == State::Closing(header.xid) {
                self.state = State::Closed;
                sink(Event::Closed);
                return Ok(());
            }
            return Err(ProtocolError::Unasked(header.xid));
        };
        if expected != header.xid {
            return Err(ProtocolError::Order {
                expected,
                actual: header.xid,
            });
        }
        let (mut error, mut body) = (header.err, reader.rest());
        if error == ErrorCode::OK {
            // Before the entry is taken: a malformed reply leaves its operation in flight.
            let op = self.pending.front().map_or(OpCode::Error, |entry| entry.op);
            error = check(op, body)?;
        } else {
            body = &[];
        }
        if let Some((Pending { token, op, .. }, sent)) = self.pending.pop() {
            sink(Event::Reply(Reply {
                token,
                op,
                sent,
                error,
                body,
            }));
        }
        Ok(())
    }

    fn handshake(
        &mut self,
        frame: &[u8],
        sink: &mut impl FnMut(Event<'_, T>),
    ) -> Result<(), ProtocolError> {
        let response = ConnectResponse::decode(frame)?;
        if response.timeout_ms <= 0 || response.session == SessionId(0) {
            self.state = State::Detached;
            self.id = SessionId(0);
            self.password = [0; 16];
            sink(Event::Expired);
            return Ok(());
        }
        let resumed = self.id == response.session;
        self.id = response.session;
        self.password = response.password;
        self.timeout_ns = ms_to_ns(response.timeout_ms);
        self.state = State::Attached;
        sink(Event::Attached { resumed });
        Ok(())
    }

    /// Keeps the session alive: appends a ping when nothing was written for a third of the
    /// timeout. To be called more often than that.
    pub fn tick(&mut self, now_ns: i64) {
        let idle = now_ns - self.wrote_ns >= self.timeout_ns / 3;
        if idle && self.is_attached() && self.outbox.waiting().is_empty() {
            RequestHeader::encode_frame(
                self.outbox.bytes(),
                RequestHeader::PING_XID,
                OpCode::Ping,
                |_| {},
            );
            self.wrote_ns = now_ns;
        }
    }

    /// Has the server been silent for two thirds of the timeout? Then it is time to try another,
    /// as Java's client does.
    #[must_use]
    pub fn is_silent(&self, now_ns: i64) -> bool {
        !matches!(self.state, State::Detached | State::Closed)
            && now_ns - self.heard_ns > self.timeout_ns / 3 * 2
    }

    /// May requests be submitted?
    #[must_use]
    pub fn is_attached(&self) -> bool {
        self.state == State::Attached
    }

    /// Was closeSession answered?
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// Operations without a reply.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.pending.len()
    }

    /// When the oldest operation in flight was sent (or, if it still waits for the socket,
    /// submitted).
    #[must_use]
    pub fn oldest_ns(&self) -> Option<i64> {
        self.pending.oldest_ns()
    }

    /// Its id; 0 before the first handshake and after an expiry.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// Highest zxid in any reply.
    #[must_use]
    pub fn last_zxid(&self) -> Zxid {
        self.last_zxid
    }

    /// Watch notifications received.
    #[must_use]
    pub fn notifications(&self) -> u64 {
        self.notifications
    }

    /// 1, 2, ... and after the largest 1 again, as Java does it.
    fn take_xid(&mut self) -> i32 {
        let xid = self.next_xid;
        self.next_xid = xid.checked_add(1).unwrap_or(1);
        xid
    }
}

/// Length of the frame at the start of `bytes`; `None` if not even that is there.
fn frame_length(bytes: &[u8]) -> Result<Option<usize>, ProtocolError> {
    let Some(raw) = bytes.first_chunk::<4>() else {
        return Ok(None);
    };
    let length = i32::from_be_bytes(*raw);
    match usize::try_from(length) {
        Ok(size) if size <= FRAME_BYTES_MAX => Ok(Some(size)),
        _ => Err(ProtocolError::Length(length)),
    }
}

fn ms_to_ns(ms: i32) -> i64 {
    i64::from(ms) * 1_000_000
}

#[cfg(test)]
mod tests;
