//! The `quorate` command: parses, runs, prints the error once.

use std::process::ExitCode;

fn main() -> ExitCode {
    quorate::cli::main()
}
