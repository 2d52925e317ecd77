//! The version of the result file's form.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// The version that this build writes; it reads this one and all before.
pub const SCHEMA_VERSION: u64 = 2;
