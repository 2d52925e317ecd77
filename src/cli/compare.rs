//! `quorate compare`: two results, or targets that it measures by turns itself.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use clap::Args;

use super::failure::{Failure, MeansStatus, Status, bad_usage};
use super::progress::Screen;
use super::report::Layout;
use super::run::{writable_dir, write};
use super::surroundings::Places;
use super::{calibration_store, interrupt, output, workload_file};
use crate::experiment::{Notice, Setting, rounds, split_targets};
use crate::report::{
    CompareError, Comparison, Format, RUNS_MIN, compare, render_comparison, write_comparison,
};
use crate::result::{self, RunResult, read_result};

/// Runs per target, at most.
const RUNS_MAX: i64 = 1_000;

/// Compares two results, or measures targets by turns and compares those
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  quorate compare results/mixed-2026-01-01T10-00-00Z results/mixed-2026-01-02T10-00-00Z
  quorate compare --targets bundled,zookeeper write-saturation
  quorate compare --targets zookeeper:/opt/zk-3.4.10,zookeeper:/opt/zk-3.9.5 --runs 7 mixed

The first is the base; every other is judged against it. A verdict needs at least 5 runs each.")]
pub(super) struct CompareArgs {
    /// BASE and CANDIDATE (result folders or files); with --targets one WORKLOAD
    #[arg(value_name = "BASE CANDIDATE | WORKLOAD")]
    items: Vec<String>,
    /// Targets to measure by turns, separated by commas
    #[arg(long, value_name = "A,B")]
    targets: Option<String>,
    /// Runs of each target
    #[arg(long, value_name = "N", requires = "targets", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=RUNS_MAX))]
    runs: u32,
    /// Overrides a key of the workload
    #[arg(long = "set", value_name = "KEY=VALUE", requires = "targets")]
    overrides: Vec<String>,
    /// Seed of every random choice
    #[arg(long, value_name = "N", requires = "targets")]
    seed: Option<u64>,
    /// Folder for the results [default: results/compare-<workload>-<UTC time>]
    #[arg(long, value_name = "DIR", requires = "targets")]
    out: Option<PathBuf>,
    /// Compares different plans or invalid runs all the same
    #[arg(long)]
    force: bool,
    /// The same as --format json
    #[arg(long)]
    json: bool,
    /// Shows no progress
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    layout: Layout,
    #[command(flatten)]
    places: Places,
}

pub(super) fn run(args: &CompareArgs) -> Result<Status, Failure> {
    match &args.targets {
        Some(targets) => measure(args, targets),
        None => {
            let [base, candidate] = args.items.as_slice() else {
                return Err(bad_usage(format!(
                    "`quorate compare` takes two results, BASE and CANDIDATE (got {}), or --targets A,B and a workload",
                    args.items.len()
                )));
            };
            let read = |path: &String| read_result(Path::new(path)).bad_usage();
            let (base, candidate) = (read(base)?, read(candidate)?);
            args.layout
                .deliver(&text(args, &judge(args, &[base], &[candidate])?)?)?;
            Ok(Status::SUCCESS)
        }
    }
}

fn measure(args: &CompareArgs, targets: &str) -> Result<Status, Failure> {
    let targets = split_targets(targets).bad_usage()?;
    if targets.len() < 2 {
        return Err(bad_usage(format!(
            "--targets {targets} names only one; name at least two, separated by a comma",
            targets = args.targets.as_deref().unwrap_or_default()
        )));
    }
    let workload = match args.items.as_slice() {
        [] => {
            return Err(bad_usage(
                "with --targets, `quorate compare` needs a workload: a file, or a name from `quorate workloads`",
            ));
        }
        [one] => one,
        more => {
            return Err(bad_usage(format!(
                "with --targets, `quorate compare` takes one workload, not {}",
                more.len()
            )));
        }
    };
    let plan = workload_file::plan(workload, &args.overrides, args.seed)?;
    let dir = writable_dir(args.out.as_deref(), &format!("compare-{}", plan.name))?;
    let stop = interrupt::flag()?;
    let quorate = std::env::current_exe()?;
    let calibration = calibration_store::last(&result::gather(None));
    let screen = Screen::new(args.quiet);
    let notify = |notice: &Notice<'_>| screen.show(notice);
    let setting = Setting {
        quorate: &quorate,
        data_dir: args.places.data_dir.as_deref(),
        zookeeper_home: args.places.zookeeper_home.as_deref(),
        calibration: calibration.as_ref(),
        stop: &stop,
        notify: &notify,
    };
    let measured = rounds(&plan, &targets, args.runs, &setting, &mut |_| {
        ControlFlow::Continue(())
    });
    screen.clear();
    let mut results = match measured {
        Ok(results) => results,
        Err(error) => {
            let _ = std::fs::remove_dir(&dir);
            return Err(error.into());
        }
    };
    // Whatever cannot be written is still compared and shown.
    let mut unwritten = None;
    for (index, result) in results.iter_mut().enumerate() {
        let own = dir.join(format!("{}-{}", index + 1, kind(&result.target.spec)));
        if let Err(failure) = own_dir(&own).and_then(|()| write(&own, result)) {
            unwritten = Some(failure);
        }
    }
    let shown = show_all(args, &dir, &results);
    match unwritten {
        Some(failure) => Err(failure),
        None => shown,
    }
}

fn own_dir(dir: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(dir)?;
    Ok(())
}

/// Each of the others against the first.
fn show_all(args: &CompareArgs, dir: &Path, results: &[RunResult]) -> Result<Status, Failure> {
    let Some((base, candidates)) = results.split_first() else {
        return Ok(Status::SUCCESS);
    };
    if !args.quiet {
        output::tell(&dir.display().to_string());
        if usize::try_from(args.runs).is_ok_and(|runs| runs < RUNS_MIN) {
            output::tell(&format!("a verdict needs --runs {RUNS_MIN} or more"));
        }
    }
    let several = candidates.len() > 1;
    let mut texts = Vec::with_capacity(candidates.len());
    let mut refused = None;
    for (index, candidate) in candidates.iter().enumerate() {
        let own = if several {
            dir.join(format!("comparison-{}", index + 2))
        } else {
            dir.to_owned()
        };
        match judge(
            args,
            std::slice::from_ref(base),
            std::slice::from_ref(candidate),
        ) {
            Ok(comparison) => {
                texts.push(text(args, &comparison)?);
                write_comparison(&own, &comparison)?;
            }
            // The others may be worth comparing.
            Err(failure) => refused = Some(failure),
        }
    }
    if format(args)? == Format::Json && several {
        args.layout.deliver(&format!("[{}]", texts.join(",")))?;
    } else if !texts.is_empty() {
        args.layout.deliver(&texts.join("\n"))?;
    }
    refused.map_or(Ok(Status::SUCCESS), Err)
}

fn judge(
    args: &CompareArgs,
    base: &[RunResult],
    candidate: &[RunResult],
) -> Result<Comparison, Failure> {
    compare(base, candidate, args.force).map_err(|error| {
        let status = match error {
            CompareError::Invalid { .. } => Status::INVALID,
            CompareError::DifferentPlans { .. } | CompareError::Nothing { .. } => Status::BAD_USAGE,
        };
        let mut failure = Failure::from(error);
        failure.status = status;
        failure
    })
}

fn format(args: &CompareArgs) -> Result<Format, Failure> {
    if args.json {
        Ok(Format::Json)
    } else {
        args.layout.format()
    }
}

fn text(args: &CompareArgs, comparison: &Comparison) -> Result<String, Failure> {
    Ok(render_comparison(comparison, format(args)?)?)
}

/// What of a target can stand in the name of a folder.
fn kind(spec: &str) -> &str {
    spec.split(':').next().unwrap_or(spec)
}
