//! Counts by bucket for operations that finished after the interval in which they were intended.
//! These are few.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use super::Histogram;
use super::buckets::{HIGHEST_NS, bucket_of};

/// Counts durations in a map of the used buckets. It is slower than a
/// [`BucketCounter`](super::bucket_counter::BucketCounter) but needs no memory for unused buckets,
/// because there may be one per operation for many intervals.
#[derive(Clone, Debug, Default)]
pub(super) struct SparseCounter {
    counts: BTreeMap<usize, u32>,
    longest_ns: u64,
}

impl SparseCounter {
    pub(super) fn record_ns(&mut self, value_ns: u64) {
        let bucket = bucket_of(value_ns.min(HIGHEST_NS));
        let count = self.counts.entry(bucket).or_default();
        *count = count.saturating_add(1);
        self.longest_ns = self.longest_ns.max(value_ns);
    }

    pub(super) fn into_histogram(self) -> Histogram {
        let (Some((first, _)), Some((last, _))) =
            (self.counts.first_key_value(), self.counts.last_key_value())
        else {
            return Histogram::from_buckets(0, Box::default(), 0);
        };
        let (first, last) = (*first, *last);
        let mut dense = vec![0; last - first + 1];
        for (bucket, count) in self.counts {
            dense[bucket - first] = count;
        }
        Histogram::from_buckets(first, dense.into_boxed_slice(), self.longest_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_equal_those_of_a_histogram() {
        let mut sparse = SparseCounter::default();
        let mut histogram = Histogram::new();
        for value in [0, 700, 5_000, 5_000, 1_234_567, 9_000_000_000] {
            sparse.record_ns(value);
            histogram.record_ns(value);
        }
        let made = sparse.into_histogram();
        assert_eq!(made, histogram);
        assert_eq!(made.max_us(), histogram.max_us());
        assert!(SparseCounter::default().into_histogram().is_empty());
    }
}
