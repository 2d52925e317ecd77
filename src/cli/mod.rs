//! The command line.

use std::process::ExitCode;

/// Runs the command line; the exit status is the process's.
#[must_use]
pub fn main() -> ExitCode {
    ExitCode::FAILURE
}
