//! A comparison as text, markdown, CSV and JSON.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt::Write as _;

use serde::Serialize;

use super::compare::{Comparison, Estimate, Figure, Finding, Outcome, RUNS_MIN};
use super::describe::counted;
use super::human::{MISSING, duration_us, per_second, ratio_digits};
use super::markdown::cell;
use super::text::wrapped;
use crate::result::{csv_cell, to_json_text};

/// How to read it, one sentence.
pub(super) const READING: &str = "Every run is one observation; the ratio is the candidate's median over the base's, with its \
95 % bootstrap interval. More throughput or less response time is faster; when the interval holds 1, no difference is shown.";

/// A side's median in its unit.
pub(super) fn value(finding: &Finding, value: Option<f64>) -> String {
    match finding.metric.figure {
        Figure::Throughput => {
            value.map_or_else(|| MISSING.to_owned(), |v| format!("{}/s", per_second(v)))
        }
        Figure::ResponseP50 | Figure::ResponseP99 | Figure::ResponseP999 => duration_us(value),
    }
}

/// `2.01×`.
pub(super) fn ratio(finding: &Finding) -> String {
    finding.estimate.map_or_else(
        || MISSING.to_owned(),
        |estimate| format!("{}×", ratio_digits(estimate.ratio)),
    )
}

/// `1.95 to 2.08`.
pub(super) fn interval(finding: &Finding) -> String {
    match finding.estimate {
        Some(Estimate {
            interval: Some((low, high)),
            ..
        }) => format!("{} to {}", ratio_digits(low), ratio_digits(high)),
        _ => MISSING.to_owned(),
    }
}

/// The verdict of the whole in a sentence.
pub(super) fn headline(comparison: &Comparison) -> String {
    let count = |outcome| {
        let overall = comparison.findings.iter().filter(|f| f.metric.op.is_none());
        overall
            .filter(|f| f.outcome == outcome)
            .map(|f| f.metric.name())
            .collect::<Vec<_>>()
    };
    let (faster, slower) = (count(Outcome::Faster), count(Outcome::Slower));
    let mut parts = Vec::new();
    if !faster.is_empty() {
        parts.push(format!("faster in {}", faster.join(", ")));
    }
    if !slower.is_empty() {
        parts.push(format!("slower in {}", slower.join(", ")));
    }
    if parts.is_empty() {
        if count(Outcome::TooFewRuns).is_empty() {
            "No difference shown between candidate and base.".to_owned()
        } else {
            format!("Too few runs for a verdict: each side needs at least {RUNS_MIN}.")
        }
    } else {
        format!("The candidate is {}.", parts.join(", and "))
    }
}

/// `base: bundled, 3 voters (5 runs)`.
pub(super) fn sides(comparison: &Comparison) -> [(&'static str, String); 2] {
    [
        ("base", &comparison.base),
        ("candidate", &comparison.candidate),
    ]
    .map(|(name, side)| {
        (
            name,
            format!("{} ({})", side.target, counted(side.runs as u64, "run")),
        )
    })
}

/// For a terminal of 80 columns.
pub(super) fn text(comparison: &Comparison) -> String {
    let mut text = format!("{}\n", comparison.workload);
    for (name, side) in sides(comparison) {
        wrapped(&mut text, &format!("{:11}", format!("{name}:")), &side);
    }
    text.push('\n');
    let _ = writeln!(
        text,
        "{:20}{:>11}{:>11}{:>8}  {:15}verdict",
        "", "base", "candidate", "ratio", "95 %"
    );
    for finding in &comparison.findings {
        let _ = writeln!(
            text,
            "{:20}{:>11}{:>11}{:>8}  {:15}{}",
            clipped(&finding.metric.name(), 20),
            value(finding, finding.base),
            value(finding, finding.candidate),
            ratio(finding),
            interval(finding),
            short(finding.outcome),
        );
    }
    text.push('\n');
    wrapped(&mut text, "", &headline(comparison));
    for objection in &comparison.objections {
        wrapped(&mut text, "FORCED: ", objection);
    }
    text
}

/// Fits the last column.
fn short(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::NoDifference => "not shown",
        other => other.words(),
    }
}

fn clipped(name: &str, width: usize) -> String {
    if name.chars().count() < width {
        return name.to_owned();
    }
    let mut short: String = name.chars().take(width - 2).collect();
    short.push('\u{2026}');
    short
}

/// GitHub-flavoured markdown.
pub(super) fn markdown(comparison: &Comparison) -> String {
    let mut text = format!(
        "# {}: candidate against base\n\n**{}**\n\n",
        cell(&comparison.workload),
        headline(comparison)
    );
    for (name, side) in sides(comparison) {
        let _ = writeln!(text, "- {name}: {}", cell(&side));
    }
    text.push_str("\n| metric | base | candidate | ratio | 95 % interval | verdict |\n|---|---:|---:|---:|---:|---|\n");
    for finding in &comparison.findings {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            cell(&finding.metric.name()),
            value(finding, finding.base),
            value(finding, finding.candidate),
            ratio(finding),
            interval(finding),
            finding.outcome.words()
        );
    }
    let _ = writeln!(text, "\n{READING}");
    if !comparison.objections.is_empty() {
        text.push_str("\n## Forced\n\n");
        for objection in &comparison.objections {
            let _ = writeln!(text, "- {}", cell(objection));
        }
    }
    text
}

/// One line per metric; response times in microseconds, throughput per second.
pub(super) fn csv(comparison: &Comparison) -> String {
    let mut text =
        "workload,metric,base,candidate,ratio,ratio_low,ratio_high,base_runs,candidate_runs,verdict\n".to_owned();
    let figure = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.4}"));
    for finding in &comparison.findings {
        let interval = finding.estimate.and_then(|estimate| estimate.interval);
        let cells = [
            csv_cell(&comparison.workload),
            csv_cell(&finding.metric.name()),
            figure(finding.base),
            figure(finding.candidate),
            figure(finding.estimate.map(|estimate| estimate.ratio)),
            figure(interval.map(|(low, _)| low)),
            figure(interval.map(|(_, high)| high)),
            comparison.base.runs.to_string(),
            comparison.candidate.runs.to_string(),
            finding.outcome.words().to_owned(),
        ];
        let _ = writeln!(text, "{}", cells.join(","));
    }
    text
}

#[derive(Serialize)]
struct Object<'a> {
    workload: &'a str,
    base: JsonSide<'a>,
    candidate: JsonSide<'a>,
    summary: String,
    objections: &'a [String],
    metrics: Vec<JsonFinding>,
}

#[derive(Serialize)]
struct JsonSide<'a> {
    target: &'a str,
    runs: usize,
}

#[derive(Serialize)]
struct JsonFinding {
    metric: String,
    base: Option<f64>,
    candidate: Option<f64>,
    ratio: Option<f64>,
    ratio_low: Option<f64>,
    ratio_high: Option<f64>,
    verdict: &'static str,
}

/// One object.
pub(super) fn json(comparison: &Comparison) -> String {
    let metrics = comparison.findings.iter().map(|finding| {
        let interval = finding.estimate.and_then(|estimate| estimate.interval);
        JsonFinding {
            metric: finding.metric.name(),
            base: finding.base,
            candidate: finding.candidate,
            ratio: finding.estimate.map(|estimate| estimate.ratio),
            ratio_low: interval.map(|(low, _)| low),
            ratio_high: interval.map(|(_, high)| high),
            verdict: finding.outcome.words(),
        }
    });
    to_json_text(&Object {
        workload: &comparison.workload,
        base: JsonSide {
            target: &comparison.base.target,
            runs: comparison.base.runs,
        },
        candidate: JsonSide {
            target: &comparison.candidate.target,
            runs: comparison.candidate.runs,
        },
        summary: headline(comparison),
        objections: &comparison.objections,
        metrics: metrics.collect(),
    })
}
