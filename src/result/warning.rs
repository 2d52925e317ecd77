//! What a reader should know before believing the figures of a valid run.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::error_name::error_name;
use super::run_result::{Environment, Target};
use crate::measure::{OpRecord, Recording};
use crate::workload::{Arrival, Plan};

/// Largest share of its core that a driver thread may use.
const DRIVER_CPU_MAX: f64 = 0.80;
/// Largest share of the processors' time that the hypervisor may take without a word.
const STOLEN_MAX: f64 = 0.005;
/// Fewest operations behind a 99.9th percentile that deserves the name.
const P999_SAMPLES_MIN: u64 = 10_000;

/// The busiest driver thread, if it is too busy.
pub(super) fn busiest_driver(run: &Recording) -> Option<f64> {
    let busiest = run.driver_cpu.iter().copied().fold(0.0, f64::max);
    (busiest > DRIVER_CPU_MAX).then_some(busiest)
}

/// What went wrong in one run without making it invalid.
pub(super) fn run_warnings(plan: &Plan, run: &Recording, record: &OpRecord) -> Vec<String> {
    let mut warnings = Vec::new();
    if let (Arrival::Closed { .. }, Some(busiest)) = (&plan.load.arrival, busiest_driver(run)) {
        warnings.push(format!(
            "a driver thread was {:.0} % busy; a closed loop saturates on purpose, but the ceiling found may be \
             the generator's own (see `quorate calibrate`)",
            100.0 * busiest
        ));
    }
    if let Some(stolen) = run.stolen.filter(|stolen| *stolen > STOLEN_MAX) {
        warnings.push(format!(
            "the hypervisor took away {:.1} % of this machine's processor time: its pauses are part of the high \
             percentiles",
            100.0 * stolen
        ));
    }
    let counts = &record.counts;
    if counts.error_replies() > 0 {
        let mut errors: Vec<(u64, String)> = counts
            .errors
            .iter()
            .map(|(code, count)| (*count, error_name(*code)))
            .collect();
        errors.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        let list: Vec<String> = errors
            .iter()
            .map(|(n, name)| format!("{name} {n}"))
            .collect();
        warnings.push(format!("error replies: {}", list.join(", ")));
    }
    let phrases = [
        (
            counts.unknown,
            "with unknown outcome (connection lost before the reply)",
        ),
        (counts.timed_out, "without a reply in time"),
        (counts.not_sent, "never sent for want of a connection"),
        (
            run.in_flight_at_end,
            "still without a reply at the end of the drain",
        ),
    ];
    for (count, what) in phrases {
        if count > 0 {
            warnings.push(format!("{} {what}", counted(count, "operation")));
        }
    }
    if run.reconnects > 0 {
        warnings.push(format!("sessions reconnected {}", times(run.reconnects)));
    }
    if run.expired_sessions > 0 {
        warnings.push(format!(
            "{} expired",
            counted(run.expired_sessions, "session")
        ));
    }
    if run.events_dropped > 0 {
        warnings.push(format!(
            "{} not kept",
            counted(run.events_dropped, "further event")
        ));
    }
    warnings
}

/// What about the setting limits the figures.
pub(super) fn setting_warnings(
    plan: &Plan,
    all: &OpRecord,
    environment: &Environment,
    target: &Target,
) -> Vec<String> {
    let mut warnings = Vec::new();
    if environment.on_tmpfs == Some(true) {
        warnings
            .push("the servers' data lies in memory (tmpfs): a sync costs nothing there".into());
    }
    if target.is_local() && !plan.target.fsync {
        warnings.push(
            "the servers do not sync their log before they acknowledge (fsync = false)".into(),
        );
    }
    let servers = u32::try_from(target.servers.len()).unwrap_or(u32::MAX);
    let busy = servers.saturating_add(plan.load.threads);
    if let Some(cores) = environment.cores
        && target.shares_machine()
        && busy > cores
    {
        warnings.push(format!(
            "{servers} servers and {} share {}: they slow each other down",
            counted(u64::from(plan.load.threads), "driver thread"),
            counted(u64::from(cores), "core"),
        ));
    }
    let count = all.response.count();
    if count > 0 && count < P999_SAMPLES_MIN {
        warnings.push(format!(
            "only {} measured: fewer than 10 lie beyond the 99.9th percentile",
            counted(count, "operation")
        ));
    }
    warnings
}

fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

fn times(count: u64) -> String {
    if count == 1 {
        "once".to_owned()
    } else {
        format!("{count} times")
    }
}

#[cfg(test)]
mod tests {
    use crate::result::judge;
    use crate::result::run_result::example;

    #[test]
    fn trouble_is_told_in_words() {
        let (plan, target) = (example::plan(), example::target());
        let mut environment = example::environment();
        environment.cores = Some(2);
        environment.on_tmpfs = Some(true);
        let mut run = example::bumpy_recording();
        run.in_flight_at_end = 1;
        run.stolen = Some(0.048);
        let warnings = judge(&plan, &[run], &environment, &target)
            .warnings
            .join("\n");
        for expected in [
            "error replies: ConnectionLoss 1",
            "1 operation with unknown outcome",
            "1 operation still without a reply",
            "the hypervisor took away 4.8 %",
            "reconnected once",
            "tmpfs",
            "3 servers and 1 driver thread share 2 cores",
        ] {
            assert!(
                warnings.contains(expected),
                "{expected:?} is not in:\n{warnings}"
            );
        }
    }
}
