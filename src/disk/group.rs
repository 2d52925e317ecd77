//! Encoded records that are written with one call and synced together.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// Records on their way to a log, in one piece of memory that is used again. `P` identifies a record
/// and increases from each record to the next.
#[derive(Debug, Default)]
pub struct Batch<P> {
    bytes: Vec<u8>,
    first: P,
    last: P,
    count: u64,
}

impl<P: Copy + Default + Ord> Batch<P> {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends the record of `position`, which `encode` appends to the bytes it is given.
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

    /// Appends all of `other`, whose positions are greater.
    pub fn append(&mut self, other: &Self) {
        if self.count == 0 {
            self.first = other.first;
        }
        self.bytes.extend_from_slice(&other.bytes);
        self.last = other.last;
        self.count += other.count;
    }

    /// The encoded records.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The first record's position; the default of `P` if the batch is empty.
    #[must_use]
    pub const fn first(&self) -> P {
        self.first
    }

    /// The last record's position; the default of `P` if the batch is empty.
    #[must_use]
    pub const fn last(&self) -> P {
        self.last
    }

    /// The number of records.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Whether it holds no record.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Removes the records and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.count = 0;
        self.first = P::default();
        self.last = P::default();
    }

    /// Gives back memory beyond `limit_bytes` that one large batch left behind.
    pub fn shrink(&mut self, limit_bytes: usize) {
        if self.bytes.is_empty() && self.bytes.capacity() > limit_bytes {
            self.bytes.shrink_to(limit_bytes);
        }
    }
}
