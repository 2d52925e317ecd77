//! The results of an experiment that was interrupted.

use std::path::Path;

use super::super::error::ExperimentError;
use super::Matrix;
use crate::result::{
    ExperimentIndex, IndexRun, RunResult, RunState, read_result, read_search, result_file,
    search_file,
};
use crate::workload::{Cell, Plan};

/// Reads the result of a cell on a target from its folder; `None` if there is none.
///
/// # Errors
/// If it is damaged, or has another plan.
pub(super) fn result(dir: &Path, plan: &Plan) -> Result<Option<RunResult>, ExperimentError> {
    let file = result_file(dir);
    if !file.is_file() {
        return Ok(None);
    }
    let result = read_result(&file)?;
    if result.plan != *plan {
        return Err(ExperimentError::OtherPlan { file });
    }
    Ok(Some(result))
}

impl Matrix<'_> {
    /// Compares `index` with the results in `dir`: a run is finished if its result is there. The process may
    /// have ended between the two writes. Failed runs stay failed until they are measured again.
    ///
    /// # Errors
    /// If a result is damaged, or belongs to another plan.
    pub fn resume(&self, dir: &Path, index: &mut ExperimentIndex) -> Result<(), ExperimentError> {
        for cell in &self.experiment.cells {
            for target in 0..self.targets.len() {
                let rounds = self.rounds_in(&dir.join(index.dir_of(&cell.id, target)), cell)?;
                index.runs.retain(|run| {
                    run.state != RunState::Done
                        || (&run.cell, run.target) != (&cell.id, target)
                        || rounds.contains(&run.round)
                });
                for round in rounds {
                    let known = index.runs.iter().any(|run| {
                        run.state == RunState::Done
                            && (&run.cell, run.target, run.round) == (&cell.id, target, round)
                    });
                    if !known {
                        index.record(IndexRun {
                            cell: cell.id.clone(),
                            target,
                            round,
                            state: RunState::Done,
                        });
                    }
                }
            }
        }
        Ok(())
    }

    /// Returns the rounds whose results are in the folder of a cell and target.
    fn rounds_in(&self, dir: &Path, cell: &Cell) -> Result<Vec<u32>, ExperimentError> {
        let all = 0..self.experiment.rounds;
        if cell.search.is_some() {
            let mut found = Vec::new();
            for round in all {
                let file = dir.join(search_file(round));
                if file.is_file() {
                    read_search(&file)?;
                    found.push(round);
                }
            }
            return Ok(found);
        }
        let result = result(dir, &self.plan_of(cell))?;
        let runs = result.map_or_else(Vec::new, |result| result.runs);
        let numbers = runs.iter().map(|run| run.number);
        Ok(numbers.filter(|number| all.contains(number)).collect())
    }
}
