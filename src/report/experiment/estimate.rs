//! Values over the rounds of a cell, and ratios of two cells over their common rounds.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::report::statistics::{Interval, interval_over_rounds, median};

/// Rounds from which on a difference is claimed. With four, the range of the rounds holds the centre with 88 % only.
pub(super) const CLAIM_ROUNDS: usize = 5;

/// A value of one run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Observation {
    /// Number of the round, from 0.
    pub round: u32,
    /// Number of the part of the run, such as a fault, from 0.
    pub part: u32,
    pub value: f64,
    pub valid: bool,
}

/// The values of a cell and what follows from them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Estimate {
    pub observations: Vec<Observation>,
    /// The median over the observations; `None` if there is none.
    pub median: Option<f64>,
    /// `None` with fewer than two observations.
    pub interval: Option<Interval>,
    /// `< ` or `> ` if the median is a limit, otherwise empty.
    pub sign: &'static str,
}

impl Estimate {
    pub(super) fn new(observations: Vec<Observation>) -> Self {
        let values: Vec<f64> = observations.iter().map(|one| one.value).collect();
        Self {
            median: median(&values),
            interval: interval_over_rounds(&values),
            observations,
            sign: "",
        }
    }

    pub(super) fn runs(&self) -> usize {
        self.observations.len()
    }

    pub(super) fn invalid(&self) -> usize {
        self.observations.iter().filter(|one| !one.valid).count()
    }
}

/// How a value differs from a base, over the rounds that both have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ratio {
    /// Median over the common rounds of value / base.
    pub ratio: f64,
    /// `None` with fewer than two common rounds.
    pub interval: Option<Interval>,
    /// The common rounds.
    pub pairs: usize,
    /// Common rounds in which a run is invalid.
    pub invalid: usize,
}

/// What a ratio shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    More,
    Less,
    /// The interval contains 1.
    NoDifference,
    /// Too few rounds to say.
    TooFew,
}

impl Ratio {
    /// Compares two cells round by round; `None` without a common round with positive values.
    pub(super) fn of(base: &Estimate, other: &Estimate) -> Option<Self> {
        let mut ratios = Vec::new();
        let mut invalid = 0;
        for one in &other.observations {
            let same = |base: &&Observation| base.round == one.round && base.part == one.part;
            let Some(base) = base.observations.iter().find(same) else {
                continue;
            };
            if base.value > 0.0 && one.value > 0.0 {
                ratios.push(one.value / base.value);
                invalid += usize::from(!(base.valid && one.valid));
            }
        }
        Some(Self {
            ratio: median(&ratios)?,
            interval: interval_over_rounds(&ratios),
            pairs: ratios.len(),
            invalid,
        })
    }

    /// The same ratio divided by `factor`.
    pub(super) fn relative_to(self, factor: f64) -> Self {
        Self {
            ratio: self.ratio / factor,
            interval: self.interval.map(|found| Interval {
                low: found.low / factor,
                high: found.high / factor,
            }),
            ..self
        }
    }

    /// A difference is shown if the interval excludes 1 on the side of the ratio, and there are enough rounds.
    pub(super) fn shown(&self) -> Shown {
        match self.interval {
            Some(_) | None if self.pairs < CLAIM_ROUNDS => Shown::TooFew,
            Some(found) if found.low > 1.0 && self.ratio > 1.0 => Shown::More,
            Some(found) if found.high < 1.0 && self.ratio < 1.0 => Shown::Less,
            Some(_) => Shown::NoDifference,
            None => Shown::TooFew,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(values: &[f64]) -> Estimate {
        let rounds = (0..).zip(values);
        Estimate::new(
            rounds
                .map(|(round, value)| Observation {
                    round,
                    part: 0,
                    value: *value,
                    valid: round != 1,
                })
                .collect(),
        )
    }

    #[test]
    fn a_ratio_is_that_of_the_common_rounds() {
        let base = estimate(&[100.0, 200.0, 50.0, 80.0, 120.0]);
        let mut other = estimate(&[90.0, 180.0, 45.0, 72.0, 108.0]);
        let ratio = Ratio::of(&base, &other).unwrap();
        assert!((ratio.ratio - 0.9).abs() < 1e-9);
        assert_eq!((ratio.pairs, ratio.invalid), (5, 1));
        assert_eq!(ratio.shown(), Shown::Less);
        // The rounds vary far more than the difference: only pairs can show it.
        other.observations.truncate(4);
        assert_eq!(Ratio::of(&base, &other).unwrap().shown(), Shown::TooFew);
        assert_eq!(Ratio::of(&base, &Estimate::default()), None);
    }

    #[test]
    fn nothing_is_shown_if_the_interval_contains_one() {
        let base = estimate(&[100.0; 6]);
        let other = estimate(&[101.0, 99.0, 102.0, 98.0, 103.0, 97.0]);
        let ratio = Ratio::of(&base, &other).unwrap();
        assert_eq!(ratio.shown(), Shown::NoDifference);
        let twice = ratio.relative_to(0.5);
        assert_eq!(twice.shown(), Shown::More);
    }
}
