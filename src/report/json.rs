//! The summary object of `--json`. A missing figure is null. `docs/RESULTS.md` explains every
//! field.
//!
//! The unit is part of the name of a field or of the object around it: all figures in an object
//! whose name ends in `_us` are microseconds.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use serde::Serialize;

use super::describe::gate_line;
use super::failover::{AccountJson, FaultJson};
use super::resolution::is_below;
use super::servers::{OPS_MAX, ServerFigures};
use super::summary::{Summary, Times, error_ratio, float, rate};
use crate::measure::{Histogram, OpRecord, ServerRecord};
use crate::result::{CpuQuota, GateOutcome, Resolution, RunResult, to_json_text};

#[derive(Serialize)]
struct Object<'a> {
    schema: u64,
    workload: &'a str,
    target: &'a str,
    server_version: Option<&'a str>,
    verdict: &'static str,
    reasons: &'a [String],
    findings: &'a [String],
    warnings: &'a [String],
    gates: &'a [GateOutcome],
    gates_failed: Vec<String>,
    result: Option<String>,
    runs: Vec<u32>,
    measured_s: f64,
    asked_per_s: Option<f64>,
    throughput_per_s: Option<f64>,
    operations_per_server_cpu_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_quota: Option<CpuQuota>,
    #[serde(skip_serializing_if = "Option::is_none")]
    processors_busy: Option<f64>,
    resolution_us: Option<Floor>,
    all: Op,
    ops: BTreeMap<&'a str, Op>,
    servers: Vec<Server<'a>>,
    roles: BTreeMap<&'a str, Server<'a>>,
    silences: Vec<Stretch>,
    /// Absent if the run had no faults.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    faults: Vec<FaultJson<'a>>,
    /// Absent without faults, or if the servers count no elections.
    #[serde(skip_serializing_if = "Option::is_none")]
    servers_own_account: Option<AccountJson>,
}

#[derive(Serialize)]
struct Floor {
    p50: f64,
    p99: f64,
}

#[derive(Serialize)]
struct Op {
    throughput_per_s: Option<f64>,
    acknowledged: u64,
    error_ratio: Option<f64>,
    ok: u64,
    errors: BTreeMap<String, u64>,
    refused: u64,
    unknown: u64,
    timed_out: u64,
    not_sent: u64,
    cap_full: u64,
    not_issued: u64,
    below_resolution: bool,
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
    p95: Option<f64>,
    p99: Option<f64>,
    p999: Option<f64>,
    p9999: Option<f64>,
    max: Option<f64>,
}

#[derive(Serialize)]
struct Server<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    modes: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    servers: Option<usize>,
    cpu_s: Option<f64>,
    operations_per_cpu_s: Option<f64>,
    disk_written_bytes: Option<u64>,
    disk_written_bytes_per_operation: Option<f64>,
    syncs: Option<u64>,
    /// Share of the periods of its CPU quota in which it was stopped. Absent without a quota, like the next.
    #[serde(skip_serializing_if = "Option::is_none")]
    throttled_share: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quota_used: Option<f64>,
    all: ServerOp,
    /// `None` if there are many kinds of operation.
    ops: Option<BTreeMap<&'a str, ServerOp>>,
}

#[derive(Serialize)]
struct ServerOp {
    throughput_per_s: Option<f64>,
    acknowledged: u64,
    failed: u64,
    response_us: Us,
}

#[derive(Serialize)]
struct Stretch {
    run: usize,
    from_s: f64,
    length_s: f64,
}

/// Returns one object for one result and an array for several.
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
    let op = |record: &OpRecord| operation(record, summary.measured_s, summary.resolution);
    let server = |figures: &'a ServerFigures| server(figures, summary);
    Object {
        schema: result.schema,
        workload: &result.plan.name,
        target: &result.target.spec,
        server_version: result.target.server_version.as_deref(),
        verdict: result.verdict.word(),
        reasons: result.verdict.reasons(),
        findings: &result.findings,
        warnings: &result.warnings,
        gates: &result.gates,
        gates_failed: result
            .gates
            .iter()
            .filter(|gate| !gate.passed)
            .map(gate_line)
            .collect(),
        result: result.path.as_ref().map(|path| path.display().to_string()),
        runs: result.runs.iter().map(|run| run.number).collect(),
        measured_s: summary.measured_s,
        asked_per_s: summary.asked_per_s.map(tenth),
        throughput_per_s: summary.throughput_per_s.map(tenth),
        operations_per_server_cpu_s: summary.per_server_cpu_s().map(tenth),
        cpu_quota: result.target.cpu_quota,
        processors_busy: summary.processors_busy().map(thousandth),
        resolution_us: summary.resolution.map(|found| Floor {
            p50: found.response_p50_us,
            p99: found.response_p99_us,
        }),
        all: op(&summary.all),
        ops: summary
            .ops
            .iter()
            .map(|each| (each.label, op(&each.record)))
            .collect(),
        servers: summary
            .servers
            .servers
            .iter()
            .map(|figures| Server {
                address: Some(&figures.name),
                modes: Some(&figures.modes),
                ..server(figures)
            })
            .collect(),
        roles: summary
            .servers
            .roles
            .iter()
            .map(|figures| {
                let members = Server {
                    servers: Some(figures.servers),
                    ..server(figures)
                };
                (figures.name.as_str(), members)
            })
            .collect(),
        silences: stretches(summary),
        faults: summary.failover.groups.iter().map(FaultJson::new).collect(),
        servers_own_account: AccountJson::of(result).filter(|_| !summary.failover.is_empty()),
    }
}

fn stretches(summary: &Summary<'_>) -> Vec<Stretch> {
    let silences = summary.silences.iter();
    silences
        .map(|silence| Stretch {
            run: silence.run + 1,
            from_s: thousandth(silence.from_s),
            length_s: thousandth(silence.length_s()),
        })
        .collect()
}

fn operation(record: &OpRecord, measured_s: f64, resolution: Option<Resolution>) -> Op {
    let counts = &record.counts;
    Op {
        throughput_per_s: rate(record.acknowledged, measured_s).map(tenth),
        acknowledged: record.acknowledged,
        error_ratio: error_ratio(record),
        ok: counts.ok,
        errors: counts.errors.clone(),
        refused: counts.refused,
        unknown: counts.unknown,
        timed_out: counts.timed_out,
        not_sent: counts.not_sent,
        cap_full: counts.cap_full,
        not_issued: counts.not_issued,
        below_resolution: is_below(&record.response, resolution)
            || is_below(&record.service, resolution),
        response_us: us(&record.response),
        service_us: us(&record.service),
        blocked_us: us(&record.blocked),
        late_us: us(&record.late),
    }
}

fn server<'a>(figures: &'a ServerFigures, summary: &'a Summary<'a>) -> Server<'a> {
    let of = |record: &ServerRecord| ServerOp {
        throughput_per_s: rate(record.acknowledged, summary.measured_s).map(tenth),
        acknowledged: record.acknowledged,
        failed: record.failed,
        response_us: us(&record.response),
    };
    let quota = summary.result.target.cpu_quota;
    let few = summary.ops.len() <= OPS_MAX;
    Server {
        address: None,
        modes: None,
        servers: None,
        cpu_s: figures.cpu_s.map(thousandth),
        operations_per_cpu_s: figures.per_cpu_s().map(tenth),
        disk_written_bytes: figures.disk_written_bytes,
        disk_written_bytes_per_operation: figures.written_per_operation_bytes().map(tenth),
        syncs: figures.syncs,
        throttled_share: figures.throttled_share().map(thousandth),
        quota_used: quota.and_then(|quota| {
            let of_one = figures.quota_used(quota.share, summary.measured_s)?;
            Some(thousandth(of_one / float(figures.servers.max(1) as u64)))
        }),
        all: of(&figures.all),
        ops: few.then(|| {
            let labels = summary.ops.iter().map(|op| op.label);
            labels.zip(figures.ops.iter().map(of)).collect()
        }),
    }
}

fn us(histogram: &Histogram) -> Us {
    Times::of(histogram).map_or_else(Us::default, |times| Us {
        mean: Some(tenth(times.mean)),
        p50: Some(tenth(times.p50)),
        p90: Some(tenth(times.p90)),
        p95: Some(tenth(times.p95)),
        p99: Some(tenth(times.p99)),
        p999: times.p999.map(tenth),
        p9999: times.p9999.map(tenth),
        max: Some(tenth(times.max)),
    })
}

/// Rounds to 0.1, because a histogram has no more digits.
fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

fn thousandth(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}
