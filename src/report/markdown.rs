//! The report as GitHub-flavoured markdown.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt::Write as _;

use super::describe::{
    Row, arrival, environment_rows, gate_line, plan_rows, target_line, target_rows,
};
use super::human::{MISSING, count, duration_us, per_second};
use super::summary::{Summary, Times, failures};
use crate::measure::Histogram;
use crate::result::RunResult;

/// All results, one below the other.
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
    let asked = summary.asked_per_s.map_or_else(String::new, |rate| {
        format!(" of {} asked", per_second(rate))
    });
    let _ = writeln!(
        text,
        "**{} operations/s**{asked}, {:.1} s measured, {}; {}.\n",
        per_second(summary.throughput_per_s),
        summary.measured_s,
        cell(&target_line(result)),
        arrival(&result.plan),
    );
    operations(&mut text, &summary);
    list(&mut text, "Why it is invalid", result.verdict.reasons());
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
    list(&mut text, "Warnings", &result.warnings);
    rows(&mut text, "Plan", &plan_rows(&result.plan));
    rows(&mut text, "Target", &target_rows(result));
    rows(&mut text, "Environment", &environment_rows(result));
    text
}

fn operations(text: &mut String, summary: &Summary<'_>) {
    text.push_str(
        "| operation | per second | ok | failed | time | mean | p50 | p90 | p99 | p99.9 | max |\n",
    );
    text.push_str("|---|---:|---:|---:|---|---:|---:|---:|---:|---:|---:|\n");
    for op in &summary.ops {
        let counts = &op.record.counts;
        let failed = if counts.failed() == 0 {
            "0".to_owned()
        } else {
            failures(&op.record)
        };
        let head = format!(
            "{} | {} | {} | {failed}",
            cell(op.label),
            per_second(op.throughput_per_s),
            count(counts.ok)
        );
        line(text, &head, "response", &op.record.response);
        line(text, "  |  |  | ", "service", &op.record.service);
        line(text, "  |  |  | ", "blocked", &op.record.blocked);
        line(text, "  |  |  | ", "late", &op.record.late);
    }
    text.push('\n');
}

fn line(text: &mut String, head: &str, kind: &str, histogram: &Histogram) {
    let cells: Vec<String> = Times::of(histogram).map_or_else(
        || vec![MISSING.to_owned(); 6],
        |times| {
            std::iter::once(times.mean)
                .chain(times.quantiles)
                .map(duration_us)
                .collect()
        },
    );
    let _ = writeln!(text, "| {head} | {kind} | {} |", cells.join(" | "));
}

fn list(text: &mut String, title: &str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    let _ = writeln!(text, "## {title}\n");
    for item in items {
        let _ = writeln!(text, "- {}", cell(item));
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

/// Text that neither breaks a table nor is taken for markup.
pub(crate) fn cell(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('|', "\\|")
        .replace('<', "&lt;")
        .replace(['\n', '\r'], " ")
}
