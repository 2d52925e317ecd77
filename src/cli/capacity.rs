//! `quorate capacity`: finds the highest rate at which the limits of the response time hold.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::calibration_store::Need;
use super::failure::{Failure, MeansStatus, Status, bad_usage};
use super::live::Screen;
use super::load_flags::LoadFlags;
use super::prometheus::ListenAddress;
use super::run::{writable_dir, write};
use super::surroundings::{Pinning, Places};
use super::workload_file::Changes;
use super::{calibration_store, interrupt, output, workload_file};
use crate::experiment::{
    self, CapacityRun, ProgressEvent, RunContext, SearchLimits, lowest_rate_per_s,
};
use crate::report::{Format, per_second, render_capacity, write_capacity_report};
use crate::result::{Capacity, Held, write_capacity};
use crate::target::TargetSpec;
use crate::workload::{Gates, Plan};

/// Default of the allowed share of failed operations.
const ERROR_RATIO: f64 = 0.01;
/// Highest rate that a workload may have, in operations per second.
const RATE_MAX_PER_S: f64 = 10_000_000.0;

/// Finds the highest rate at which the response time holds
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  quorate capacity mixed --p99 5ms
  quorate capacity mixed --p99 10ms --p999 50ms --target zk://h1:2181,h2:2181,h3:2181 --from 2000
  quorate capacity read-latency --p99 1ms --duration 5s --precision 0.02

The search doubles the rate until a rate does not hold, and then tries rates between the highest that held and the
lowest that did not. Every run has a fresh target and a warm-up, and its own result. A rate holds when every given
percentile is within its limit, at most 1 % of the operations fail (--errors), and the target keeps up with the
rate. If the generator was too slow for a rate, the report says so, because that is no limit of the target.

Exit status: 0 a rate was found, 1 error, 2 bad usage, 4 no rate holds.")]
pub(super) struct CapacityArgs {
    /// Workload file, or the name of a shipped workload. A closed loop is replaced by an open loop
    #[arg(value_name = "WORKLOAD")]
    workload: String,
    /// The median response time must not exceed this: `1ms`, `500us`
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    p50: Option<Duration>,
    /// The 90th percentile of the response time must not exceed this
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    p90: Option<Duration>,
    /// The 99th percentile of the response time must not exceed this
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    p99: Option<Duration>,
    /// The 99.9th percentile of the response time must not exceed this
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    p999: Option<Duration>,
    /// Share of operations that may fail [default: 0.01]
    #[arg(long, value_name = "SHARE")]
    errors: Option<f64>,
    /// Rate of the first run, operations per second [default: 1000]
    #[arg(long, value_name = "RATE", default_value_t = 1_000.0)]
    from: f64,
    /// Highest rate tried
    #[arg(long, value_name = "RATE", default_value_t = RATE_MAX_PER_S)]
    up_to: f64,
    /// Maximum distance between the answer and a rate that fails, as a share of the answer
    #[arg(long, value_name = "SHARE", default_value_t = 0.05)]
    precision: f64,
    /// Maximum number of runs
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    max_runs: u32,
    /// Target to measure: `bundled`, `zookeeper[:DIR]`, or `zk://host:port,host:port[/chroot]`
    #[arg(long, value_name = "TARGET", default_value = "bundled")]
    target: String,
    /// Overrides a key of the workload
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    #[command(flatten)]
    load: LoadFlags,
    /// Seed of every random choice
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Folder for the results [default: results/capacity-<workload>-<UTC time>]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Prints one JSON object instead of the table
    #[arg(long)]
    json: bool,
    /// Shows no progress
    #[arg(long, short)]
    quiet: bool,
    /// Serves the live figures for Prometheus at http://ADDR/metrics during the run. The default host is 127.0.0.1
    #[arg(long, value_name = "ADDR")]
    prometheus: Option<ListenAddress>,
    #[command(flatten)]
    pinning: Pinning,
    #[command(flatten)]
    places: Places,
}

pub(super) fn run(args: &CapacityArgs) -> Result<Status, Failure> {
    let target: TargetSpec = args.target.parse().bad_usage()?;
    let plan = plan(args)?;
    let limits = limits(args, &plan)?;
    let dir = writable_dir(args.out.as_deref(), &format!("capacity-{}", plan.name))?;
    let stop = interrupt::flag()?;
    let quorate = std::env::current_exe()?;
    let screen = Screen::new(args.quiet, args.prometheus.as_ref())?;
    let notify = |notice: &ProgressEvent<'_>| screen.show(notice);
    let calibration = calibration_store::for_runs(&Need {
        proxy: target.is_local() && plan.needs_proxies(),
        quorate: &quorate,
        stop: &stop,
        notify: &notify,
    });
    let context = RunContext {
        quorate: &quorate,
        data_dir: args.places.data_dir.as_deref(),
        zookeeper_home: args.places.zookeeper_home.as_deref(),
        pin: args.pinning.pin,
        calibration: calibration.as_ref(),
        stop: &stop,
        notify: &notify,
    };
    let begins = &mut |number, rate_per_s| {
        let rate = per_second(rate_per_s);
        screen.show(&ProgressEvent::Step(&format!(
            "run {number}: {rate} operations/s"
        )));
    };
    let after = &mut |run: &CapacityRun<'_>| -> Result<Option<String>, Failure> {
        screen.show(&ProgressEvent::Step(&described(run)));
        write_run(&dir, run).map(Some)
    };
    let found = experiment::capacity(&plan, &target, limits, &context, begins, after);
    screen.clear();
    let found = match found {
        Ok(found) => found,
        Err(failure) => {
            // This fails if the folder is not empty, so that files of the user stay.
            let _ = std::fs::remove_dir(&dir);
            return Err(failure);
        }
    };
    let unwritten = write_found(&dir, &found).err();
    let format = if args.json {
        Format::Json
    } else {
        Format::Text
    };
    let mut text = render_capacity(&found, format)?;
    if unwritten.is_none() && !args.json {
        text.push_str(&format!("\n{}\n", dir.join("report.html").display()));
    }
    output::print(&text)?;
    match (unwritten, found.answer_per_s) {
        (Some(failure), _) => Err(failure),
        (None, Some(_)) => Ok(Status::SUCCESS),
        (None, None) => Ok(Status::GATE_FAILED),
    }
}

/// Returns the plan of the workload with the conditions of the search as its gates.
fn plan(args: &CapacityArgs) -> Result<Plan, Failure> {
    if let Some(given) = args.load.arrival() {
        return Err(bad_usage(format!(
            "{given} has no meaning here, because the search chooses the rates; --from sets the first rate"
        )));
    }
    let changes = Changes {
        set: &args.overrides,
        load: &args.load,
        seed: args.seed,
    };
    let mut plan = workload_file::resolve(&args.workload, &changes)?.plan;
    let ms = |limit: Option<Duration>| limit.map(|limit| limit.as_secs_f64() * 1_000.0);
    let gates = &mut plan.gates;
    // The workload's own gates apply too, except the throughput, which depends on the rate.
    gates.throughput_per_s = None;
    gates.error_ratio = args.errors.or(gates.error_ratio).or(Some(ERROR_RATIO));
    for (gate, limit) in [
        (&mut gates.p50_ms, args.p50),
        (&mut gates.p90_ms, args.p90),
        (&mut gates.p99_ms, args.p99),
        (&mut gates.p999_ms, args.p999),
    ] {
        *gate = ms(limit).or(*gate);
    }
    let only_errors = Gates {
        error_ratio: gates.error_ratio,
        ..Gates::default()
    };
    if *gates == only_errors {
        return Err(bad_usage(
            "no limit of the response time is given; give one, such as `--p99 5ms`, or add a [gates] table to the workload",
        ));
    }
    Ok(plan)
}

fn limits(args: &CapacityArgs, plan: &Plan) -> Result<SearchLimits, Failure> {
    let within = |name: &str, value: f64, range: std::ops::RangeInclusive<f64>| {
        if range.contains(&value) {
            Ok(value)
        } else {
            Err(bad_usage(format!(
                "{name} must be from {} to {} (got {value})",
                range.start(),
                range.end()
            )))
        }
    };
    let lowest_per_s = lowest_rate_per_s(plan);
    let highest_per_s = within("--up-to", args.up_to, lowest_per_s..=RATE_MAX_PER_S)?;
    Ok(SearchLimits {
        first_per_s: within("--from", args.from, 0.01..=highest_per_s)?.max(lowest_per_s),
        lowest_per_s,
        highest_per_s,
        precision: within("--precision", args.precision, 0.005..=1.0)?,
        runs_max: args.max_runs,
    })
}

/// Describes a run in one line.
fn described(run: &CapacityRun<'_>) -> String {
    let step = run.step;
    let held = match step.held {
        Held::Yes => "holds".to_owned(),
        Held::No => format!("fails: {}", step.why.join("; ")),
        Held::Invalid => format!("invalid: {}", step.why.join("; ")),
    };
    format!(
        "run {}: {} operations/s: p50 {}, p99 {}: {held}",
        run.number,
        per_second(step.rate_per_s),
        crate::report::duration_us(step.p50_us),
        crate::report::duration_us(step.p99_us),
    )
}

/// Writes the result of a run and returns the name of its folder.
fn write_run(dir: &Path, run: &CapacityRun<'_>) -> Result<String, Failure> {
    let name = format!("run-{:02}", run.number);
    let mut result = run.result.clone();
    write(&dir.join(&name), &mut result)?;
    Ok(name)
}

fn write_found(dir: &Path, found: &Capacity) -> Result<(), Failure> {
    write_capacity(dir, found)?;
    write_capacity_report(dir, found)?;
    Ok(())
}
