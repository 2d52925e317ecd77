//! `quorate check`: validates workload files and prints the resolved plans.

use clap::Args;

use super::failure::{Failure, Status};
use super::{output, workload_file};
use crate::protocol;

/// Validates a workload and prints the resolved plan: every key, every default
///
/// What is printed is itself a workload file.
#[derive(Args, Debug)]
pub(super) struct CheckArgs {
    /// Workload file, the name of a shipped workload, or an earlier result
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// Overrides a key of the workload: `load.rate=2000`, `op.set.size=1KiB`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// Seed of every random choice
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

pub(super) fn run(args: &CheckArgs) -> Result<Status, Failure> {
    let plans = workload_file::plans(&args.files, &args.overrides, args.seed)?;
    let texts: Vec<String> = plans.iter().filter_map(protocol::render_toml).collect();
    output::print_verbatim(&texts.join("\n"))?;
    Ok(Status::SUCCESS)
}
