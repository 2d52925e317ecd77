//! The exact sign-flip test of the mean difference of pairs, and the confidence interval that
//! belongs to it.
//!
//! If the two sides of a pair do not differ, the difference could as well have the other sign
//! (Fisher 1935, *The Design of Experiments*, chapter III; Pitman 1937). Flipping the signs of a set S
//! of differences makes the sum smaller if and only if the mean over S is above 0. So the means over
//! all sets of pairs decide the test. They also divide the line into pieces that contain the true
//! difference with equal probability (Hartigan 1969, "Using subsample values as typical values",
//! JASA 64:1303). Test and interval use the same means, so they cannot disagree.

use rand::Rng as _;

use super::{DRAWN, ROUNDING, generator};

/// Up to this number of pairs all 2^n sets are tried. With more pairs, random sets are drawn.
const EXACT_MAX: usize = 20;
/// The interval leaves out 1/40 of the means (2.5 %) at either end.
const TAIL: usize = 40;

/// The result of the test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::report) struct SignFlip {
    /// Two-sided p-value of the hypothesis that the differences are symmetric around 0.
    pub p: f64,
    /// 95 % confidence interval of the difference. It excludes 0 exactly if `p` is at most 0.05.
    /// `None` with fewer than six pairs, whose p-value is always above 0.05.
    pub interval: Option<(f64, f64)>,
}

/// Tests the differences of pairs; `None` without pairs.
pub(in crate::report) fn sign_flip(differences: &[f64]) -> Option<SignFlip> {
    if differences.is_empty() {
        return None;
    }
    let mut means = if differences.len() <= EXACT_MAX {
        all_means(differences)
    } else {
        drawn_means(differences)
    };
    // The empty set, which flips nothing, is an assignment too.
    let assignments = means.len() + 1;
    let at_most_0 = 1 + means.iter().filter(|mean| **mean <= 0.0).count();
    let at_least_0 = 1 + means.iter().filter(|mean| **mean >= 0.0).count();
    let p = share(2 * at_most_0.min(at_least_0), assignments).min(1.0);
    let place = assignments / TAIL;
    let interval = (place >= 1).then(|| {
        means.sort_unstable_by(f64::total_cmp);
        (means[place - 1], means[means.len() - place])
    });
    Some(SignFlip { p, interval })
}

/// Returns the smallest p-value that this number of pairs can have.
pub(in crate::report) fn least_p(pairs: usize) -> f64 {
    let exponent = i32::try_from(pairs.min(EXACT_MAX)).unwrap_or(0);
    if pairs <= EXACT_MAX {
        2.0 / 2_f64.powi(exponent)
    } else {
        2.0 / f64::from(DRAWN + 1)
    }
}

/// Returns the mean over every non-empty set of differences.
fn all_means(differences: &[f64]) -> Vec<f64> {
    let sets = 1_usize << differences.len();
    let mut sums = vec![0.0; sets];
    for set in 1..sets {
        let rest = set & (set - 1);
        sums[set] = sums[rest] + differences[set.trailing_zeros() as usize];
    }
    (1..sets)
        .map(|set| mean(sums[set], set.count_ones()))
        .collect()
}

/// Returns the means over random sets. Each pair is in a set with a chance of one half.
fn drawn_means(differences: &[f64]) -> Vec<f64> {
    let mut rng = generator(u64::MAX);
    let mut means = Vec::with_capacity(DRAWN as usize);
    while means.len() < DRAWN as usize {
        let (mut sum, mut size) = (0.0, 0);
        for word_of in differences.chunks(64) {
            let word = rng.next_u64();
            for (bit, difference) in word_of.iter().enumerate() {
                if word >> bit & 1 == 1 {
                    sum += difference;
                    size += 1;
                }
            }
        }
        if size > 0 {
            means.push(mean(sum, size));
        }
    }
    means
}

fn mean(sum: f64, size: u32) -> f64 {
    let mean = sum / f64::from(size);
    if mean.abs() < ROUNDING { 0.0 } else { mean }
}

#[expect(clippy::cast_precision_loss, reason = "counts up to 2^21")]
fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}

#[cfg(test)]
mod tests {
    use super::super::LEVEL;
    use super::*;

    /// The definition: tries all signs and counts how often the mean is at least as far from 0.
    fn by_hand(differences: &[f64]) -> f64 {
        let n = differences.len();
        let total: f64 = differences.iter().sum();
        let extreme = (0..1_u32 << n)
            .filter(|signs| {
                let flipped: f64 = (0..n)
                    .map(|i| {
                        if signs >> i & 1 == 1 {
                            -differences[i]
                        } else {
                            differences[i]
                        }
                    })
                    .sum();
                flipped.abs() >= total.abs() - 1e-9
            })
            .count();
        extreme as f64 / f64::from(1_u32 << n)
    }

    #[test]
    fn the_p_value_is_the_share_of_sign_assignments_as_extreme() {
        let cases: [&[f64]; 5] = [
            &[0.3, 0.1, 0.2, 0.4, 0.05, 0.6],
            &[0.3, -0.1, 0.2, 0.4, 0.05, 0.6, 0.7],
            &[0.31, -0.12, 0.23, -0.44, 0.05, -0.06, 0.07],
            &[-0.3, -0.11, -0.2, 0.17],
            &[1.0],
        ];
        for case in cases {
            let p = sign_flip(case).unwrap().p;
            assert!((p - by_hand(case)).abs() < 1e-12, "{case:?}: {p}");
        }
    }

    #[test]
    fn a_difference_needs_six_pairs() {
        let same_sign = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6];
        let six = sign_flip(&same_sign).unwrap();
        assert_eq!(six.p.to_bits(), (2.0_f64 / 64.0).to_bits());
        assert_eq!(six.interval, Some((0.1, 0.6)));
        let five = sign_flip(&same_sign[..5]).unwrap();
        assert_eq!((five.p, five.interval), (2.0 / 32.0, None));
        assert_eq!((six.p, five.p), (least_p(6), least_p(5)));
        assert_eq!(sign_flip(&[]), None);
    }

    #[test]
    fn zero_differences_show_nothing() {
        let none = sign_flip(&[0.0; 7]).unwrap();
        assert_eq!((none.p, none.interval), (1.0, Some((0.0, 0.0))));
        // 0.1 + 0.2 - 0.3 is not 0 in floating point but must count as 0.
        let balanced = sign_flip(&[0.1, 0.2, -0.3, 0.1, 0.2, -0.3]).unwrap();
        assert_eq!(balanced.p.to_bits(), 1.0_f64.to_bits());
    }

    #[test]
    fn interval_and_p_value_never_disagree() {
        let mut rng = generator(1);
        for pairs in [6, 7, 9, 12, 25] {
            for _ in 0..60 {
                let shift = f64::from(u32::try_from(rng.next_u64() % 200).unwrap()) / 100.0 - 1.0;
                let differences: Vec<f64> = (0..pairs)
                    .map(|_| {
                        shift + f64::from(u32::try_from(rng.next_u64() % 200).unwrap()) / 100.0
                            - 1.0
                    })
                    .collect();
                let found = sign_flip(&differences).unwrap();
                let (low, high) = found.interval.unwrap();
                assert_eq!(
                    found.p <= LEVEL,
                    low > 0.0 || high < 0.0,
                    "{differences:?}: {found:?}"
                );
            }
        }
    }

    #[test]
    fn drawn_sets_of_many_pairs_give_nearly_the_exact_result() {
        let differences: Vec<f64> = (0..20).map(|i| f64::from(i % 7) - 2.4).collect();
        let exact = sign_flip(&differences).unwrap();
        let mut means = drawn_means(&differences);
        means.sort_unstable_by(f64::total_cmp);
        let low = means[(means.len() + 1) / TAIL - 1];
        assert!(
            (low - exact.interval.unwrap().0).abs() < 0.02,
            "{low} {exact:?}"
        );
        let many: Vec<f64> = (0..1_000).map(|i| f64::from(i % 5) + 0.5).collect();
        let found = sign_flip(&many).unwrap();
        assert_eq!(found.p.to_bits(), least_p(1_000).to_bits());
        assert_eq!(
            sign_flip(&many),
            Some(found),
            "the same sets must be drawn again"
        );
    }
}
