//! The bytes of one way of a connection that the proxy has read and not delivered yet. Pure.
//!
//! Every piece keeps the order in which it was read. The end of the stream and a reset are pieces too, so they
//! arrive after the bytes before them, and after the delay.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::VecDeque;

/// Memory of a piece beside its bytes, which counts as held: otherwise single bytes could use any amount.
const PIECE_BYTES: usize = 64;

/// Something that is delivered at its due time.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Bytes(Vec<u8>),
    /// The sender closed its half of the connection.
    End,
    /// The sender's connection was reset.
    Reset,
}

#[derive(Debug)]
struct Entry {
    due_ns: u64,
    piece: Piece,
    /// Number of bytes of the piece that are delivered.
    delivered: usize,
}

/// What to do with the oldest piece.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<'a> {
    /// Nothing is held.
    Nothing,
    /// The oldest piece is due at this time.
    Wait(u64),
    /// These bytes are due.
    Bytes(&'a [u8]),
    End,
    Reset,
}

#[derive(Debug, Default)]
pub(super) struct Lane {
    held: VecDeque<Entry>,
    held_bytes: usize,
    last_due_ns: u64,
    read: Reading,
}

/// What was read last from the sender.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Reading {
    #[default]
    Bytes,
    End,
    Reset,
}

impl Lane {
    /// Whether the sender may send more. It may not after it closed its half or after a reset.
    pub(super) fn is_open(&self) -> bool {
        self.read == Reading::Bytes
    }

    /// Whether the sender's connection was reset.
    pub(super) fn was_reset(&self) -> bool {
        self.read == Reading::Reset
    }

    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Returns the memory that the held pieces use, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// Returns the time at which a piece is delivered that would be due at `due_ns`: never before an earlier one.
    pub(super) fn in_order(&mut self, due_ns: u64) -> u64 {
        self.last_due_ns = self.last_due_ns.max(due_ns);
        self.last_due_ns
    }

    /// Adds a piece that was read. Nothing is added after a reset.
    pub(super) fn push(&mut self, due_ns: u64, piece: Piece) {
        match (&piece, self.read) {
            (_, Reading::Reset) => return,
            (Piece::Bytes(bytes), _) => self.held_bytes += bytes.len() + PIECE_BYTES,
            (Piece::End, _) => self.read = Reading::End,
            (Piece::Reset, _) => self.read = Reading::Reset,
        }
        let due_ns = self.in_order(due_ns);
        self.held.push_back(Entry {
            due_ns,
            piece,
            delivered: 0,
        });
    }

    /// Returns the oldest piece. Nothing is due before `not_before_ns`.
    pub(super) fn next(&self, now_ns: u64, not_before_ns: u64) -> Next<'_> {
        let Some(oldest) = self.held.front() else {
            return Next::Nothing;
        };
        let due_ns = oldest.due_ns.max(not_before_ns);
        if due_ns > now_ns {
            return Next::Wait(due_ns);
        }
        match &oldest.piece {
            Piece::Bytes(bytes) => Next::Bytes(&bytes[oldest.delivered..]),
            Piece::End => Next::End,
            Piece::Reset => Next::Reset,
        }
    }

    /// Notes that `bytes` bytes of the oldest piece were delivered, or that it was delivered if it has no bytes.
    pub(super) fn delivered(&mut self, bytes: usize) {
        let Some(oldest) = self.held.front_mut() else {
            return;
        };
        if let Piece::Bytes(all) = &oldest.piece {
            oldest.delivered += bytes;
            if oldest.delivered < all.len() {
                return;
            }
            self.held_bytes -= all.len() + PIECE_BYTES;
        }
        self.held.pop_front();
    }

    /// Drops everything that is held: the receiver is gone.
    pub(super) fn discard(&mut self) {
        self.held.clear();
        self.held_bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Piece {
        Piece::Bytes(text.as_bytes().to_vec())
    }

    #[test]
    fn pieces_are_due_in_the_order_of_their_reading() {
        let mut lane = Lane::default();
        lane.push(50, bytes("a"));
        lane.push(40, bytes("b"));
        lane.push(60, Piece::End);
        assert!(!lane.is_open());
        assert_eq!(lane.next(49, 0), Next::Wait(50));
        assert_eq!(lane.next(50, 0), Next::Bytes(b"a"));
        lane.delivered(1);
        assert_eq!(lane.next(49, 0), Next::Wait(50), "b overtook a");
        assert_eq!(lane.next(50, 0), Next::Bytes(b"b"));
        lane.delivered(1);
        assert_eq!(lane.next(50, 0), Next::Wait(60));
        assert_eq!(lane.next(60, 0), Next::End);
        lane.delivered(0);
        assert_eq!(lane.next(60, 0), Next::Nothing);
    }

    #[test]
    fn a_piece_can_be_delivered_in_parts_and_its_memory_is_counted() {
        let mut lane = Lane::default();
        lane.push(0, bytes("abc"));
        assert_eq!(lane.held_bytes(), 3 + PIECE_BYTES);
        lane.delivered(2);
        assert_eq!(lane.next(0, 0), Next::Bytes(b"c"));
        assert_eq!(lane.held_bytes(), 3 + PIECE_BYTES);
        lane.delivered(1);
        assert_eq!(lane.held_bytes(), 0);
        assert!(lane.is_empty());
    }

    #[test]
    fn nothing_is_due_before_the_time_that_a_heal_sets() {
        let mut lane = Lane::default();
        lane.push(10, bytes("a"));
        assert_eq!(lane.next(20, 25), Next::Wait(25));
        assert_eq!(lane.next(25, 25), Next::Bytes(b"a"));
    }

    #[test]
    fn a_reset_is_the_last_piece_and_follows_an_end() {
        let mut lane = Lane::default();
        lane.push(1, Piece::End);
        lane.push(2, Piece::Reset);
        lane.push(3, bytes("late"));
        assert_eq!(lane.next(9, 0), Next::End);
        lane.delivered(0);
        assert_eq!(lane.next(9, 0), Next::Reset);
        lane.delivered(0);
        assert_eq!(lane.next(9, 0), Next::Nothing);
        lane.push(4, bytes("late"));
        assert!(lane.is_empty());
    }

    #[test]
    fn discarded_pieces_use_no_memory() {
        let mut lane = Lane::default();
        lane.push(1, bytes("abc"));
        lane.discard();
        assert_eq!((lane.held_bytes(), lane.is_empty()), (0, true));
    }
}
