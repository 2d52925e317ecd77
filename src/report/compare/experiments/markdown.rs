//! Two experiments as GitHub-flavoured markdown, for the summary of a pipeline: the differences first, the other cells
//! folded.

use std::fmt::Write as _;

use super::text::objections;
use super::{CellComparison, ExperimentComparison};
use crate::report::compare::judge::Outcome;
use crate::report::compare::words::{estimate_interval, estimate_words, p_words, value};
use crate::report::human::MISSING;
use crate::report::markdown::cell as escaped;

pub(in crate::report) fn render(comparison: &ExperimentComparison) -> String {
    let mut text = format!(
        "# {}: candidate against base\n\n**{}**\n\n",
        escaped(&comparison.base),
        comparison.summary()
    );
    for objection in objections(comparison) {
        let _ = writeln!(text, "**Objection:** {}\n", escaped(&objection));
    }
    let differs =
        |cell: &&CellComparison| matches!(cell.outcome, Outcome::Slower | Outcome::Faster);
    let (differing, others): (Vec<_>, Vec<_>) = comparison.cells.iter().partition(differs);
    if !differing.is_empty() {
        table(&mut text, &differing);
    }
    if !others.is_empty() {
        let _ = writeln!(
            text,
            "<details><summary>{} without a difference</summary>\n",
            crate::report::human::counted(others.len() as u64, "cell")
        );
        table(&mut text, &others);
        text.push_str("</details>\n\n");
    }
    for note in comparison.notes() {
        let _ = writeln!(text, "{}\n", escaped(&note));
    }
    for missing in &comparison.missing {
        let _ = writeln!(text, "- missing: {}", escaped(missing));
    }
    text
}

fn table(text: &mut String, cells: &[&CellComparison]) {
    text.push_str(
        "| cell | target | metric | base | candidate | candidate is | 95 % interval | p, corrected | verdict |\n\
         |---|---|---|---:|---:|---:|---:|---:|---|\n",
    );
    for cell in cells {
        let contrast = &cell.contrast;
        let figure = contrast.metric.figure;
        let missing = || MISSING.to_owned();
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            escaped(&cell.cell),
            escaped(&cell.target),
            escaped(&cell.metric),
            value(figure, contrast.base()),
            value(figure, contrast.candidate()),
            estimate_words(contrast),
            estimate_interval(contrast).unwrap_or_else(missing),
            cell.p_corrected.map_or_else(missing, p_words),
            cell.outcome.words()
        );
    }
    text.push('\n');
}
