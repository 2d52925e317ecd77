//! A comparison as GitHub-flavoured markdown.

use std::fmt::Write as _;

use super::Comparison;
use super::note::notes;
use super::summary::{sentence, verdict};
use super::text::{findings, marked_verdict};
use super::words::{estimate_interval, estimate_words, value};
use crate::report::human::MISSING;
use crate::report::markdown::cell;

pub(in crate::report) fn render(comparison: &Comparison) -> String {
    let mut text = format!(
        "# {}: candidate against base\n\n",
        cell(&comparison.workload)
    );
    for objection in &comparison.objections {
        let _ = writeln!(text, "**Objection:** {}\n", cell(&objection.text()));
    }
    let _ = writeln!(
        text,
        "**{}.** {}\n",
        verdict(comparison),
        cell(&sentence(comparison))
    );
    for (name, side) in [
        ("base", &comparison.base),
        ("candidate", &comparison.candidate),
    ] {
        let _ = writeln!(
            text,
            "- {name}: {}; {}",
            cell(&side.target),
            cell(&side.origin())
        );
    }
    text.push_str("\n| metric | base | candidate | candidate is | 95 % interval | verdict |\n|---|---:|---:|---:|---:|---|\n");
    for contrast in &comparison.contrasts {
        let figure = contrast.metric.figure;
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            cell(&contrast.metric.name()),
            value(figure, contrast.base()),
            value(figure, contrast.candidate()),
            estimate_words(contrast),
            estimate_interval(contrast).unwrap_or_else(|| MISSING.to_owned()),
            marked_verdict(contrast).replace('*', "\\*"),
        );
    }
    text.push('\n');
    let lists = [
        ("How to read it", notes(comparison)),
        ("Warnings", comparison.warnings.clone()),
        ("What the targets did", findings(comparison, usize::MAX)),
    ];
    for (title, list) in lists {
        if !list.is_empty() {
            let _ = writeln!(text, "## {title}\n");
            for item in list {
                let _ = writeln!(text, "- {}", cell(&item).replace('*', "\\*"));
            }
            text.push('\n');
        }
    }
    text
}
