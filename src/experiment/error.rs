//! Errors of an experiment.

use std::path::PathBuf;

use crate::load::LoadError;
use crate::result::ResultError;
use crate::target::{DataDirError, PinError, QuotaError, RoomError, TargetError, TargetSpec};

/// An experiment could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    #[error(transparent)]
    Target(TargetError),
    #[error(transparent)]
    Quota(#[from] QuotaError),
    #[error(transparent)]
    Pin(#[from] PinError),
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The target does not speak the protocol of the plan.
    #[error("{target} speaks zookeeper, but the workload has protocol = {protocol:?}")]
    Protocol { target: String, protocol: String },
    /// The plan has faults, and Quorate did not start the servers.
    #[error(
        "the workload plans faults, but the servers of {target} were not started by quorate, which kills, pauses and restarts only its own: use the target bundled or zookeeper, or remove the [[fault]] tables"
    )]
    Faults { target: String },
    /// A search for the capacity runs without faults.
    #[error(
        "the workload plans faults, and a search for the capacity has none: remove the [[fault]] tables, or use `quorate run`"
    )]
    FaultsInSearch,
    #[error("{phase} {target} failed: {source}")]
    Load {
        /// `preparing`, `running against` or `cleaning up`.
        phase: &'static str,
        target: String,
        source: Box<LoadError>,
    },
    /// The proxy process ended, so the network of the target failed.
    #[error(
        "the proxy process of {target} ended during the run: {how}; what was measured is not the target's"
    )]
    ProxyEnded { target: String, how: String },
    /// The machine has not the memory or the ports for the servers.
    #[error(transparent)]
    Room(#[from] RoomError),
    /// A result cannot be written or read.
    #[error(transparent)]
    Result(#[from] ResultError),
    /// An experiment changes the ensemble, but the target is not started by Quorate.
    #[error(
        "{target} is used as it is, but the experiment has several values of `{key}`; give it one with --set {key}={first}, or choose a target that Quorate starts"
    )]
    LiveShape {
        target: String,
        key: String,
        /// The first value of the axis.
        first: String,
    },
    #[error(
        "the sessions attach to observers, but the ensemble has none ({cell}); set target.observers to 1 or more, or load.attach to another value"
    )]
    NoObservers {
        /// Describes the cell.
        cell: String,
    },
    #[error(
        "the experiment has {runs} runs on all targets, more than {max}; lower `experiment.rounds`, shorten a list, or name fewer targets"
    )]
    TooManyRuns { runs: usize, max: usize },
    #[error("the search on {target} ended early: {why}")]
    Search { target: String, why: String },
    /// A target failed to start in several runs in a row.
    #[error("{target} failed to start in three runs in a row, so the experiment ends: {source}")]
    Repeated {
        target: String,
        source: Box<ExperimentError>,
    },
    #[error(
        "{} has another plan than the experiment; remove its folder to measure the cell again", file.display()
    )]
    OtherPlan { file: PathBuf },
    /// The caller ended a comparison before every target had a run.
    #[error("stopped after a run of {target}, before every target had one; nothing was written")]
    Stopped {
        /// The target of the last run.
        target: String,
    },
    /// The user interrupted the experiment before anything was measured.
    #[error("interrupted before anything was measured; nothing was written")]
    Interrupted,
}

impl From<TargetError> for ExperimentError {
    fn from(error: TargetError) -> Self {
        match error {
            TargetError::Interrupted => Self::Interrupted,
            error => Self::Target(error),
        }
    }
}

/// Returns the error for a driver that failed in `phase`.
pub(super) fn load_failed(
    phase: &'static str,
    spec: &TargetSpec,
    source: LoadError,
) -> ExperimentError {
    ExperimentError::Load {
        phase,
        target: spec.to_string(),
        source: Box::new(source),
    }
}
