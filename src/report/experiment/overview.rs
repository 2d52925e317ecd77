//! What stands above the figures, the same in every format.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::chart::Chart;
use super::layout::target_names;
use super::study::ExperimentReport;
use crate::report::describe::Row;
use crate::report::human::{count, counted};

/// `6 cells on bundled, 5 rounds; 28 of 30 runs done, 2 failed`.
pub(super) fn extent_line(report: &ExperimentReport) -> String {
    let index = &report.index;
    let failed = report.failed().len();
    let mut text = format!(
        "{} on {}, {}; ",
        counted(index.cells.len() as u64, "cell"),
        target_names(&index.targets).join(", "),
        counted(u64::from(index.rounds), "round"),
    );
    let (done, asked) = (report.runs_done(), index.runs_planned());
    text += &if done == asked {
        format!("all {} runs done", count(asked as u64))
    } else {
        format!(
            "{} of {} runs done",
            count(done as u64),
            count(asked as u64)
        )
    };
    if failed > 0 {
        text += &format!(", {} failed", count(failed as u64));
    }
    text
}

/// The answers of the overview: one list for all charts.
pub(super) fn headlines(charts: &[Chart]) -> Vec<&str> {
    let answers = charts.iter().flat_map(|chart| &chart.answers);
    let mut texts: Vec<&str> = Vec::new();
    for answer in answers.filter(|answer| answer.headline) {
        if !texts.contains(&answer.text.as_str()) {
            texts.push(&answer.text);
        }
    }
    texts
}

/// What a reader must know before the answers.
pub(super) fn warnings(report: &ExperimentReport) -> Vec<String> {
    let invalid: usize = report.measured.iter().map(|one| one.invalid()).sum();
    let runs: usize = report.measured.iter().map(|one| one.rounds.len()).sum();
    let mut warnings = Vec::new();
    if let Some(why) = &report.index.ended_early {
        warnings.push(format!("The experiment ended before all runs: {why}."));
    }
    if invalid > 0 {
        warnings.push(format!(
            "{} of {} runs {} invalid: the generator was the limit, so the figures do not describe the target. They are \
             included; the table of cells names them.",
            count(invalid as u64),
            count(runs as u64),
            if invalid == 1 { "is" } else { "are" }
        ));
    }
    let failed = report.failed().len();
    if failed > 0 {
        warnings.push(format!(
            "{} failed. The figures are made without {}.",
            counted(failed as u64, "run"),
            if failed == 1 { "it" } else { "them" }
        ));
    }
    let of_cells = report.measured.iter().filter_map(|one| one.facts.as_ref());
    let mut all: Vec<&str> = of_cells
        .flat_map(|facts| &facts.warnings)
        .map(String::as_str)
        .collect();
    all.sort_unstable();
    let mut groups: Vec<(&str, usize)> = Vec::new();
    for text in all {
        match groups.last_mut() {
            Some((last, times)) if *last == text => *times += 1,
            _ => groups.push((text, 1)),
        }
    }
    let cells = report.measured.len();
    warnings.extend(
        groups
            .into_iter()
            .filter(|(text, times)| *times == cells && !text.starts_with("run "))
            .map(|(text, _)| text.to_owned()),
    );
    warnings
}

/// The machine, from the first result that has one.
pub(super) fn machine(report: &ExperimentReport) -> Vec<Row> {
    let facts = report.measured.iter().find_map(|one| one.facts.as_ref());
    facts.map_or_else(Vec::new, |facts| facts.environment.clone())
}

/// The method in sentences.
pub(super) fn method(report: &ExperimentReport) -> Vec<String> {
    let mut method = vec![
        "Rounds are outermost: each round runs every cell on every target once, in shuffled order, so that a drift of the \
         machine hits all alike."
            .to_owned(),
        "A value is the median over the rounds. A comparison is made round by round: the median of the ratios of the two runs \
         of each round, with its interval."
            .to_owned(),
        "An answer claims a difference if its interval excludes no difference and there are at least 5 rounds. Otherwise it \
         says that no difference is shown, which does not mean that there is none."
            .to_owned(),
    ];
    if !report.index.overrides.is_empty() {
        method.push(format!(
            "Changed on the command line: {}.",
            report.index.overrides.join(", ")
        ));
    }
    method.push(format!("Seed {}.", report.index.seed));
    method
}
