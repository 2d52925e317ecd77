//! `quorate calibrate`: measures the limits of this machine and of the load generator on it.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::failure::{Failure, Status, bad_usage};
use super::output::{print, tell};
use super::{calibration_store, interrupt};
use crate::fault::ProxyOverhead;
use crate::load::{CalibrateOptions, Calibration, calibrate};
use crate::report::{duration_us, per_second};
use crate::result::{self, Environment, FsyncLatency};
use crate::target::{cache_dir, with_tilde};

/// Measures the limits of this machine and of the load generator on it
///
/// The target is a server that only answers. Its figures are the highest that can be measured on this machine.
/// Every result contains the last calibration of its machine.
#[derive(Args, Debug)]
pub(super) struct CalibrateArgs {
    /// Length of each of the six steps
    #[arg(long, value_name = "TIME", default_value = "3s")]
    step: humantime::Duration,
    /// Folder whose disk is measured [default: the user's cache folder]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Prints JSON instead of the table
    #[arg(long)]
    json: bool,
    /// Shows no progress
    #[arg(long, short)]
    quiet: bool,
}

/// The calibration in its file format.
#[derive(Debug, Serialize)]
struct Record {
    #[serde(flatten)]
    generator: Calibration,
    proxy: ProxyOverhead,
    data_dir: String,
    data_fs_type: Option<String>,
    on_tmpfs: Option<bool>,
    fsync: Option<FsyncLatency>,
}

pub(super) fn run(args: &CalibrateArgs) -> Result<Status, Failure> {
    if args.step.is_zero() {
        return Err(bad_usage("--step must be longer than nothing; try `3s`"));
    }
    let data_dir = args.data_dir.clone().unwrap_or_else(cache_dir);
    fs::create_dir_all(&data_dir)
        .map_err(|e| anyhow::anyhow!("cannot create {}: {e}", data_dir.display()))?;
    let stop = interrupt::flag()?;
    let begins = |step: &str| {
        if !args.quiet {
            tell(step);
        }
    };
    begins("disk: 1 KiB written and synced");
    let machine = result::gather(Some(&data_dir));
    let generator = calibrate(&CalibrateOptions {
        step: *args.step,
        stop: &stop,
        begins: &begins,
    })?;
    begins("proxy: round trips directly, through a proxy, and through a delay of 250 us");
    let proxy = calibration_store::proxy_overhead(&std::env::current_exe()?, *args.step, &stop)?;
    let sound = generator.resolution.is_sound();
    let record = record(generator, proxy, &data_dir, &machine);
    let value = serde_json::to_value(&record)?;
    let text = if args.json {
        result::to_json_text(&value)
    } else {
        table(&record, &machine)
    };
    print(&text)?;
    // The figures are printed first, so that they are not lost if the cache folder cannot be written.
    let kept = calibration_store::keep(&machine, value)?;
    begins(&format!(
        "saved in {} for the results of this machine",
        kept.display()
    ));
    if !sound {
        return Err(anyhow::anyhow!(
            "service times are shorter than the time that the server needed, because send times are recorded too late; \
             the service times of this build are wrong"
        )
        .into());
    }
    Ok(Status::SUCCESS)
}

fn record(
    generator: Calibration,
    proxy: ProxyOverhead,
    data_dir: &Path,
    machine: &Environment,
) -> Record {
    Record {
        generator,
        proxy,
        data_dir: with_tilde(data_dir),
        data_fs_type: machine.data_fs_type.clone(),
        on_tmpfs: machine.on_tmpfs,
        fsync: machine.fsync,
    }
}

#[expect(
    clippy::too_many_lines,
    reason = "one line of the table for each figure"
)]
fn table(record: &Record, machine: &Environment) -> String {
    let generator = &record.generator;
    let accuracy = &generator.accuracy;
    let timer = &generator.timer_error;
    let resolution = &generator.resolution;
    let fsync = record.fsync.map_or_else(
        || "not measured".to_owned(),
        |fsync| {
            format!(
                "p50 {}  p99 {}",
                duration_us(fsync.p50_us),
                duration_us(fsync.p99_us)
            )
        },
    );
    let rows = [
        (
            "Pipelined, 16 sessions x 64 in flight",
            format!("{}/s", per_second(generator.pipelined_per_s)),
        ),
        (
            "One at a time, 64 sessions x 1 in flight",
            format!("{}/s", per_second(generator.single_per_s)),
        ),
        (
            "Timer error at 20,000 due times/s",
            format!(
                "p50 {}  p99 {}  max {}",
                duration_us(timer.p50_us),
                duration_us(timer.p99_us),
                duration_us(timer.max_us)
            ),
        ),
        (
            "Server delay of 2 ms: actual delay",
            format!(
                "p50 {}  p99 {}",
                duration_us(accuracy.kept_p50_us),
                duration_us(accuracy.kept_p99_us)
            ),
        ),
        (
            "  as the driver reports it",
            format!(
                "p50 {}  p99 {}",
                duration_us(accuracy.response_p50_us),
                duration_us(accuracy.response_p99_us)
            ),
        ),
        (
            "  at a rate of",
            format!(
                "{}/s of {}/s planned",
                per_second(accuracy.achieved_per_s),
                per_second(accuracy.asked_per_s)
            ),
        ),
        (
            "  with a generator late by, p99",
            duration_us(accuracy.late_p99_us),
        ),
        (
            "  and a driver core busy to",
            format!("{:.0} %", accuracy.driver_cpu * 100.0),
        ),
        (
            "Server that only answers, at 2,000/s",
            format!(
                "p50 {}  p99 {}",
                duration_us(resolution.response_p50_us),
                duration_us(resolution.response_p99_us)
            ),
        ),
        (
            "  with a generator late by",
            format!(
                "p50 {}  p99 {}",
                duration_us(resolution.late_p50_us),
                duration_us(resolution.late_p99_us)
            ),
        ),
        (
            "  service time, as the driver reports it",
            format!(
                "min {}  p50 {}",
                duration_us(resolution.service_min_us),
                duration_us(resolution.service_p50_us)
            ),
        ),
        (
            "  time that the server measures for it",
            format!(
                "min {}  p50 {}",
                duration_us(resolution.kept_min_us),
                duration_us(resolution.kept_p50_us)
            ),
        ),
        (
            "Round trip through a proxy adds",
            format!(
                "p50 {}  p99 {}",
                duration_us(record.proxy.adds_p50_us),
                duration_us(record.proxy.adds_p99_us)
            ),
        ),
        (
            "  a delay of 250 us takes, one way",
            format!("p50 {}", duration_us(record.proxy.kept_delay_p50_us)),
        ),
        ("1 KiB written and synced", fsync),
        (
            "  on",
            format!(
                "{} ({})",
                record.data_dir,
                record.data_fs_type.as_deref().unwrap_or("unknown")
            ),
        ),
    ];
    let mut text = format!(
        "One driver thread on {}\n\n",
        machine.cpu_model.as_deref().unwrap_or("this machine")
    );
    for (name, value) in rows {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name:<42}{value}");
    }
    text
}
