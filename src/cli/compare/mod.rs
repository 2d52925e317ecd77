//! `quorate compare`: compares two results, or measures targets in rounds and compares those.

mod announce;
mod experiments;
mod layout;
mod measure;
mod outcome;

use std::path::{Path, PathBuf};

use clap::Args;

use self::layout::{ComparisonFormat, ComparisonLayout};
pub(super) use self::outcome::Ending;
use super::failure::{Failure, MeansStatus, Status, bad_usage};
use super::load_flags::LoadFlags;
use super::prometheus::ListenAddress;
use super::surroundings::{Pinning, Places};
use crate::report::{Comparison, FailIf, Format, compare, comparisons_as_junit, render_comparison};
use crate::result::{BaselineName, Baselines, RunResult, read_result};

/// Maximum number of rounds.
const ROUNDS_MAX: i64 = 1_000;
/// Default number of rounds. It is the smallest with which three further metrics can still show a difference
/// after the correction for multiple metrics (2/2^7 * 3 = 0.047). A workload with more metrics gets more rounds.
const ROUNDS: u32 = 7;

/// Compares two results, or measures targets in rounds and compares those
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  quorate compare results/mixed-2026-01-01T10-00-00Z results/mixed-2026-01-02T10-00-00Z
  quorate compare main results/mixed-2026-01-02T10-00-00Z     # with the baseline of `quorate run --save-baseline main`
  quorate compare --targets bundled,zookeeper write-saturation
  quorate compare --targets zookeeper:/opt/zk-3.4.10,zookeeper:/opt/zk-3.9.5 --rounds 10 mixed
  quorate compare --targets bundled,zookeeper mixed --headline 'set: response p99' --fail-if slower=5%

  quorate compare results/write-latency-A results/write-latency-B --fail-if slower=5% --format junit -o report.xml

The first is the base. Each of the others is compared with it. Two experiments are compared cell by cell, with verdicts
that are corrected for the number of cells. A verdict needs at least 6 rounds, or 5 runs of
each of two results that were measured separately.

Exit status: 0 compared, 2 bad usage or different loads, 3 a side is invalid, 4 a --fail-if condition holds.")]
pub(super) struct CompareArgs {
    /// BASE and CANDIDATE (folders of results or of experiments, or names of baselines); with --targets one WORKLOAD
    #[arg(value_name = "BASE CANDIDATE | WORKLOAD")]
    items: Vec<String>,
    /// Targets to measure in rounds, separated by commas
    #[arg(long, value_name = "A,B")]
    targets: Option<String>,
    /// Number of rounds. In each round every target gets a fresh deployment and one run [default: 7, or more if a
    /// verdict on every metric of the workload needs more]
    #[arg(long, alias = "runs", value_name = "N", requires = "targets", value_parser = clap::value_parser!(u32).range(1..=ROUNDS_MAX))]
    rounds: Option<u32>,
    /// Ends the rounds at the first invalid run
    #[arg(long, requires = "targets")]
    stop_if_invalid: bool,
    /// Overrides a key of the workload
    #[arg(long = "set", value_name = "KEY=VALUE", requires = "targets")]
    overrides: Vec<String>,
    /// Seed of every random choice
    #[arg(long, value_name = "N", requires = "targets")]
    seed: Option<u64>,
    /// Folder for the results [default: results/compare-<workload>-<UTC time>]
    #[arg(long, value_name = "DIR", requires = "targets")]
    out: Option<PathBuf>,
    /// The metric that the verdict is about, such as `set: response p99` [default: the throughput of a closed
    /// loop, the response p50 of the most frequent write of an open one]
    #[arg(long, value_name = "METRIC")]
    headline: Option<String>,
    /// Ends with status 4 if the headline (of any cell) is shown to be slower, or slower by at least a share: `slower`, `slower=5%`
    #[arg(long, value_name = "CONDITION")]
    fail_if: Vec<FailIf>,
    /// Different plans or invalid runs do not change the exit status
    #[arg(long)]
    force: bool,
    /// Same as --format json
    #[arg(long)]
    json: bool,
    /// Shows no progress
    #[arg(long, short)]
    quiet: bool,
    /// With --targets, serves the live figures for Prometheus at http://ADDR/metrics. The default host is 127.0.0.1
    #[arg(long, value_name = "ADDR", requires = "targets")]
    prometheus: Option<ListenAddress>,
    #[command(flatten)]
    load: LoadFlags,
    #[command(flatten)]
    layout: ComparisonLayout,
    #[command(flatten)]
    pinning: Pinning,
    #[command(flatten)]
    places: Places,
}

pub(super) fn run(args: &CompareArgs) -> Result<Status, Failure> {
    if let Some(targets) = &args.targets {
        return measure::measure(args, targets);
    }
    if !args.load.is_empty() {
        return Err(bad_usage(
            "the options of the load change what is measured: they need --targets",
        ));
    }
    let [base, candidate] = args.items.as_slice() else {
        return Err(bad_usage(format!(
            "`quorate compare` takes two results, BASE and CANDIDATE (got {}), or --targets A,B and a workload",
            args.items.len()
        )));
    };
    if let Some(status) = experiments::compare(args, base, candidate)? {
        return Ok(status);
    }
    let (base, candidate) = (read(base)?, read(candidate)?);
    let comparison = compared(args, &base, &candidate)?;
    let comparisons = [comparison];
    args.layout.deliver(&laid_out(args, &comparisons)?)?;
    Ending::of(args.force, &args.fail_if, &comparisons).into_status()
}

/// Reads a result by its path, or a baseline by its name.
fn read(item: &str) -> Result<RunResult, Failure> {
    let path = Path::new(item);
    if !path.exists()
        && let Ok(name) = item.parse::<BaselineName>()
        && Baselines::default().has(&name)
    {
        return Baselines::default().read(&name).bad_usage();
    }
    read_result(path).bad_usage()
}

fn compared(
    args: &CompareArgs,
    base: &RunResult,
    candidate: &RunResult,
) -> Result<Comparison, Failure> {
    compare(base, candidate, args.headline.as_deref()).bad_usage()
}

/// Formats comparisons. Several of them are an array in JSON, and one list of test cases in the format of JUnit.
fn laid_out(args: &CompareArgs, comparisons: &[Comparison]) -> Result<String, Failure> {
    let format = match format(args)? {
        ComparisonFormat::Junit => return Ok(comparisons_as_junit(comparisons, &args.fail_if)),
        ComparisonFormat::Report(format) => format,
    };
    let texts = comparisons
        .iter()
        .map(|comparison| render_comparison(comparison, format))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(if format == Format::Json && texts.len() > 1 {
        format!("[{}]", texts.join(","))
    } else {
        texts.join("\n")
    })
}

fn format(args: &CompareArgs) -> Result<ComparisonFormat, Failure> {
    if args.json {
        Ok(ComparisonFormat::Report(Format::Json))
    } else {
        args.layout.format()
    }
}
