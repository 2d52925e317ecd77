//! `--fail-if`: a condition on a comparison that decides the exit status, such as `slower=5%`.

use std::fmt;
use std::str::FromStr;

use super::Comparison;
use super::judge::{Estimate, Outcome};
use super::words::{estimate_words, percent};

/// Fails a comparison whose headline is slower by at least a given amount.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FailIf {
    /// Smallest slowdown that fails, in per cent of the base's figure; `None` if any slowdown that
    /// is shown fails.
    slower_percent: Option<f64>,
}

/// The text is not a condition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown condition `{text}`: use `slower`, or `slower=5%` for at least 5 %")]
pub struct FailIfError {
    text: String,
}

impl FromStr for FailIf {
    type Err = FailIfError;

    fn from_str(text: &str) -> Result<Self, FailIfError> {
        let bad = || FailIfError {
            text: text.to_owned(),
        };
        let slower_percent = match text.split_once('=') {
            None if text == "slower" => None,
            Some(("slower", amount)) => {
                let number = amount.strip_suffix('%').ok_or_else(bad)?.trim_end();
                let percent: f64 = number.parse().ok().ok_or_else(bad)?;
                if !percent.is_finite() || percent < 0.0 {
                    return Err(bad());
                }
                Some(percent)
            }
            _ => return Err(bad()),
        };
        Ok(Self { slower_percent })
    }
}

impl fmt::Display for FailIf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.slower_percent {
            None => f.write_str("slower"),
            Some(percent) => write!(f, "slower={percent}%"),
        }
    }
}

/// How a condition fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judged {
    Slower,
    /// There is no verdict.
    Undecided,
}

impl FailIf {
    /// Returns how a verdict fails the condition; `None` if it passes.
    pub(super) fn judge(&self, outcome: Outcome, estimate: Option<Estimate>) -> Option<Judged> {
        match outcome {
            Outcome::Slower => {
                let by = estimate.map_or(0.0, |found| percent(found.ratio));
                (by >= self.slower_percent.unwrap_or(0.0)).then_some(Judged::Slower)
            }
            Outcome::Faster | Outcome::NoDifference => None,
            Outcome::TooFew | Outcome::NotMeasured | Outcome::NotJudged => Some(Judged::Undecided),
        }
    }

    /// Returns why the comparison fails the condition, as a sentence; `None` if it passes. A
    /// headline without a verdict fails.
    #[must_use]
    pub fn failure(&self, comparison: &Comparison) -> Option<String> {
        let headline = comparison.headline();
        let name = headline.metric.name();
        let candidate = &comparison.candidate.spec;
        Some(match self.judge(headline.outcome, headline.estimate)? {
            Judged::Slower => format!(
                "--fail-if {self}: the candidate ({candidate}) is {} in {name}",
                estimate_words(headline)
            ),
            Judged::Undecided => format!(
                "--fail-if {self} cannot be decided: {name} of the candidate ({candidate}) has no verdict ({})",
                headline.outcome.words()
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{compared, side_of};
    use super::*;

    fn condition(text: &str) -> FailIf {
        text.parse().unwrap()
    }

    #[test]
    fn conditions_parse_and_print() {
        for text in ["slower", "slower=5%", "slower=0.5%", "slower=150%"] {
            assert_eq!(condition(text).to_string(), text);
        }
        assert_eq!(condition("slower=5 %"), condition("slower=5%"));
        for text in [
            "",
            "faster",
            "slower=5",
            "slower=-1%",
            "slower=nan%",
            "slower=",
            "slower5%",
        ] {
            let error = text.parse::<FailIf>().unwrap_err();
            assert!(error.to_string().contains("slower=5%"), "{error}");
        }
    }

    #[test]
    fn a_shown_slowdown_of_that_size_fails() {
        let slower = compared(&side_of(7, 10), &side_of(7, 11));
        let failure = condition("slower").failure(&slower).unwrap();
        assert!(
            failure.contains("9.09 % slower in set: throughput"),
            "{failure}"
        );
        assert!(condition("slower=9%").failure(&slower).is_some());
        assert!(condition("slower=10%").failure(&slower).is_none());
        let faster = compared(&side_of(7, 11), &side_of(7, 10));
        assert!(condition("slower").failure(&faster).is_none());
        let same = compared(&side_of(7, 10), &side_of(7, 10));
        assert!(condition("slower").failure(&same).is_none());
    }

    #[test]
    fn a_headline_without_a_verdict_fails() {
        let few = compared(&side_of(3, 10), &side_of(3, 10));
        let failure = condition("slower=5%").failure(&few).unwrap();
        assert!(failure.contains("cannot be decided") && failure.contains("too few runs"));
    }
}
