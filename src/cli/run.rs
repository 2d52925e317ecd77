//! `quorate run`, and `quorate` alone: plan and target to a result folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::Args;

use super::failure::{Failure, MeansStatus, Status};
use super::live::Screen;
use super::load_flags::LoadFlags;
use super::prometheus::ListenAddress;
use super::surroundings::Places;
use super::workload_file::{Changes, resolve_all};
use super::{calibration_store, interrupt, output};
use crate::experiment::{self, ProgressEvent, RunContext};
use crate::report::{Format, render, write_report};
use crate::result::{self, ResultError, RunResult, results_dir, write_result};
use crate::target::TargetSpec;
use crate::workload::Plan;

/// What runs when nothing is said.
const QUICKSTART: &str = "quickstart";
/// The page in a result folder that people look at.
const REPORT_FILE: &str = "report.html";

/// Runs workloads and writes a result folder for each
#[derive(Args, Debug)]
pub(super) struct RunArgs {
    /// Workload file, the name of a shipped workload (`quorate workloads`), or an earlier result,
    /// which is then run again [default: quickstart]
    #[arg(value_name = "FILE")]
    files: Vec<String>,
    #[command(flatten)]
    options: RunOptions,
}

/// What `quorate` and `quorate run` have in common.
#[derive(Args, Debug)]
pub(super) struct RunOptions {
    /// What to measure: `bundled`, `zookeeper[:DIR]`, or `zk://host:port,host:port[/chroot]`
    ///
    /// `bundled` starts the reference ensemble that comes with the program; `zookeeper` starts a local
    /// Apache ZooKeeper from an installation; `zk://` is an ensemble that is already running, taken as
    /// it is. The `[target]` table of the workload says how many voters and observers are started.
    #[arg(long, value_name = "TARGET", default_value = "bundled")]
    target: String,
    /// Overrides a key of the workload: `load.rate=2000`, `target.voters=5`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// Folder for the result [default: results/<workload>-<UTC time>]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Seed of every random choice
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Prints one JSON object (an array for several workloads) instead of the table
    #[arg(long)]
    json: bool,
    /// Shows no progress
    #[arg(long, short)]
    quiet: bool,
    /// Serves the live figures for Prometheus at http://ADDR/metrics while it runs; a port alone is on 127.0.0.1
    #[arg(long, value_name = "ADDR")]
    prometheus: Option<ListenAddress>,
    #[command(flatten)]
    load: LoadFlags,
    #[command(flatten)]
    places: Places,
}

pub(super) fn quickstart(options: &RunOptions) -> Result<Status, Failure> {
    run_all(&[QUICKSTART.to_owned()], options)
}

pub(super) fn run(args: &RunArgs) -> Result<Status, Failure> {
    if args.files.is_empty() {
        quickstart(&args.options)
    } else {
        run_all(&args.files, &args.options)
    }
}

/// Everything that can be wrong with the command line is found before anything starts.
fn run_all(files: &[String], options: &RunOptions) -> Result<Status, Failure> {
    let target: TargetSpec = options.target.parse().bad_usage()?;
    let changes = Changes {
        set: &options.overrides,
        load: &options.load,
        seed: options.seed,
    };
    let workloads = resolve_all(files, &changes)?;
    let stop = interrupt::flag()?;
    let quorate = std::env::current_exe()?;
    if !options.quiet {
        for note in workloads.iter().filter_map(|one| one.note.as_ref()) {
            output::tell(note);
        }
    }
    let plans: Vec<Plan> = workloads.into_iter().map(|one| one.plan).collect();
    let screen = Screen::new(options.quiet, options.prometheus.as_ref())?;
    let notify = |notice: &ProgressEvent<'_>| screen.show(notice);
    let calibration = calibration_store::with_resolution(&result::gather(None), &stop, &notify);
    let setting = RunContext {
        quorate: &quorate,
        data_dir: options.places.data_dir.as_deref(),
        zookeeper_home: options.places.zookeeper_home.as_deref(),
        calibration: calibration.as_ref(),
        stop: &stop,
        notify: &notify,
    };
    let mut results = Vec::with_capacity(plans.len());
    let mut status = Status::SUCCESS;
    let mut failure = None;
    for plan in &plans {
        if setting.stop.load(std::sync::atomic::Ordering::Relaxed) {
            break;
        }
        match run_one(plan, &target, options, plans.len() > 1, &setting, &screen) {
            Ok((result, unwritten)) => {
                status = worse(status, status_of(&result));
                results.push(result);
                failure = unwritten;
            }
            Err(error) => failure = Some(error),
        }
        if failure.is_some() {
            break;
        }
    }
    screen.clear();
    if options.json && !results.is_empty() {
        output::print(&render(&results, Format::Json)?)?;
    }
    match failure {
        Some(failure) => Err(failure),
        None => Ok(status),
    }
}

/// What a result means for the exit status: an invalid measurement tells nothing about gates.
fn status_of(result: &RunResult) -> Status {
    if !result.verdict.is_valid() {
        Status::INVALID
    } else if !result.gates_passed() {
        Status::GATE_FAILED
    } else {
        Status::SUCCESS
    }
}

/// Of several workloads, an invalid one comes before a failed gate.
fn worse(a: Status, b: Status) -> Status {
    let rank = |status: Status| match status {
        Status::INVALID => 2,
        Status::GATE_FAILED => 1,
        _ => 0,
    };
    if rank(b) > rank(a) { b } else { a }
}

/// The result, and why it could not be written if it could not: it is shown in any case.
fn run_one(
    plan: &Plan,
    target: &TargetSpec,
    options: &RunOptions,
    several: bool,
    setting: &RunContext<'_>,
    screen: &Screen,
) -> Result<(RunResult, Option<Failure>), Failure> {
    let out = options.out.as_ref().map(|out| {
        if several {
            out.join(&plan.name)
        } else {
            out.clone()
        }
    });
    let dir = writable_dir(out.as_deref(), &plan.name)?;
    // Whatever happens to the clean-up then: the result is there. Its outcome is the last write's.
    let measured = experiment::run(plan, target, setting, &mut |result| {
        let _retried = write_result(&dir, result);
    });
    screen.clear();
    let mut result = match measured {
        Ok(result) => result,
        Err(error) => {
            // Only if it is empty: what somebody else put there stays.
            let _ = fs::remove_dir(&dir);
            return Err(error.into());
        }
    };
    let unwritten = write(&dir, &mut result).err();
    if !options.json {
        let mut text = render(std::slice::from_ref(&result), Format::Text)?;
        if unwritten.is_none() {
            text.push_str(&format!("\n{}\n", dir.join(REPORT_FILE).display()));
        }
        output::print(&text)?;
    }
    Ok((result, unwritten))
}

/// Writes result, report and plots; `result.path` tells then where.
pub(super) fn write(dir: &Path, result: &mut RunResult) -> Result<(), Failure> {
    result.path = Some(write_result(dir, result)?);
    write_report(dir, result)?;
    Ok(())
}

/// A folder that a result can be written to, tried out before anything is measured.
pub(super) fn writable_dir(out: Option<&Path>, name: &str) -> Result<PathBuf, Failure> {
    tried_dir(out, name).map_err(|error| match error {
        ResultError::Io { .. } => {
            anyhow::anyhow!("{error}. Choose another folder for the result with --out").into()
        }
        error => error.into(),
    })
}

fn tried_dir(out: Option<&Path>, name: &str) -> Result<PathBuf, ResultError> {
    let dir = results_dir(out, name, SystemTime::now())?;
    let trial = dir.join(".quorate-writable");
    fs::write(&trial, b"?")
        .and_then(|()| fs::remove_file(&trial))
        .map_err(|source| ResultError::Io {
            action: "write to",
            path: dir.clone(),
            source,
        })?;
    Ok(dir)
}
