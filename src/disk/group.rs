//! Encoded records that are written with one system call and synced together.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// Encoded records in one reusable buffer. `P` is the position of a record: it identifies the record and
/// increases from each record to the next.
#[derive(Debug, Default)]
pub struct Batch<P> {
    bytes: Vec<u8>,
    first: P,
    last: P,
    count: u64,
}

impl<P: Copy + Default + Ord> Batch<P> {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends the record at `position`. `encode` must append the record's bytes to its argument.
    pub fn push_with(&mut self, position: P, encode: impl FnOnce(&mut Vec<u8>)) {
        debug_assert!(
            self.count == 0 || position > self.last,
            "the positions of a log increase"
        );
        encode(&mut self.bytes);
        if self.count == 0 {
            self.first = position;
        }
        self.last = position;
        self.count += 1;
    }

    /// Appends all records of `other`. Their positions must be greater than those of this batch.
    pub fn append(&mut self, other: &Self) {
        if self.count == 0 {
            self.first = other.first;
        }
        self.bytes.extend_from_slice(&other.bytes);
        self.last = other.last;
        self.count += other.count;
    }

    /// Returns the encoded records.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the position of the first record, or the default of `P` if the batch is empty.
    #[must_use]
    pub const fn first(&self) -> P {
        self.first
    }

    /// Returns the position of the last record, or the default of `P` if the batch is empty.
    #[must_use]
    pub const fn last(&self) -> P {
        self.last
    }

    /// Returns the number of records.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Removes the records and keeps the buffer.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.count = 0;
        self.first = P::default();
        self.last = P::default();
    }

    /// Shrinks the buffer of an empty batch to `limit_bytes`.
    pub fn shrink(&mut self, limit_bytes: usize) {
        if self.bytes.is_empty() && self.bytes.capacity() > limit_bytes {
            self.bytes.shrink_to(limit_bytes);
        }
    }
}
