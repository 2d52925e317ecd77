//! Bytes waiting for the socket, counted from the start of the connection.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// An output buffer. What was written is dropped without moving the rest each time.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    bytes: Vec<u8>,
    /// Written bytes at the front of `bytes`.
    start: usize,
    /// Bytes written since the connection began.
    written: u64,
}

impl Outbox {
    /// Forgets everything: the next byte is the first of a new connection.
    pub(super) fn reset(&mut self) {
        self.bytes.clear();
        self.start = 0;
        self.written = 0;
    }

    /// What is still to be written.
    pub(super) fn waiting(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// Where to append.
    pub(super) fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Position in the stream behind the last byte appended.
    pub(super) fn end(&self) -> u64 {
        self.written + (self.bytes.len() - self.start) as u64
    }

    /// Drops the first `count` waiting bytes and returns the position in the stream behind them.
    ///
    /// # Panics
    /// If fewer are waiting.
    pub(super) fn advance(&mut self, count: usize) -> u64 {
        assert!(
            count <= self.bytes.len() - self.start,
            "wrote more than was waiting"
        );
        self.start += count;
        self.written += count as u64;
        if self.start == self.bytes.len() {
            self.bytes.clear();
            self.start = 0;
        } else if self.start > self.bytes.len() / 2 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_from_the_start_of_the_connection() {
        let mut outbox = Outbox::default();
        outbox.bytes().extend_from_slice(b"abcdef");
        assert_eq!(outbox.end(), 6);
        assert_eq!(outbox.advance(4), 4);
        assert_eq!(outbox.waiting(), b"ef");
        outbox.bytes().extend_from_slice(b"gh");
        assert_eq!((outbox.end(), outbox.waiting()), (8, &b"efgh"[..]));
        assert_eq!(outbox.advance(4), 8);
        assert!(outbox.waiting().is_empty());
        outbox.reset();
        assert_eq!(outbox.end(), 0);
    }
}
