//! Reads the results of an experiment from its folder.

use std::path::Path;

use super::capacity::{Capacity, read_search};
use super::experiment_index::{ExperimentIndex, RunState, search_file};
use super::run_result::RunResult;
use super::store::{ResultError, read_result};

/// What a cell measured on a target.
#[derive(Clone, Debug)]
pub enum CellResults {
    /// One recording per finished run.
    Runs(Box<RunResult>),
    /// Each search with the number of its round, from 0.
    Searches(Vec<(u32, Capacity)>),
}

/// Reads the results of a cell on a target, both as indices of `index`, from the experiment's folder `dir`. `None` if no run
/// of it is finished.
///
/// # Errors
///
/// If the index lists a finished run whose file cannot be read.
pub fn read_cell(
    dir: &Path,
    index: &ExperimentIndex,
    cell: usize,
    target: usize,
) -> Result<Option<CellResults>, ResultError> {
    let Some(cell) = index.cells.get(cell) else {
        return Ok(None);
    };
    let own = dir.join(index.dir_of(&cell.id, target));
    let mut rounds: Vec<u32> = index
        .runs
        .iter()
        .filter(|run| run.cell == cell.id && run.target == target && run.state == RunState::Done)
        .map(|run| run.round)
        .collect();
    rounds.sort_unstable();
    if rounds.is_empty() {
        return Ok(None);
    }
    if cell.search.is_none() {
        return Ok(Some(CellResults::Runs(Box::new(read_result(&own)?))));
    }
    let searches: Result<Vec<_>, ResultError> = rounds
        .into_iter()
        .map(|round| Ok((round, read_search(&own.join(search_file(round)))?)))
        .collect();
    Ok(Some(CellResults::Searches(searches?)))
}
