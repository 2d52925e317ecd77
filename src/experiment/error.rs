//! Why an experiment could not be carried out.

use crate::load::LoadError;
use crate::target::{DataDirError, TargetError, TargetSpec};

/// An experiment could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    /// The target cannot be opened.
    #[error(transparent)]
    Target(TargetError),
    /// No folder for the data.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The plan asks for a protocol that the target does not speak.
    #[error("{target} speaks zookeeper, but the workload has protocol = {protocol:?}")]
    Protocol {
        /// As asked.
        target: String,
        /// The plan's.
        protocol: String,
    },
    /// The driver failed.
    #[error("{phase} {target} failed: {source}")]
    Load {
        /// `preparing`, `running against`, `cleaning up`.
        phase: &'static str,
        /// As asked.
        target: String,
        source: Box<LoadError>,
    },
    /// The caller ended a comparison before every target had a run.
    #[error("stopped after a run of {target}, before every target had one; nothing was written")]
    Stopped {
        /// The target of the last run.
        target: String,
    },
    /// The user ended it before anything was measured.
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

/// The driver failed in this phase.
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
