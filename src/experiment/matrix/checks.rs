//! Checks an experiment before its first run, so that no mistake is found after an hour.

use std::path::Path;

use super::super::error::ExperimentError;
use super::super::trial::check;
use super::Matrix;
use crate::target::{InstallationSearch, TargetSpec, check_room};
use crate::workload::{Attach, Cell};

/// Maximum number of runs of an experiment on all targets.
const RUNS_MAX: usize = 10_000;

impl Matrix<'_> {
    /// Checks that every cell can run on every target: the protocol, the limits of this process, the axes of
    /// a live target, the installation of a local Apache ZooKeeper, CPU quota and cores (`pin`), and memory and
    /// ports for the largest ensemble. Starts nothing.
    ///
    /// # Errors
    /// The first reason for which a run could not begin.
    pub fn check(&self, zookeeper_home: Option<&Path>, pin: bool) -> Result<(), ExperimentError> {
        let cells = self.experiment.cells.len() * self.targets.len();
        let runs = cells.saturating_mul(self.experiment.rounds as usize);
        if runs > RUNS_MAX {
            return Err(ExperimentError::TooManyRuns {
                runs,
                max: RUNS_MAX,
            });
        }
        for target in self.targets {
            self.check_live(target)?;
            if let TargetSpec::ZooKeeper { home } = target {
                let home = home.as_deref().or(zookeeper_home);
                InstallationSearch::from_env().find(home).map_err(|error| {
                    ExperimentError::from(crate::target::TargetError::from(error))
                })?;
            }
            for cell in &self.experiment.cells {
                check(&cell.plan, target, pin)?;
                if cell.search.is_some() && !cell.plan.faults.is_empty() {
                    return Err(ExperimentError::FaultsInSearch);
                }
                self.check_observers(cell, target)?;
            }
            let servers = |cell: &&Cell| {
                let shape = &cell.plan.target;
                let count = u64::from(shape.voters) + u64::from(shape.observers);
                // The heap counts for Java only, and is the same for all cells of most experiments.
                (count * (u64::from(shape.heap_mib) + 1), count)
            };
            if let Some(largest) = self.experiment.cells.iter().max_by_key(servers) {
                check_room(target, &largest.plan.target)?;
            }
        }
        Ok(())
    }

    /// Refuses an axis about the ensemble for a target whose servers are used as they are.
    fn check_live(&self, target: &TargetSpec) -> Result<(), ExperimentError> {
        if target.is_local() {
            return Ok(());
        }
        let mut axes = self.experiment.axes.iter();
        match axes.find(|axis| axis.key.starts_with("target.")) {
            None => Ok(()),
            Some(axis) => Err(ExperimentError::LiveShape {
                target: target.to_string(),
                key: axis.key.clone(),
                first: axis.values.first().cloned().unwrap_or_default(),
            }),
        }
    }

    fn check_observers(&self, cell: &Cell, target: &TargetSpec) -> Result<(), ExperimentError> {
        let wants = cell.plan.load.attach == Attach::Observers;
        if wants && target.is_local() && cell.plan.target.observers == 0 {
            return Err(ExperimentError::NoObservers {
                cell: self.experiment.describe(cell),
            });
        }
        Ok(())
    }
}
