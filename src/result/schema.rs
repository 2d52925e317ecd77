//! The schema version of the result file.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// The version that this build writes. It reads all versions up to this one.
pub const SCHEMA_VERSION: u64 = 2;
