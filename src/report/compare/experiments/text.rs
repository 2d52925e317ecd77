//! Two experiments for a terminal of 80 columns.

use super::{CellComparison, ExperimentComparison};
use crate::report::compare::words::{estimate_interval, estimate_words, value};
use crate::report::table::{Align, Table};
use crate::report::wrap::wrapped;

/// Index of the column of the estimate.
const ESTIMATE: usize = 3;

pub(in crate::report) fn render(comparison: &ExperimentComparison) -> String {
    let mut text = format!("{}: candidate against base\n", comparison.base);
    for objection in objections(comparison) {
        wrapped(&mut text, "OBJECTION: ", 2, &objection);
    }
    wrapped(&mut text, "", 2, &comparison.summary());
    text.push('\n');
    text.push_str(&table(comparison));
    text.push('\n');
    for note in comparison.notes() {
        wrapped(&mut text, "", 2, &note);
    }
    for missing in &comparison.missing {
        wrapped(&mut text, "missing: ", 2, missing);
    }
    text
}

/// The objections to all cells, each with its cell.
pub(super) fn objections(comparison: &ExperimentComparison) -> Vec<String> {
    let of_cell = |cell: &CellComparison| {
        let name = format!("{} on {}", cell.cell, cell.target);
        let texts = cell.objections.iter();
        let texts = texts.map(|objection| format!("{name}: {}", objection.text()));
        texts.collect::<Vec<_>>()
    };
    comparison.cells.iter().flat_map(of_cell).collect()
}

fn table(comparison: &ExperimentComparison) -> String {
    let mut table = Table::new([
        (Align::Left, ""),
        (Align::Right, "base"),
        (Align::Right, "candidate"),
        (Align::Left, "candidate is"),
        (Align::Left, "verdict"),
    ]);
    table.line_from(ESTIMATE, "(95 % interval)");
    let mut heading = None;
    for cell in &comparison.cells {
        let title = format!("{} on {}", cell.cell, cell.target);
        if heading.as_ref() != Some(&title) {
            table.line(title.clone());
            heading = Some(title);
        }
        let contrast = &cell.contrast;
        let figure = contrast.metric.figure;
        table.row([
            format!("  {}", cell.metric),
            value(figure, contrast.base()),
            value(figure, contrast.candidate()),
            estimate_words(contrast),
            cell.outcome.words().to_owned(),
        ]);
        if let Some(interval) = estimate_interval(contrast) {
            table.line_from(ESTIMATE, format!("({interval})"));
        }
    }
    table.render()
}
