//! What can be wrong with a configuration.

use std::io;
use std::path::PathBuf;

/// Why a configuration does not make a server.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// A value is not what its key needs.
    #[error("{file}:{line}: {key}={value}: {expected}")]
    Value {
        file: String,
        line: usize,
        key: String,
        value: String,
        /// What it should be.
        expected: String,
    },
    /// Something is missing or does not fit together.
    #[error("{file}: {problem}")]
    Whole {
        file: String,
        /// What, and what to do.
        problem: String,
    },
}
