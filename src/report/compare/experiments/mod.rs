//! Compares two experiments cell by cell. Each cell on each target is a comparison of its own, about its headline; the
//! p-values are corrected for the number of cells.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod csv;
mod json;
mod markdown;
mod page;
mod text;

use super::fail_if::Judged;
use super::judge::{Contrast, Outcome, Values, can_be_shown_among, judge};
use super::metric::{Figure, Metric, Role};
use super::pairing::pair_numbers;
use super::words::estimate_words;
use super::{CompareError, FailIf, Objection, compare};
use crate::report::human::counted;
use crate::report::statistics::{LEVEL, holm};
use crate::result::{Capacity, RunResult};

pub(in crate::report) use csv::render as csv;
pub(in crate::report) use json::render as json;
pub(in crate::report) use markdown::render as markdown;
pub(in crate::report) use page::render as page;
pub(in crate::report) use text::render as text;

/// Two experiments, compared cell by cell.
#[derive(Clone, Debug, Default)]
pub struct ExperimentComparison {
    /// Name of the experiment of the base.
    pub base: String,
    /// Name of the experiment of the candidate.
    pub candidate: String,
    pub cells: Vec<CellComparison>,
    /// Cells that only one side has, one sentence each.
    pub missing: Vec<String>,
}

/// A cell on a target, compared.
#[derive(Clone, Debug)]
pub struct CellComparison {
    /// Id of the cell.
    pub cell: String,
    /// The target as the user wrote it; both, if they differ.
    pub target: String,
    /// Name of the metric.
    pub metric: String,
    /// The headline of the cell.
    pub contrast: Contrast,
    /// Whether the runs are judged as pairs.
    pub paired: bool,
    pub objections: Vec<Objection>,
    /// The p-value, corrected for the number of cells.
    pub p_corrected: Option<f64>,
    /// The verdict after the correction.
    pub outcome: Outcome,
}

/// A search of a cell with the number of its round.
pub type NumberedSearch = (u32, Capacity);

/// Cells by verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::report) struct Verdicts {
    pub slower: usize,
    pub faster: usize,
    pub same: usize,
    pub without: usize,
}

impl ExperimentComparison {
    #[must_use]
    pub fn new(base: &str, candidate: &str) -> Self {
        Self {
            base: base.to_owned(),
            candidate: candidate.to_owned(),
            ..Self::default()
        }
    }

    /// Compares the runs of a cell. `headline` names the metric; `None` means the default of the plan.
    ///
    /// # Errors
    ///
    /// If a side has no run, or there is no metric called `headline`.
    pub fn add_runs(
        &mut self,
        place: CellPlace<'_>,
        base: &RunResult,
        candidate: &RunResult,
        headline: Option<&str>,
    ) -> Result<(), CompareError> {
        let comparison = compare(base, candidate, headline)?;
        let contrast = comparison.headline().clone();
        self.cells.push(CellComparison {
            cell: place.cell.to_owned(),
            target: place.target.to_owned(),
            metric: contrast.metric.name(),
            outcome: contrast.outcome,
            paired: comparison.rounds.is_some(),
            objections: comparison.objections,
            p_corrected: None,
            contrast,
        });
        Ok(())
    }

    /// Compares the answers of the searches of a cell. A search without an answer makes the cell unmeasured.
    pub fn add_searches(
        &mut self,
        place: CellPlace<'_>,
        base: &[NumberedSearch],
        candidate: &[NumberedSearch],
    ) {
        let answers = |searches: &[NumberedSearch]| -> Vec<Option<f64>> {
            searches
                .iter()
                .map(|(_, found)| found.answer_per_s)
                .collect()
        };
        let times = |searches: &[NumberedSearch]| -> Vec<(u32, u64)> {
            let all = searches.iter();
            all.map(|(number, found)| (*number, found.began_unix_ms))
                .collect()
        };
        let pairs = pair_numbers(&times(base), &times(candidate));
        let (base, candidate) = (answers(base), answers(candidate));
        let paired = pairs.is_some();
        let (base, candidate) = match pairs {
            Some(pairs) => pairs
                .into_iter()
                .map(|pair| (base[pair.base], candidate[pair.candidate]))
                .unzip(),
            None => (base, candidate),
        };
        let values = Values {
            metric: Metric {
                op: None,
                figure: Figure::Throughput,
            },
            role: Role::Headline,
            base,
            candidate,
        };
        let Some(contrast) = judge(vec![values], paired).pop() else {
            return;
        };
        self.cells.push(CellComparison {
            cell: place.cell.to_owned(),
            target: place.target.to_owned(),
            metric: "highest rate that holds".to_owned(),
            outcome: contrast.outcome,
            paired,
            objections: Vec::new(),
            p_corrected: None,
            contrast,
        });
    }

    /// Corrects the verdicts for the number of cells. Call it after the last cell.
    pub fn correct(&mut self) {
        let judged = |cell: &&mut CellComparison| {
            cell.contrast
                .estimate
                .is_some_and(|estimate| estimate.p.is_some())
        };
        let mut cells: Vec<&mut CellComparison> = self.cells.iter_mut().filter(judged).collect();
        let p_values: Vec<f64> = cells
            .iter()
            .filter_map(|cell| cell.contrast.estimate?.p)
            .collect();
        let count = p_values.len();
        for (cell, p) in cells.iter_mut().zip(holm(&p_values)) {
            cell.p_corrected = Some(p);
            let decided = matches!(
                cell.outcome,
                Outcome::Slower | Outcome::Faster | Outcome::NoDifference
            );
            if !decided {
                continue;
            }
            if !can_be_shown_among(&cell.contrast, cell.paired, count) {
                cell.outcome = Outcome::TooFew;
            } else if p > LEVEL {
                cell.outcome = Outcome::NoDifference;
            }
        }
    }

    /// Returns why the cell fails one of the conditions, as a sentence; `None` if it passes all.
    #[must_use]
    pub fn failure(&self, cell: &CellComparison, conditions: &[FailIf]) -> Option<String> {
        conditions.iter().find_map(|condition| {
            let name = format!("{} on {}", cell.cell, cell.target);
            Some(match condition.judge(cell.outcome, cell.contrast.estimate)? {
                Judged::Slower => format!(
                    "--fail-if {condition}: {name} is {} in {}",
                    estimate_words(&cell.contrast),
                    cell.metric
                ),
                Judged::Undecided => format!(
                    "--fail-if {condition} cannot be decided: {} of {name} has no verdict ({}, {})",
                    cell.metric,
                    cell.outcome.words(),
                    counted(self.cells.len() as u64, "cell")
                ),
            })
        })
    }

    /// Returns the failures of all cells.
    #[must_use]
    pub fn failures(&self, conditions: &[FailIf]) -> Vec<String> {
        let cells = self.cells.iter();
        cells
            .filter_map(|cell| self.failure(cell, conditions))
            .collect()
    }

    pub(in crate::report) fn verdicts(&self) -> Verdicts {
        let mut verdicts = Verdicts::default();
        for cell in &self.cells {
            match cell.outcome {
                Outcome::Slower => verdicts.slower += 1,
                Outcome::Faster => verdicts.faster += 1,
                Outcome::NoDifference => verdicts.same += 1,
                Outcome::TooFew | Outcome::NotMeasured | Outcome::NotJudged => {
                    verdicts.without += 1;
                }
            }
        }
        verdicts
    }

    /// `Of 12 cells, 1 is slower and 2 are faster; 8 show no difference, 1 has no verdict.`
    pub(in crate::report) fn summary(&self) -> String {
        let Verdicts {
            slower,
            faster,
            same,
            without,
        } = self.verdicts();
        let parts = [
            (slower, "slower"),
            (faster, "faster"),
            (same, "without a shown difference"),
            (without, "without a verdict"),
        ];
        let parts: Vec<String> = parts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, words)| format!("{count} {words}"))
            .collect();
        let cells = counted(self.cells.len() as u64, "cell");
        if parts.is_empty() {
            return "No cell was compared.".to_owned();
        }
        format!("{cells}: {}.", parts.join(", "))
    }

    /// How to read the verdicts.
    pub(in crate::report) fn notes(&self) -> Vec<String> {
        let mut notes = vec![
            "The verdicts are corrected for the number of cells (Holm). The intervals are not."
                .to_owned(),
        ];
        let too_few = |cell: &&CellComparison| cell.outcome == Outcome::TooFew;
        let few = self.cells.iter().filter(too_few).count();
        if few > 0 {
            notes.push(format!(
                "{} too few runs: with {}, a difference needs more of them to be shown.",
                match few {
                    1 => "1 cell has".to_owned(),
                    few => format!("{few} cells have"),
                },
                counted(self.cells.len() as u64, "cell")
            ));
        }
        if self.cells.iter().any(|cell| !cell.paired) {
            notes.push(
                "Runs that were measured at different times are not pairs, so a drift of the machine counts as a difference."
                    .to_owned(),
            );
        }
        notes
    }
}

/// Where a cell is.
#[derive(Clone, Copy, Debug)]
pub struct CellPlace<'a> {
    /// Id of the cell.
    pub cell: &'a str,
    /// The target as the user wrote it.
    pub target: &'a str,
}

#[cfg(test)]
mod tests {
    use super::super::tests::side_of;
    use super::*;

    fn place(cell: &str) -> CellPlace<'_> {
        CellPlace {
            cell,
            target: "bundled",
        }
    }

    /// One cell is slower, the others are the same.
    fn compared(cells: usize, rounds: u32) -> ExperimentComparison {
        let mut comparison = ExperimentComparison::new("a", "b");
        let base = side_of(rounds, 10);
        for cell in 0..cells {
            let candidate = side_of(rounds, if cell == 0 { 12 } else { 10 });
            comparison
                .add_runs(place(&format!("c{cell}")), &base, &candidate, None)
                .unwrap();
        }
        comparison.correct();
        comparison
    }

    #[test]
    fn verdicts_are_corrected_for_the_number_of_cells() {
        // Seven pairs have a p-value of 2/128 at best, enough for three cells.
        let three = compared(3, 7);
        assert_eq!(three.cells[0].outcome, Outcome::Slower);
        assert_eq!(three.cells[1].outcome, Outcome::NoDifference);
        assert_eq!(
            three.summary(),
            "3 cells: 1 slower, 2 without a shown difference."
        );
        let four = compared(4, 7);
        assert_eq!(four.cells[0].outcome, Outcome::TooFew);
        assert!(
            four.notes()[1].starts_with("4 cells have too few runs"),
            "{:?}",
            four.notes()
        );
        let corrected = three.cells[0].p_corrected.unwrap();
        assert!((corrected - 3.0 * 2.0 / 128.0).abs() < 1e-12);
    }

    #[test]
    fn a_condition_is_checked_for_every_cell() {
        let conditions = ["slower=5%".parse().unwrap()];
        let failures = compared(3, 7).failures(&conditions);
        assert_eq!(failures.len(), 1, "{failures:?}");
        assert!(failures[0].contains("c0 on bundled is 16.7 % slower in set: throughput"));
        let undecided = compared(4, 7).failures(&conditions);
        assert_eq!(undecided.len(), 4);
        assert!(undecided[3].contains("cannot be decided"), "{undecided:?}");
    }

    #[test]
    fn searches_are_compared_by_their_answers() {
        let searches = |factor: f64| -> Vec<NumberedSearch> {
            (0..7)
                .map(|number| {
                    let mut found = Capacity::new("x", "bundled", 0.1);
                    found.began_unix_ms = 60_000 * u64::from(number);
                    found.answer_per_s = Some(factor * (1_000.0 + f64::from(number * 7 % 5)));
                    (number, found)
                })
                .collect()
        };
        let mut comparison = ExperimentComparison::new("a", "b");
        comparison.add_searches(place("c"), &searches(1.0), &searches(0.8));
        comparison.correct();
        assert!(comparison.cells[0].paired);
        assert_eq!(comparison.cells[0].outcome, Outcome::Slower);
        let mut none = searches(0.8);
        none[2].1.answer_per_s = None;
        comparison.add_searches(place("d"), &searches(1.0), &none);
        assert_eq!(comparison.cells[1].outcome, Outcome::NotMeasured);
    }
}
