//! `quorate check`: validates workload files and prints the resolved plans.

use clap::Args;

use super::experiment_text;
use super::failure::{Failure, Status};
use super::load_flags::LoadFlags;
use super::output;
use super::workload_file::{Changes, expand_all};
use crate::protocol;

/// Validates a workload and prints the resolved plan, with the defaults of all keys
///
/// The output is itself a workload file. For an experiment, the axes and the cells are printed instead; --set with one
/// value for each axis prints the plan of a cell.
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
    #[command(flatten)]
    load: LoadFlags,
}

pub(super) fn run(args: &CheckArgs) -> Result<Status, Failure> {
    let changes = Changes {
        set: &args.overrides,
        load: &args.load,
        seed: args.seed,
    };
    let workloads = expand_all(&args.files, &changes)?;
    for note in workloads
        .iter()
        .filter_map(|workload| workload.note.as_ref())
    {
        output::tell(note);
    }
    let texts: Vec<String> = workloads
        .iter()
        .filter_map(|workload| match workload.experiment.cells.as_slice() {
            [only] if only.search.is_none() => protocol::render_toml(&only.plan),
            _ => Some(experiment_text::matrix(&workload.experiment, &[])),
        })
        .collect();
    output::print_verbatim(&texts.join("\n"))?;
    Ok(Status::SUCCESS)
}
