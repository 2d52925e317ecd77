//! Judges a run: whether the generator did its part, what the target did, which gates passed and
//! which warnings apply.
//!
//! A run is invalid if the *generator* failed, because then its figures do not describe the target.
//! Whatever the target did is a finding. `docs/METHODOLOGY.md` states the rules; `thresholds` has
//! the limits.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::finding::findings;
use super::gate::{GateOutcome, gates};
use super::lateness::material_lateness;
use super::machine::{Environment, Resolution};
use super::target::Target;
use super::thresholds::{DRIVER_BUSY_MAX, DRIVER_WAITING_MAX, ISSUED_MIN, LATE_SHARE_MAX};
use super::warning::{cores_warning, run_warnings, setting_warnings, waiting_warning};
use super::words::{float, seconds};
use crate::measure::{OpRecord, Recording};
use crate::workload::{Arrival, Plan};

/// Whether the figures describe the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Valid,
    Invalid {
        /// One sentence each.
        reasons: Vec<String>,
    },
}

impl Verdict {
    pub(super) fn new(valid: bool, reasons: Vec<String>) -> Self {
        if valid {
            Self::Valid
        } else {
            Self::Invalid { reasons }
        }
    }

    #[must_use]
    pub fn is_valid(&self) -> bool {
        matches!(self, Self::Valid)
    }

    /// Returns `valid` or `invalid`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Invalid { .. } => "invalid",
        }
    }

    /// Returns why the result is invalid; empty if it is valid.
    #[must_use]
    pub fn reasons(&self) -> &[String] {
        match self {
            Self::Valid => &[],
            Self::Invalid { reasons } => reasons,
        }
    }
}

/// The result of [`judge`].
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    pub verdict: Verdict,
    /// What the target did, one sentence each.
    pub findings: Vec<String>,
    pub gates: Vec<GateOutcome>,
    /// What a reader should know before using the figures, one sentence each.
    pub warnings: Vec<String>,
}

/// Judges all runs of a plan.
#[must_use]
pub fn judge(
    plan: &Plan,
    runs: &[Recording],
    environment: &Environment,
    target: &Target,
) -> Judgement {
    let mut reasons = Vec::new();
    if runs.is_empty() {
        reasons.push("no run was completed".to_owned());
    }
    let resolution = environment.resolution();
    let mut all = OpRecord::default();
    let mut found = Vec::new();
    let mut warnings = Vec::new();
    for (number, run) in (1..).zip(runs) {
        let prefix = if runs.len() > 1 {
            format!("run {number}: ")
        } else {
            String::new()
        };
        let prefixed = |text: String| format!("{prefix}{text}");
        let ops = run.totals();
        let record = run.all();
        let invalid = invalid_reasons(plan, run, &ops, &record, resolution);
        reasons.extend(invalid.into_iter().map(prefixed));
        found.extend(findings(plan, run, &record).into_iter().map(prefixed));
        let run_warnings = run_warnings(plan, run, &ops, &record, resolution);
        warnings.extend(run_warnings.into_iter().map(prefixed));
        all.merge(&record);
    }
    warnings.extend(waiting_warning(runs));
    warnings.extend(cores_warning(runs, target));
    warnings.extend(setting_warnings(plan, environment, target));
    Judgement {
        verdict: Verdict::new(reasons.is_empty(), reasons),
        findings: found,
        gates: gates(plan, runs, &all),
        warnings,
    }
}

fn invalid_reasons(
    plan: &Plan,
    run: &Recording,
    ops: &[OpRecord],
    record: &OpRecord,
    resolution: Option<Resolution>,
) -> Vec<String> {
    let mut reasons = Vec::new();
    if run.interrupted {
        reasons.push(format!(
            "interrupted after {:.1} s of {:.1} s",
            run.measured_s,
            seconds(plan.load.duration_ms)
        ));
    }
    if matches!(plan.load.arrival, Arrival::Closed { .. }) {
        return reasons;
    }
    let counts = &record.counts;
    let issued = float(counts.issued()) / float(counts.total().max(1));
    if counts.total() > 0 && issued < ISSUED_MIN {
        reasons.push(format!(
            "the generator issued {:.1} % of the {} operations that were due (at least {:.0} % needed): it was too slow \
             for this rate; spread the sessions over more driver threads (load.threads), or lower load.rate",
            100.0 * issued,
            counts.total(),
            100.0 * ISSUED_MIN
        ));
    }
    let busiest = run.driver.iter().map(|thread| thread.busy);
    if let Some(busiest) = busiest.fold(None, largest)
        && busiest > DRIVER_BUSY_MAX
    {
        reasons.push(format!(
            "a driver thread was {:.0} % busy (at most {:.0} % allowed): the generator may be the bottleneck; spread the \
             sessions over more driver threads (load.threads), or lower load.rate",
            100.0 * busiest,
            100.0 * DRIVER_BUSY_MAX
        ));
    }
    let longest = run.driver.iter().filter_map(|thread| thread.waiting);
    if let Some(waiting) = longest.fold(None, largest)
        && waiting > DRIVER_WAITING_MAX
    {
        reasons.push(format!(
            "a driver thread waited for a processor for {:.0} % of the time (at most {:.0} % allowed): something else used \
             the processors; end it, or use a machine with more cores",
            100.0 * waiting,
            100.0 * DRIVER_WAITING_MAX
        ));
    }
    let late = material_lateness(plan, ops, resolution).into_iter();
    reasons.extend(late.map(|late| {
        format!(
            "{late} (at most {:.0} % allowed): operations were started late; see what else used the processors, lower \
             load.rate, or give the driver a machine of its own",
            100.0 * LATE_SHARE_MAX
        )
    }));
    reasons
}

/// Returns the larger value. Made for `fold`.
fn largest(so_far: Option<f64>, next: f64) -> Option<f64> {
    Some(so_far.map_or(next, |so_far| so_far.max(next)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{DriverThread, Outcome, Sample, Unsent};
    use crate::result::run_result::example;

    fn judged(change: impl FnOnce(&mut Plan, &mut Recording, &mut Environment)) -> Judgement {
        let (mut plan, mut recording) = (example::plan(), example::recording());
        let mut environment = example::environment();
        change(&mut plan, &mut recording, &mut environment);
        judge(&plan, &[recording], &environment, &example::target())
    }

    fn only_reason(judgement: &Judgement) -> &str {
        let [reason] = judgement.verdict.reasons() else {
            panic!("not one reason: {:?}", judgement.verdict);
        };
        reason
    }

    fn close_loop(plan: &mut Plan) {
        plan.load.arrival = Arrival::Closed { in_flight: 4 };
    }

    /// Adds operations that started `late_us` late and took 2 ms.
    fn add_late(run: &mut Recording, late_us: i64) {
        let samples: Vec<Sample> = (0..100)
            .map(|_| {
                let response_ns = 2_000_000 + late_us * 1_000;
                let sample = example::sample(1_990, response_ns, Outcome::Ok);
                Sample {
                    sent_ns: Some(sample.intended_ns + late_us * 1_000),
                    ..sample
                }
            })
            .collect();
        example::record(run, &samples);
    }

    #[test]
    fn a_clean_run_is_valid_without_findings_or_warnings() {
        let judgement = judged(|_, _, _| ());
        assert_eq!(judgement.verdict, Verdict::Valid);
        assert!(judgement.gates.is_empty());
        assert_eq!(judgement.warnings, Vec::<String>::new());
        assert_eq!(judgement.findings, Vec::<String>::new());
    }

    #[test]
    fn operations_that_the_generator_missed_make_the_run_invalid() {
        let unsent = |why| {
            judged(|_, run, _| {
                let samples: Vec<Sample> = (0..200)
                    .map(|_| Sample {
                        sent_ns: None,
                        ..example::sample(1_990, 5_000_000, Outcome::NotSent(why))
                    })
                    .collect();
                example::record(run, &samples);
            })
        };
        let judgement = unsent(Unsent::NotIssued);
        let reason = only_reason(&judgement);
        assert!(
            reason.contains("issued 90.9 % of the 2200 operations"),
            "{reason}"
        );
        for why in [Unsent::CapFull, Unsent::NoConnection] {
            let judgement = unsent(why);
            assert!(judgement.verdict.is_valid(), "the target caused this");
            assert!(!judgement.findings.is_empty(), "a finding says so");
        }
    }

    #[test]
    fn a_saturated_target_does_not_make_a_run_invalid() {
        let judgement = judged(|_, run, _| run.intervals[1].ops[0].acknowledged = 100);
        assert!(judgement.verdict.is_valid());
        assert!(judgement.findings[0].contains("saturated"), "{judgement:?}");
    }

    #[test]
    fn a_busy_driver_makes_an_open_loop_invalid_and_gives_a_closed_loop_a_warning() {
        let thread = |busy, waiting| DriverThread {
            busy,
            waiting: Some(waiting),
            nice: 0,
        };
        let judgement = judged(|_, run, _| run.driver = vec![thread(0.3, 0.0), thread(0.81, 0.0)]);
        assert!(only_reason(&judgement).contains("81 % busy"));
        let judgement = judged(|_, run, _| run.driver = vec![thread(0.3, 0.11)]);
        assert!(only_reason(&judgement).contains("waited for a processor for 11 %"));
        let judgement = judged(|plan, run, _| {
            close_loop(plan);
            run.driver = vec![thread(0.99, 0.0)];
        });
        assert!(judgement.verdict.is_valid());
        assert!(judgement.warnings[0].contains("saturates on purpose"));
    }

    #[test]
    fn lateness_is_judged_per_operation_and_percentile() {
        let judgement = judged(|_, run, _| add_late(run, 900));
        assert!(
            only_reason(&judgement).starts_with(
                "set: the generator's lateness p99 is 900 µs, 31 % of the response time p99"
            ),
            "{judgement:?}"
        );
        let judgement = judged(|plan, run, _| {
            close_loop(plan);
            add_late(run, 900);
        });
        assert!(judgement.verdict.is_valid());
        assert!(
            judgement.warnings[0].contains("lateness p99"),
            "{judgement:?}"
        );
    }

    #[test]
    fn lateness_below_the_resolution_is_ignored() {
        let calibrated = |response_p99_us: f64| {
            judged(|_, run, environment| {
                environment.calibration = Some(serde_json::json!({"resolution": {
                    "response_p50_us": 30.0, "response_p99_us": response_p99_us,
                }}));
                add_late(run, 250);
            })
        };
        assert!(!calibrated(200.0).verdict.is_valid());
        assert!(calibrated(260.0).verdict.is_valid());
    }

    /// A single late operation does not make a percentile.
    #[test]
    fn a_percentile_is_judged_only_with_ten_operations_beyond_it() {
        let judgement = judged(|_, run, _| {
            run.intervals.clear();
            let late = example::sample(500, 1_000_000, Outcome::Ok);
            let late = Sample {
                sent_ns: Some(late.intended_ns + 900_000),
                ..late
            };
            example::record(run, &[late; 19]);
        });
        assert_eq!(judgement.verdict, Verdict::Valid);
    }

    /// The target stalls for a third of the run. The in-flight cap is reached and the generator is
    /// idle.
    #[test]
    fn waiting_for_the_target_does_not_count_as_lateness() {
        let judgement = judged(|_, run, _| {
            let samples: Vec<Sample> = (0..1_000)
                .map(|index| {
                    let sample = example::sample(index, 3_000_000_000, Outcome::Ok);
                    let ready_ns = sample.intended_ns + 2_999_000_000;
                    Sample {
                        ready_ns: Some(ready_ns),
                        sent_ns: Some(ready_ns + 10_000),
                        ..sample
                    }
                })
                .collect();
            example::record(run, &samples);
        });
        assert_eq!(judgement.verdict, Verdict::Valid);
    }

    #[test]
    fn an_interrupted_or_missing_run_is_invalid() {
        let judgement = judged(|_, run, _| {
            run.interrupted = true;
            run.measured_s = 1.9;
        });
        assert_eq!(only_reason(&judgement), "interrupted after 1.9 s of 2.0 s");
        let nothing = judge(
            &example::plan(),
            &[],
            &example::environment(),
            &example::target(),
        );
        assert_eq!(only_reason(&nothing), "no run was completed");
    }

    #[test]
    fn a_run_without_due_or_acknowledged_operations_is_valid_with_a_finding() {
        let judgement = judged(|_, run, _| run.intervals.clear());
        assert!(judgement.verdict.is_valid());
        assert!(judgement.findings[0].contains("no operation was due"));
    }

    #[test]
    fn with_repeats_a_reason_names_the_run() {
        let mut bad = example::recording();
        bad.interrupted = true;
        let judgement = judge(
            &example::plan(),
            &[example::recording(), bad],
            &example::environment(),
            &example::target(),
        );
        assert!(only_reason(&judgement).starts_with("run 2: interrupted"));
    }
}
