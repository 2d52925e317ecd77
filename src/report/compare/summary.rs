//! The verdict on the headline as a sentence.

use super::Comparison;
use super::judge::Outcome;
use super::words::{estimate_interval, estimate_words, p_words};

/// Returns the verdict as a title: `Slower`, `No difference shown`.
pub(super) fn verdict(comparison: &Comparison) -> &'static str {
    match comparison.headline().outcome {
        Outcome::Faster => "Faster",
        Outcome::Slower => "Slower",
        Outcome::NoDifference => "No difference shown",
        Outcome::TooFew | Outcome::NotMeasured | Outcome::NotJudged => "No verdict",
    }
}

/// `live is 7.35x slower than bundled in set: throughput (95 % interval 7.10x to 7.62x slower, p = 0.016).`
pub(super) fn sentence(comparison: &Comparison) -> String {
    let headline = comparison.headline();
    let (base, candidate) = names(comparison);
    let name = headline.metric.name();
    let mut certainty: Vec<String> = Vec::new();
    certainty.extend(estimate_interval(headline).map(|words| format!("95 % interval {words}")));
    certainty.extend(headline.decisive_p().map(p_words));
    let certainty = if certainty.is_empty() {
        String::new()
    } else {
        format!(" ({})", certainty.join(", "))
    };
    let estimate = estimate_words(headline);
    match headline.outcome {
        Outcome::Faster | Outcome::Slower => {
            format!("{candidate} is {estimate} than {base} in {name}{certainty}.")
        }
        Outcome::NoDifference if estimate == "the same" => {
            format!("{candidate} and {base} are the same in {name}{certainty}.")
        }
        Outcome::NoDifference => format!(
            "{candidate} measured {estimate} than {base} in {name}{certainty}, which may be chance."
        ),
        Outcome::TooFew if estimate == "the same" => {
            format!(
                "{candidate} and {base} measured the same in {name}, but too few runs were made to judge."
            )
        }
        Outcome::TooFew => {
            format!(
                "{candidate} measured {estimate} than {base} in {name}, but too few runs were made to judge."
            )
        }
        Outcome::NotMeasured | Outcome::NotJudged => {
            format!("{name} was not measured in every run of both sides.")
        }
    }
}

/// Returns the names of the sides: their targets, or `base` and `candidate` if both targets are the
/// same.
fn names(comparison: &Comparison) -> (String, String) {
    let (base, candidate) = (&comparison.base.spec, &comparison.candidate.spec);
    if base == candidate {
        ("the base".to_owned(), "The candidate".to_owned())
    } else {
        (base.clone(), candidate.clone())
    }
}
