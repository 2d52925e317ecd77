//! Why an experiment could not be carried out.

use super::data_dir::DataDirError;
use super::deploy::DeployError;
use super::java::JavaError;
use super::probe::ProbeError;
use crate::load::LoadError;

/// An experiment could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    /// No Java or no ZooKeeper.
    #[error(transparent)]
    Java(#[from] JavaError),
    /// No folder for the data.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The servers did not come up.
    #[error("the {target} ensemble did not start: {source}")]
    Deploy {
        /// As asked.
        target: String,
        /// Why.
        source: DeployError,
    },
    /// A live target does not serve.
    #[error(transparent)]
    Probe(#[from] ProbeError),
    /// The driver failed.
    #[error("{phase} {target} failed: {source}")]
    Load {
        /// `preparing`, `running against`, `cleaning up`.
        phase: &'static str,
        /// As asked.
        target: String,
        /// Why.
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
