//! A comparison for a terminal: nothing is cut, and it keeps within 80 columns unless a name alone is wider.

use std::fmt::Write as _;

use super::judge::Contrast;
use super::metric::Role;
use super::note::notes;
use super::summary::{sentence, verdict};
use super::words::{estimate_interval, estimate_words, value};
use super::{Comparison, Side};
use crate::report::human::count;

/// Columns of a terminal.
const WIDTH: usize = 80;
/// Findings shown of each side; its own report has all.
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
    table(&mut text, &comparison.contrasts);
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

/// What the targets did, at most `most` sentences of each.
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

/// The verdict; a star marks a corrected one.
pub(super) fn marked_verdict(contrast: &Contrast) -> String {
    let mark = if contrast.role == Role::Further {
        " *"
    } else {
        ""
    };
    format!("{}{mark}", contrast.outcome.words())
}

/// A metric's row: name, base, candidate, in words, verdict; and below the words the interval.
struct Line {
    cells: [String; 5],
    interval: Option<String>,
}

fn line(contrast: &Contrast) -> Line {
    let figure = contrast.metric.figure;
    let mark = if contrast.role == Role::Headline {
        ">"
    } else {
        " "
    };
    Line {
        cells: [
            format!("{mark} {}", figure.word()),
            value(figure, contrast.base()),
            value(figure, contrast.candidate()),
            estimate_words(contrast),
            marked_verdict(contrast),
        ],
        interval: estimate_interval(contrast),
    }
}

/// Operation by operation; `>` marks the headline.
fn table(text: &mut String, contrasts: &[Contrast]) {
    let head = Line {
        cells: ["", "base", "candidate", "candidate is", "verdict"].map(str::to_owned),
        interval: Some("95 % interval".to_owned()),
    };
    let lines: Vec<Line> = contrasts.iter().map(line).collect();
    let widths: Vec<usize> = (0..5)
        .map(|column| {
            let widths = lines
                .iter()
                .chain([&head])
                .map(|line| width(&line.cells[column]));
            widths.max().unwrap_or(0)
        })
        .collect();
    row(text, &head, &widths);
    let mut heading = None;
    for (contrast, line) in contrasts.iter().zip(&lines) {
        let op = contrast.metric.op.as_deref().unwrap_or("all operations");
        if heading != Some(op) {
            let _ = writeln!(text, "{op}");
            heading = Some(op);
        }
        row(text, line, &widths);
    }
}

fn row(text: &mut String, line: &Line, widths: &[usize]) {
    let [name, base, candidate, words, verdict] = &line.cells;
    let mut row = padded(name, widths[0]);
    for (cell, width) in [(base, widths[1]), (candidate, widths[2])] {
        let _ = write!(row, "  {}{cell}", " ".repeat(width - self::width(cell)));
    }
    let indent = width(&row) + 2;
    let _ = write!(row, "  {}  {verdict}", padded(words, widths[3]));
    let _ = writeln!(text, "{}", row.trim_end());
    if let Some(interval) = &line.interval {
        let _ = writeln!(text, "{:indent$}({interval})", "");
    }
}

fn padded(cell: &str, width: usize) -> String {
    format!("{cell}{}", " ".repeat(width - self::width(cell)))
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// Breaks `prefix + sentence` at blanks; further lines are indented by `indent`. A word stays whole, however
/// long it is.
fn wrapped(text: &mut String, prefix: &str, indent: usize, sentence: &str) {
    let mut column = width(prefix);
    text.push_str(prefix);
    for (index, word) in sentence.split(' ').enumerate() {
        if index > 0 && column + 1 + width(word) > WIDTH {
            let _ = write!(text, "\n{:indent$}", "");
            column = indent;
        } else if index > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += width(word);
    }
    text.push('\n');
}
