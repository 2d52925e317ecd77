//! Sends many requests over one blocking connection without waiting for each reply.

use std::io::{self, Read as _, Write as _};

use super::admin::AdminClient;
use super::session::{SessionEvent, SessionReply};
use super::{ClientError, ErrorCode, OpCode};
use crate::protocol::{Sent, Step};

/// Maximum number of requests in flight. A ZooKeeper server throttles at 1,000 over all its
/// clients.
const WINDOW: u64 = 200;
/// Maximum number of bytes that wait for the socket, unless a single request is longer. The limit
/// leaves room for replies while requests are written. Otherwise both sides could wait for each
/// other.
const WINDOW_BYTES: usize = 64 << 10;

/// The reply to one pipelined request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer<'a> {
    /// The request's number.
    pub index: u64,
    /// 0, or the code of the error.
    pub error: ErrorCode,
    /// The response record.
    pub body: &'a [u8],
}

impl AdminClient {
    /// Sends requests 0 to `count - 1` and passes each reply to the caller, in order. `request`
    /// appends the record of one request (see [`super::request`]) and returns its operation.
    ///
    /// # Errors
    /// If the connection is lost, or the server is silent for longer than the client's timeout.
    /// Error replies are passed to the caller.
    pub fn pipeline(
        &mut self,
        count: u64,
        mut request: impl FnMut(u64, &mut Vec<u8>) -> OpCode,
        mut answer: impl FnMut(Answer<'_>),
    ) -> Result<(), ClientError> {
        let mut next = 0;
        let mut answered = 0;
        let mut record = Vec::new();
        while answered < count {
            while next < count && next - answered < WINDOW && self.out.len() < WINDOW_BYTES {
                record.clear();
                let op = request(next, &mut record);
                let now_ns = self.now_ns();
                let out = &mut self.out;
                self.session
                    .submit(op, next, now_ns, out, |out| out.extend_from_slice(&record));
                next += 1;
            }
            self.flush()?;
            self.receive(|event| {
                if let SessionEvent::Reply(SessionReply {
                    token, error, body, ..
                }) = event
                {
                    answered += 1;
                    answer(Answer {
                        index: token,
                        error,
                        body,
                    });
                }
            })?;
        }
        Ok(())
    }

    pub(super) fn flush(&mut self) -> Result<(), ClientError> {
        let sent = Sent {
            at_ns: self.now_ns(),
            held: false,
        };
        (&self.stream)
            .write_all(&self.out)
            .map_err(|source| self.lost(source))?;
        self.written += self.out.len() as u64;
        self.out.clear();
        self.session.wrote(self.written, sent);
        Ok(())
    }

    /// Reads once from the socket.
    pub(super) fn receive(
        &mut self,
        mut sink: impl FnMut(SessionEvent<'_, u64>),
    ) -> Result<(), ClientError> {
        let size = match (&self.stream).read(&mut self.buffer) {
            Ok(0) => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
            Ok(size) => Ok(size),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "no reply within the time-out",
            )),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            Err(error) => Err(error),
        }
        .map_err(|source| self.lost(source))?;
        self.session.heard(self.now_ns());
        let session = &mut self.session;
        let fed = self.inbox.feed(&self.buffer[..size], |input| {
            match session.next(input) {
                Step::Need(bytes) => return Ok(Some(bytes)),
                Step::Event(event) => sink(event),
                Step::Broken(violation) => return Err(violation),
            }
            Ok(None)
        });
        fed.map_err(|violation| self.violated(violation))
    }
}
