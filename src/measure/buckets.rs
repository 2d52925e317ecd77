//! The buckets that durations are counted in: those of the HDR histogram that the counts become, 1,024
//! per power of two above 512 ns units.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// Longest duration that is told apart: an hour. Longer ones count as this.
pub(super) const HIGHEST_NS: u64 = 3_600_000_000_000;
/// log2 of the unit: 512 ns, the power of two below the smallest duration told apart (1 us).
const UNIT_BITS: u32 = 9;
/// log2 of the buckets per power of two: 1,024 give three significant digits.
const HALF_BITS: u32 = 10;
/// Buckets per power of two.
const HALF: usize = 1 << HALF_BITS;
/// Buckets up to the longest duration.
pub(super) const BUCKETS: usize = bucket_of(HIGHEST_NS) + 1;

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
