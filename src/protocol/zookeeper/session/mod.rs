//! A ZooKeeper client session as a pure state machine: bytes in, bytes out, `now` as argument.
//!
//! The session outlives its connections. [`Session::attach`] starts the handshake on a new
//! connection, with the earlier id and password if there are any. [`Session::detach`] ends a lost
//! connection and returns the operations that were in flight. Specification 2.2-2.6, 3.1.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::reply::check;
use crate::protocol::{GivenUp, Pending, Sent, Step, Violation};
use crate::wire::jute::{
    ConnectRequest, ConnectResponse, ErrorCode, JuteError, OpCode, Reader, ReplyHeader,
    RequestHeader, SessionId, WatcherEvent, Zxid,
};

/// Maximum length of a frame from a server, as in the Java client. A listing may exceed the
/// server's `jute.maxbuffer`.
const FRAME_BYTES_MAX: usize = 4 << 20;

/// The server broke the protocol. The connection cannot be used any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// A frame has a negative length, or one that is too large.
    #[error("the server sent a frame of {0} bytes (at most {FRAME_BYTES_MAX} are accepted)")]
    Length(i32),
    /// A record cannot be decoded.
    #[error("the server sent a malformed reply: {0}")]
    Record(#[from] JuteError),
    /// A reply is out of order.
    #[error("the server answered request {actual}, but {expected} was next")]
    Order {
        /// Xid of the oldest request.
        expected: i32,
        /// Xid of the reply.
        actual: i32,
    },
    /// A reply belongs to no request.
    #[error("the server answered request {0}, but no request was waiting")]
    Unasked(i32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionReply<'a, T> {
    /// The token that was submitted with the request.
    pub token: T,
    pub op: OpCode,
    /// How the request was sent; `None` if its last byte was not written.
    pub sent: Option<Sent>,
    /// 0, or the code of the error. For a multi, the first error inside.
    pub error: ErrorCode,
    /// The response record, checked for its minimum length; empty after an error.
    pub body: &'a [u8],
}

/// An event that received bytes caused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionEvent<'a, T> {
    /// The handshake is done.
    Attached {
        /// Whether the session is the same as before the connection was lost.
        resumed: bool,
    },
    /// The server does not know the session any more, or it refused a new one. The next
    /// [`Session::attach`] requests a new session. The server closes this connection.
    Expired,
    Reply(SessionReply<'a, T>),
    /// A watch fired.
    Notified(WatcherEvent<'a>),
    /// The session is closed, after [`Session::close`].
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Detached,
    /// ConnectRequest sent.
    Handshake,
    /// Requests can be submitted.
    Attached,
    /// closeSession sent with this xid.
    Closing(i32),
    /// closeSession answered.
    Closed,
}

#[derive(Debug)]
struct Request<T> {
    token: T,
    xid: i32,
    op: OpCode,
}

/// A client session. `T` is the token that the caller gets back with each reply.
#[derive(Debug)]
pub struct Session<T> {
    state: State,
    id: SessionId,
    password: [u8; 16],
    asked_timeout_ms: i32,
    /// The negotiated timeout, or the requested one before the first handshake.
    timeout_ns: i64,
    last_zxid: Zxid,
    next_xid: i32,
    pending: Pending<Request<T>>,
    /// Bytes appended since the connection began.
    appended: u64,
    /// Bytes written since the connection began.
    written: u64,
    heard_ns: i64,
    wrote_ns: i64,
    notifications: u64,
}

impl<T> Session<T> {
    /// A session that was not opened yet. `timeout_ms` is the requested timeout, and the server
    /// decides.
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
            pending: Pending::default(),
            appended: 0,
            written: 0,
            heard_ns: 0,
            wrote_ns: 0,
            notifications: 0,
        }
    }

    /// Starts the handshake on a connection that was just opened.
    ///
    /// # Panics
    /// If the last connection was not ended by [`Session::detach`].
    pub fn attach(&mut self, now_ns: i64, out: &mut Vec<u8>) {
        assert!(
            self.state == State::Detached && self.pending.is_empty(),
            "a session has one connection at a time"
        );
        self.appended = 0;
        self.written = 0;
        let request = ConnectRequest {
            last_zxid_seen: self.last_zxid,
            timeout_ms: self.asked_timeout_ms,
            session: self.id,
            password: &self.password,
            read_only: Some(false),
        };
        let before = out.len();
        request.encode_frame(out);
        self.appended += (out.len() - before) as u64;
        self.state = State::Handshake;
        self.heard_ns = now_ns;
        self.wrote_ns = now_ns;
    }

    /// Called when the connection is gone. Calls `lost` for each operation in flight, oldest first.
    pub fn detach(&mut self, mut lost: impl FnMut(GivenUp<T>)) {
        if self.state != State::Closed {
            self.state = State::Detached;
        }
        while let Some((Request { token, .. }, sent)) = self.pending.pop() {
            lost(GivenUp { token, sent });
        }
    }

    /// Appends a request. `body` appends its record (see [`super::request`]).
    ///
    /// # Panics
    /// If the session is not attached.
    pub fn submit(
        &mut self,
        op: OpCode,
        token: T,
        now_ns: i64,
        out: &mut Vec<u8>,
        body: impl FnOnce(&mut Vec<u8>),
    ) {
        assert!(self.is_attached(), "a request needs an attached session");
        let xid = self.take_xid();
        self.append(xid, op, out, body);
        self.pending
            .push(Request { token, xid, op }, self.appended, now_ns);
    }

    /// Appends closeSession. [`SessionEvent::Closed`] follows after the replies to all earlier
    /// requests.
    ///
    /// # Panics
    /// If the session is not attached.
    pub fn close(&mut self, out: &mut Vec<u8>) {
        assert!(self.is_attached(), "closing needs an attached session");
        let xid = self.take_xid();
        self.append(xid, OpCode::CloseSession, out, |_| {});
        self.state = State::Closing(xid);
    }

    fn append(&mut self, xid: i32, op: OpCode, out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
        let before = out.len();
        RequestHeader::encode_frame(out, xid, op, body);
        self.appended += (out.len() - before) as u64;
    }

    /// Notes that the first `end` bytes of this connection were written. `sent` applies to the last
    /// of them.
    pub fn wrote(&mut self, end: u64, sent: Sent) {
        self.written = end;
        self.pending.wrote(end, sent);
        self.wrote_ns = sent.at_ns;
    }

    /// Notes that bytes arrived.
    pub fn heard(&mut self, now_ns: i64) {
        self.heard_ns = now_ns;
    }

    /// Takes one event off the front of `input`.
    #[inline(always)]
    pub fn next<'b>(&mut self, input: &mut &'b [u8]) -> Step<SessionEvent<'b, T>> {
        loop {
            let length = match frame_length(input) {
                Ok(Some(length)) => length,
                Ok(None) => return Step::Need(LENGTH_BYTES),
                Err(error) => return Step::Broken(error.into()),
            };
            let bytes: &'b [u8] = input;
            let Some(frame) = bytes.get(LENGTH_BYTES..LENGTH_BYTES + length) else {
                return Step::Need(LENGTH_BYTES + length);
            };
            *input = &bytes[LENGTH_BYTES + length..];
            match self.frame(frame) {
                Ok(Some(event)) => return Step::Event(event),
                Ok(None) => {}
                Err(error) => return Step::Broken(error.into()),
            }
        }
    }

    /// Decodes a frame. Returns `None` for the answer to a ping.
    #[inline(always)]
    fn frame<'b>(&mut self, frame: &'b [u8]) -> Result<Option<SessionEvent<'b, T>>, ProtocolError> {
        if self.state == State::Handshake {
            return self.handshake(frame).map(Some);
        }
        let mut reader = Reader::new(frame);
        let header = ReplyHeader::decode(&mut reader)?;
        match header.xid {
            ReplyHeader::NOTIFICATION_XID => {
                self.notifications += 1;
                let event = WatcherEvent::decode(&mut reader)?;
                return Ok(Some(SessionEvent::Notified(event)));
            }
            RequestHeader::PING_XID => return Ok(None),
            _ => {}
        }
        self.last_zxid = self.last_zxid.max(header.zxid);
        let Some(&Request { xid, op, .. }) = self.pending.front() else {
            if self.state == State::Closing(header.xid) {
                self.state = State::Closed;
                return Ok(Some(SessionEvent::Closed));
            }
            return Err(ProtocolError::Unasked(header.xid));
        };
        if xid != header.xid {
            return Err(ProtocolError::Order {
                expected: xid,
                actual: header.xid,
            });
        }
        let (error, body) = if header.err == ErrorCode::OK {
            // Checked before the entry is removed, so that a malformed reply leaves its operation
            // in flight.
            let body = reader.rest();
            (check(op, body)?, body)
        } else {
            (header.err, &[][..])
        };
        Ok(self.pending.pop().map(|(Request { token, .. }, sent)| {
            SessionEvent::Reply(SessionReply {
                token,
                op,
                sent,
                error,
                body,
            })
        }))
    }

    fn handshake<'b>(&mut self, frame: &[u8]) -> Result<SessionEvent<'b, T>, ProtocolError> {
        let response = ConnectResponse::decode(frame)?;
        if response.timeout_ms <= 0 || response.session == SessionId(0) {
            self.state = State::Detached;
            self.id = SessionId(0);
            self.password = [0; 16];
            return Ok(SessionEvent::Expired);
        }
        let resumed = self.id == response.session;
        self.id = response.session;
        self.password = response.password;
        self.timeout_ns = ms_to_ns(response.timeout_ms);
        self.state = State::Attached;
        Ok(SessionEvent::Attached { resumed })
    }

    /// Keeps the session alive: appends a ping if nothing was written for a third of the timeout.
    /// Call it more often than that.
    pub fn tick(&mut self, now_ns: i64, out: &mut Vec<u8>) {
        if self.is_idle(now_ns) {
            self.append(RequestHeader::PING_XID, OpCode::Ping, out, |_| {});
            self.wrote_ns = now_ns;
        }
    }

    fn is_idle(&self, now_ns: i64) -> bool {
        now_ns >= self.ping_ns() && self.is_attached() && self.appended == self.written
    }

    fn ping_ns(&self) -> i64 {
        self.wrote_ns + self.timeout_ns / 3
    }

    /// Returns when a ping is due or the server has been silent for too long; `i64::MAX` without a
    /// connection.
    #[must_use]
    pub fn deadline_ns(&self) -> i64 {
        match self.state {
            State::Detached | State::Closed => i64::MAX,
            State::Attached => self.ping_ns().min(self.silent_ns()),
            State::Handshake | State::Closing(_) => self.silent_ns(),
        }
    }

    fn silent_ns(&self) -> i64 {
        self.heard_ns + self.timeout_ns / 3 * 2 + 1
    }

    /// Whether the server has been silent for two thirds of the timeout. The client then tries
    /// another server, as the Java client does.
    #[must_use]
    pub fn is_silent(&self, now_ns: i64) -> bool {
        !matches!(self.state, State::Detached | State::Closed) && now_ns >= self.silent_ns()
    }

    /// Whether requests can be submitted.
    #[must_use]
    pub fn is_attached(&self) -> bool {
        self.state == State::Attached
    }

    /// Whether the server answered closeSession.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// Returns the number of operations without a reply.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.pending.len()
    }

    /// Returns when the oldest operation in flight was sent or, if it still waits for the socket,
    /// submitted.
    #[must_use]
    pub fn oldest_ns(&self) -> Option<i64> {
        self.pending.oldest_ns()
    }

    /// Returns the session id; 0 before the first handshake and after an expiry.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// Returns the highest zxid in any reply.
    #[must_use]
    pub fn last_zxid(&self) -> Zxid {
        self.last_zxid
    }

    /// Returns the number of watch notifications received.
    #[must_use]
    pub fn notifications(&self) -> u64 {
        self.notifications
    }

    /// Returns 1, 2, ... and 1 again after the largest xid, as the Java client does.
    fn take_xid(&mut self) -> i32 {
        let xid = self.next_xid;
        self.next_xid = xid.checked_add(1).unwrap_or(1);
        xid
    }
}

/// Size of a frame's length prefix.
const LENGTH_BYTES: usize = 4;

impl From<ProtocolError> for Violation {
    fn from(error: ProtocolError) -> Self {
        Self(error.to_string().into())
    }
}

/// Returns the length of the frame at the start of `bytes`; `None` if the prefix is incomplete.
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
