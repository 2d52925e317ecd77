//! The table of all cells.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::estimate::Estimate;
use super::layout::target_names;
use super::measure::{Measure, Percentile};
use super::measured::{Class, Measured};
use super::study::ExperimentReport;
use crate::result::EXPERIMENT_FILE;

/// A cell on a target.
#[derive(Clone, Debug)]
pub(super) struct CellRow<'a> {
    pub id: &'a str,
    /// One value per axis.
    pub values: &'a [String],
    pub target: String,
    pub measured: Option<&'a Measured>,
    /// Per column of [`COLUMNS`].
    pub estimates: [Estimate; 3],
    /// The raw file, relative to the folder of the experiment.
    pub file: String,
}

/// The columns of the table.
pub(super) const COLUMNS: [Measure; 3] = [
    Measure::Throughput(Class::All),
    Measure::Response(Class::All, Percentile::P50),
    Measure::Response(Class::All, Percentile::P99),
];

pub(super) fn cell_rows(report: &ExperimentReport) -> Vec<CellRow<'_>> {
    let index = &report.index;
    let mut rows = Vec::new();
    for (cell, indexed) in index.cells.iter().enumerate() {
        for (target, spec) in target_names(&index.targets).into_iter().enumerate() {
            let same = |one: &&Measured| one.cell == cell && one.target == target;
            let measured = report.measured.iter().find(same);
            let searched = measured.is_some_and(|one| !one.searches.is_empty());
            let name = if searched { "" } else { "result.json" };
            let file = index.dir_of(&indexed.id, target).join(name);
            rows.push(CellRow {
                id: &indexed.id,
                values: &indexed.values,
                target: spec,
                measured,
                estimates: COLUMNS.map(|measure| {
                    measured.map_or_else(Estimate::default, |one| measure.estimate(one))
                }),
                file: match measured {
                    Some(_) => file.display().to_string(),
                    None => EXPERIMENT_FILE.to_owned(),
                },
            });
        }
    }
    rows
}

impl CellRow<'_> {
    /// `valid`, `2 of 5 invalid`, `not measured`, or the state of the searches.
    pub(super) fn state(&self) -> String {
        let Some(measured) = self.measured else {
            return "not measured".to_owned();
        };
        if !measured.searches.is_empty() {
            return match measured.searches.len() {
                1 => "1 search".to_owned(),
                searches => format!("{searches} searches"),
            };
        }
        match measured.invalid() {
            0 => "valid".to_owned(),
            invalid => format!("{invalid} of {} invalid", measured.rounds.len()),
        }
    }

    pub(super) fn runs(&self) -> usize {
        self.measured
            .map_or(0, |one| one.rounds.len() + one.searches.len())
    }
}
