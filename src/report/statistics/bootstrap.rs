//! Confidence intervals of a median, and of the ratio of medians for runs that were not paired: a
//! percentile bootstrap (Efron 1979).

use rand::Rng as _;
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

use super::median::median_in;
use super::{generator, index_below};

/// Enough for two stable digits of a 95 % interval.
const RESAMPLES: u32 = 20_000;
/// Resamples per random generator. It is fixed so that the result does not depend on the number of
/// threads.
const CHUNK: u32 = 1_000;

/// Returns the interval that holds 95 % of the resampled ratios of medians (`candidate` / `base`).
/// Each side is drawn with replacement from its own runs. `None` without values or with a zero in `base`.
pub(in crate::report) fn ratio_interval(base: &[f64], candidate: &[f64]) -> Option<(f64, f64)> {
    if base.is_empty() || candidate.is_empty() || base.iter().any(|value| *value <= 0.0) {
        return None;
    }
    let mut ratios: Vec<f64> = (0..RESAMPLES / CHUNK)
        .into_par_iter()
        .flat_map_iter(|chunk| {
            let mut rng = generator(u64::from(chunk));
            let mut below = vec![0.0; base.len()];
            let mut above = vec![0.0; candidate.len()];
            (0..CHUNK)
                .map(|_| {
                    resample(base, &mut below, &mut rng);
                    resample(candidate, &mut above, &mut rng);
                    median_in(&mut above) / median_in(&mut below)
                })
                .collect::<Vec<f64>>()
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    let last = ratios.len() - 1;
    Some((ratios[last / 40], ratios[last - last / 40]))
}

/// Returns the interval that holds 95 % of the resampled medians; `None` without values.
pub(in crate::report) fn median_interval(values: &[f64]) -> Option<(f64, f64)> {
    if values.is_empty() {
        return None;
    }
    let mut medians: Vec<f64> = (0..RESAMPLES / CHUNK)
        .into_par_iter()
        .flat_map_iter(|chunk| {
            let mut rng = generator(u64::from(chunk));
            let mut drawn = vec![0.0; values.len()];
            (0..CHUNK)
                .map(|_| {
                    resample(values, &mut drawn, &mut rng);
                    median_in(&mut drawn)
                })
                .collect::<Vec<f64>>()
        })
        .collect();
    medians.sort_by(f64::total_cmp);
    let last = medians.len() - 1;
    Some((medians[last / 40], medians[last - last / 40]))
}

fn resample(from: &[f64], into: &mut [f64], rng: &mut Xoshiro256PlusPlus) {
    for value in into {
        *value = from[index_below(from.len(), rng.next_u64())];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_contains_the_ratio_and_is_reproducible() {
        let base = [100.0, 104.0, 98.0, 101.0, 97.0, 103.0];
        let candidate = base.map(|value| 2.0 * value);
        let (low, high) = ratio_interval(&base, &candidate).unwrap();
        assert!(low < 2.0 && 2.0 < high, "{low} {high}");
        assert!(low > 1.85 && high < 2.15, "{low} {high}");
        assert_eq!(ratio_interval(&base, &candidate), Some((low, high)));
    }

    #[test]
    fn the_interval_of_overlapping_sides_contains_one() {
        let base = [90.0, 110.0, 95.0, 105.0, 100.0];
        let candidate = [91.0, 112.0, 94.0, 107.0, 101.0];
        let (low, high) = ratio_interval(&base, &candidate).unwrap();
        assert!(low < 1.0 && high > 1.0);
    }

    #[test]
    fn the_interval_of_a_median_lies_within_the_values() {
        let values = [210.0, 200.0, 220.0, 215.0, 260.0, 212.0];
        let (low, high) = median_interval(&values).unwrap();
        assert!((200.0..213.5).contains(&low), "{low}");
        assert!(high > 213.5 && high <= 260.0, "{high}");
        assert_eq!(median_interval(&values), Some((low, high)));
        assert_eq!(median_interval(&[7.0]), Some((7.0, 7.0)));
        assert_eq!(median_interval(&[]), None);
    }

    #[test]
    fn there_is_no_interval_without_values_or_with_a_zero_base() {
        assert_eq!(ratio_interval(&[], &[1.0]), None);
        assert_eq!(ratio_interval(&[0.0, 1.0], &[1.0]), None);
    }
}
