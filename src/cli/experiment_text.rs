//! Describes experiments for the terminal: the matrix before the first run, and one line for each cell and
//! target after the last.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt::Write as _;
use std::time::Duration;

use super::rough_time::roughly;
use crate::measure::Histogram;
use crate::report::{duration_us, per_second};
use crate::result::{Capacity, RunResult};
use crate::workload::{Cell, Experiment, SearchPlan};

/// Returns the axes, the cells and the rounds of an experiment.
pub(super) fn matrix(experiment: &Experiment, targets: &[String]) -> String {
    let mut rows: Vec<(&str, String)> = experiment
        .axes
        .iter()
        .map(|axis| (axis.key.as_str(), axis.values.join(", ")))
        .collect();
    if !targets.is_empty() {
        rows.push(("target", targets.join(", ")));
    }
    let mut text = format!(
        "{}: {}, {}\n",
        experiment.name,
        counted(experiment.cells.len(), "cell"),
        counted(experiment.rounds as usize, "round")
    );
    // Writing to a string cannot fail.
    for (key, values) in rows {
        let _ = writeln!(text, "  {key}: {values}");
    }
    if experiment.cells.len() > 1 || experiment.cells.iter().any(|cell| cell.search.is_some()) {
        text.push_str("cells:\n");
        for cell in &experiment.cells {
            let _ = writeln!(text, "  {}{}", cell.id, searched(cell));
        }
    }
    text
}

/// Returns the number of runs and their time: `60 runs, about 44 min`.
pub(super) fn time(runs: usize, time: Duration) -> String {
    format!("{}, about {}", counted(runs, "run"), roughly(time))
}

fn searched(cell: &Cell) -> String {
    let Some(search) = &cell.search else {
        return String::new();
    };
    format!(" (search: {})", conditions(search))
}

fn conditions(search: &SearchPlan) -> String {
    let limits = [
        ("p50", search.p50_ms),
        ("p90", search.p90_ms),
        ("p99", search.p99_ms),
        ("p99.9", search.p999_ms),
    ];
    let limits: Vec<String> = limits
        .into_iter()
        .filter_map(|(name, limit)| Some(format!("{name} at most {} ms", limit?)))
        .collect();
    if limits.is_empty() {
        "the gates".to_owned()
    } else {
        limits.join(", ")
    }
}

/// `1 cell`, `12 cells`.
pub(super) fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// The results of a cell on a target.
#[derive(Debug)]
pub(super) enum Outcome {
    Measured(Box<RunResult>),
    /// One search per round.
    Searched(Vec<Capacity>),
    Nothing,
}

/// Returns the figures of a cell on a target: `512/s, p50 1.2 ms, p99 3.4 ms, 5 runs`.
pub(super) fn figures(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Nothing => "no run".to_owned(),
        Outcome::Searched(searches) => {
            let answers = searches.iter().map(|search| {
                search.answer_per_s.map_or_else(
                    || "none".to_owned(),
                    |rate| format!("{}/s", per_second(rate)),
                )
            });
            let answers: Vec<String> = answers.collect();
            format!(
                "highest rate that holds: {} ({})",
                answers.join(", "),
                match searches.len() {
                    1 => "1 search".to_owned(),
                    count => format!("{count} searches"),
                }
            )
        }
        Outcome::Measured(result) => measured(result),
    }
}

fn measured(result: &RunResult) -> String {
    let mut response = Histogram::new();
    for op in result.totals() {
        response.merge(&op.response);
    }
    let acknowledged: u64 = result.acknowledged_per_op().iter().sum();
    #[expect(clippy::cast_precision_loss, reason = "shown with few digits")]
    let throughput = acknowledged as f64 / result.measured_s();
    let invalid = if result.verdict.is_valid() {
        ""
    } else {
        ", invalid"
    };
    format!(
        "{}/s, p50 {}, p99 {}, {}{invalid}",
        per_second(throughput),
        duration_us(response.p50_us()),
        duration_us(response.p99_us()),
        counted(result.runs.len(), "run")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::expand;
    use crate::result::example;
    use crate::workload::Source;

    #[test]
    fn a_matrix_shows_the_axes_the_cells_and_the_searches() {
        let text = "name = \"t\"\n[experiment]\nrounds = 2\n[target]\nvoters = [3, 5]\n[load]\nrate = 100\n[[op]]\nkind = \"set\"\n\
            [[case]]\nname = \"lone writer\"\nset = { \"load.in_flight\" = 1 }\n\
            [[case]]\nname = \"saturation\"\nsearch = { p99 = \"20ms\" }\n";
        let experiment = expand(&Source::from_text("t.toml", text), &[], None).unwrap();
        let targets = ["bundled".to_owned(), "zookeeper".to_owned()];
        assert_eq!(
            matrix(&experiment, &targets),
            "t: 4 cells, 2 rounds\n\
             \x20 case: lone writer, saturation\n\
             \x20 target.voters: 3, 5\n\
             \x20 target: bundled, zookeeper\n\
             cells:\n\
             \x20 lone-writer.voters-3\n\
             \x20 lone-writer.voters-5\n\
             \x20 saturation.voters-3 (search: p99 at most 20 ms)\n\
             \x20 saturation.voters-5 (search: p99 at most 20 ms)\n"
        );
        let plain = expand(
            &Source::from_text("t.toml", text),
            &["case=lone writer", "target.voters=3"].map(str::to_owned),
            None,
        );
        assert_eq!(
            matrix(&plain.unwrap(), &[]),
            "t: 1 cell, 2 rounds\n  case: lone writer\n"
        );
        assert_eq!(time(1, Duration::from_secs(40)), "1 run, about 40 s");
    }

    #[test]
    fn the_figures_of_a_cell_take_one_line() {
        let result = Outcome::Measured(Box::new(example::result()));
        let text = figures(&result);
        assert!(
            text.contains("/s, p50 ") && text.ends_with(", 1 run"),
            "{text}"
        );
        let mut found = Capacity::new("t", "bundled", 0.1);
        let none = found.clone();
        found.answer_per_s = Some(12_000.0);
        assert_eq!(
            figures(&Outcome::Searched(vec![found, none])),
            "highest rate that holds: 12,000/s, none (2 searches)"
        );
        assert_eq!(figures(&Outcome::Nothing), "no run");
    }
}
