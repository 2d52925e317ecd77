//! Tests whether values rise or fall in the order of their measurement: Kendall's tau (Kendall
//! 1938, "A new measure of rank correlation", Biometrika 30:81).

use super::ROUNDING;

/// Up to this number of values the p-value is exact, if no two values are equal.
const EXACT_MAX: usize = 50;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::report) struct Trend {
    /// -1 if every value is below all earlier ones, 1 if every value is above them.
    pub tau: f64,
    /// Two-sided p-value of the hypothesis that there is no trend.
    pub p: f64,
}

/// Returns the trend of values in the order of their measurement; `None` if all are equal or there
/// are fewer than two.
pub(in crate::report) fn kendall(values: &[f64]) -> Option<Trend> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let ties: Vec<f64> = sorted
        .chunk_by(|a, b| (a - b).abs() < ROUNDING)
        .filter(|equal| equal.len() > 1)
        .map(|equal| float(equal.len()))
        .collect();
    let mut score = 0.0;
    for (at, later) in values.iter().enumerate() {
        for earlier in &values[..at] {
            if (later - earlier).abs() >= ROUNDING {
                score += (later - earlier).signum();
            }
        }
    }
    let n = float(values.len());
    let pairs = n * (n - 1.0) / 2.0;
    let tied: f64 = ties.iter().map(|t| t * (t - 1.0) / 2.0).sum();
    if pairs - tied < 0.5 {
        return None;
    }
    let p = if ties.is_empty() && values.len() <= EXACT_MAX {
        exact_p(values.len(), score)
    } else {
        normal_p(n, &ties, score)
    };
    Some(Trend {
        // Tau-b: times are never equal, but values may be.
        tau: score / ((pairs - tied) * pairs).sqrt(),
        p,
    })
}

/// Returns the share of all orders whose score is at least as far from 0.
fn exact_p(n: usize, score: f64) -> f64 {
    // The chance of each number of inversions. The k-th value adds 0 to k - 1 of them.
    let mut chances = vec![1.0];
    for k in 2..=n {
        let mut next = vec![0.0; chances.len() + k - 1];
        for (inversions, chance) in chances.iter().enumerate() {
            for further in 0..k {
                next[inversions + further] += chance / float(k);
            }
        }
        chances = next;
    }
    let pairs = float(chances.len() - 1);
    let p: f64 = chances
        .iter()
        .enumerate()
        .filter(|(inversions, _)| (pairs - 2.0 * float(*inversions)).abs() >= score.abs() - 0.5)
        .map(|(_, chance)| chance)
        .sum();
    p.min(1.0)
}

/// Returns the normal approximation with ties and a continuity correction.
fn normal_p(n: f64, ties: &[f64], score: f64) -> f64 {
    let term = |t: f64| t * (t - 1.0) * (2.0 * t + 5.0);
    let variance = (term(n) - ties.iter().map(|t| term(*t)).sum::<f64>()) / 18.0;
    let z = (score.abs() - 1.0).max(0.0) / variance.sqrt();
    two_tails(z)
}

/// Returns the chance that a standard normal value is at least `z` away from 0, by Abramowitz and
/// Stegun 7.1.26. The error is below 2e-7.
fn two_tails(z: f64) -> f64 {
    let x = z / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let factors = [
        1.061_405_429,
        -1.453_152_027,
        1.421_413_741,
        -0.284_496_736,
        0.254_829_592,
    ];
    let polynomial = factors.iter().fold(0.0, |sum, factor| (sum + factor) * t);
    polynomial * (-x * x).exp()
}

#[expect(clippy::cast_precision_loss, reason = "thousands of values at most")]
fn float(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_rise_has_the_smallest_p_value() {
        let trend = kendall(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]).unwrap();
        assert_eq!(trend.tau.to_bits(), 1.0_f64.to_bits());
        assert!((trend.p - 2.0 / 5_040.0).abs() < 1e-12, "{trend:?}");
        let fall = kendall(&[5.0, 4.0, 2.0, 3.0, 1.0]).unwrap();
        assert!((fall.tau + 0.8).abs() < 1e-12, "{fall:?}");
        // One of ten pairs is in order: 1 + 4 of 120 orders on either side.
        assert!((fall.p - 10.0 / 120.0).abs() < 1e-12, "{fall:?}");
    }

    #[test]
    fn equal_values_do_not_count() {
        assert_eq!(kendall(&[1.0; 7]), None);
        assert_eq!(kendall(&[1.0]), None);
        assert_eq!(kendall(&[]), None);
        let trend = kendall(&[1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0]).unwrap();
        assert!(
            trend.tau > 0.9 && trend.tau < 1.0 && trend.p < 0.01,
            "{trend:?}"
        );
    }

    #[test]
    fn the_approximation_is_close_to_the_exact_p_value() {
        for score in [44.0, 74.0, 104.0] {
            let (exact, normal) = (exact_p(25, score), normal_p(25.0, &[], score));
            assert!((exact - normal).abs() < 0.005, "{exact} {normal}");
        }
        assert!((two_tails(1.959_964) - 0.05).abs() < 1e-6);
        assert!((two_tails(0.0) - 1.0).abs() < 1e-6);
    }
}
