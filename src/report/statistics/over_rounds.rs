//! The interval of a figure that was measured once per round.
//!
//! From six rounds on it is the interval that belongs to the exact sign-flip test: it leaves out 2.5 % of the means over
//! all sets of rounds at either end (Hartigan 1969). A bootstrap of so few values would be too narrow: resampling seven
//! values and taking the median leaves out the smallest and the largest one, which holds the median with 87.5 %.
//! With fewer rounds it is the range of the values, which holds the median with 1 - 2^(1 - rounds).

use super::sign_flip::sign_flip;

/// Rounds from which on an interval holds 95 %.
pub(in crate::report) const FULL_ROUNDS: usize = 6;

/// A confidence interval of the centre of positive values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::report) struct Interval {
    pub low: f64,
    pub high: f64,
}

/// Returns the interval of the centre of positive values, one per round; `None` with fewer than two values, or if a
/// value is not positive.
pub(in crate::report) fn interval_over_rounds(values: &[f64]) -> Option<Interval> {
    if values.len() < 2 || !values.iter().all(|value| *value > 0.0 && value.is_finite()) {
        return None;
    }
    if values.len() < FULL_ROUNDS {
        return Some(Interval {
            low: values.iter().copied().fold(f64::INFINITY, f64::min),
            high: values.iter().copied().fold(0.0, f64::max),
        });
    }
    let logs: Vec<f64> = values.iter().map(|value| value.ln()).collect();
    // Differences from a value in the middle, so that rounding does not depend on the unit.
    let center = super::median(&logs)?;
    let differences: Vec<f64> = logs.iter().map(|log| log - center).collect();
    let (low, high) = sign_flip(&differences)?.interval?;
    Some(Interval {
        low: (center + low).exp(),
        high: (center + high).exp(),
    })
}

/// Returns the probability with which the interval over this many rounds holds the centre.
pub(in crate::report) fn level_of_rounds(rounds: usize) -> f64 {
    if rounds >= FULL_ROUNDS {
        return 0.95;
    }
    let doublings = i32::try_from(rounds).unwrap_or(0);
    1.0 - 2_f64.powi(1 - doublings)
}

#[cfg(test)]
mod tests {
    use rand::Rng as _;

    use super::super::generator;
    use super::*;

    #[test]
    fn few_rounds_have_their_range_as_interval() {
        assert_eq!(interval_over_rounds(&[2.0]), None);
        assert_eq!(interval_over_rounds(&[2.0, 0.0]), None);
        let range = interval_over_rounds(&[2.0, 3.0, 1.0]).unwrap();
        assert_eq!((range.low, range.high), (1.0, 3.0));
        let levels = [3, 5, 6].map(level_of_rounds);
        assert_eq!(levels, [0.75, 0.9375, 0.95]);
    }

    #[test]
    fn an_interval_does_not_depend_on_the_unit() {
        let values = [101.0, 99.0, 100.0, 103.0, 98.0, 97.0, 102.0];
        let one = interval_over_rounds(&values).unwrap();
        let thousand = interval_over_rounds(&values.map(|value| 1_000.0 * value)).unwrap();
        assert!((thousand.low / one.low - 1_000.0).abs() < 1e-6);
        assert!(one.low > 97.0 && one.high < 103.0 && one.low < 100.0 && one.high > 100.0);
    }

    #[test]
    fn an_interval_holds_the_centre_as_often_as_its_level_says() {
        let mut rng = generator(77);
        for rounds in [5_usize, 7, 10] {
            let mut held = 0;
            for _ in 0..2_000 {
                // A sum of three uniform values is symmetric around 1.5.
                let mut uniform = || (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
                let values: Vec<f64> = (0..rounds)
                    .map(|_| (uniform() + uniform() + uniform()).exp())
                    .collect();
                let found = interval_over_rounds(&values).unwrap();
                held += i32::from((found.low..=found.high).contains(&1.5_f64.exp()));
            }
            let share = f64::from(held) / 2_000.0;
            assert!(
                (share - level_of_rounds(rounds)).abs() < 0.02,
                "{rounds} rounds: {share}"
            );
        }
    }
}
