//! Reasons why a configuration is refused.

use std::io;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// The file is malformed. Java refuses it too.
    #[error(
        "{file}:{line}: \\u needs four hexadecimal digits behind it; write \\\\ for a backslash"
    )]
    Escape { file: String, line: usize },
    /// A value is not valid for its key, or contradicts another line.
    #[error("{file}:{line}: {key}={value}: {expected}")]
    Value {
        file: String,
        line: usize,
        key: String,
        value: String,
        expected: String,
    },
    /// Keys that require a feature that this server does not have, one line for each.
    #[error("{}", .0.join("\n"))]
    Refused(Vec<String>),
    /// Something is missing or does not fit together.
    #[error("{file}: {problem}")]
    Whole { file: String, problem: String },
}
