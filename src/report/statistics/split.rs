//! The exact permutation test of the difference of the means of two unpaired samples (Pitman 1937).
//!
//! If the samples do not differ, every split of all values into two groups of these sizes is
//! equally likely.

use rand::Rng as _;

use super::{DRAWN, ROUNDING, generator, index_below};

/// Up to this number of splits all are tried. Beyond it, random splits are drawn.
const EXACT_MAX: u64 = 200_000;

/// Returns the two-sided p-value of the hypothesis that both samples come from one distribution;
/// `None` if one is empty.
pub(in crate::report) fn split(a: &[f64], b: &[f64]) -> Option<f64> {
    if a.is_empty() || b.is_empty() {
        return None;
    }
    // The total is fixed, so the sum of one group decides. The smaller group is less work.
    let (small, large) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let all: Vec<f64> = small.iter().chain(large).copied().collect();
    #[expect(clippy::cast_precision_loss, reason = "thousands of runs at most")]
    let center = all.iter().sum::<f64>() / all.len() as f64;
    let values: Vec<f64> = all.iter().map(|value| value - center).collect();
    let observed = values[..small.len()].iter().sum::<f64>().abs() - ROUNDING;
    Some(if splits(all.len(), small.len()) <= EXACT_MAX {
        exact(&values, small.len(), observed)
    } else {
        drawn(&values, small.len(), observed)
    })
}

/// Returns the smallest p-value that samples of these sizes can have.
pub(in crate::report) fn least_split_p(a: usize, b: usize) -> f64 {
    let ways = splits(a + b, a.min(b)).min(u64::from(DRAWN));
    2.0 / f64::from(u32::try_from(ways).unwrap_or(DRAWN))
}

/// Returns the number of ways to choose `size` of `all`; `u64::MAX` if it does not fit.
fn splits(all: usize, size: usize) -> u64 {
    let mut ways = 1_u64;
    for i in 0..size as u64 {
        let Some(product) = ways.checked_mul(all as u64 - i) else {
            return u64::MAX;
        };
        ways = product / (i + 1);
    }
    ways
}

fn exact(values: &[f64], size: usize, observed: f64) -> f64 {
    let mut chosen: Vec<usize> = (0..size).collect();
    let (mut extreme, mut all) = (0_u32, 0_u32);
    loop {
        let sum: f64 = chosen.iter().map(|index| values[*index]).sum();
        all += 1;
        extreme += u32::from(sum.abs() >= observed);
        // Move the last index that can move up. The indices after it follow directly.
        let Some(moves) = (0..size).rfind(|at| chosen[*at] < values.len() - size + at) else {
            return f64::from(extreme) / f64::from(all);
        };
        let first = chosen[moves] + 1;
        for (index, place) in chosen[moves..].iter_mut().zip(first..) {
            *index = place;
        }
    }
}

fn drawn(values: &[f64], size: usize, observed: f64) -> f64 {
    let mut rng = generator(u64::MAX - 1);
    let mut shuffled = values.to_vec();
    // The observed split counts too.
    let mut extreme = 1_u32;
    for _ in 0..DRAWN {
        let mut sum = 0.0;
        for at in 0..size {
            let other = at + index_below(shuffled.len() - at, rng.next_u64());
            shuffled.swap(at, other);
            sum += shuffled[at];
        }
        extreme += u32::from(sum.abs() >= observed);
    }
    f64::from(extreme) / f64::from(DRAWN + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separate_samples_have_the_smallest_p_value_of_their_sizes() {
        let low = [1.0, 1.1, 1.2, 1.3, 1.4];
        let high = [2.0, 2.1, 2.2, 2.3, 2.4];
        assert_eq!(split(&low, &high), Some(2.0 / 252.0));
        assert_eq!(split(&high, &low), Some(2.0 / 252.0));
        assert_eq!(least_split_p(5, 5).to_bits(), (2.0_f64 / 252.0).to_bits());
        // The sizes differ: only one split of 56 is that extreme.
        assert_eq!(split(&low, &high[..3]), Some(1.0 / 56.0));
        assert_eq!(split(&[], &low), None);
    }

    #[test]
    fn equal_values_show_nothing() {
        assert_eq!(split(&[1.0; 5], &[1.0; 6]), Some(1.0));
        assert_eq!(split(&[0.1, 0.2, 0.3], &[0.3, 0.2, 0.1]), Some(1.0));
    }

    #[test]
    fn drawn_splits_give_nearly_the_exact_result() {
        let values: Vec<f64> = (0..16).map(|i| f64::from(i * 7 % 16) - 7.5).collect();
        for observed in [5.0, 15.0, 25.0] {
            let (exact, drawn) = (exact(&values, 8, observed), drawn(&values, 8, observed));
            assert!((exact - drawn).abs() < 0.01, "{exact} {drawn}");
        }
    }

    #[test]
    fn splits_are_counted() {
        assert_eq!(splits(10, 5), 252);
        assert_eq!(splits(20, 10), 184_756);
        assert_eq!(splits(2_000, 1_000), u64::MAX);
        let many: Vec<f64> = (0..40).map(f64::from).collect();
        let p = split(&many[..20], &many[20..]).unwrap();
        assert!(p < 0.001, "{p}");
    }
}
