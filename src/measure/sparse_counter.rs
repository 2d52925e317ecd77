//! Counts by bucket of what is rare: operations that were done after the interval in which they were
//! intended.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use super::Histogram;
use super::buckets::{HIGHEST_NS, bucket_of};

/// Durations counted in the buckets in use only. Slower to add to than a [`BucketCounter`](super::bucket_counter::BucketCounter), and it costs
/// no memory for the buckets that are not used: there may be one per operation for many intervals.
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
    fn it_counts_as_a_histogram_does() {
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
