//! Warnings: sentences about what limits the figures of a valid run.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::lateness::material_lateness;
use super::machine::{Environment, Resolution};
use super::target::Target;
use super::thresholds::{
    BACKLOG_MAX, DRIVER_BUSY_MAX, DRIVER_WAITING_TOLD, PROCESSORS_BUSY_MAX, QUOTA_USED_UP,
    STOLEN_MAX,
};
use super::words::{counted, float};
use crate::measure::{OpRecord, Recording};
use crate::workload::{Arrival, Plan};

/// Returns the warnings about one run.
pub(super) fn run_warnings(
    plan: &Plan,
    run: &Recording,
    ops: &[OpRecord],
    record: &OpRecord,
    resolution: Option<Resolution>,
) -> Vec<String> {
    let mut warnings = Vec::new();
    let closed = matches!(plan.load.arrival, Arrival::Closed { .. });
    let busiest = run
        .driver
        .iter()
        .map(|thread| thread.busy)
        .fold(0.0, f64::max);
    if closed && busiest > DRIVER_BUSY_MAX {
        warnings.push(format!(
            "a driver thread was {:.0} % busy; a closed loop saturates on purpose, but the ceiling found may be \
             the generator's own (see `quorate calibrate`)",
            100.0 * busiest
        ));
    }
    if closed {
        let late = material_lateness(plan, ops, resolution).into_iter();
        warnings.extend(late.map(|late| {
            format!("{late}; in a closed loop this is no fault, but the service time says more of the target")
        }));
    }
    if let Some(stolen) = run.stolen.filter(|stolen| *stolen > STOLEN_MAX) {
        warnings.push(format!(
            "the hypervisor took away {:.1} % of this machine's processor time: its pauses are part of the high \
             percentiles",
            100.0 * stolen
        ));
    }
    let due = record.counts.total().max(1);
    if float(run.backlog_at_start) > BACKLOG_MAX * float(due) {
        warnings.push(format!(
            "{} of the warm-up still waited when the measured phase began: a longer load.warm_up, or a lower rate, starts \
             it clean",
            counted(run.backlog_at_start, "operation")
        ));
    }
    if let Some(disk) = run.disk.filter(|disk| !disk.settled) {
        warnings.push(format!(
            "the disk had not settled before the run: a sync took {:.0} µs, and {:.0} µs before any server was started",
            disk.before_us, disk.baseline_us
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

/// Warns once for all runs that driver threads waited for a core. On few cores this happens in
/// every run.
pub(super) fn waiting_warning(runs: &[Recording]) -> Option<String> {
    let longest = |run: &Recording| {
        let waited = run.driver.iter().filter_map(|thread| thread.waiting);
        waited.fold(0.0, f64::max)
    };
    let long_waits: Vec<f64> = runs
        .iter()
        .map(longest)
        .filter(|waited| *waited > DRIVER_WAITING_TOLD)
        .collect();
    let waited = long_waits.iter().copied().reduce(f64::max)?;
    let (place, up_to) = match runs.len() {
        1 => (String::new(), ""),
        all => (format!("in {} of {all} runs ", long_waits.len()), "up to "),
    };
    Some(format!(
        "{place}a driver thread waited for a processor for {up_to}{:.1} % of the time: servers, driver and whatever else \
         runs here share the processors",
        100.0 * waited
    ))
}

/// Says once for all runs that the cores, rather than the servers, limited the figures. On a machine
/// that only drives the load this is a matter of the driver, which the verdict judges. Servers that
/// used their CPU quota up had what they were allowed, whoever else kept the cores busy.
pub(super) fn cores_warning(runs: &[Recording], target: &Target) -> Option<String> {
    if !target.shares_machine() || runs.iter().any(|run| used_up_quota(run, target)) {
        return None;
    }
    let busy = runs.iter().filter_map(|run| run.processors_busy);
    let busy = busy
        .filter(|busy| *busy > PROCESSORS_BUSY_MAX)
        .reduce(f64::max)?;
    Some(format!(
        "the processors of this machine were {:.0} % busy: its cores, which servers and driver share, limit these figures, \
         and not the servers. Compare the operations per second of server CPU, give every server a small share of a core \
         (target.cpu), or use a machine with more cores",
        100.0 * busy
    ))
}

/// Whether any server used its CPU quota up.
fn used_up_quota(run: &Recording, target: &Target) -> bool {
    let Some(quota) = target.cpu_quota else {
        return false;
    };
    let allowed_s = quota.share * run.measured_s;
    let used = run.servers.iter().filter_map(|server| server.cpu_s);
    used.fold(0.0, f64::max) >= QUOTA_USED_UP * allowed_s
}

/// Returns the warnings about the target and its disk.
pub(super) fn setting_warnings(
    plan: &Plan,
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
    warnings
}

#[cfg(test)]
mod tests {
    use crate::measure::{DiskState, DriverThread};
    use crate::result::run_result::example;
    use crate::result::{CpuQuota, judge};

    #[test]
    fn each_warning_is_a_sentence() {
        let (mut plan, target) = (example::plan(), example::target());
        plan.target.fsync = false;
        let mut environment = example::environment();
        environment.on_tmpfs = Some(true);
        let mut run = example::recording();
        run.stolen = Some(0.048);
        run.backlog_at_start = 7;
        run.driver = vec![DriverThread {
            busy: 0.1,
            waiting: Some(0.03),
            nice: 0,
        }];
        run.disk = Some(DiskState {
            baseline_us: 100.0,
            before_us: 900.0,
            waited_s: 30.0,
            settled: false,
        });
        let judgement = judge(&plan, &[run], &environment, &target);
        assert!(judgement.verdict.is_valid());
        let warnings = judgement.warnings.join("\n");
        for expected in [
            "the hypervisor took away 4.8 %",
            "tmpfs",
            "fsync = false",
            "7 operations of the warm-up still waited",
            "waited for a processor for 3.0 %",
            "a sync took 900 µs, and 100 µs before any server was started",
        ] {
            assert!(
                warnings.contains(expected),
                "{expected:?} is not in:\n{warnings}"
            );
        }
    }
    #[test]
    fn waiting_for_a_core_gives_one_warning_for_all_runs() {
        let run = |waiting| {
            let mut run = example::recording();
            run.driver = vec![DriverThread {
                busy: 0.1,
                waiting: Some(waiting),
                nice: 0,
            }];
            run
        };
        let warning = |waits: &[f64]| {
            let runs: Vec<_> = waits.iter().copied().map(run).collect();
            super::waiting_warning(&runs)
        };
        assert_eq!(warning(&[0.001, 0.0]), None);
        assert!(
            warning(&[0.04])
                .unwrap()
                .starts_with("a driver thread waited for a processor for 4.0 % ")
        );
        assert!(
            warning(&[0.04, 0.0, 0.06]).unwrap().starts_with(
                "in 2 of 3 runs a driver thread waited for a processor for up to 6.0 % "
            )
        );
    }

    #[test]
    fn busy_processors_limit_servers_that_share_them_with_the_driver() {
        let run = |busy| {
            let mut run = example::recording();
            run.processors_busy = busy;
            run
        };
        let mut target = example::target();
        let warning = |runs: &[Option<f64>], target: &_| {
            let runs: Vec<_> = runs.iter().copied().map(run).collect();
            super::cores_warning(&runs, target)
        };
        assert_eq!(warning(&[None, Some(0.9)], &target), None);
        let text = warning(&[Some(0.91), Some(0.987)], &target).unwrap();
        assert!(
            text.starts_with("the processors of this machine were 99 % busy"),
            "{text}"
        );
        let mut under_quota = target.clone();
        under_quota.cpu_quota = Some(CpuQuota {
            share: 0.03,
            period_ms: 50.0,
        });
        assert_eq!(warning(&[Some(0.99)], &under_quota), None);
        target.spec = "zk://10.0.0.1:2181".into();
        target
            .servers
            .iter_mut()
            .for_each(|server| server.address = "10.0.0.1:2181".into());
        assert_eq!(warning(&[Some(0.99)], &target), None);
    }
}
