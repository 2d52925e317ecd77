//! The compact table for a terminal; fits 80 columns.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt::Write as _;

use super::describe::{arrival, closed_loop_note, gate_line, target_line};
use super::human::{MISSING, bytes_fraction, count, per_second};
use super::resolution::{COLUMNS, cells, note};
use super::servers::ServerFigures;
use super::silence;
use super::summary::{OpSummary, Summary, failures, rate, was_blocked};
use crate::measure::{Histogram, ServerRecord};
use crate::result::{Resolution, RunResult};

/// Columns of the terminal.
const WIDTH: usize = 80;
/// Columns of the name of a kind of time.
const NAME: usize = 10;
/// Columns of a figure.
const CELL: usize = 10;
/// Columns of the name of a server.
const SERVER: usize = 26;
/// Columns of a server's figure.
const SERVER_CELL: usize = 9;

/// All results, one below the other.
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
    text.push('\n');
    throughput(&mut text, &summary);
    text.push('\n');
    let _ = write!(text, "{:NAME$}", "");
    for head in COLUMNS {
        let _ = write!(text, "{head:>CELL$}");
    }
    text.push('\n');
    for op in &summary.ops {
        operation(&mut text, op, summary.resolution);
    }
    if summary.ops.len() > 1 {
        text.push_str("all\n");
        let response = &summary.all.response;
        times(&mut text, "  response", response, summary.resolution);
    }
    if let Some(note) = note(&summary) {
        wrapped(&mut text, "", &note);
    }
    if let Some(note) = closed_loop_note(&result.plan) {
        wrapped(&mut text, "", note);
    }
    servers(&mut text, &summary);
    notes(&mut text, &summary);
    text
}

fn throughput(text: &mut String, summary: &Summary<'_>) {
    let asked = summary.asked_per_s.map_or_else(String::new, |rate| {
        format!(" of {} asked", per_second(rate))
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
            "{} operations per second of server CPU: the figure that survives shared cores",
            per_second(rate)
        );
        wrapped(text, "", &sentence);
    }
}

fn operation(text: &mut String, op: &OpSummary<'_>, resolution: Option<Resolution>) {
    let record = &op.record;
    let counts = &record.counts;
    let mut line = format!(
        "{}: {}/s, {} ok",
        op.label,
        per_second(op.throughput_per_s),
        count(counts.ok)
    );
    if counts.failed() > 0 {
        let failed = count(counts.failed());
        let _ = write!(line, ", {failed} failed ({})", failures(record));
    }
    wrapped(text, "", &line);
    times(text, "  response", &record.response, resolution);
    times(text, "  service", &record.service, resolution);
    if was_blocked(record) {
        times(text, "  blocked", &record.blocked, None);
    }
    times(text, "  late", &record.late, None);
}

fn times(text: &mut String, name: &str, histogram: &Histogram, resolution: Option<Resolution>) {
    let _ = write!(text, "{name:NAME$}");
    for cell in cells(histogram, resolution) {
        let _ = write!(text, "{cell:>CELL$}");
    }
    text.push('\n');
}

/// By role with the operations, by server all operations together, then what they used.
fn servers(text: &mut String, summary: &Summary<'_>) {
    let servers = &summary.servers;
    if servers.servers.is_empty() {
        return;
    }
    let heads = ["acked/s", "failed", "p50", "p99", "p99.9", "max"];
    text.push('\n');
    server_row(text, "response time by server", &heads.map(str::to_owned));
    for role in &servers.roles {
        let rows = role.rows(summary.result);
        if let [(_, only)] = rows.as_slice() {
            server_row(text, &role.title(), &server_cells(only, summary));
            continue;
        }
        let _ = writeln!(text, "{}", role.title());
        for (label, record) in rows {
            server_row(text, &format!("  {label}"), &server_cells(record, summary));
        }
    }
    for server in &servers.servers {
        server_row(text, &server.title(), &server_cells(&server.all, summary));
    }
    let all = || servers.roles.iter().chain(&servers.servers);
    if all().any(|figures| !figures.usage().is_empty()) {
        let heads = ["CPU s", "acked per CPU s", "written per op", "syncs"];
        text.push('\n');
        usage_row(text, "usage by server", &heads.map(str::to_owned));
        all().for_each(|figures| usage_row(text, &figures.title(), &usage_cells(figures)));
    }
}

fn server_cells(record: &ServerRecord, summary: &Summary<'_>) -> [String; 6] {
    let [_, p50, _, p99, p999, _, max] = cells(&record.response, summary.resolution);
    let rate = per_second(rate(record.acknowledged, summary.measured_s));
    [rate, count(record.failed), p50, p99, p999, max]
}

fn server_row(text: &mut String, name: &str, cells: &[String; 6]) {
    server_name(text, name);
    for cell in cells {
        let _ = write!(text, "{cell:>SERVER_CELL$}");
    }
    text.push('\n');
}

fn usage_cells(figures: &ServerFigures) -> [String; 4] {
    let missing = || MISSING.to_owned();
    let written = figures.written_per_operation_bytes();
    [
        figures
            .cpu_s
            .map_or_else(missing, |cpu_s| format!("{cpu_s:.2}")),
        per_second(figures.per_cpu_s()),
        written.map_or_else(missing, bytes_fraction),
        figures.syncs.map_or_else(missing, count),
    ]
}

fn usage_row(text: &mut String, name: &str, [cpu, per_cpu, written, syncs]: &[String; 4]) {
    server_name(text, name);
    let _ = writeln!(text, "{cpu:>9}{per_cpu:>17}{written:>17}{syncs:>11}");
}

/// A name that is too long for its column has a line of its own.
fn server_name(text: &mut String, name: &str) {
    if name.chars().count() >= SERVER {
        let _ = writeln!(text, "{name}");
        let _ = write!(text, "{:SERVER$}", "");
    } else {
        let _ = write!(text, "{name:SERVER$}");
    }
}

/// The verdict's reasons, then apart from it the gates, what the target did, and the warnings.
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

/// Breaks `prefix + sentence` at blanks; further lines are indented by two.
pub(crate) fn wrapped(text: &mut String, prefix: &str, sentence: &str) {
    let mut column = prefix.chars().count();
    text.push_str(prefix);
    let mut first = true;
    for word in sentence.split(' ') {
        let width = word.chars().count();
        if !first && column + 1 + width > WIDTH {
            text.push_str("\n  ");
            column = 2;
        } else if !first {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += width;
        first = false;
    }
    text.push('\n');
}
