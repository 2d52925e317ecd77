//! Reads an experiment's folder for its report.

use std::path::Path;

use super::failure::{Failure, MeansStatus};
use crate::report::ExperimentReport;
use crate::result::{CellResults, ExperimentIndex, is_experiment, read_cell, read_experiment};

/// Reads the experiment of a folder, or of its `experiment.json`; `None` if the path is neither.
pub(super) fn read(path: &Path) -> Result<Option<ExperimentReport>, Failure> {
    if !is_experiment(path) {
        return Ok(None);
    }
    let index = read_experiment(path).bad_usage()?;
    read_cells(folder(path), &index).map(Some)
}

/// The folder of an experiment, given the folder or its file.
pub(super) fn folder(path: &Path) -> &Path {
    if path.is_dir() {
        path
    } else {
        path.parent().unwrap_or(path)
    }
}

/// Reads the results of every cell, one after the other, so that only one of them is in memory.
pub(super) fn read_cells(dir: &Path, index: &ExperimentIndex) -> Result<ExperimentReport, Failure> {
    let (cells, targets) = (index.cells.len(), index.targets.len());
    let mut report = ExperimentReport::new(index.clone());
    for cell in 0..cells {
        for target in 0..targets {
            if let Some(results) = read_cell(dir, index, cell, target).bad_usage()? {
                add(&mut report, cell, target, results);
            }
        }
    }
    Ok(report)
}

fn add(report: &mut ExperimentReport, cell: usize, target: usize, results: CellResults) {
    match results {
        CellResults::Runs(result) => report.add_result(cell, target, &result),
        CellResults::Searches(searches) => {
            for (round, capacity) in searches {
                report.add_search(cell, target, round, capacity);
            }
        }
    }
}
