//! Percentiles of the time from request to reply.

use super::latency::Latency;

/// Every time below this has its own bucket, ms.
const EXACT_MS: u64 = 128;
/// Number of buckets from one power of two to the next above that.
const BUCKETS_PER_DOUBLING: u64 = EXACT_MS / 2;
/// Longer times are counted as this, so that there are at most 1,728 buckets.
const MAX_MS: u64 = u32::MAX as u64;

/// Counts of times. Times are exact below 128 ms and at most 1/64 too low above.
#[derive(Clone, Debug, Default)]
pub struct LatencyHistogram {
    latency: Latency,
    /// Grows up to the bucket of the longest time.
    counts: Vec<u64>,
}

impl LatencyHistogram {
    pub(crate) fn record(&mut self, ms: u64) {
        self.latency.record(ms);
        let bucket = bucket(ms.min(MAX_MS));
        if bucket >= self.counts.len() {
            self.counts.resize(bucket + 1, 0);
        }
        self.counts[bucket] += 1;
    }

    #[must_use]
    pub const fn latency(&self) -> Latency {
        self.latency
    }

    /// Returns the time, in ms, that at least `permille` of 1,000 requests did not exceed. Returns 0
    /// before the first request.
    #[must_use]
    pub fn percentile_ms(&self, permille: u64) -> u64 {
        let rank = (self.latency.count * permille).div_ceil(1000).max(1);
        let mut below = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            below += count;
            if below >= rank {
                return lowest_ms(bucket).max(self.latency.min_ms);
            }
        }
        0
    }
}

fn bucket(ms: u64) -> usize {
    let bucket = if ms < EXACT_MS {
        ms
    } else {
        // The number of halvings until the time is below `EXACT_MS`.
        let doubling = u64::from(ms.ilog2() - EXACT_MS.ilog2() + 1);
        EXACT_MS + (doubling - 1) * BUCKETS_PER_DOUBLING + (ms >> doubling) - BUCKETS_PER_DOUBLING
    };
    usize::try_from(bucket).unwrap_or(usize::MAX)
}

/// Returns the shortest time of a bucket.
fn lowest_ms(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < EXACT_MS {
        return bucket;
    }
    let doubling = (bucket - EXACT_MS) / BUCKETS_PER_DOUBLING + 1;
    (BUCKETS_PER_DOUBLING + (bucket - EXACT_MS) % BUCKETS_PER_DOUBLING) << doubling
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_buckets_follow_each_other_without_a_gap() {
        let mut expected = 0;
        for ms in 0..100_000 {
            let bucket = bucket(ms);
            assert!(bucket == expected || bucket == expected + 1, "{ms}");
            expected = bucket;
            assert!(lowest_ms(bucket) <= ms, "{ms}");
            assert!(ms - lowest_ms(bucket) <= ms / 64, "{ms}");
        }
        assert_eq!(bucket(MAX_MS), 1_727);
    }

    #[test]
    fn percentiles_are_those_of_all_times() {
        let mut times = LatencyHistogram::default();
        assert_eq!(times.percentile_ms(500), 0);
        for ms in (1..=100).rev() {
            times.record(ms);
        }
        assert_eq!(
            [500, 950, 990, 999].map(|permille| times.percentile_ms(permille)),
            [50, 95, 99, 100]
        );
        times.record(1 << 40);
        assert_eq!(times.counts.len(), 1_728);
        assert_eq!(times.latency().max_ms, 1 << 40);
    }

    #[test]
    fn a_percentile_is_never_below_the_smallest_time() {
        let mut times = LatencyHistogram::default();
        times.record(1_001);
        assert_eq!(times.percentile_ms(500), 1_001);
    }
}
