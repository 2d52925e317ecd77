//! The compact table for a terminal; fits 80 columns.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt::Write as _;

use super::describe::{arrival, gate_line, target_line};
use super::human::{MISSING, count, duration_us, per_second};
use super::summary::{OpSummary, Summary, Times, failures};
use crate::measure::{Histogram, OpRecord};
use crate::result::RunResult;

/// Columns of the terminal.
const WIDTH: usize = 80;
/// Columns of a row's name.
const NAME: usize = 16;
/// Columns of a figure.
const CELL: usize = 10;

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
    let asked = summary.asked_per_s.map_or_else(String::new, |rate| {
        format!(" of {} asked", per_second(rate))
    });
    let runs = match result.runs.len() {
        1 => String::new(),
        runs => format!(" in {runs} runs"),
    };
    let _ = writeln!(
        text,
        "{} operations/s{asked}, {:.1} s measured{runs}",
        per_second(summary.throughput_per_s),
        summary.measured_s,
    );
    text.push('\n');
    let _ = write!(text, "{:NAME$}", "");
    for head in ["mean", "p50", "p90", "p99", "p99.9", "max"] {
        let _ = write!(text, "{head:>CELL$}");
    }
    text.push('\n');
    for op in &summary.ops {
        operation(&mut text, op);
    }
    if summary.ops.len() > 1 {
        text.push_str("all\n");
        times(&mut text, "  response time", &summary.all.response);
    }
    notes(&mut text, result);
    text
}

fn operation(text: &mut String, op: &OpSummary<'_>) {
    let OpRecord {
        response,
        service,
        blocked,
        late,
        counts,
        ..
    } = &op.record;
    let mut line = format!(
        "{}: {}/s, {} ok",
        op.label,
        per_second(op.throughput_per_s),
        count(counts.ok)
    );
    if counts.failed() > 0 {
        let _ = write!(
            line,
            ", {} failed ({})",
            count(counts.failed()),
            failures(&op.record)
        );
    }
    wrapped(text, "", &line);
    times(text, "  response time", response);
    times(text, "  service time", service);
    times(text, "  blocked", blocked);
    times(text, "  late", late);
}

fn times(text: &mut String, name: &str, histogram: &Histogram) {
    let _ = write!(text, "{name:NAME$}");
    let cells = Times::of(histogram).map_or_else(
        || vec![MISSING.to_owned(); 6],
        |times| {
            std::iter::once(times.mean)
                .chain(times.quantiles)
                .map(duration_us)
                .collect()
        },
    );
    for cell in cells {
        let _ = write!(text, "{cell:>CELL$}");
    }
    text.push('\n');
}

fn notes(text: &mut String, result: &RunResult) {
    let gates = result.gates.iter().map(|gate| {
        (
            if gate.passed {
                "gate passed: "
            } else {
                "GATE FAILED: "
            },
            gate_line(gate),
        )
    });
    let reasons = result
        .verdict
        .reasons()
        .iter()
        .map(|reason| ("INVALID: ", reason.clone()));
    let findings = result
        .findings
        .iter()
        .map(|finding| ("found: ", finding.clone()));
    let warnings = result
        .warnings
        .iter()
        .map(|warning| ("warning: ", warning.clone()));
    let mut first = true;
    for (kind, sentence) in reasons.chain(gates).chain(findings).chain(warnings) {
        if first {
            text.push('\n');
            first = false;
        }
        wrapped(text, kind, &sentence);
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
