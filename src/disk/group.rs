//! Encoded records that are written together, in parts that each fit into one write.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::ops::Range;

use super::tail::UNSYNCED_BYTES_MAX;

/// Encoded records in one reusable buffer. `P` is the position of a record: it identifies the record and
/// increases from each record to the next.
#[derive(Debug, Default)]
pub struct Batch<P> {
    bytes: Vec<u8>,
    extents: Vec<Extent<P>>,
}

/// Where a part lies in the bytes of its batch.
#[derive(Clone, Debug)]
struct Extent<P> {
    bytes: Range<usize>,
    first: P,
    last: P,
    count: u64,
}

/// Consecutive records of a batch: at most [`UNSYNCED_BYTES_MAX`] bytes, or a single record that is
/// larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part<'a, P> {
    /// The encoded records.
    pub bytes: &'a [u8],
    /// The first record's position.
    pub first: P,
    /// The last record's position.
    pub last: P,
    /// The number of records.
    pub count: u64,
}

impl<P: Copy + Default + Ord> Batch<P> {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends the record at `position`. `encode` must append the record's bytes to its argument.
    pub fn push_with(&mut self, position: P, encode: impl FnOnce(&mut Vec<u8>)) {
        debug_assert!(
            self.is_empty() || position > self.last(),
            "the positions of a log increase"
        );
        let start = self.bytes.len();
        encode(&mut self.bytes);
        self.extend(Extent {
            bytes: start..self.bytes.len(),
            first: position,
            last: position,
            count: 1,
        });
    }

    /// Appends all records of `other`. Their positions must be greater than those of this batch.
    pub fn append(&mut self, other: &Self) {
        let base = self.bytes.len();
        self.bytes.extend_from_slice(&other.bytes);
        for extent in &other.extents {
            self.extend(Extent {
                bytes: base + extent.bytes.start..base + extent.bytes.end,
                ..extent.clone()
            });
        }
    }

    /// Adds records to the last part if they fit, or else begins a new part with them.
    fn extend(&mut self, added: Extent<P>) {
        match self.extents.last_mut() {
            Some(open) if added.bytes.end - open.bytes.start <= UNSYNCED_BYTES_MAX => {
                open.bytes.end = added.bytes.end;
                open.last = added.last;
                open.count += added.count;
            }
            _ => self.extents.push(added),
        }
    }

    /// Returns the parts in order. Each is for one write.
    pub fn parts(&self) -> impl Iterator<Item = Part<'_, P>> {
        self.extents.iter().map(|extent| Part {
            bytes: &self.bytes[extent.bytes.clone()],
            first: extent.first,
            last: extent.last,
            count: extent.count,
        })
    }

    /// Returns the encoded records.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the position of the first record, or the default of `P` if the batch is empty.
    #[must_use]
    pub fn first(&self) -> P {
        self.extents
            .first()
            .map_or_else(P::default, |part| part.first)
    }

    /// Returns the position of the last record, or the default of `P` if the batch is empty.
    #[must_use]
    pub fn last(&self) -> P {
        self.extents
            .last()
            .map_or_else(P::default, |part| part.last)
    }

    /// Returns the number of records.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.extents.iter().map(|part| part.count).sum()
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.extents.is_empty()
    }

    /// Removes the records and keeps the buffer.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.extents.clear();
    }

    /// Shrinks the buffer of an empty batch to `limit_bytes`.
    pub fn shrink(&mut self, limit_bytes: usize) {
        if self.bytes.is_empty() && self.bytes.capacity() > limit_bytes {
            self.bytes.shrink_to(limit_bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sizes of the parts of a batch with records of these sizes.
    fn part_sizes(records: &[usize]) -> Vec<usize> {
        let mut batch = Batch::new();
        for (position, size) in (1_u64..).zip(records) {
            batch.push_with(position, |bytes| bytes.resize(bytes.len() + size, 1));
        }
        let parts: Vec<_> = batch.parts().collect();
        let counts: u64 = parts.iter().map(|part| part.count).sum();
        assert_eq!(counts, records.len() as u64);
        assert!(
            parts.windows(2).all(|two| two[1].first == two[0].last + 1),
            "no record is lost between two parts"
        );
        parts.iter().map(|part| part.bytes.len()).collect()
    }

    #[test]
    fn a_part_is_at_most_one_write_or_one_record() {
        const MAX: usize = UNSYNCED_BYTES_MAX;
        assert!(part_sizes(&[]).is_empty());
        assert_eq!(part_sizes(&[10, MAX - 10]), [MAX]);
        assert_eq!(part_sizes(&[10, MAX - 9]), [10, MAX - 9]);
        assert_eq!(part_sizes(&[7, MAX + 1, 7, 7]), [7, MAX + 1, 14]);
        assert_eq!(part_sizes(&[MAX / 2; 5]), [MAX, MAX, MAX / 2]);
    }

    #[test]
    fn a_batch_that_is_appended_keeps_its_parts() {
        let half = |position: u64| {
            let mut batch = Batch::new();
            batch.push_with(position, |bytes| {
                bytes.resize(UNSYNCED_BYTES_MAX / 2, 1);
            });
            batch
        };
        let mut all = half(1);
        for position in 2..=5 {
            all.append(&half(position));
        }
        let parts: Vec<_> = all
            .parts()
            .map(|part| (part.first, part.last, part.count))
            .collect();
        assert_eq!(parts, [(1, 2, 2), (3, 4, 2), (5, 5, 1)]);
        assert_eq!((all.first(), all.last(), all.count()), (1, 5, 5));
    }
}
