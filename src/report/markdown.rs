//! The report as GitHub-flavoured markdown.
//!
//! Tables are written by hand, because `comfy-table` pads every cell and does not escape markup.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt::Write as _;

use super::describe::{
    Row, arrival, closed_loop_note, environment_rows, gate_line, plan_rows, target_line,
    target_rows,
};
use super::failover;
use super::human::{MISSING, bytes_fraction, count, per_second};
use super::incident::incidents;
use super::quota::{percent, quota_note};
use super::resolution::{COLUMNS, cells, note};
use super::servers::ServerFigures;
use super::silence;
use super::summary::{Summary, failures, rate, was_blocked};
use crate::measure::Histogram;
use crate::result::{Resolution, RunResult};

/// Limit of the event lines shown per run. The result file has all events.
const EVENTS_SHOWN: usize = 50;

/// Returns all results, one below the other.
pub(crate) fn render(results: &[RunResult]) -> String {
    let parts: Vec<String> = results.iter().map(one).collect();
    parts.join("\n")
}

fn one(result: &RunResult) -> String {
    let summary = Summary::new(result);
    let mut text = format!(
        "# {}: {}\n\n",
        cell(&result.plan.name),
        result.verdict.word()
    );
    let _ = writeln!(text, "{}\n", cell(&result.plan.why));
    if !result.verdict.is_valid() {
        text.push_str(
            "**Invalid \u{2013} the generator failed: the figures do not describe the target.**\n\n",
        );
        items(&mut text, result.verdict.reasons());
    }
    throughput(&mut text, &summary);
    text.push_str(&failover::markdown(&summary.failover));
    operations(&mut text, &summary);
    let gates: Vec<String> = result
        .gates
        .iter()
        .map(|gate| {
            format!(
                "{}: {}",
                if gate.passed { "passed" } else { "**failed**" },
                gate_line(gate)
            )
        })
        .collect();
    list(&mut text, "Gates", &gates);
    let mut findings = result.findings.clone();
    findings.extend(silence::longest(&summary));
    list(&mut text, "What the target did", &findings);
    list(&mut text, "Warnings", &result.warnings);
    servers(&mut text, &summary);
    list(&mut text, "Events", &events(result));
    rows(&mut text, "Plan", &plan_rows(result));
    rows(&mut text, "Target", &target_rows(result));
    rows(&mut text, "Environment", &environment_rows(result));
    text
}

fn throughput(text: &mut String, summary: &Summary<'_>) {
    let asked = summary.asked_per_s.map_or_else(String::new, |rate| {
        format!(" of {} planned", per_second(rate))
    });
    let _ = writeln!(
        text,
        "**{} operations/s**{asked}, {:.1} s measured, {}; {}.\n",
        per_second(summary.throughput_per_s),
        summary.measured_s,
        cell(&target_line(summary.result)),
        arrival(&summary.result.plan),
    );
    if let Some(note) = quota_note(summary) {
        let _ = writeln!(text, "{note}\n");
    }
    if let Some(rate) = summary.per_server_cpu_s() {
        let _ = writeln!(
            text,
            "**{} operations per second of server CPU**: this figure depends least on shared cores.\n",
            per_second(rate)
        );
    }
}

fn operations(text: &mut String, summary: &Summary<'_>) {
    let _ = writeln!(
        text,
        "| operation | per second | ok | failed | time | {} |",
        COLUMNS.join(" | ")
    );
    text.push_str("|---|---:|---:|---:|---|---:|---:|---:|---:|---:|---:|---:|\n");
    let resolution = summary.resolution;
    for op in &summary.ops {
        let record = &op.record;
        let failed = if record.counts.failed() == 0 {
            "0".to_owned()
        } else {
            failures(record)
        };
        let head = format!(
            "{} | {} | {} | {failed}",
            cell(op.label),
            per_second(op.throughput_per_s),
            count(record.counts.ok)
        );
        line(text, &head, "response", &record.response, resolution);
        line(text, "  |  |  | ", "service", &record.service, resolution);
        if was_blocked(record) {
            line(text, "  |  |  | ", "blocked", &record.blocked, None);
        }
        line(text, "  |  |  | ", "late", &record.late, None);
    }
    if summary.ops.len() > 1 {
        line(
            text,
            "all |  |  | ",
            "response",
            &summary.all.response,
            resolution,
        );
    }
    text.push('\n');
    if let Some(note) = note(summary) {
        let _ = writeln!(text, "{}\n", cell(&note));
    }
    if let Some(note) = closed_loop_note(&summary.result.plan) {
        let _ = writeln!(text, "{note}\n");
    }
}

fn line(
    text: &mut String,
    head: &str,
    kind: &str,
    histogram: &Histogram,
    resolution: Option<Resolution>,
) {
    let cells = cells(histogram, resolution).map(|figure| cell(&figure));
    let _ = writeln!(text, "| {head} | {kind} | {} |", cells.join(" | "));
}

fn servers(text: &mut String, summary: &Summary<'_>) {
    let servers = &summary.servers;
    if servers.servers.is_empty() {
        return;
    }
    text.push_str("## By role and by server\n\n");
    text.push_str("| server | operation | acknowledged/s | failed | p50 | p99 | p99.9 | max |\n");
    text.push_str("|---|---|---:|---:|---:|---:|---:|---:|\n");
    let all = || servers.roles.iter().chain(&servers.servers);
    for figures in all() {
        let mut title = cell(&figures.title());
        for (label, record) in figures.rows(summary.result) {
            let cells = cells(&record.response, summary.resolution).map(|figure| cell(&figure));
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} | {} |",
                std::mem::take(&mut title),
                cell(label),
                per_second(rate(record.acknowledged, summary.measured_s)),
                count(record.failed),
                cells[1],
                cells[3],
                cells[4],
                cells[6]
            );
        }
    }
    let has_quota = all().any(|figures| figures.throttled.is_some());
    text.push_str(
        "\n| server | CPU seconds | operations per CPU second | written per operation | syncs |",
    );
    text.push_str(if has_quota { " throttled |\n" } else { "\n" });
    text.push_str("|---|---:|---:|---:|---:|");
    text.push_str(if has_quota { "---:|\n" } else { "\n" });
    for figures in all() {
        usage(text, figures);
        if has_quota {
            let share = figures.throttled_share();
            let _ = write!(
                text,
                " {} |",
                share.map_or_else(|| MISSING.to_owned(), percent)
            );
        }
        text.push('\n');
    }
    text.push('\n');
}

fn usage(text: &mut String, figures: &ServerFigures) {
    let missing = || MISSING.to_owned();
    let _ = write!(
        text,
        "| {} | {} | {} | {} | {} |",
        cell(&figures.title()),
        figures
            .cpu_s
            .map_or_else(missing, |cpu_s| format!("{cpu_s:.2}")),
        per_second(figures.per_cpu_s()),
        figures
            .written_per_operation_bytes()
            .map_or_else(missing, bytes_fraction),
        figures.syncs.map_or_else(missing, count)
    );
}

/// Returns one line per cause: `+3.120 s: 16 sessions lost ...`.
#[expect(clippy::cast_precision_loss, reason = "nanoseconds within a run")]
fn events(result: &RunResult) -> Vec<String> {
    let mut lines = Vec::new();
    for (number, run) in (1..).zip(&result.runs) {
        let which = if result.runs.len() > 1 {
            format!("run {number}, ")
        } else {
            String::new()
        };
        let incidents = incidents(&run.events, &result.plan.faults);
        lines.extend(incidents.iter().take(EVENTS_SHOWN).map(|incident| {
            format!(
                "{which}{:+.3} s: {}",
                incident.at_ns as f64 / 1e9,
                incident.text
            )
        }));
        let hidden = incidents.len().saturating_sub(EVENTS_SHOWN) as u64 + run.events_dropped;
        if hidden > 0 {
            lines.push(format!("{which}and {} more", count(hidden)));
        }
    }
    lines
}

fn list(text: &mut String, title: &str, sentences: &[String]) {
    if !sentences.is_empty() {
        let _ = writeln!(text, "## {title}\n");
        items(text, sentences);
    }
}

fn items(text: &mut String, sentences: &[String]) {
    for sentence in sentences {
        let _ = writeln!(text, "- {}", cell(sentence));
    }
    text.push('\n');
}

fn rows(text: &mut String, title: &str, rows: &[Row]) {
    let _ = writeln!(text, "## {title}\n\n| | |\n|---|---|");
    for (name, value) in rows {
        let _ = writeln!(text, "| {name} | {} |", cell(value));
    }
    text.push('\n');
}

/// Escapes `text` so that it neither breaks a table nor is read as markup.
pub(crate) fn cell(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('|', "\\|")
        .replace('<', "&lt;")
        .replace(['\n', '\r'], " ")
}
