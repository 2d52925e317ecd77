//! Counts by bucket while a worker records: an increment per sample, and a hand-over that costs
//! only the buckets in use.
//!
//! The buckets are those of the HDR histogram that the counts become ([`super::Histogram`]): 1,024
//! per power of two above 512 ns units. An HDR histogram itself would cost the worker about 200 KB
//! of fresh zeros per interval and kind of time, in the middle of a schedule.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::Histogram;
use super::histogram::HIGHEST_NS;

/// log2 of the unit: 512 ns, the power of two below the smallest duration told apart (1 us).
const UNIT_BITS: u32 = 9;
/// log2 of the buckets per power of two: 1,024 give three significant digits.
const HALF_BITS: u32 = 10;
/// Buckets per power of two.
const HALF: usize = 1 << HALF_BITS;
/// Buckets up to the largest duration.
const BUCKETS: usize = bucket_of(HIGHEST_NS) + 1;

/// Counts by bucket.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    counts: Box<[u32]>,
    /// Lowest bucket in use; `BUCKETS` when there is none.
    lowest: usize,
    /// Highest bucket in use; 0 when there is none.
    highest: usize,
    /// The longest duration, exactly.
    longest_ns: u64,
}

impl Tally {
    /// An empty one.
    pub(super) fn new() -> Self {
        Self {
            counts: vec![0; BUCKETS].into_boxed_slice(),
            lowest: BUCKETS,
            highest: 0,
            longest_ns: 0,
        }
    }

    /// Counts one duration.
    #[inline]
    pub(super) fn record_ns(&mut self, value_ns: u64) {
        let bucket = bucket_of(value_ns.min(HIGHEST_NS));
        let count = &mut self.counts[bucket];
        *count = count.saturating_add(1);
        self.lowest = self.lowest.min(bucket);
        self.highest = self.highest.max(bucket);
        self.longest_ns = self.longest_ns.max(value_ns);
    }

    /// Hands the counts over and starts afresh.
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

/// The bucket of a duration: linear in units up to 2,048 of them, then 1,024 per power of two.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "below 2,048")]
pub(super) const fn bucket_of(value_ns: u64) -> usize {
    let linear = ((2 * HALF as u64) - 1) << UNIT_BITS;
    let power = 64 - UNIT_BITS - HALF_BITS - 1 - (value_ns | linear).leading_zeros();
    let within = (value_ns >> (power + UNIT_BITS)) as usize;
    power as usize * HALF + within
}

/// The smallest duration of a bucket, nanoseconds.
pub(super) fn lowest_of(bucket: usize) -> u64 {
    let power = (bucket / HALF).saturating_sub(1);
    ((bucket - power * HALF) as u64) << (power as u64 + u64::from(UNIT_BITS))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every order of magnitude, bucket borders and their neighbours.
    fn durations() -> Vec<u64> {
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
    fn it_counts_as_the_hdr_histogram_does() {
        let mut tally = Tally::new();
        let mut histogram = Histogram::new();
        for value in durations() {
            tally.record_ns(value);
            histogram.record_ns(value);
        }
        let taken = tally.take();
        assert_eq!(taken.count(), durations().len() as u64);
        assert_eq!(taken, histogram);
        assert_eq!(taken.max_us(), histogram.max_us());
    }

    #[test]
    fn a_bucket_begins_at_its_smallest_duration() {
        for value in durations().into_iter().map(|value| value.min(HIGHEST_NS)) {
            let bucket = bucket_of(value);
            assert!(lowest_of(bucket) <= value, "{value}");
            assert!(
                bucket + 1 == BUCKETS || lowest_of(bucket + 1) > value,
                "{value}"
            );
            assert_eq!(bucket_of(lowest_of(bucket)), bucket);
        }
    }

    #[test]
    fn taking_starts_afresh() {
        let mut tally = Tally::new();
        tally.record_ns(5_000_000);
        assert_eq!(tally.take().count(), 1);
        assert!(tally.take().is_empty());
        tally.record_ns(3_000);
        let taken = tally.take();
        assert_eq!(taken.count(), 1);
        assert!(taken.max_us().is_some_and(|us| us < 4.0));
    }
}
