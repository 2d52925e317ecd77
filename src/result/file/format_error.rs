//! Why a text is not a result.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::result::schema::SCHEMA_VERSION;

/// Why a text is not a result.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// JSON, but of something else; or no JSON at all.
    #[error("not a Quorate result: {0}")]
    NotAResult(String),
    /// Written by a newer Quorate.
    #[error(
        "schema version {found}, but this build reads versions up to {SCHEMA_VERSION}; use a newer Quorate"
    )]
    Newer {
        /// The version in the file.
        found: u64,
    },
    /// A result, but damaged.
    #[error("damaged: {0}")]
    Corrupt(String),
}
