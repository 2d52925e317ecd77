//! The operations of one connection that have no reply yet, in order.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::VecDeque;

use crate::wire::jute::OpCode;

/// How a request went out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Read before the system call that handed its last byte to the socket.
    pub at_ns: i64,
    /// The socket had no room for it at first: the peer did not read.
    pub held: bool,
}

/// One operation without a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending<T> {
    /// What the caller wants back with the reply.
    pub token: T,
    /// Its request's xid.
    pub xid: i32,
    /// Its request's code.
    pub op: OpCode,
    /// Position behind its last byte in the stream of this connection.
    end: u64,
    /// When it was submitted; once written, when its last byte was.
    at_ns: i64,
    /// It waited for room in the socket.
    held: bool,
}

/// A first-in, first-out ring of them. Replies come in order, so do writes: only the oldest needs
/// a look for time-outs, and a mark divides the written from the waiting.
#[derive(Debug)]
pub(super) struct PendingRing<T> {
    ring: VecDeque<Pending<T>>,
    /// Entries at the front whose last byte was written.
    sent: usize,
}

impl<T> Default for PendingRing<T> {
    fn default() -> Self {
        Self {
            ring: VecDeque::new(),
            sent: 0,
        }
    }
}

impl<T> PendingRing<T> {
    pub(super) fn len(&self) -> usize {
        self.ring.len()
    }

    pub(super) fn push(&mut self, token: T, xid: i32, op: OpCode, (end, now_ns): (u64, i64)) {
        self.ring.push_back(Pending {
            token,
            xid,
            op,
            end,
            at_ns: now_ns,
            held: false,
        });
    }

    /// The stream is written up to `written`: whatever ends there or before was sent so.
    pub(super) fn wrote(&mut self, written: u64, sent: Sent) {
        for entry in self.ring.range_mut(self.sent..) {
            if entry.end > written {
                break;
            }
            entry.at_ns = sent.at_ns;
            entry.held = sent.held;
            self.sent += 1;
        }
    }

    pub(super) fn front(&self) -> Option<&Pending<T>> {
        self.ring.front()
    }

    /// When the oldest was submitted or, if it was written, sent.
    pub(super) fn oldest_ns(&self) -> Option<i64> {
        self.ring.front().map(|entry| entry.at_ns)
    }

    /// Takes the oldest, and how it was sent (`None` if not all of it was).
    pub(super) fn pop(&mut self) -> Option<(Pending<T>, Option<Sent>)> {
        let entry = self.ring.pop_front()?;
        let sent = (self.sent > 0).then_some(Sent {
            at_ns: entry.at_ns,
            held: entry.held,
        });
        self.sent = self.sent.saturating_sub(1);
        Some((entry, sent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_sent_when_its_last_byte_is_written() {
        let mut ring = PendingRing::default();
        ring.push('a', 1, OpCode::SetData, (10, 100));
        ring.push('b', 2, OpCode::SetData, (20, 101));
        ring.push('c', 3, OpCode::SetData, (30, 102));
        let sent = |at_ns, held| Sent { at_ns, held };
        ring.wrote(19, sent(200, false));
        assert_eq!(ring.oldest_ns(), Some(200));
        ring.wrote(20, sent(300, true));
        let mut pop = || ring.pop().map(|(entry, sent)| (entry.token, sent));
        assert_eq!(pop(), Some(('a', Some(sent(200, false)))));
        assert_eq!(pop(), Some(('b', Some(sent(300, true)))));
        assert_eq!(pop(), Some(('c', None)));
        assert_eq!(pop(), None);
    }
}
