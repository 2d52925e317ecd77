//! Describes what the driver, the hypervisor and the disk did during the runs. Figures are those of the worst run.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::measure::{DiskState, DriverThread, Recording};
use crate::report::human::{counted, duration_us, number};
use crate::result::RunResult;

/// Returns the share of processor time that the hypervisor took.
pub(super) fn stolen(result: &RunResult) -> Option<String> {
    let shares = result.runs.iter().filter_map(|run| run.stolen);
    let worst = shares.max_by(f64::total_cmp)?;
    Some(format!("{:.1} % of the processors' time", 100.0 * worst))
}

/// Returns the busy share of the processors' time.
pub(super) fn processors(result: &RunResult) -> Option<String> {
    let shares = result.runs.iter().filter_map(|run| run.processors_busy);
    let worst = shares.max_by(f64::total_cmp)?;
    Some(format!("{:.0} % busy", 100.0 * worst))
}

/// Returns how many servers and driver threads share the cores; `None` if they do not share a machine.
pub(super) fn shared_cores(result: &RunResult) -> Option<String> {
    let servers = result.target.servers.len();
    let cores = result.environment.cores?;
    (result.target.shares_machine() && servers > 0).then(|| {
        format!(
            "{} and {} share {}",
            counted(servers as u64, "server"),
            counted(u64::from(result.plan.load.threads), "driver thread"),
            counted(u64::from(cores), "core")
        )
    })
}

/// Returns how busy each driver thread was and how long it waited for a core.
pub(super) fn driver(runs: &[Recording]) -> Option<String> {
    let threads = runs.iter().map(|run| run.driver.len()).max()?;
    let of = |thread: usize| runs.iter().filter_map(move |run| run.driver.get(thread));
    let worst = |figure: fn(&DriverThread) -> Option<f64>| {
        let shares: Option<Vec<String>> = (0..threads)
            .map(|thread| {
                let share = of(thread).filter_map(figure).max_by(f64::total_cmp)?;
                Some(format!("{} %", number((1_000.0 * share).round() / 10.0)))
            })
            .collect();
        shares.filter(|shares| !shares.is_empty())
    };
    let mut text = format!(
        "{} of a core busy",
        worst(|thread| Some(thread.busy))?.join(", ")
    );
    text += &worst(|thread| thread.waiting).map_or_else(
        || "; how long they waited for a core is not known".to_owned(),
        |waiting| format!("; {} of the time waiting for a core", waiting.join(", ")),
    );
    let nice = runs
        .iter()
        .flat_map(|run| &run.driver)
        .map(|thread| thread.nice);
    match nice.max() {
        Some(nice) if nice < 0 => text += &format!("; preferred to others (nice {nice})"),
        _ => {}
    }
    Some(text)
}

/// Returns the sync time of the disk before the run.
pub(super) fn disk(runs: &[Recording]) -> Option<String> {
    let slowness = |disk: &DiskState| disk.before_us / disk.baseline_us.max(1.0);
    let disk = runs
        .iter()
        .filter_map(|run| run.disk)
        .max_by(|a, b| slowness(a).total_cmp(&slowness(b)))?;
    let settled = if disk.settled {
        format!("settled after {}", duration_us(disk.waited_s * 1e6))
    } else {
        format!("not settled after {}", duration_us(disk.waited_s * 1e6))
    };
    let which = if runs.len() > 1 {
        ", in the worst run"
    } else {
        ""
    };
    Some(format!(
        "a sync took {}{which}, and {} before any server was started; {settled}",
        duration_us(disk.before_us),
        duration_us(disk.baseline_us)
    ))
}
