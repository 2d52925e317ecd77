//! What workload files resolve to, and the error of every mistake in them.

mod axes;
mod cases;
mod defaults;
mod faults;
mod figures;
mod file;
mod gates;
mod keys;
mod limits;
mod operations;
mod overrides;
mod problems;
mod rendered;
mod values;

use crate::protocol::{expand, resolve};
use crate::workload::{Experiment, Plan, Source, WorkloadError};

/// Eight lines, so that text appended by a test starts at line 9.
const HEAD: &str = "name = \"t\"\nwhy = \"w\"\n\n[prepare]\nznodes = 10\n\n[load]\nrate = 100\n";
const SET: &str = "[[op]]\nkind = \"set\"\n";

fn plan(text: &str, overrides: &[&str]) -> Plan {
    try_plan(text, overrides).unwrap_or_else(|error| panic!("{error}"))
}

fn try_plan(text: &str, overrides: &[&str]) -> Result<Plan, WorkloadError> {
    let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    resolve(&Source::from_text("w.toml", text), &overrides, None)
}

fn experiment(text: &str, overrides: &[&str]) -> Experiment {
    try_experiment(text, overrides).unwrap_or_else(|error| panic!("{error}"))
}

fn try_experiment(text: &str, overrides: &[&str]) -> Result<Experiment, WorkloadError> {
    let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    expand(&Source::from_text("w.toml", text), &overrides, None)
}

#[track_caller]
fn assert_refused(text: &str, overrides: &[&str], expected: &str) {
    let error = try_experiment(text, overrides)
        .expect_err("must be refused")
        .to_string();
    assert_eq!(error, expected);
}

#[track_caller]
fn assert_error(text: &str, overrides: &[&str], expected: &str) {
    let error = try_plan(text, overrides)
        .expect_err("must be refused")
        .to_string();
    assert_eq!(error, expected);
}
