//! Operations without a reply, of a protocol that answers in order.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::VecDeque;

/// How an operation went out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Read before the system call that handed its last byte to the socket.
    pub at_ns: i64,
    /// The socket had no room for it at first: the peer did not read.
    pub held: bool,
}

/// One operation whose connection ended before its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given<T> {
    /// What was given with it.
    pub token: T,
    /// How it went out; `None` if its last byte was not written.
    pub sent: Option<Sent>,
}

#[derive(Debug)]
struct Entry<T> {
    item: T,
    /// Position behind its last byte in the stream of this connection.
    end: u64,
    /// When it was submitted; once written, when its last byte was.
    at_ns: i64,
    /// It waited for room in the socket.
    held: bool,
}

/// A first-in, first-out ring. Replies come in order, so do writes: only the oldest needs a look for
/// time-outs, and a mark divides the written from the waiting.
#[derive(Debug)]
pub struct Pending<T> {
    ring: VecDeque<Entry<T>>,
    /// Entries at the front whose last byte was written.
    sent: usize,
}

impl<T> Default for Pending<T> {
    fn default() -> Self {
        Self {
            ring: VecDeque::new(),
            sent: 0,
        }
    }
}

impl<T> Pending<T> {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ring.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// Adds one whose last byte ends at `end` in the stream.
    #[inline]
    pub fn push(&mut self, item: T, end: u64, now_ns: i64) {
        self.ring.push_back(Entry {
            item,
            end,
            at_ns: now_ns,
            held: false,
        });
    }

    /// The stream is written up to `written`: whatever ends there or before was sent so.
    #[inline]
    pub fn wrote(&mut self, written: u64, sent: Sent) {
        for entry in self.ring.range_mut(self.sent..) {
            if entry.end > written {
                break;
            }
            entry.at_ns = sent.at_ns;
            entry.held = sent.held;
            self.sent += 1;
        }
    }

    /// The oldest.
    #[must_use]
    pub fn front(&self) -> Option<&T> {
        self.ring.front().map(|entry| &entry.item)
    }

    /// When the oldest was submitted or, if it was written, sent.
    #[must_use]
    pub fn oldest_ns(&self) -> Option<i64> {
        self.ring.front().map(|entry| entry.at_ns)
    }

    /// Takes the oldest, and how it was sent (`None` if not all of it was).
    #[inline]
    pub fn pop(&mut self) -> Option<(T, Option<Sent>)> {
        let entry = self.ring.pop_front()?;
        let sent = (self.sent > 0).then_some(Sent {
            at_ns: entry.at_ns,
            held: entry.held,
        });
        self.sent = self.sent.saturating_sub(1);
        Some((entry.item, sent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_sent_when_its_last_byte_is_written() {
        let mut pending = Pending::default();
        pending.push('a', 10, 100);
        pending.push('b', 20, 101);
        pending.push('c', 30, 102);
        let sent = |at_ns, held| Sent { at_ns, held };
        pending.wrote(19, sent(200, false));
        assert_eq!(pending.oldest_ns(), Some(200));
        pending.wrote(20, sent(300, true));
        assert_eq!(pending.pop(), Some(('a', Some(sent(200, false)))));
        assert_eq!(pending.pop(), Some(('b', Some(sent(300, true)))));
        assert_eq!(pending.pop(), Some(('c', None)));
        assert_eq!(pending.pop(), None);
    }
}
