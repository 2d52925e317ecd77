//! Counts by bucket while a worker records. Counting a sample is one increment, and a hand-over
//! copies only the used buckets.
//!
//! A new HDR histogram per interval would make the worker zero about 200 KB per kind of time, in
//! the middle of its schedule.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::Histogram;
use super::buckets::{BUCKETS, HIGHEST_NS, bucket_of};

#[derive(Clone, Debug)]
pub(super) struct BucketCounter {
    counts: Box<[u32]>,
    /// Lowest used bucket; `BUCKETS` if none is used.
    lowest: usize,
    /// Highest used bucket; 0 if none is used.
    highest: usize,
    /// Exact, unlike the buckets.
    longest_ns: u64,
}

impl BucketCounter {
    pub(super) fn new() -> Self {
        Self {
            counts: vec![0; BUCKETS].into_boxed_slice(),
            lowest: BUCKETS,
            highest: 0,
            longest_ns: 0,
        }
    }

    #[inline]
    pub(super) fn record_ns(&mut self, value_ns: u64) {
        let bucket = bucket_of(value_ns.min(HIGHEST_NS));
        let count = &mut self.counts[bucket];
        *count = count.saturating_add(1);
        self.lowest = self.lowest.min(bucket);
        self.highest = self.highest.max(bucket);
        self.longest_ns = self.longest_ns.max(value_ns);
    }

    /// Returns the counts and resets them.
    pub(super) fn take(&mut self) -> Histogram {
        if self.lowest > self.highest {
            return Histogram::from_buckets(0, Box::default(), 0);
        }
        let used = &mut self.counts[self.lowest..=self.highest];
        let taken: Box<[u32]> = Box::from(&*used);
        used.fill(0);
        let first = std::mem::replace(&mut self.lowest, BUCKETS);
        self.highest = 0;
        let longest_ns = std::mem::take(&mut self.longest_ns);
        Histogram::from_buckets(first, taken, longest_ns)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Covers every order of magnitude, bucket limits and their neighbours.
    pub(in crate::measure) fn durations() -> Vec<u64> {
        let mut values = vec![0, 1, 511, 512, 1_000, 1_023, 1_024, u64::MAX, HIGHEST_NS];
        for bits in 9..45 {
            let power = 1_u64 << bits;
            values.extend([
                power - 1,
                power,
                power + 1,
                power + power / 3,
                power + power / 7 * 5,
            ]);
        }
        values
    }

    #[test]
    fn the_counts_equal_those_of_an_hdr_histogram() {
        let mut counter = BucketCounter::new();
        let mut histogram = Histogram::new();
        for value in durations() {
            counter.record_ns(value);
            histogram.record_ns(value);
        }
        let taken = counter.take();
        assert_eq!(taken.count(), durations().len() as u64);
        assert_eq!(taken, histogram);
        assert_eq!(taken.max_us(), histogram.max_us());
    }

    #[test]
    fn take_resets_the_counter() {
        let mut counter = BucketCounter::new();
        counter.record_ns(5_000_000);
        assert_eq!(counter.take().count(), 1);
        assert!(counter.take().is_empty());
        counter.record_ns(3_000);
        let taken = counter.take();
        assert_eq!(taken.count(), 1);
        assert!(taken.max_us().is_some_and(|us| us < 4.0));
    }
}
