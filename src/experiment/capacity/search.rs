//! The search for the highest rate that holds. It doubles the rate until one fails, and then tries rates
//! between the highest that held and the lowest that failed.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::result::Held;

/// Factor between rates until both a rate that holds and a rate that fails are known.
const STEP: f64 = 2.0;
/// Failed runs that are needed before a rate counts as failed. A single run may fail because of a
/// disturbance of the machine.
const FAILURES: u32 = 2;
/// Runs that must hold before a rate is the answer.
const CONFIRMATIONS: u32 = 2;
/// Significant digits of a rate.
const DIGITS: i32 = 3;

/// The limits of a search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SearchLimits {
    /// First rate, in operations per second.
    pub first_per_s: f64,
    /// Lowest rate, in operations per second.
    pub lowest_per_s: f64,
    /// Highest rate, in operations per second.
    pub highest_per_s: f64,
    /// Maximum distance between the answer and a rate that fails, as a share of the answer.
    pub precision: f64,
    /// Maximum number of runs.
    pub runs_max: u32,
}

/// A rate that was tried.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Tried {
    rate_per_s: f64,
    held: u32,
    failed: u32,
}

#[derive(Clone, Debug)]
pub(super) struct Search {
    limits: SearchLimits,
    /// In the order of their first runs.
    tried: Vec<Tried>,
    runs: u32,
    /// Lowest rate whose run was invalid because the generator could not issue it.
    generator_per_s: Option<f64>,
}

impl Search {
    pub(super) const fn new(limits: SearchLimits) -> Self {
        Self {
            limits,
            tried: Vec::new(),
            runs: 0,
            generator_per_s: None,
        }
    }

    /// Returns the rate of the next run, in operations per second, or `None` when the search has ended.
    pub(super) fn next_per_s(&self) -> Option<f64> {
        if self.runs >= self.limits.runs_max {
            return None;
        }
        if let Some(tried) = self.tried.iter().find(|tried| tried.is_open()) {
            return Some(tried.rate_per_s);
        }
        let SearchLimits {
            first_per_s,
            lowest_per_s,
            highest_per_s,
            precision,
            ..
        } = self.limits;
        let next_per_s = match (self.best(), self.lowest_failure_per_s()) {
            (None, None) => first_per_s,
            (Some(best), None) if best.rate_per_s < highest_per_s => {
                (best.rate_per_s * STEP).min(highest_per_s)
            }
            (None, Some(failure)) if failure > lowest_per_s => (failure / STEP).max(lowest_per_s),
            (None, Some(_)) => return None,
            (Some(best), failure) => {
                let middle = failure
                    .filter(|failure| failure / best.rate_per_s > 1.0 + precision)
                    .map(|failure| rounded((best.rate_per_s * failure).sqrt()))
                    .filter(|middle| {
                        *middle > best.rate_per_s && failure.is_none_or(|failure| *middle < failure)
                    });
                match middle {
                    Some(middle) => middle,
                    None if best.held < CONFIRMATIONS => best.rate_per_s,
                    None => return None,
                }
            }
        };
        Some(rounded(next_per_s))
    }

    /// Records the outcome of the run at [`Search::next_per_s`].
    pub(super) fn record(&mut self, rate_per_s: f64, held: Held) {
        self.runs += 1;
        if held == Held::Invalid {
            let lowest = self.generator_per_s.unwrap_or(f64::INFINITY);
            self.generator_per_s = Some(lowest.min(rate_per_s));
        }
        let known = self
            .tried
            .iter_mut()
            .find(|tried| tried.rate_per_s.total_cmp(&rate_per_s).is_eq());
        let (yes, no) = match held {
            Held::Yes => (1, 0),
            Held::No | Held::Invalid => (0, 1),
        };
        match known {
            Some(tried) => {
                tried.held += yes;
                tried.failed += no;
            }
            None => self.tried.push(Tried {
                rate_per_s,
                held: yes,
                failed: no,
            }),
        }
    }

    /// Returns the highest rate that holds, in operations per second, or `None` if no rate holds.
    pub(super) fn answer_per_s(&self) -> Option<f64> {
        self.best().map(|best| best.rate_per_s)
    }

    /// Returns the lowest failed rate above the answer, in operations per second, or `None` if no rate above
    /// it failed.
    pub(super) fn lowest_failure_per_s(&self) -> Option<f64> {
        let floor = self.best().map_or(0.0, |best| best.rate_per_s);
        self.tried
            .iter()
            .filter(|tried| tried.fails() && tried.rate_per_s > floor)
            .map(|tried| tried.rate_per_s)
            .min_by(f64::total_cmp)
    }

    /// Whether the generator, and not the target, limited the answer: a run at the lowest failed rate was
    /// invalid.
    pub(super) fn is_limited_by_generator(&self) -> bool {
        self.generator_per_s
            .zip(self.lowest_failure_per_s())
            .is_some_and(|(generator, failure)| generator <= failure)
    }

    /// Whether the limit of runs, and nothing else, ended the search.
    pub(super) fn is_out_of_runs(&self) -> bool {
        let unlimited = Self {
            limits: SearchLimits {
                runs_max: u32::MAX,
                ..self.limits
            },
            ..self.clone()
        };
        self.next_per_s().is_none() && unlimited.next_per_s().is_some()
    }

    /// Returns the number of runs so far.
    pub(super) const fn runs(&self) -> u32 {
        self.runs
    }

    /// Returns the highest rate that holds and is below all failed rates.
    fn best(&self) -> Option<&Tried> {
        let lowest_failure = self
            .tried
            .iter()
            .filter(|tried| tried.fails())
            .map(|tried| tried.rate_per_s)
            .min_by(f64::total_cmp)
            .unwrap_or(f64::INFINITY);
        self.tried
            .iter()
            .filter(|tried| tried.holds() && tried.rate_per_s < lowest_failure)
            .max_by(|a, b| a.rate_per_s.total_cmp(&b.rate_per_s))
    }
}

impl Tried {
    /// Whether more runs held than failed.
    const fn holds(&self) -> bool {
        self.held > self.failed
    }

    /// Whether at least [`FAILURES`] runs failed, and more than held.
    const fn fails(&self) -> bool {
        self.failed >= FAILURES && self.failed > self.held
    }

    /// Whether another run is needed to decide.
    const fn is_open(&self) -> bool {
        !self.holds() && !self.fails()
    }
}

/// Rounds a rate to [`DIGITS`] significant digits.
fn rounded(per_s: f64) -> f64 {
    if per_s <= 0.0 {
        return per_s;
    }
    #[expect(clippy::cast_possible_truncation, reason = "casts of floats saturate")]
    let magnitude = per_s.log10().floor() as i32;
    let unit = 10_f64.powi(magnitude + 1 - DIGITS);
    (per_s / unit).round() * unit
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: SearchLimits = SearchLimits {
        first_per_s: 1_000.0,
        lowest_per_s: 1.0,
        highest_per_s: 10_000_000.0,
        precision: 0.05,
        runs_max: 60,
    };

    /// Searches with `held` as the target. Returns the rates of all runs and the finished search.
    fn searched(limits: SearchLimits, mut held: impl FnMut(f64) -> Held) -> (Vec<f64>, Search) {
        let mut search = Search::new(limits);
        let mut rates = Vec::new();
        while let Some(rate_per_s) = search.next_per_s() {
            rates.push(rate_per_s);
            search.record(rate_per_s, held(rate_per_s));
        }
        (rates, search)
    }

    fn up_to(limit: f64) -> impl Fn(f64) -> Held {
        move |rate| if rate <= limit { Held::Yes } else { Held::No }
    }

    #[test]
    fn the_answer_is_within_the_precision_below_the_limit() {
        for limit in [3.0, 41.0, 999.0, 1_000.0, 12_345.0, 7_654_321.0] {
            let (rates, search) = searched(LIMITS, up_to(limit));
            let answer = search.answer_per_s().unwrap();
            assert!(answer <= limit, "{limit}: {answer} of {rates:?}");
            assert!(answer * 1.07 >= limit, "{limit}: {answer} of {rates:?}");
            let confirmed = rates.iter().filter(|rate| **rate == answer).count();
            assert!(confirmed >= 2, "{limit}: {rates:?}");
        }
    }

    #[test]
    fn a_single_disturbed_run_does_not_change_the_answer() {
        let (_, undisturbed) = searched(LIMITS, up_to(20_000.0));
        for disturbed in 0..undisturbed.runs() {
            let mut run = 0;
            let (_, search) = searched(LIMITS, |rate| {
                run += 1;
                if run - 1 == disturbed && rate <= 20_000.0 {
                    Held::No
                } else {
                    up_to(20_000.0)(rate)
                }
            });
            let answer = search.answer_per_s().unwrap();
            assert!(
                (18_500.0..=20_000.0).contains(&answer),
                "{disturbed}: {answer}"
            );
        }
    }

    #[test]
    fn a_rate_that_held_only_once_is_not_the_answer() {
        let mut lucky = true;
        let (rates, search) = searched(LIMITS, |rate| {
            if rate > 20_000.0 && rate < 21_000.0 && std::mem::take(&mut lucky) {
                return Held::Yes;
            }
            up_to(20_000.0)(rate)
        });
        assert!(search.answer_per_s().unwrap() <= 20_000.0, "{rates:?}");
    }

    #[test]
    fn a_search_ends_at_its_limits() {
        let highest = SearchLimits {
            highest_per_s: 5_000.0,
            ..LIMITS
        };
        let (rates, search) = searched(highest, |_| Held::Yes);
        assert_eq!(search.answer_per_s(), Some(5_000.0));
        assert_eq!(rates.last(), Some(&5_000.0));
        assert_eq!(search.lowest_failure_per_s(), None);
        let lowest = SearchLimits {
            lowest_per_s: 100.0,
            ..LIMITS
        };
        let (_, search) = searched(lowest, |_| Held::No);
        assert_eq!(search.answer_per_s(), None);
        assert_eq!(search.lowest_failure_per_s(), Some(100.0));
        let few = SearchLimits {
            runs_max: 3,
            ..LIMITS
        };
        let (rates, search) = searched(few, up_to(1e6));
        assert_eq!(rates, [1_000.0, 2_000.0, 4_000.0]);
        assert!(search.is_out_of_runs());
        assert!(!searched(LIMITS, up_to(20_000.0)).1.is_out_of_runs());
    }

    #[test]
    fn the_limit_of_the_generator_is_distinguished_from_the_limit_of_the_target() {
        let (_, search) = searched(LIMITS, |rate| {
            if rate > 30_000.0 {
                Held::Invalid
            } else {
                Held::Yes
            }
        });
        assert!(search.is_limited_by_generator());
        assert!(search.answer_per_s().is_some_and(|rate| rate > 28_000.0));
        let (_, search) = searched(LIMITS, |rate| match rate {
            rate if rate > 30_000.0 => Held::Invalid,
            rate if rate > 20_000.0 => Held::No,
            _ => Held::Yes,
        });
        assert!(!search.is_limited_by_generator());
    }

    #[test]
    fn rates_have_three_significant_digits() {
        let rates = [0.123_45, 1.0, 99.96, 12_345.0];
        let expected = ["0.123", "1", "100", "12300"];
        for (rate, expected) in rates.into_iter().zip(expected) {
            assert_eq!(
                format!("{:.3}", rounded(rate))
                    .trim_end_matches('0')
                    .trim_end_matches('.'),
                expected
            );
        }
    }
}
