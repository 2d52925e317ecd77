//! Errors of reading a result file.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::result::schema::SCHEMA_VERSION;

/// Why a text is not a readable result.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// The text is not JSON, or it is JSON of something else.
    #[error("not a Quorate result: {0}")]
    NotAResult(String),
    /// The text is not JSON, or it is JSON of something else than an experiment.
    #[error("not the file of an experiment: {0}")]
    NotAnExperiment(String),
    #[error(
        "schema version {found}, but this build reads versions up to {SCHEMA_VERSION}; use a newer Quorate"
    )]
    Newer { found: u64 },
    /// It is a result, but its content is wrong.
    #[error("damaged: {0}")]
    Corrupt(String),
}
