//! Why a file cannot be imported.

use std::io;
use std::path::PathBuf;

use crate::ensemble::storage::StorageError;

#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{name}: larger than {limit_bytes} bytes, so it is not a benchmark's configuration")]
    TooLong { name: String, limit_bytes: u64 },
    #[error("{name}, line {line}: not valid YAML: {problem}")]
    Syntax {
        name: String,
        line: usize,
        problem: String,
    },
    /// A key has a value that keeper-bench does not accept either, or that has no counterpart.
    #[error("{name}, line {line}: `{key}` {problem}")]
    Value {
        name: String,
        line: usize,
        key: String,
        problem: String,
    },
    #[error("{name}: no `generator.requests`, so there is no request to import")]
    NoRequests { name: String },
    #[error("no transaction log in {}: expected files named log.<hexadecimal zxid>, here or in version-2/", dir.display())]
    NoLogs { dir: PathBuf },
    #[error(transparent)]
    Log(#[from] StorageError),
    #[error("{}: the entry at byte {offset} is not a transaction: {problem}", path.display())]
    Entry {
        path: PathBuf,
        offset: u64,
        problem: String,
    },
    #[error("the logs hold no operation of a client, so there is no load to import")]
    Empty,
}
