//! The answer of a capacity search, as sentences.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::knee::knee_per_s;
use crate::report::human::{number, per_second};
use crate::result::{Capacity, CapacityStep, Condition, Held};

pub(crate) fn answer(capacity: &Capacity) -> String {
    let conditions = conditions(capacity);
    let failure = failure(capacity);
    match (capacity.answer_per_s, failure) {
        (Some(answer), Some(step)) if capacity.generator_limited => format!(
            "at least {} operations/s hold {conditions}; at {} the generator did not keep up: {}",
            per_second(answer),
            per_second(step.rate_per_s),
            step.why.join("; ")
        ),
        (Some(answer), Some(step)) => format!(
            "{} operations/s hold {conditions}; {} do not: {}",
            per_second(answer),
            per_second(step.rate_per_s),
            step.why.join("; ")
        ),
        (Some(answer), None) => format!(
            "at least {} operations/s hold {conditions}; no higher rate was completed",
            per_second(answer)
        ),
        (None, Some(step)) => format!(
            "no rate was found that holds {conditions}; {} operations/s do not: {}",
            per_second(step.rate_per_s),
            step.why.join("; ")
        ),
        (None, None) => format!("no rate was found that holds {conditions}"),
    }
}

/// Returns further facts about the search, one sentence each.
pub(crate) fn notes(capacity: &Capacity) -> Vec<String> {
    let runs = capacity.steps.len();
    let mut notes = vec![format!(
        "Found in {runs} run{}, each on a fresh target. A rate holds when more of its runs held than failed.",
        if runs == 1 { "" } else { "s" },
    )];
    if capacity.answer_per_s.is_some() && capacity.ended_early.is_none() {
        notes.push(format!(
            "The answer held twice, and is at most {} % below a rate that fails.",
            number(capacity.precision * 100.0)
        ));
    }
    if let Some(knee) = knee_per_s(capacity) {
        notes.push(format!(
            "The curve of p99 over rate bends at about {} operations/s.",
            per_second(knee)
        ));
    }
    if let Some(why) = &capacity.ended_early {
        notes.push(format!("The search ended early: {why}."));
    }
    notes
}

/// `p99_ms <= 5 and error_ratio <= 0.01`.
pub(crate) fn conditions(capacity: &Capacity) -> String {
    if capacity.conditions.is_empty() {
        return "the conditions".to_owned();
    }
    let each: Vec<String> = capacity.conditions.iter().map(condition).collect();
    each.join(" and ")
}

fn condition(condition: &Condition) -> String {
    let sign = if condition.name.ends_with("throughput_per_s") {
        "≥"
    } else {
        "≤"
    };
    format!("{} {sign} {}", condition.name, number(condition.limit))
}

pub(crate) const fn held(step: &CapacityStep) -> &'static str {
    match step.held {
        Held::Yes => "holds",
        Held::No => "fails",
        Held::Invalid => "invalid",
    }
}

/// Returns the steps by rate. Steps of one rate keep the order of their runs.
pub(crate) fn by_rate(capacity: &Capacity) -> Vec<&CapacityStep> {
    let mut steps: Vec<&CapacityStep> = capacity.steps.iter().collect();
    steps.sort_by(|a, b| a.rate_per_s.total_cmp(&b.rate_per_s));
    steps
}

/// Returns the last failed run at the lowest rate above the answer that fails.
fn failure(capacity: &Capacity) -> Option<&CapacityStep> {
    let failed = capacity.failed_per_s?;
    capacity
        .steps
        .iter()
        .rev()
        .find(|step| step.held != Held::Yes && step.rate_per_s.total_cmp(&failed).is_eq())
}

#[cfg(test)]
pub(super) mod example {
    use super::*;

    /// A step whose latency rises steeply near 40,000/s.
    pub(crate) fn step(rate_per_s: f64, held: Held) -> CapacityStep {
        let p50_us = 300.0 / (1.0 - rate_per_s / 45_000.0);
        CapacityStep {
            rate_per_s,
            held,
            why: match held {
                Held::Yes => Vec::new(),
                Held::No => vec!["p99_ms 7.210, limit 5".to_owned()],
                Held::Invalid => vec!["the generator was late".to_owned()],
            },
            achieved_per_s: Some(rate_per_s),
            p50_us: Some(p50_us),
            p90_us: Some(p50_us * 2.0),
            p99_us: Some(p50_us * 4.0),
            p999_us: Some(p50_us * 8.0),
            result: Some(format!("runs/{rate_per_s}")),
        }
    }

    pub(crate) fn capacity() -> Capacity {
        let mut capacity = Capacity::new("write-latency", "bundled", 0.05);
        capacity.conditions.push(Condition {
            name: "p99_ms".to_owned(),
            limit: 5.0,
        });
        let rates = [5_000.0, 10_000.0, 20_000.0, 40_000.0, 30_000.0, 33_000.0];
        for rate in rates {
            let held = if rate > 32_000.0 { Held::No } else { Held::Yes };
            capacity.steps.push(step(rate, held));
        }
        capacity.answer_per_s = Some(30_000.0);
        capacity.failed_per_s = Some(33_000.0);
        capacity
    }
}

#[cfg(test)]
mod tests {
    use super::example::{capacity, step};
    use super::*;

    #[test]
    fn the_answer_names_the_rate_and_what_failed_above_it() {
        assert_eq!(
            answer(&capacity()),
            "30,000 operations/s hold p99_ms ≤ 5; 33,000 do not: p99_ms 7.210, limit 5"
        );
    }

    #[test]
    fn a_search_that_the_generator_limited_has_a_lower_bound() {
        let mut limited = capacity();
        limited.steps.push(step(33_000.0, Held::Invalid));
        limited.generator_limited = true;
        let text = answer(&limited);
        assert!(text.starts_with("at least 30,000 operations/s"), "{text}");
        assert!(text.contains("the generator was late"), "{text}");
    }

    #[test]
    fn a_search_may_find_no_rate() {
        let mut none = capacity();
        none.answer_per_s = None;
        none.ended_early = Some("interrupted".to_owned());
        assert!(answer(&none).starts_with("no rate was found"));
        let notes = notes(&none).concat();
        assert!(notes.contains("ended early: interrupted"), "{notes}");
        assert!(!notes.contains("held twice"), "{notes}");
    }
}
