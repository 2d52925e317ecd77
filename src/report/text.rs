//! The report for a terminal of 80 columns.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt::Write as _;

use super::describe::{arrival, closed_loop_note, gate_line, target_line};
use super::failover;
use super::human::{MISSING, bytes_fraction, count, per_second};
use super::quota::{percent, quota_note};
use super::resolution::{COLUMNS, cells, note};
use super::servers::ServerFigures;
use super::silence;
use super::summary::{OpSummary, Summary, failures, rate, was_blocked};
use super::table::{Align, Table};
use super::wrap::{self, WIDTH};
use crate::measure::{Histogram, ServerRecord};
use crate::result::{Resolution, RunResult};

/// Returns all results, one below the other.
pub(crate) fn render(results: &[RunResult]) -> String {
    let parts: Vec<String> = results.iter().map(one).collect();
    parts.join("\n")
}

fn one(result: &RunResult) -> String {
    let summary = Summary::new(result);
    let mut text = String::new();
    let mut verdict = result.verdict.word().to_uppercase();
    if !result.gates_passed() {
        verdict += ", GATE FAILED";
    }
    let name = &result.plan.name;
    let gap = WIDTH
        .saturating_sub(name.chars().count() + verdict.len())
        .max(1);
    let _ = writeln!(text, "{name}{:gap$}{verdict}", "");
    wrapped(
        &mut text,
        "",
        &format!("{}; {}", target_line(result), arrival(&result.plan)),
    );
    if let Some(note) = quota_note(&summary) {
        wrapped(&mut text, "", &note);
    }
    text.push('\n');
    throughput(&mut text, &summary);
    text.push('\n');
    text.push_str(&operations(&summary));
    if let Some(note) = note(&summary) {
        wrapped(&mut text, "", &note);
    }
    if let Some(note) = closed_loop_note(&result.plan) {
        wrapped(&mut text, "", note);
    }
    faults(&mut text, &summary);
    servers(&mut text, &summary);
    notes(&mut text, &summary);
    text
}

fn throughput(text: &mut String, summary: &Summary<'_>) {
    let asked = summary.asked_per_s.map_or_else(String::new, |rate| {
        format!(" of {} planned", per_second(rate))
    });
    let runs = match summary.result.runs.len() {
        1 => String::new(),
        runs => format!(" in {runs} runs"),
    };
    let _ = writeln!(
        text,
        "{} operations/s{asked}, {:.1} s measured{runs}",
        per_second(summary.throughput_per_s),
        summary.measured_s,
    );
    if let Some(rate) = summary.per_server_cpu_s() {
        let sentence = format!(
            "{} operations per second of server CPU: this figure depends least on shared cores",
            per_second(rate)
        );
        wrapped(text, "", &sentence);
    }
}

fn operations(summary: &Summary<'_>) -> String {
    let [mean, p50, p90, p99, p999, p9999, max] = COLUMNS.map(|head| (Align::Right, head));
    let name = (Align::Left, "");
    let mut table = Table::new([name, mean, p50, p90, p99, p999, p9999, max]);
    for op in &summary.ops {
        let mut line = String::new();
        wrapped(&mut line, "", &operation(op));
        table.line(line);
        let record = &op.record;
        times(&mut table, "response", &record.response, summary.resolution);
        times(&mut table, "service", &record.service, summary.resolution);
        if was_blocked(record) {
            times(&mut table, "blocked", &record.blocked, None);
        }
        times(&mut table, "late", &record.late, None);
    }
    if summary.ops.len() > 1 {
        table.line("all");
        let response = &summary.all.response;
        times(&mut table, "response", response, summary.resolution);
    }
    table.render()
}

/// `set: 36.3/s, 218 ok, 2 failed (NoNode 2)`.
fn operation(op: &OpSummary<'_>) -> String {
    let counts = &op.record.counts;
    let mut line = format!(
        "{}: {}/s, {} ok",
        op.label,
        per_second(op.throughput_per_s),
        count(counts.ok)
    );
    if counts.failed() > 0 {
        let failed = count(counts.failed());
        let _ = write!(line, ", {failed} failed ({})", failures(&op.record));
    }
    line
}

fn times(table: &mut Table, kind: &str, histogram: &Histogram, resolution: Option<Resolution>) {
    let name = format!("  {kind}");
    table.row([name].into_iter().chain(cells(histogram, resolution)));
}

/// Appends what the faults did.
fn faults(text: &mut String, summary: &Summary<'_>) {
    let faults = failover::text(&summary.failover);
    if !faults.is_empty() {
        text.push('\n');
        text.push_str(&faults);
    }
}

/// Appends the figures by role for each operation, the figures by server for all operations
/// together, and the resources that the servers used.
fn servers(text: &mut String, summary: &Summary<'_>) {
    let servers = &summary.servers;
    if servers.servers.is_empty() {
        return;
    }
    let [rate, failed, p50, p99, p999, max] =
        ["acked/s", "failed", "p50", "p99", "p99.9", "max"].map(|head| (Align::Right, head));
    let name = (Align::Left, "response time by server");
    let mut table = Table::new([name, rate, failed, p50, p99, p999, max]);
    for role in &servers.roles {
        let rows = role.rows(summary.result);
        if let [(_, only)] = rows.as_slice() {
            server(&mut table, role.title(), only, summary);
            continue;
        }
        table.line(role.title());
        for (label, record) in rows {
            server(&mut table, format!("  {label}"), record, summary);
        }
    }
    for figures in &servers.servers {
        server(&mut table, figures.title(), &figures.all, summary);
    }
    text.push('\n');
    text.push_str(&table.render());
    let all = || servers.roles.iter().chain(&servers.servers);
    if all().any(|figures| !figures.usage().is_empty()) {
        text.push('\n');
        text.push_str(&usage(all()));
    }
}

fn server(table: &mut Table, name: String, record: &ServerRecord, summary: &Summary<'_>) {
    let [_, p50, _, p99, p999, _, max] = cells(&record.response, summary.resolution);
    let rate = per_second(rate(record.acknowledged, summary.measured_s));
    table.row([name, rate, count(record.failed), p50, p99, p999, max]);
}

fn usage<'a>(all: impl Iterator<Item = &'a ServerFigures> + Clone) -> String {
    let has_quota = all.clone().any(|figures| figures.throttled.is_some());
    let heads = [
        "CPU s",
        "acked per CPU s",
        "written per op",
        "syncs",
        "throttled",
    ];
    let shown = if has_quota { 5 } else { 4 };
    let heads = heads.into_iter().take(shown);
    let name = (Align::Left, "usage by server");
    let heads = [name]
        .into_iter()
        .chain(heads.map(|head| (Align::Right, head)));
    let mut table = Table::new(heads);
    let missing = || MISSING.to_owned();
    for figures in all {
        let written = figures.written_per_operation_bytes();
        let cells = [
            figures.title(),
            figures
                .cpu_s
                .map_or_else(missing, |cpu_s| format!("{cpu_s:.2}")),
            per_second(figures.per_cpu_s()),
            written.map_or_else(missing, bytes_fraction),
            figures.syncs.map_or_else(missing, count),
            figures.throttled_share().map_or_else(missing, percent),
        ];
        table.row(cells.into_iter().take(1 + shown));
    }
    table.render()
}

/// Appends the reasons of the verdict, the gates, the findings and the warnings.
fn notes(text: &mut String, summary: &Summary<'_>) {
    let result = summary.result;
    let reasons = result.verdict.reasons();
    if !reasons.is_empty() {
        text.push('\n');
        wrapped(
            text,
            "INVALID - ",
            "the generator failed: the figures do not describe the target",
        );
        reasons
            .iter()
            .for_each(|reason| wrapped(text, "  ", reason));
    }
    let gates = result.gates.iter().map(|gate| {
        let word = if gate.passed {
            "gate passed: "
        } else {
            "GATE FAILED: "
        };
        (word, gate_line(gate))
    });
    let findings = result
        .findings
        .iter()
        .cloned()
        .chain(silence::longest(summary));
    let findings = findings.map(|finding| ("found: ", finding));
    let warnings = result.warnings.iter().cloned();
    let warnings = warnings.map(|warning| ("warning: ", warning));
    let parts: [Vec<(&str, String)>; 3] = [gates.collect(), findings.collect(), warnings.collect()];
    for part in parts {
        if !part.is_empty() {
            text.push('\n');
        }
        for (kind, sentence) in part {
            wrapped(text, kind, &sentence);
        }
    }
}

/// Breaks a sentence into lines. All but the first are indented by two.
fn wrapped(text: &mut String, prefix: &str, sentence: &str) {
    wrap::wrapped(text, prefix, 2, sentence);
}
