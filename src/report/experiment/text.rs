//! An experiment for a terminal of 80 columns: the answers, and the tables behind them.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt::Write as _;

use super::chart::Chart;
use super::measure::{Measure, Percentile, estimate_text};
use super::overview::{extent_line, headlines, warnings};
use super::rows::{Row, rows, runs_text};
use super::study::ExperimentReport;
use crate::report::human::{duration_us, per_second};
use crate::report::table::{Align, Table};
use crate::report::wrap::wrapped;
use crate::workload::FigureKind;

/// Measures of a table; the other formats have all.
const MEASURES_MAX: usize = 2;
/// Failed runs that are listed; the index has all.
const FAILED_SHOWN: usize = 10;

/// The whole report.
pub(crate) fn render(report: &ExperimentReport) -> String {
    let charts = report.charts();
    let mut text = head(report, &charts);
    for chart in &charts {
        let _ = writeln!(text, "\n{}", chart.title);
        text.push_str(&table(chart));
        for answer in chart.answers.iter().filter(|answer| !answer.headline) {
            wrapped(&mut text, "", 2, &answer.text);
        }
        for note in &chart.notes {
            wrapped(&mut text, "note: ", 2, note);
        }
    }
    text
}

/// The answers only.
pub(crate) fn answers(report: &ExperimentReport) -> String {
    head(report, &report.charts())
}

fn head(report: &ExperimentReport, charts: &[Chart]) -> String {
    let mut text = format!("{}\n", report.index.name);
    wrapped(&mut text, "", 0, &extent_line(report));
    text.push('\n');
    for answer in headlines(charts) {
        wrapped(&mut text, "- ", 2, answer);
    }
    let warnings = warnings(report);
    if !warnings.is_empty() {
        text.push('\n');
    }
    for warning in warnings {
        wrapped(&mut text, "warning: ", 2, &warning);
    }
    let failed = report.failed();
    for line in failed.iter().take(FAILED_SHOWN) {
        wrapped(&mut text, "failed: ", 2, line);
    }
    if failed.len() > FAILED_SHOWN {
        let _ = writeln!(text, "and {} more failed", failed.len() - FAILED_SHOWN);
    }
    text
}

/// The measures that a narrow table shows: the median and p99 of a percentile figure, otherwise the first ones.
pub(super) fn main_measures(chart: &Chart) -> Vec<usize> {
    let all = 0..chart.measures.len();
    let chosen: Vec<usize> = match chart.kind {
        FigureKind::Response => all
            .filter(|at| {
                matches!(
                    chart.measures[*at],
                    Measure::Response(_, Percentile::P50 | Percentile::P99)
                )
            })
            .collect(),
        _ => all.collect(),
    };
    chosen
}

fn table(chart: &Chart) -> String {
    let mut text = String::new();
    for measures in main_measures(chart).chunks(MEASURES_MAX) {
        text.push_str(&part(chart, measures));
    }
    if !chart.steps.is_empty() {
        text.push_str(&steps(chart));
    }
    text
}

/// A table with up to two measures.
fn part(chart: &Chart, measures: &[usize]) -> String {
    let head = |at: usize| {
        measures
            .get(at)
            .map_or_else(String::new, |at| chart.measures[*at].head())
    };
    let (first, second) = (head(0), head(1));
    let mut table = Table::new([
        (Align::Left, ""),
        (Align::Right, first.as_str()),
        (Align::Right, second.as_str()),
        (Align::Right, "runs"),
    ]);
    let mut line = None;
    for row in rows(chart) {
        let has_x = !chart.layout.x.is_empty();
        if has_x && line.as_ref() != Some(&row.line) {
            table.line(row.line.clone());
            line = Some(row.line.clone());
        }
        let cell = |at: usize| {
            measures.get(at).map_or_else(String::new, |at| {
                estimate_text(chart.measures[*at].unit(), &row.estimates[*at])
            })
        };
        table.row([name(chart, &row), cell(0), cell(1), runs_text(&row)]);
    }
    table.render()
}

fn name(chart: &Chart, row: &Row<'_>) -> String {
    if chart.layout.x.is_empty() {
        row.line.clone()
    } else {
        format!(
            "  {}",
            super::axis_words::value_words(&chart.layout.x, row.x)
        )
    }
}

fn steps(chart: &Chart) -> String {
    let mut table = Table::new([
        (Align::Left, ""),
        (Align::Right, "achieved"),
        (Align::Right, "p50"),
        (Align::Right, "p99"),
        (Align::Right, "held"),
    ]);
    let mut line = None;
    for row in &chart.steps {
        if line != Some(row.line) {
            table.line(chart.who(row.line));
            line = Some(row.line);
        }
        table.row([
            format!("  {}/s", per_second(row.rate_per_s)),
            per_second(row.achieved_per_s),
            duration_us(row.p50_us),
            duration_us(row.p99_us),
            format!("{} of {}", row.held, row.runs),
        ]);
    }
    table.render()
}
