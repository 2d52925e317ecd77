//! `quorate run`, and `quorate` without a command: runs workloads and writes their result folders.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use clap::Args;

use super::baseline::{self, BaselineFlags};
use super::calibration_store::Need;
use super::experiment_run::Asked;
use super::failure::{Failure, MeansStatus, Status, bad_usage};
use super::live::Screen;
use super::load_flags::LoadFlags;
use super::prometheus::ListenAddress;
use super::report::SpectrumFlag;
use super::surroundings::{Pinning, Places};
use super::workload_file::{Changes, expand_all};
use super::{calibration_store, experiment_run, interrupt, output};
use crate::experiment::{self, ProgressEvent, RunContext};
use crate::report::{Comparison, Format, render, write_comparison, write_report};
use crate::result::{ResultError, RunResult, results_dir, write_result};
use crate::target::{TargetSpec, split_targets};
use crate::workload::{Experiment, Plan};

/// The default workload.
const QUICKSTART: &str = "quickstart";
/// Name of the HTML page in a result folder.
const REPORT_FILE: &str = "report.html";

/// Runs workloads and writes a result folder for each
#[derive(Args, Debug)]
pub(super) struct RunArgs {
    /// Workload file, the name of a shipped workload (`quorate workloads`), or an earlier result to
    /// run again [default: quickstart]
    #[arg(value_name = "FILE")]
    files: Vec<String>,
    #[command(flatten)]
    options: RunOptions,
    /// Prints the cells, the runs and the expected time, and measures nothing
    #[arg(long)]
    dry_run: bool,
    /// Continues an experiment that was interrupted. Finished runs are kept
    #[arg(long, value_name = "DIR", conflicts_with_all = ["files", "target", "overrides", "out", "seed"])]
    resume: Option<PathBuf>,
}

/// The options of both `quorate` and `quorate run`.
#[derive(Args, Debug)]
pub(super) struct RunOptions {
    /// Target to measure: `bundled`, `zookeeper[:DIR]`, or `zk://host:port,host:port[/chroot]`. Several, separated
    /// by commas, are measured in rounds
    ///
    /// `bundled` starts the reference ensemble that comes with the program. `zookeeper` starts an installed
    /// Apache ZooKeeper on this machine. `zk://` uses an ensemble that is already running. The `[target]` table
    /// of the workload sets the number of voters and observers to start.
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
    /// Serves the live figures for Prometheus at http://ADDR/metrics during the run. The default host is 127.0.0.1
    #[arg(long, value_name = "ADDR")]
    prometheus: Option<ListenAddress>,
    #[command(flatten)]
    spectrum: SpectrumFlag,
    #[command(flatten)]
    load: LoadFlags,
    #[command(flatten)]
    baselines: BaselineFlags,
    #[command(flatten)]
    pinning: Pinning,
    #[command(flatten)]
    places: Places,
}

pub(super) fn quickstart(options: &RunOptions) -> Result<Status, Failure> {
    run_all(&[QUICKSTART.to_owned()], options, false)
}

pub(super) fn run(args: &RunArgs) -> Result<Status, Failure> {
    let options = &args.options;
    if let Some(dir) = &args.resume {
        return resume(dir, options, args.dry_run);
    }
    let quickstart = [QUICKSTART.to_owned()];
    let files = match args.files.as_slice() {
        [] => &quickstart,
        files => files,
    };
    run_all(files, options, args.dry_run)
}

/// Runs the workloads. All errors of the command line are found before anything starts.
fn run_all(files: &[String], options: &RunOptions, dry_run: bool) -> Result<Status, Failure> {
    if options.json && options.spectrum.is_given() {
        return Err(bad_usage(
            "--spectrum belongs to the text, which --json replaces; give one of them",
        ));
    }
    let targets = split_targets(&options.target).bad_usage()?;
    let changes = Changes {
        set: &options.overrides,
        load: &options.load,
        seed: options.seed,
    };
    let workloads = expand_all(files, &changes)?;
    if !options.quiet {
        for note in workloads.iter().filter_map(|one| one.note.as_ref()) {
            output::tell(note);
        }
    }
    let is_experiment = workloads.iter().any(|one| one.experiment.is_declared);
    if is_experiment || targets.len() > 1 || dry_run {
        let overrides = changes.overrides()?;
        let all = workloads.into_iter().map(|workload| {
            let mut experiment = workload.experiment;
            if !experiment.is_declared {
                experiment.rounds = plain_rounds(&experiment, targets.len());
            }
            Asked::new(
                experiment,
                &workload.source,
                &overrides,
                &targets,
                &options.places,
            )
        });
        return experiments(all.collect(), options, dry_run);
    }
    let plans: Vec<Plan> = workloads
        .into_iter()
        .flat_map(|one| one.experiment.cells)
        .map(|cell| cell.plan)
        .collect();
    let [target] = targets.as_slice() else {
        return Err(bad_usage("--target names no target"));
    };
    let base = options.baselines.read(&plans)?;
    let proxy = target.is_local() && plans.iter().any(Plan::needs_proxies);
    with_context(options, proxy, |context, screen| {
        let job = Job {
            target,
            options,
            several: plans.len() > 1,
            base: base.as_ref(),
            context,
            screen,
        };
        let all = measure_all(&plans, &job);
        screen.clear();
        deliver(all, options, context.stop.load(Ordering::Relaxed))
    })
}

/// Returns the rounds of a workload that is no experiment: its repeats, or more if targets are to be compared.
fn plain_rounds(experiment: &Experiment, targets: usize) -> u32 {
    let repeats = experiment.cells.iter().map(|cell| cell.plan.load.repeats);
    match repeats.max() {
        Some(repeats) if targets < 2 || repeats > 1 => repeats,
        _ => experiment.rounds,
    }
}

/// Calls `body` with the surroundings that the options describe. `proxy` tells whether a run goes through proxies,
/// so that the calibration must know what they add.
fn with_context<T>(
    options: &RunOptions,
    proxy: bool,
    body: impl FnOnce(&RunContext<'_>, &Screen) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let stop = interrupt::flag()?;
    let quorate = std::env::current_exe()?;
    let screen = Screen::new(options.quiet, options.prometheus.as_ref())?;
    let notify = |notice: &ProgressEvent<'_>| screen.show(notice);
    let calibration = calibration_store::for_runs(&Need {
        proxy,
        quorate: &quorate,
        stop: &stop,
        notify: &notify,
    });
    let context = RunContext {
        quorate: &quorate,
        data_dir: options.places.data_dir.as_deref(),
        zookeeper_home: options.places.zookeeper_home.as_deref(),
        pin: options.pinning.pin,
        calibration: calibration.as_ref(),
        stop: &stop,
        notify: &notify,
    };
    body(&context, &screen)
}

/// Continues an experiment. Everything but the folders of servers comes from its index.
fn resume(dir: &Path, options: &RunOptions, dry_run: bool) -> Result<Status, Failure> {
    if !options.load.is_empty() {
        return Err(bad_usage(
            "--resume continues an experiment as it began, so the options of the load cannot change it",
        ));
    }
    experiments(vec![Asked::resume(dir)?], options, dry_run)
}

/// Runs experiments one after another, or describes them.
fn experiments(
    mut all: Vec<Asked>,
    options: &RunOptions,
    dry_run: bool,
) -> Result<Status, Failure> {
    if options.baselines.is_given() || options.spectrum.is_given() {
        return Err(bad_usage(
            "an experiment has several results; baselines and --spectrum belong to a single one: \
             remove those options, or give every key one value with --set",
        ));
    }
    for asked in &mut all {
        // An experiment that is continued keeps its choice.
        asked.index.pin |= asked.resumed.is_none() && options.pinning.pin;
        let home = options.places.zookeeper_home.as_deref();
        asked.matrix().check(home, asked.index.pin)?;
    }
    if dry_run {
        let texts: Vec<String> = all.iter().map(Asked::description).collect();
        output::print(&texts.join("\n"))?;
        return Ok(Status::SUCCESS);
    }
    let several = all.len() > 1;
    let proxy = all.iter().any(Asked::needs_proxies);
    with_context(options, proxy, |context, screen| {
        let mut status = Status::SUCCESS;
        let mut objects = Vec::new();
        for asked in &mut all {
            if context.stop.load(Ordering::Relaxed) {
                break;
            }
            if !options.quiet {
                output::tell(asked.description().trim_end());
            }
            let dir = match &asked.resumed {
                Some(dir) => dir.clone(),
                None => folder(options, &asked.experiment.name, several)?,
            };
            let done = experiment_run::run(asked, &dir, context, screen, options.json)?;
            status = worse(status, done.status);
            objects.push(done.json);
        }
        if options.json {
            let text = match objects.as_slice() {
                [one] => one.clone(),
                many => format!("[{}]", many.join(",")),
            };
            output::print(&text)?;
        }
        Ok(status)
    })
}

/// Creates the folder for the result of the workload `name`.
fn folder(options: &RunOptions, name: &str, several: bool) -> Result<PathBuf, Failure> {
    let out = options.out.as_ref().map(|out| match several {
        true => out.join(name),
        false => out.clone(),
    });
    writable_dir(out.as_deref(), name)
}

/// The outcome of all workloads.
struct MeasuredAll {
    results: Vec<RunResult>,
    comparison: Option<Comparison>,
    status: Status,
    /// The failure that ended the command before the remaining workloads.
    failure: Option<Failure>,
}

/// Runs the workloads in order until one fails.
fn measure_all(plans: &[Plan], job: &Job<'_>) -> MeasuredAll {
    let mut all = MeasuredAll {
        results: Vec::with_capacity(plans.len()),
        comparison: None,
        status: Status::SUCCESS,
        failure: None,
    };
    for plan in plans {
        if job.context.stop.load(Ordering::Relaxed) {
            break;
        }
        match run_one(plan, job) {
            Ok(measured) => {
                all.status = worse(all.status, status_of(&measured.result));
                all.results.push(measured.result);
                all.comparison = measured.comparison;
                all.failure = measured.failure;
            }
            Err(error) => all.failure = Some(error),
        }
        if all.failure.is_some() {
            break;
        }
    }
    all
}

/// Prints the object of `--json`, saves the baseline, and returns the exit status of the command.
fn deliver(all: MeasuredAll, options: &RunOptions, interrupted: bool) -> Result<Status, Failure> {
    if options.json && !all.results.is_empty() {
        let mut summary = render(&all.results, Format::Json)?;
        if let Some(comparison) = &all.comparison {
            summary = baseline::in_summary(&summary, comparison)?;
        }
        output::print(&summary)?;
    }
    if let Some(failure) = all.failure {
        return Err(failure);
    }
    if let Some(result) = all.results.last() {
        options.baselines.save(result, interrupted)?;
    }
    if let Some(comparison) = &all.comparison {
        options.baselines.ending(comparison)?;
    }
    Ok(all.status)
}

/// The inputs that all workloads of a command line share.
struct Job<'a> {
    target: &'a TargetSpec,
    options: &'a RunOptions,
    /// Whether the command line has more than one workload.
    several: bool,
    /// The baseline to compare the result with.
    base: Option<&'a RunResult>,
    context: &'a RunContext<'a>,
    screen: &'a Screen,
}

/// The outcome of one workload, which was printed already.
struct Measured {
    result: RunResult,
    comparison: Option<Comparison>,
    /// The failure to write the result, to compare it, or to write the comparison.
    failure: Option<Failure>,
}

/// Returns the exit status of a result. The gates are ignored if the measurement is invalid.
pub(super) fn status_of(result: &RunResult) -> Status {
    if !result.verdict.is_valid() {
        Status::INVALID
    } else if !result.gates_passed() {
        Status::GATE_FAILED
    } else {
        Status::SUCCESS
    }
}

/// Returns the more severe of two statuses. An invalid measurement is more severe than a failed gate.
pub(super) fn worse(a: Status, b: Status) -> Status {
    let rank = |status: Status| match status {
        Status::INVALID => 2,
        Status::GATE_FAILED => 1,
        _ => 0,
    };
    if rank(b) > rank(a) { b } else { a }
}

fn run_one(plan: &Plan, job: &Job<'_>) -> Result<Measured, Failure> {
    let dir = folder(job.options, &plan.name, job.several)?;
    // The result is written before the clean-up, so that it survives an interrupt of the clean-up. It is written
    // again afterwards, and an error is reported then.
    let measured = experiment::run(plan, job.target, job.context, &mut |result| {
        let _written_again = write_result(&dir, result);
    });
    job.screen.clear();
    let mut result = match measured {
        Ok(result) => result,
        Err(error) => {
            // This fails if the folder is not empty, so that files of the user stay.
            let _ = fs::remove_dir(&dir);
            return Err(error.into());
        }
    };
    let unwritten = write(&dir, &mut result).err();
    let mut pages: Vec<PathBuf> = Vec::new();
    if unwritten.is_none() {
        pages.push(dir.join(REPORT_FILE));
    }
    let compared = job
        .base
        .map(|base| job.options.baselines.compare(base, &result))
        .transpose();
    let (comparison, mut incomparable) = match compared {
        Ok(comparison) => (comparison, None),
        Err(failure) => (None, Some(failure)),
    };
    if let Some(comparison) = &comparison {
        match write_comparison(&dir, comparison) {
            Ok(written) => pages.extend(written.into_iter().next()),
            Err(error) => incomparable = Some(error.into()),
        }
    }
    if !job.options.json {
        let mut text = job.options.spectrum.text(&result)?;
        if let Some(comparison) = &comparison {
            text.push_str("\ncompared with the baseline:\n");
            text.push_str(&baseline::text(comparison)?);
        }
        if !pages.is_empty() {
            text.push('\n');
        }
        for page in &pages {
            text.push_str(&format!("{}\n", page.display()));
        }
        output::print(&text)?;
    }
    Ok(Measured {
        result,
        comparison,
        failure: unwritten.or(incomparable),
    })
}

/// Writes the result, the report and the plots, and sets `result.path`.
pub(super) fn write(dir: &Path, result: &mut RunResult) -> Result<(), Failure> {
    result.path = Some(write_result(dir, result)?);
    write_report(dir, result)?;
    Ok(())
}

/// Creates the folder of a result and checks, before anything is measured, that it is writable.
pub(super) fn writable_dir(out: Option<&Path>, name: &str) -> Result<PathBuf, Failure> {
    checked_dir(out, name).map_err(|error| match error {
        ResultError::Io { .. } => {
            anyhow::anyhow!("{error}. Choose another folder for the result with --out").into()
        }
        error => error.into(),
    })
}

fn checked_dir(out: Option<&Path>, name: &str) -> Result<PathBuf, ResultError> {
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
