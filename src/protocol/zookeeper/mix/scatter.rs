//! Spreads the hot znodes of a zipf choice over all parents, in the same way for every session.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// Maps ranks from 1 to a count to distinct indices below the count.
///
/// The step from one rank to the next is the golden section of the count, made coprime to it.
/// Multiples of the golden section stay further apart than multiples of any other number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scatter {
    count: u64,
    step: u64,
}

impl Scatter {
    /// Makes the map for `count` indices, at most 2^32.
    pub(super) fn new(count: u64) -> Self {
        // The golden section as a fraction of 2^32.
        let golden = (count.saturating_mul(2_654_435_769) >> 32).max(1);
        let mut steps = golden..=count.max(1);
        Self {
            count,
            // `count - 1` is coprime to `count`, so a step is always found.
            step: steps.find(|step| gcd(*step, count) == 1).unwrap_or(1),
        }
    }

    /// Returns the index of `rank`. A number that is no rank has an index too.
    pub(super) const fn index(self, rank: u64) -> u64 {
        if self.count == 0 {
            return 0;
        }
        (rank % self.count) * self.step % self.count
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_index_has_exactly_one_rank() {
        for count in (1..=300).chain([1_000, 4_096, 9_973, 10_000, 46_368, 99_999, 1 << 17]) {
            let scatter = Scatter::new(count);
            let mut indices: Vec<u64> = (1..=count).map(|rank| scatter.index(rank)).collect();
            indices.sort_unstable();
            assert!(indices.into_iter().eq(0..count), "{count}: {scatter:?}");
        }
        assert_eq!(Scatter::new(0).index(1), 0, "there is no index to choose");
        assert_eq!(Scatter::new(10_000_000).index(10_000_000), 0);
    }

    #[test]
    fn the_hottest_znodes_are_far_apart() {
        for (count, hottest) in [
            (1_000, 10),
            (10_000, 10),
            (10_000, 100),
            (10_000_000, 1_000),
        ] {
            let scatter = Scatter::new(count);
            let mut indices: Vec<u64> = (1..=hottest).map(|rank| scatter.index(rank)).collect();
            indices.sort_unstable();
            let nearest = indices.windows(2).map(|pair| pair[1] - pair[0]).min();
            assert!(nearest >= Some(count / hottest / 3), "{count}: {nearest:?}");
        }
    }
}
