//! An experiment as GitHub-flavoured markdown, whole or in parts.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt::Write as _;

use super::chart::Chart;
use super::measure::estimate_text;
use super::overview::{extent_line, headlines, machine, method, warnings};
use super::rows::{rows, runs_text};
use super::study::ExperimentReport;
use crate::report::human::{duration_us, per_second};
use crate::report::markdown::cell;

pub(crate) fn render(report: &ExperimentReport) -> String {
    let charts = report.charts();
    let mut text = format!("# {}\n\n", cell(&report.index.name));
    let _ = writeln!(text, "{}\n", cell(&report.index.why));
    let _ = writeln!(text, "{}.\n", cell(&extent_line(report)));
    text.push_str(&answers(&charts));
    list(&mut text, "Warnings", &warnings(report));
    for chart in &charts {
        let _ = writeln!(text, "\n## {}\n", cell(&chart.title));
        for answer in chart.answers.iter().filter(|answer| !answer.headline) {
            let _ = writeln!(text, "{}\n", cell(&answer.text));
        }
        text.push_str(&table(chart));
        text.push('\n');
        for note in &chart.notes {
            let _ = writeln!(text, "{}\n", cell(note));
        }
    }
    list(&mut text, "Failed runs", &report.failed());
    list(&mut text, "Method", &method(report));
    let _ = writeln!(text, "\n## Machine\n\n| | |\n|---|---|");
    for (name, value) in machine(report) {
        let _ = writeln!(text, "| {name} | {} |", cell(&value));
    }
    text
}

/// The answers of the overview as a list.
pub(super) fn answers(charts: &[Chart]) -> String {
    let mut text = String::new();
    for answer in headlines(charts) {
        let _ = writeln!(text, "- {}", cell(answer));
    }
    text
}

/// The table behind a figure.
pub(super) fn table(chart: &Chart) -> String {
    let mut text = String::new();
    let has_x = !chart.layout.x.is_empty();
    let mut head = vec![" ".to_owned()];
    if has_x {
        head.push(chart.x_head());
    }
    head.extend(chart.measures.iter().map(|measure| measure.head()));
    head.push("runs".to_owned());
    let _ = writeln!(text, "| {} |", head.join(" | "));
    let figures = "---:|".repeat(head.len() - 1);
    let _ = writeln!(text, "|---|{figures}");
    for row in rows(chart) {
        let mut cells = vec![cell(&row.line)];
        if has_x {
            cells.push(cell(row.x));
        }
        let measures = chart.measures.iter().zip(row.estimates);
        cells.extend(measures.map(|(measure, estimate)| estimate_text(measure.unit(), estimate)));
        cells.push(runs_text(&row));
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    if !chart.steps.is_empty() {
        text.push_str(
            "\n|  | rate/s | achieved/s | p50 | p99 | held |\n|---|---:|---:|---:|---:|---:|\n",
        );
        for row in &chart.steps {
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} of {} |",
                cell(&chart.who(row.line)),
                per_second(row.rate_per_s),
                per_second(row.achieved_per_s),
                duration_us(row.p50_us),
                duration_us(row.p99_us),
                row.held,
                row.runs
            );
        }
    }
    text
}

fn list(text: &mut String, title: &str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n## {title}\n");
    for item in items {
        let _ = writeln!(text, "- {}", cell(item));
    }
}
