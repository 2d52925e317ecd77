//! A capacity search as CSV: one line per run, in the order of the runs. Times are microseconds.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::answer::held;
use crate::result::{Capacity, CsvTable};

const HEAD: [&str; 11] = [
    "workload",
    "target",
    "run",
    "asked_per_s",
    "achieved_per_s",
    "held",
    "response_p50_us",
    "response_p90_us",
    "response_p99_us",
    "response_p999_us",
    "why",
];

pub(crate) fn render(capacity: &Capacity) -> String {
    let cell = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.1}"));
    let mut table = CsvTable::new(HEAD);
    for (run, step) in (1..).zip(&capacity.steps) {
        table.row([
            capacity.workload.clone(),
            capacity.target.clone(),
            format!("{run}"),
            cell(Some(step.rate_per_s)),
            cell(step.achieved_per_s),
            held(step).to_owned(),
            cell(step.p50_us),
            cell(step.p90_us),
            cell(step.p99_us),
            cell(step.p999_us),
            step.why.join("; "),
        ]);
    }
    table.into_text()
}
