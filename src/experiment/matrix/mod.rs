//! Runs an experiment: every cell on every target, in rounds. In each round all cells and targets have one
//! run, in shuffled order, so that a drift of the machine affects all alike. Every run has a fresh
//! deployment.
//!
//! After each run its result and the state of the experiment are written, so that an interrupted experiment
//! can continue. The results, and not the state, decide which runs are finished.

mod checks;
mod failures;
mod finished;
mod pace;

use std::path::{Path, PathBuf};

use super::capacity::{CapacityRun, capacity, search_limits};
use super::context::{Overall, ProgressEvent, RunContext};
use super::error::ExperimentError;
use super::result_builder::ResultBuilder;
use super::trial::environment;
use super::turn::{Side, Turn, disk, order, with_distinct_warnings};
use crate::result::{
    Environment, ExperimentIndex, IndexRun, RunState, search_file, write_experiment, write_result,
    write_search,
};
use crate::target::{SyncProbe, TargetSpec};
use crate::workload::{Cell, Experiment, Plan, SearchPlan};

use failures::Failures;
use pace::Pace;

/// An experiment on its targets.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a> {
    pub experiment: &'a Experiment,
    pub targets: &'a [TargetSpec],
}

/// A run of an experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MatrixRun {
    /// Index of the cell.
    pub cell: usize,
    /// Index of the target.
    pub target: usize,
    /// Number of the round, from 0.
    pub round: u32,
}

impl Matrix<'_> {
    /// Returns all runs in the order in which they take place. It depends only on the seed.
    #[must_use]
    pub fn runs(&self) -> Vec<MatrixRun> {
        let targets = self.targets.len();
        let Some(first) = self.experiment.cells.first() else {
            return Vec::new();
        };
        let in_round = |round| {
            let order = order(&first.plan, round, self.experiment.cells.len() * targets);
            order.into_iter().map(move |index| MatrixRun {
                cell: index / targets,
                target: index % targets,
                round,
            })
        };
        (0..self.experiment.rounds).flat_map(in_round).collect()
    }

    /// Measures all runs that `index` does not have as finished, and writes their results to `dir`. A run that
    /// fails is recorded in `index`, and the experiment continues.
    ///
    /// Call [`Matrix::check`] before, and [`Matrix::resume`] for an experiment that was interrupted.
    ///
    /// # Errors
    /// If the user interrupts, a file cannot be written, or the same target fails to start three times in a
    /// row for the same reason. The finished runs are kept, and the reason is in the written index.
    pub fn run(
        &self,
        dir: &Path,
        index: &mut ExperimentIndex,
        context: &RunContext<'_>,
    ) -> Result<(), ExperimentError> {
        index.ended_early = None;
        write_experiment(dir, index)?;
        let ended = with_distinct_warnings(context, |context| self.run_all(dir, index, context));
        if let Err(error) = &ended {
            index.ended_early = Some(match error {
                ExperimentError::Interrupted => "interrupted".to_owned(),
                error => error.to_string(),
            });
            write_experiment(dir, index)?;
        }
        ended
    }

    fn run_all(
        &self,
        dir: &Path,
        index: &mut ExperimentIndex,
        context: &RunContext<'_>,
    ) -> Result<(), ExperimentError> {
        let runs = self.runs();
        if runs.iter().all(|run| self.is_done(index, *run)) {
            return Ok(());
        }
        let series = Series {
            matrix: self,
            dir,
            environments: self.environments(context)?,
            disk: disk(self.targets, context)?,
            context,
        };
        let mut pace = Pace::new(self, &runs, index);
        let mut failures = Failures::default();
        for (number, run) in (1..).zip(&runs) {
            if self.is_done(index, *run) {
                continue;
            }
            if context.stopped() {
                return Err(ExperimentError::Interrupted);
            }
            let overall = Overall {
                run: number,
                runs: runs.len(),
                round: run.round + 1,
                rounds: self.experiment.rounds,
                left: pace.left(),
                what: self.describe(*run),
            };
            (context.notify)(&ProgressEvent::Overall(&overall));
            let measured = series.measure(*run, index);
            pace.passed(*run);
            match measured {
                Ok(()) => {
                    failures.succeeded(run.target);
                    self.record(index, *run, RunState::Done);
                }
                Err(error @ (ExperimentError::Interrupted | ExperimentError::Result(_))) => {
                    return Err(error);
                }
                Err(error) => {
                    let why = error.to_string();
                    context.warning(&format!("run {number} ({}) failed: {why}", overall.what));
                    self.record(index, *run, RunState::Failed { why });
                    if failures.failed(run.target, &error) {
                        return Err(ExperimentError::Repeated {
                            target: self.targets[run.target].to_string(),
                            source: Box::new(error),
                        });
                    }
                }
            }
            write_experiment(dir, index)?;
        }
        Ok(())
    }

    fn record(&self, index: &mut ExperimentIndex, run: MatrixRun, state: RunState) {
        index.record(IndexRun {
            cell: self.experiment.cells[run.cell].id.clone(),
            target: run.target,
            round: run.round,
            state,
        });
    }

    /// Whether a run is finished. A failed run is not.
    fn is_done(&self, index: &ExperimentIndex, run: MatrixRun) -> bool {
        let cell = &self.experiment.cells[run.cell].id;
        index.runs.iter().any(|done| {
            done.state == RunState::Done
                && (&done.cell, done.target, done.round) == (cell, run.target, run.round)
        })
    }

    /// Describes a run: `voters 3, size 1KiB on bundled`.
    fn describe(&self, run: MatrixRun) -> String {
        let cell = &self.experiment.cells[run.cell];
        let target = &self.targets[run.target];
        match self.experiment.describe(cell) {
            values if values.is_empty() => target.to_string(),
            values => format!("{values} on {target}"),
        }
    }

    /// Describes the machine for each target. All local targets share one description, which is made before
    /// any of them runs.
    fn environments(&self, context: &RunContext<'_>) -> Result<Vec<Environment>, ExperimentError> {
        let mut local: Option<Environment> = None;
        let mut all = Vec::with_capacity(self.targets.len());
        for target in self.targets {
            let known = local.clone().filter(|_| target.is_local());
            let one = match known {
                Some(known) => known,
                None => environment(target, context)?,
            };
            if target.is_local() {
                local = Some(one.clone());
            }
            all.push(one);
        }
        Ok(all)
    }
}

/// What all runs of an experiment share.
struct Series<'a> {
    matrix: &'a Matrix<'a>,
    dir: &'a Path,
    /// The machine, for each target.
    environments: Vec<Environment>,
    disk: Option<SyncProbe>,
    context: &'a RunContext<'a>,
}

impl Series<'_> {
    /// Measures a run and writes its result.
    fn measure(&self, run: MatrixRun, index: &ExperimentIndex) -> Result<(), ExperimentError> {
        let cell = &self.matrix.experiment.cells[run.cell];
        let dir = self.dir.join(index.dir_of(&cell.id, run.target));
        match &cell.search {
            None => self.measure_once(run, cell, &dir),
            Some(search) => self.search(run, cell, search, &dir),
        }
    }

    fn measure_once(&self, run: MatrixRun, cell: &Cell, dir: &Path) -> Result<(), ExperimentError> {
        let plan = self.matrix.plan_of(cell);
        let builder = match finished::result(dir, &plan)? {
            Some(result) => ResultBuilder::resume(result),
            None => ResultBuilder::new(plan.clone(), self.environments[run.target].clone()),
        };
        let mut side = Side {
            target: &self.matrix.targets[run.target],
            builder,
        };
        let recording = self.turn(run, &plan, dir).take(&mut side)?;
        let invalid = side.builder.invalid(&recording);
        if !invalid.is_empty() {
            self.context.warning(&format!(
                "round {} of {}: the run is invalid: {}",
                run.round + 1,
                self.matrix.describe(run),
                invalid.join("; ")
            ));
        }
        side.builder.add(recording);
        write_result(dir, &side.builder.result(None))?;
        Ok(())
    }

    fn search(
        &self,
        run: MatrixRun,
        cell: &Cell,
        search: &SearchPlan,
        dir: &Path,
    ) -> Result<(), ExperimentError> {
        let target = &self.matrix.targets[run.target];
        let mut plan = cell.plan.clone();
        plan.seed = plan.run_seed(run.round);
        self.turn(run, &plan, dir).settle(target)?;
        let limits = search_limits(&plan, search);
        let begins = &mut |number: u32, rate_per_s: f64| {
            self.context
                .step(&format!("search, run {number}: {rate_per_s} operations/s"));
        };
        let after =
            &mut |_: &CapacityRun<'_>| -> Result<Option<String>, ExperimentError> { Ok(None) };
        let found = capacity(&plan, target, limits, self.context, begins, after)?;
        if self.context.stopped() {
            return Err(ExperimentError::Interrupted);
        }
        if let Some(why) = &found.ended_early
            && found.steps.len() < limits.runs_max as usize
        {
            return Err(ExperimentError::Search {
                target: target.to_string(),
                why: why.clone(),
            });
        }
        write_search(&dir.join(search_file(run.round)), &found)?;
        Ok(())
    }

    fn turn<'a>(&'a self, run: MatrixRun, plan: &'a Plan, dir: &'a Path) -> Turn<'a> {
        Turn {
            plan,
            round: run.round,
            disk: self.disk.as_ref(),
            logs: Some(dir),
            context: self.context,
        }
    }
}

impl Matrix<'_> {
    /// Returns the plan of a cell as its results contain it: with the rounds as repeats.
    fn plan_of(&self, cell: &Cell) -> Plan {
        let mut plan = cell.plan.clone();
        plan.load.repeats = self.experiment.rounds;
        plan
    }

    /// Returns the folder of the results of a cell on a target.
    #[must_use]
    pub fn dir_of(
        &self,
        dir: &Path,
        index: &ExperimentIndex,
        cell: usize,
        target: usize,
    ) -> PathBuf {
        dir.join(index.dir_of(&self.experiment.cells[cell].id, target))
    }
}

#[cfg(test)]
mod tests;
