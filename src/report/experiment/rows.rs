//! The rows of the table behind a figure, the same in every format.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::chart::Chart;
use super::estimate::Estimate;

/// A point of a figure.
#[derive(Clone, Debug)]
pub(super) struct Row<'a> {
    /// The values of the line in words.
    pub line: String,
    /// The value of x; empty without an x axis.
    pub x: &'a str,
    /// Position of the value of x, by which a table is sorted.
    pub position: usize,
    /// One per measure of the chart.
    pub estimates: &'a [Estimate],
    /// Runs with a value.
    pub runs: usize,
    /// Runs with a value in which the generator was the limit.
    pub invalid: usize,
}

/// Returns a row for every cell of the chart, line by line.
pub(super) fn rows(chart: &Chart) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    for (line, plan) in chart.layout.lines.iter().enumerate() {
        for (position, spot) in plan.spots.iter().enumerate() {
            if spot.is_none() {
                continue;
            }
            let estimates = &chart.estimates[line][position];
            rows.push(Row {
                line: chart.who(line),
                x: &chart.layout.values[position],
                position,
                estimates,
                runs: estimates.iter().map(Estimate::runs).max().unwrap_or(0),
                invalid: estimates.iter().map(Estimate::invalid).max().unwrap_or(0),
            });
        }
    }
    rows
}

/// `5`, or `5, 2 invalid`.
pub(super) fn runs_text(row: &Row<'_>) -> String {
    if row.invalid == 0 {
        row.runs.to_string()
    } else {
        format!("{}, {} invalid", row.runs, row.invalid)
    }
}
