//! Comparisons in the XML format of JUnit, which pipelines read: one test case for each comparison.
//!
//! A case fails if a condition of `--fail-if` holds for it; without conditions, if its verdict is slower. A case without a
//! verdict is skipped, unless a condition needs one.

use maud::{Markup, html};

use super::experiments::ExperimentComparison;
use super::judge::Outcome;
use super::summary::sentence;
use super::words::{estimate_interval, estimate_words};
use super::{Comparison, FailIf};

struct Case {
    class: String,
    name: String,
    text: String,
    outcome: Ending,
}

enum Ending {
    Passed,
    Failed(String),
    Skipped(String),
}

/// One case for the headline of each comparison.
pub(in crate::report) fn of_comparisons(
    comparisons: &[Comparison],
    conditions: &[FailIf],
) -> String {
    let case = |comparison: &Comparison| {
        let headline = comparison.headline();
        let failure = conditions
            .iter()
            .find_map(|condition| condition.failure(comparison));
        Case {
            class: comparison.workload.clone(),
            name: format!(
                "{} on {}",
                headline.metric.name(),
                comparison.candidate.spec
            ),
            text: sentence(comparison),
            outcome: ending(headline.outcome, failure, conditions, &sentence(comparison)),
        }
    };
    let cases: Vec<Case> = comparisons.iter().map(case).collect();
    let name = comparisons.first().map_or("", |one| one.workload.as_str());
    render(name, &cases)
}

/// One case for each cell and target.
pub(in crate::report) fn of_experiments(
    comparison: &ExperimentComparison,
    conditions: &[FailIf],
) -> String {
    let mut cases: Vec<Case> = Vec::new();
    for cell in &comparison.cells {
        let interval = estimate_interval(&cell.contrast)
            .map_or_else(String::new, |words| format!(" (95 % interval {words})"));
        let text = format!(
            "{}: {}{interval}, {}",
            cell.metric,
            estimate_words(&cell.contrast),
            cell.outcome.words()
        );
        let failure = comparison.failure(cell, conditions);
        cases.push(Case {
            class: format!("{}.{}", comparison.candidate, cell.target),
            name: cell.cell.clone(),
            outcome: ending(cell.outcome, failure, conditions, &text),
            text,
        });
    }
    for missing in &comparison.missing {
        cases.push(Case {
            class: comparison.candidate.clone(),
            name: missing.clone(),
            text: String::new(),
            outcome: Ending::Skipped("only one side has it".to_owned()),
        });
    }
    render(&comparison.candidate, &cases)
}

fn ending(outcome: Outcome, failure: Option<String>, conditions: &[FailIf], text: &str) -> Ending {
    match (failure, outcome) {
        (Some(failure), _) => Ending::Failed(failure),
        (None, Outcome::Slower) if conditions.is_empty() => Ending::Failed(text.to_owned()),
        (None, Outcome::TooFew | Outcome::NotMeasured | Outcome::NotJudged) => {
            Ending::Skipped(outcome.words().to_owned())
        }
        _ => Ending::Passed,
    }
}

fn render(name: &str, cases: &[Case]) -> String {
    let count = |of: fn(&Ending) -> bool| cases.iter().filter(|case| of(&case.outcome)).count();
    let failures = count(|ending| matches!(ending, Ending::Failed(_)));
    let skipped = count(|ending| matches!(ending, Ending::Skipped(_)));
    let body = html! {
        testsuites {
            "\n"
            testsuite name=(allowed(name)) tests=(cases.len()) failures=(failures) errors="0" skipped=(skipped) {
                @for case in cases { "\n" (one(case)) }
                "\n"
            }
            "\n"
        }
        "\n"
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}",
        body.into_string()
    )
}

fn one(case: &Case) -> Markup {
    html! {
        testcase classname=(allowed(&case.class)) name=(allowed(&case.name)) {
            @match &case.outcome {
                Ending::Passed => {},
                Ending::Failed(why) => { failure message=(allowed(why)) type="slower" {} },
                Ending::Skipped(why) => { skipped message=(allowed(why)) {} },
            }
            @if !case.text.is_empty() { system-out { (allowed(&case.text)) } }
        }
    }
}

/// Leaves out the control characters that XML does not allow in any form.
fn allowed(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() || matches!(c, '\t' | '\n'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{compared, side_of};
    use super::*;

    #[test]
    fn a_slower_headline_fails_and_markup_is_escaped() {
        let mut comparison = compared(&side_of(7, 10), &side_of(7, 12));
        comparison.workload = "a<b>\u{1}".to_owned();
        let text = of_comparisons(std::slice::from_ref(&comparison), &[]);
        assert!(text.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>"));
        assert!(
            text.contains("<testsuite name=\"a&lt;b&gt;\" tests=\"1\" failures=\"1\""),
            "{text}"
        );
        assert!(text.contains("<failure message=\""), "{text}");
        let limit = ["slower=50%".parse().unwrap()];
        let text = of_comparisons(&[comparison], &limit);
        assert!(text.contains("failures=\"0\""), "{text}");
    }

    #[test]
    fn a_case_without_a_verdict_is_skipped_unless_a_condition_needs_one() {
        let comparison = compared(&side_of(3, 10), &side_of(3, 10));
        let text = of_comparisons(std::slice::from_ref(&comparison), &[]);
        assert!(
            text.contains("<skipped message=\"too few runs\">"),
            "{text}"
        );
        let condition = ["slower".parse().unwrap()];
        let text = of_comparisons(&[comparison], &condition);
        assert!(text.contains("cannot be decided"), "{text}");
    }
}
