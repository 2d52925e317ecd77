//! The command line: one file per command, and the code that commands share.
//!
//! Exit status: 0 valid, 1 error, 2 bad usage or bad file, 3 run invalid, 4 a gate failed. `server` has the exit
//! statuses of ZooKeeper's `zkServer.sh`.

mod ascii;
mod baseline;
mod calibrate;
mod calibration_store;
mod capacity;
mod check;
mod compare;
mod completions;
mod ensemble;
mod experiment_report;
mod experiment_run;
mod experiment_text;
mod failure;
mod guard;
mod import;
mod interrupt;
mod live;
mod load_flags;
mod man;
mod output;
mod prometheus;
mod proxy;
mod report;
mod rough_time;
mod run;
mod server;
mod server_config;
mod splice;
mod surroundings;
mod terminal;
mod workload_file;
mod workloads;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use failure::{Failure, Status};

/// Text of `--help` below the options.
const EXAMPLES: &str = "\
Examples:
  quorate                      the quickstart workload on the bundled ensemble, about 30 s
  quorate workloads            the shipped workloads and their purposes
  quorate run mixed --target zk://h1:2181,h2:2181,h3:2181
  quorate run mixed --rate 5000 --duration 30s --sessions 16 --threads 2
  quorate run mine.toml --set op.set.size=1KiB --json
  quorate run write-latency --dry-run                   # an experiment: many runs
  quorate capacity mixed --p99 5ms
  quorate compare --targets bundled,zookeeper write-saturation

Exit status: 0 valid, 1 error, 2 bad usage or bad file, 3 the measurement is invalid, 4 a gate failed.
Ctrl-C ends the measurement, and the result contains what was measured. The process ends by the signal (130 in a shell).";

/// Performance benchmark and load generator for ZooKeeper ensembles
///
/// Without a command, runs the quickstart workload.
#[derive(Debug, Parser)]
#[command(
    name = "quorate",
    version,
    after_help = EXAMPLES,
    args_conflicts_with_subcommands = true,
    max_term_width = 100
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: run::RunOptions,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::RunArgs),
    Check(check::CheckArgs),
    Workloads(workloads::WorkloadsArgs),
    Report(report::ReportArgs),
    Capacity(capacity::CapacityArgs),
    Compare(compare::CompareArgs),
    Import(import::ImportArgs),
    Server(server::ServerArgs),
    Ensemble(ensemble::EnsembleArgs),
    Calibrate(calibrate::CalibrateArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
    #[command(hide = true)]
    Guard(guard::GuardArgs),
    #[command(hide = true)]
    Proxy(proxy::ProxyArgs),
}

/// Runs the command line and returns the exit status of the process.
#[must_use]
pub fn main() -> ExitCode {
    let outcome = match parse() {
        Ok(cli) => dispatch(cli),
        Err(unparsed) => print_unparsed(&unparsed),
    };
    let status = match outcome {
        Ok(status) => status,
        Err(failure) => {
            output::error(&failure.text());
            failure.status
        }
    };
    interrupt::end_by_signal();
    status.into()
}

/// Returns the definition of the command line.
fn definition() -> clap::Command {
    Cli::command()
}

fn parse() -> Result<Cli, clap::Error> {
    definition()
        .try_get_matches()
        .and_then(|matches| Cli::from_arg_matches(&matches))
}

/// Prints the output of clap: help and version to standard output, errors to standard error.
fn print_unparsed(unparsed: &clap::Error) -> Result<Status, Failure> {
    let printed = unparsed.print();
    if unparsed.use_stderr() {
        // A failure of standard error cannot be reported anywhere.
        return Ok(Status::BAD_USAGE);
    }
    output::finished(printed)?;
    Ok(Status::SUCCESS)
}

fn dispatch(cli: Cli) -> Result<Status, Failure> {
    match cli.command {
        None => run::quickstart(&cli.run),
        Some(Command::Run(args)) => run::run(&args),
        Some(Command::Check(args)) => check::run(&args),
        Some(Command::Workloads(args)) => workloads::run(&args),
        Some(Command::Report(args)) => report::run(&args),
        Some(Command::Capacity(args)) => capacity::run(&args),
        Some(Command::Compare(args)) => compare::run(&args),
        Some(Command::Import(args)) => import::run(&args),
        Some(Command::Server(args)) => server::run(&args),
        Some(Command::Ensemble(args)) => ensemble::run(&args),
        Some(Command::Calibrate(args)) => calibrate::run(&args),
        Some(Command::Completions(args)) => completions::run(&args),
        Some(Command::Man(args)) => man::run(&args),
        Some(Command::Guard(args)) => guard::run(&args),
        Some(Command::Proxy(args)) => proxy::run(&args),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clap_accepts_the_definition() {
        definition().debug_assert();
    }
}
