//! The sizes of a workload file, from a description or from what was seen.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// Number of sizes that stand for a distribution.
const POINTS: usize = 20;
/// The largest size that a workload file accepts, in bytes.
const SIZE_MAX_BYTES: u64 = (1 << 20) - (1 << 10);

/// Sizes in bytes, in the form of a workload file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sizes {
    Fixed(u64),
    /// Uniform between both ends, inclusive.
    Range(u64, u64),
    /// Equally likely.
    OneOf(Vec<u64>),
}

impl Sizes {
    /// Formats the sizes as a TOML value. A size above the limit of a workload file becomes the limit.
    pub(super) fn render(&self) -> String {
        match self {
            Self::Fixed(size) => capped(*size).to_string(),
            Self::Range(min, max) => {
                format!("{{ min = {}, max = {} }}", capped(*min), capped(*max))
            }
            Self::OneOf(sizes) => {
                let sizes: Vec<String> = sizes.iter().map(|one| capped(*one).to_string()).collect();
                format!("{{ one_of = [{}] }}", sizes.join(", "))
            }
        }
    }

    pub(super) fn max(&self) -> u64 {
        match self {
            Self::Fixed(size) | Self::Range(_, size) => *size,
            Self::OneOf(sizes) => sizes.iter().copied().max().unwrap_or(0),
        }
    }
}

fn capped(size: u64) -> u64 {
    size.min(SIZE_MAX_BYTES)
}

/// Counts sizes as they are seen. Memory is bounded: sizes above 4 KiB are counted in classes of 1/64 of their
/// power of two, so that a class is at most 1.6 % wide.
#[derive(Clone, Debug, Default)]
pub(super) struct SizeCounter {
    classes: std::collections::BTreeMap<u64, u64>,
    count: u64,
}

impl SizeCounter {
    pub(super) fn add(&mut self, size: usize) {
        let size = size as u64;
        let exponent = u64::from(64 - size.leading_zeros());
        let step = if exponent <= 12 {
            1
        } else {
            1 << (exponent - 7)
        };
        *self.classes.entry(size / step * step).or_insert(0) += 1;
        self.count += 1;
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns the sizes at the middle of equal shares: 20 sizes that are equally likely have nearly the
    /// distribution that was seen.
    pub(super) fn sizes(&self) -> Sizes {
        let mut points = Vec::with_capacity(POINTS);
        for point in 0..POINTS as u64 {
            let rank = (2 * point + 1) * self.count / (2 * POINTS as u64);
            points.push(self.at(rank));
        }
        match (points.first(), points.last()) {
            (Some(first), Some(last)) if first == last => Sizes::Fixed(*first),
            (None, _) => Sizes::Fixed(0),
            _ => Sizes::OneOf(points),
        }
    }

    /// Returns the size of the given rank, counted from 0 in ascending order.
    fn at(&self, rank: u64) -> u64 {
        let mut seen = 0;
        for (size, count) in &self.classes {
            seen += count;
            if rank < seen {
                return *size;
            }
        }
        self.classes.keys().next_back().copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_size_is_fixed_and_a_distribution_becomes_its_quantiles() {
        let mut same = SizeCounter::default();
        (0..10).for_each(|_| same.add(100));
        assert_eq!(same.sizes().render(), "100");
        let mut mixed = SizeCounter::default();
        (0..90).for_each(|_| mixed.add(10));
        (0..10).for_each(|_| mixed.add(5_000));
        let Sizes::OneOf(points) = mixed.sizes() else {
            panic!("a distribution is expected");
        };
        assert_eq!(points.iter().filter(|size| **size == 10).count(), 18);
        assert!(
            points[18..]
                .iter()
                .all(|size| (4_920..=5_000).contains(size)),
            "{points:?}"
        );
    }

    #[test]
    fn a_size_above_the_limit_of_a_workload_becomes_the_limit() {
        assert_eq!(
            Sizes::Range(1, 1 << 24).render(),
            "{ min = 1, max = 1047552 }"
        );
    }
}
