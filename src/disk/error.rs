//! Errors of a log.

use std::io;
use std::path::{Path, PathBuf};

/// An error of a log. The message names the path. After a failed append or sync the log must not be
/// written again.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// A system call failed.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// A verb phrase that the path completes.
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// A new log file would replace an existing one.
    #[error("{} exists already and would be overwritten", path.display())]
    Exists { path: PathBuf },
}

impl DiskError {
    /// Returns a function for `map_err` after an operation on `path`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}
