//! Operations in flight, for a protocol that answers in order.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::VecDeque;

/// When and how an operation was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// When the system call started that passed its last byte to the socket.
    pub at_ns: i64,
    /// Whether it waited for room in the socket because the peer did not read.
    pub held: bool,
}

/// An operation whose connection ended before its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GivenUp<T> {
    /// The value that was submitted with it.
    pub token: T,
    /// How it was sent; `None` if its last byte was not written.
    pub sent: Option<Sent>,
}

#[derive(Debug)]
struct Entry<T> {
    item: T,
    /// Position after its last byte in the stream of this connection.
    end: u64,
    /// When it was submitted, or when its last byte was written.
    at_ns: i64,
    /// Whether it waited for room in the socket.
    held: bool,
}

/// A first-in, first-out queue. Replies and writes come in order, so only the oldest entry is
/// checked for a time-out, and one index separates written entries from waiting ones.
#[derive(Debug)]
pub struct Pending<T> {
    ring: VecDeque<Entry<T>>,
    /// Number of entries at the front whose last byte was written.
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
    /// Returns the number of operations.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ring.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// Adds an operation whose last byte ends at `end` in the stream.
    #[inline]
    pub fn push(&mut self, item: T, end: u64, now_ns: i64) {
        self.ring.push_back(Entry {
            item,
            end,
            at_ns: now_ns,
            held: false,
        });
    }

    /// Notes that the stream was written up to `written`. Operations that end there or before count
    /// as sent with `sent`.
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

    /// Returns the oldest operation.
    #[must_use]
    pub fn front(&self) -> Option<&T> {
        self.ring.front().map(|entry| &entry.item)
    }

    /// Returns when the oldest operation was sent or, if it was not written yet, submitted.
    #[must_use]
    pub fn oldest_ns(&self) -> Option<i64> {
        self.ring.front().map(|entry| entry.at_ns)
    }

    /// Removes the oldest operation. Returns it and how it was sent (`None` if not all of it was).
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
