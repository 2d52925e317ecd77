//! The buckets that durations are counted in. They are the buckets of the HDR histogram that is
//! built from the counts: units of 512 ns, 1,024 buckets per power of two.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// Durations above one hour are counted as one hour.
pub(super) const HIGHEST_NS: u64 = 3_600_000_000_000;
/// log2 of the unit: 512 ns is the power of two below 1 µs, the smallest duration in the histogram.
const UNIT_BITS: u32 = 9;
/// log2 of the buckets per power of two: 1,024 buckets give three significant digits.
const HALF_BITS: u32 = 10;
const HALF: usize = 1 << HALF_BITS;
pub(super) const BUCKETS: usize = bucket_of(HIGHEST_NS) + 1;

/// Returns the bucket of a duration: linear up to 2,048 units, then 1,024 buckets per power of two.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "below 2,048")]
pub(super) const fn bucket_of(value_ns: u64) -> usize {
    let linear = ((2 * HALF as u64) - 1) << UNIT_BITS;
    let power = 64 - UNIT_BITS - HALF_BITS - 1 - (value_ns | linear).leading_zeros();
    let within = (value_ns >> (power + UNIT_BITS)) as usize;
    power as usize * HALF + within
}

/// Returns the smallest duration of a bucket, in nanoseconds.
pub(super) fn lowest_of(bucket: usize) -> u64 {
    let power = (bucket / HALF).saturating_sub(1);
    ((bucket - power * HALF) as u64) << (power as u64 + u64::from(UNIT_BITS))
}

#[cfg(test)]
mod tests {
    use super::super::bucket_counter::tests::durations;
    use super::*;

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
}
