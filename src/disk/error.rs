//! Why a log cannot be written.

use std::io;
use std::path::{Path, PathBuf};

/// Every error names the path. After an error of an append or a sync the log must not be written any more.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// A verb phrase that the path completes.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A new log file would replace an existing one.
    #[error("{} exists already and would be overwritten", path.display())]
    Exists {
        /// The existing file.
        path: PathBuf,
    },
}

impl DiskError {
    /// For `map_err` after an operation on `path`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}
