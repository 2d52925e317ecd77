//! A comparison for a terminal of 80 columns. Nothing is cut, so a long name makes a line longer.

use std::fmt::Write as _;

use super::judge::Contrast;
use super::metric::Role;
use super::note::notes;
use super::summary::{sentence, verdict};
use super::words::{estimate_interval, estimate_words, value};
use super::{Comparison, Side};
use crate::report::human::count;
use crate::report::table::{Align, Table};
use crate::report::wrap::wrapped;

/// Index of the column of the estimate.
const ESTIMATE: usize = 3;
/// Limit of the findings shown per side. The side's own report has all of them.
const FINDINGS_SHOWN: usize = 5;

pub(in crate::report) fn render(comparison: &Comparison) -> String {
    let mut text = String::new();
    for objection in &comparison.objections {
        wrapped(&mut text, "OBJECTION: ", 2, &objection.text());
    }
    if !comparison.objections.is_empty() {
        text.push('\n');
    }
    let _ = writeln!(text, "{}", comparison.workload);
    side(&mut text, "base:", &comparison.base);
    side(&mut text, "candidate:", &comparison.candidate);
    text.push('\n');
    let prefix = format!("{}: ", verdict(comparison).to_uppercase());
    wrapped(&mut text, &prefix, 2, &sentence(comparison));
    text.push('\n');
    text.push_str(&table(&comparison.contrasts));
    text.push('\n');
    for note in notes(comparison) {
        wrapped(&mut text, "", 2, &note);
    }
    let warnings = comparison.warnings.iter().cloned();
    let lists = [
        ("warning: ", warnings.collect()),
        ("found: ", findings(comparison, FINDINGS_SHOWN)),
    ];
    for (prefix, list) in lists {
        if !list.is_empty() {
            text.push('\n');
        }
        for item in list {
            wrapped(&mut text, prefix, 2, &item);
        }
    }
    text
}

fn side(text: &mut String, name: &str, side: &Side) {
    let first = format!("{name:11}");
    let further = " ".repeat(first.len());
    wrapped(text, &first, first.len(), &side.target);
    wrapped(text, &further, first.len(), &side.origin());
}

/// Returns the findings about both targets, at most `most` for each.
pub(super) fn findings(comparison: &Comparison, most: usize) -> Vec<String> {
    let mut found = Vec::new();
    for (name, side) in [
        ("base", &comparison.base),
        ("candidate", &comparison.candidate),
    ] {
        let shown = side.findings.iter().take(most);
        found.extend(shown.map(|finding| format!("{name} ({}): {finding}", side.spec)));
        let hidden = side.findings.len().saturating_sub(most);
        if hidden > 0 {
            let hidden = count(hidden as u64);
            found.push(format!(
                "{name} ({}): and {hidden} more, see its report",
                side.spec
            ));
        }
    }
    found
}

/// Returns the verdict. A star marks a corrected one.
pub(super) fn marked_verdict(contrast: &Contrast) -> String {
    let mark = if contrast.role == Role::Further {
        " *"
    } else {
        ""
    };
    format!("{}{mark}", contrast.outcome.words())
}

/// Returns the table, operation by operation. `>` marks the headline. The interval of an estimate
/// is on the line below it, because 80 columns have no room for both side by side.
fn table(contrasts: &[Contrast]) -> String {
    let mut table = Table::new([
        (Align::Left, ""),
        (Align::Right, "base"),
        (Align::Right, "candidate"),
        (Align::Left, "candidate is"),
        (Align::Left, "verdict"),
    ]);
    table.line_from(ESTIMATE, "(95 % interval)");
    let mut heading = None;
    for contrast in contrasts {
        let op = contrast.metric.op.as_deref().unwrap_or("all operations");
        if heading != Some(op) {
            table.line(op);
            heading = Some(op);
        }
        let figure = contrast.metric.figure;
        let is_headline = contrast.role == Role::Headline;
        table.row([
            format!("{} {}", if is_headline { '>' } else { ' ' }, figure.word()),
            value(figure, contrast.base()),
            value(figure, contrast.candidate()),
            estimate_words(contrast),
            marked_verdict(contrast),
        ]);
        if let Some(interval) = estimate_interval(contrast) {
            table.line_from(ESTIMATE, format!("({interval})"));
        }
    }
    table.render()
}
