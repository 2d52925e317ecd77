//! The summary object of `--json`: for pipelines. Missing is null, times are microseconds.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use serde::Serialize;

use super::describe::gate_line;
use super::summary::{OpSummary, Summary, Times};
use crate::measure::Histogram;
use crate::result::{RunResult, error_name, to_json_text};

#[derive(Serialize)]
struct Object<'a> {
    workload: &'a str,
    target: &'a str,
    server_version: Option<&'a str>,
    verdict: &'static str,
    reasons: &'a [String],
    gates_failed: Vec<String>,
    result: Option<String>,
    measured_s: f64,
    asked_per_s: Option<f64>,
    throughput_per_s: Option<f64>,
    ops: BTreeMap<&'a str, Op>,
}

#[derive(Serialize)]
struct Op {
    ok: u64,
    errors: BTreeMap<String, u64>,
    unknown: u64,
    timed_out: u64,
    not_sent: u64,
    response_us: Us,
    service_us: Us,
    blocked_us: Us,
    late_us: Us,
}

#[derive(Default, Serialize)]
struct Us {
    mean: Option<f64>,
    p50: Option<f64>,
    p90: Option<f64>,
    p99: Option<f64>,
    p999: Option<f64>,
    max: Option<f64>,
}

/// One object for one result, an array for several.
pub(crate) fn render(results: &[RunResult]) -> String {
    let summaries: Vec<Summary<'_>> = results.iter().map(Summary::new).collect();
    let mut objects: Vec<Object<'_>> = summaries.iter().map(object).collect();
    match (objects.pop(), objects.is_empty()) {
        (Some(only), true) => to_json_text(&only),
        (last, _) => {
            objects.extend(last);
            to_json_text(&objects)
        }
    }
}

fn object<'a>(summary: &'a Summary<'a>) -> Object<'a> {
    let result = summary.result;
    Object {
        workload: &result.plan.name,
        target: &result.target.spec,
        server_version: result.target.server_version.as_deref(),
        verdict: result.verdict.word(),
        reasons: result.verdict.reasons(),
        gates_failed: result
            .gates
            .iter()
            .filter(|gate| !gate.passed)
            .map(gate_line)
            .collect(),
        result: result.path.as_ref().map(|path| path.display().to_string()),
        measured_s: summary.measured_s,
        asked_per_s: summary.asked_per_s.map(tenth),
        throughput_per_s: summary.throughput_per_s.map(tenth),
        ops: summary
            .ops
            .iter()
            .map(|op| (op.label, operation(op)))
            .collect(),
    }
}

fn operation(op: &OpSummary<'_>) -> Op {
    let counts = &op.record.counts;
    Op {
        ok: counts.ok,
        errors: counts
            .errors
            .iter()
            .map(|(code, count)| (error_name(*code), *count))
            .collect(),
        unknown: counts.unknown,
        timed_out: counts.timed_out,
        not_sent: counts.not_sent,
        response_us: us(&op.record.response),
        service_us: us(&op.record.service),
        blocked_us: us(&op.record.blocked),
        late_us: us(&op.record.late),
    }
}

fn us(histogram: &Histogram) -> Us {
    Times::of(histogram).map_or_else(Us::default, |times| {
        let [p50, p90, p99, p999, max] = times.quantiles.map(|value| Some(tenth(value)));
        Us {
            mean: Some(tenth(times.mean)),
            p50,
            p90,
            p99,
            p999,
            max,
        }
    })
}

/// More digits than the histogram has would be noise.
fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
