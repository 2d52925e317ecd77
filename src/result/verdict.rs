//! What a run is worth: valid or not and why, the gates of its plan, and what a reader should know.
//!
//! An invalid run is one whose figures do not describe the target: the generator fell behind, was
//! itself the bottleneck, or nothing was measured. The rules are those of `docs/METHODOLOGY.md`.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::asked::asked_per_s;
use super::gate::{GateOutcome, gates};
use super::run_result::{Environment, Target};
use super::warning::{busiest_driver, run_warnings, setting_warnings};
use crate::measure::{OpRecord, Recording};
use crate::workload::{Arrival, Plan};

/// Least share of the asked rate that an open-loop run must achieve.
const ACHIEVED_MIN: f64 = 0.95;
/// Largest send delay p99 as a share of the response time p99.
const SEND_DELAY_SHARE_MAX: f64 = 0.10;

/// Whether the figures mean what they say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They do.
    Valid,
    /// They do not.
    Invalid {
        /// Why not, a sentence each.
        reasons: Vec<String>,
    },
}

impl Verdict {
    /// Whether it is `Valid`.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        matches!(self, Self::Valid)
    }

    /// `valid` or `invalid`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Invalid { .. } => "invalid",
        }
    }

    /// Why not; empty when valid.
    #[must_use]
    pub fn reasons(&self) -> &[String] {
        match self {
            Self::Valid => &[],
            Self::Invalid { reasons } => reasons,
        }
    }
}

/// Everything that [`judge`] has to say.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// Valid or not.
    pub verdict: Verdict,
    /// The plan's gates.
    pub gates: Vec<GateOutcome>,
    /// What a reader should know.
    pub warnings: Vec<String>,
}

/// Judges the runs of a plan.
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
    let mut all = OpRecord::default();
    let mut warnings = Vec::new();
    for (number, run) in (1..).zip(runs) {
        let prefix = if runs.len() > 1 {
            format!("run {number}: ")
        } else {
            String::new()
        };
        let record = run.all();
        let reason = |text: String| format!("{prefix}{text}");
        reasons.extend(invalid_reasons(plan, run, &record).into_iter().map(reason));
        warnings.extend(run_warnings(plan, run, &record).into_iter().map(reason));
        all.merge(&record);
    }
    warnings.extend(setting_warnings(plan, &all, environment, target));
    Judgement {
        verdict: if reasons.is_empty() {
            Verdict::Valid
        } else {
            Verdict::Invalid { reasons }
        },
        gates: gates(plan, runs, &all),
        warnings,
    }
}

fn invalid_reasons(plan: &Plan, run: &Recording, record: &OpRecord) -> Vec<String> {
    let mut reasons = Vec::new();
    if run.interrupted {
        reasons.push(format!(
            "interrupted after {:.1} s of {:.1} s",
            run.measured_s,
            seconds(plan.load.duration_ms)
        ));
    }
    if record.counts.ok == 0 {
        reasons.push("no operation was acknowledged".to_owned());
    }
    if matches!(plan.load.arrival, Arrival::Closed { .. }) {
        return reasons;
    }
    let achieved = run.throughput_per_s().unwrap_or(0.0);
    if let Some(asked) = asked_per_s(&plan.load, run.measured_s)
        && asked > 0.0
        && achieved < ACHIEVED_MIN * asked
    {
        reasons.push(format!(
            "achieved {achieved:.0} operations/s, {:.1} % of the {asked:.0} asked (at least 95 % needed)",
            100.0 * achieved / asked
        ));
    }
    if let Some(busiest) = busiest_driver(run) {
        reasons.push(format!(
            "a driver thread was {:.0} % busy (at most 80 % allowed): the generator may be the bottleneck",
            100.0 * busiest
        ));
    }
    if let (Some(delay), Some(response)) = (record.send_delay.p99_us(), record.response.p99_us())
        && delay > SEND_DELAY_SHARE_MAX * response
    {
        reasons.push(format!(
            "send delay p99 is {}, {:.0} % of the response time p99 (at most 10 % allowed): \
             operations started late",
            span(delay),
            100.0 * delay / response
        ));
    }
    reasons
}

#[expect(clippy::cast_precision_loss, reason = "a count below 2^53")]
fn float(count: u64) -> f64 {
    count as f64
}

fn span(us: f64) -> String {
    if us < 1_000.0 {
        format!("{us:.0} µs")
    } else if us < 1_000_000.0 {
        format!("{:.2} ms", us / 1_000.0)
    } else {
        format!("{:.2} s", us / 1_000_000.0)
    }
}

fn seconds(ms: u64) -> f64 {
    float(ms) / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{Outcome, Recorder, Sample};
    use crate::result::run_result::example;

    fn judged(change: impl FnOnce(&mut Plan, &mut Recording)) -> Judgement {
        let (mut plan, mut recording) = (example::plan(), example::recording());
        change(&mut plan, &mut recording);
        judge(
            &plan,
            &[recording],
            &example::environment(),
            &example::target(),
        )
    }

    fn only_reason(judgement: &Judgement) -> &str {
        let [reason] = judgement.verdict.reasons() else {
            panic!("not one reason: {:?}", judgement.verdict);
        };
        reason
    }

    #[test]
    fn a_clean_run_is_valid() {
        let judgement = judged(|_, _| ());
        assert_eq!(judgement.verdict, Verdict::Valid);
        assert!(judgement.gates.is_empty());
        assert_eq!(judgement.warnings.len(), 1, "{:?}", judgement.warnings);
        assert!(judgement.warnings[0].contains("only 2000 operations"));
    }

    #[test]
    fn under_95_percent_of_the_asked_rate_is_invalid() {
        let judgement = judged(|_, run| run.measured_s = 2.2);
        assert!(only_reason(&judgement).contains("90.9 % of the 1000 asked"));
        assert!(judged(|_, run| run.measured_s = 2.1).verdict.is_valid());
    }

    #[test]
    fn a_busy_driver_is_invalid_in_an_open_loop_and_a_warning_in_a_closed_one() {
        let judgement = judged(|_, run| run.driver_cpu = vec![0.3, 0.81]);
        assert!(only_reason(&judgement).contains("81 % busy"));
        let judgement = judged(|plan, run| {
            plan.load.arrival = Arrival::Closed { in_flight: 4 };
            run.driver_cpu = vec![0.99];
        });
        assert!(judgement.verdict.is_valid());
        assert!(judgement.warnings[0].contains("saturates on purpose"));
    }

    #[test]
    fn late_sending_is_invalid() {
        let judgement = judged(|_, run| {
            let mut recorder = Recorder::new(1);
            for _ in 0..100 {
                recorder.record(&Sample {
                    op: 0,
                    intended_ns: 0,
                    sent_ns: Some(900_000),
                    done_ns: 1_900_000,
                    outcome: Outcome::Ok,
                });
            }
            run.add(recorder.take(0));
        });
        assert!(
            only_reason(&judgement).starts_with("send delay p99 is 900 µs, 45 %"),
            "{judgement:?}"
        );
    }

    #[test]
    fn interrupted_and_empty_runs_are_invalid() {
        let judgement = judged(|_, run| {
            run.interrupted = true;
            run.measured_s = 1.9;
        });
        assert_eq!(only_reason(&judgement), "interrupted after 1.9 s of 2.0 s");
        let judgement = judged(|plan, run| {
            plan.load.arrival = Arrival::Closed { in_flight: 1 };
            run.intervals.clear();
        });
        assert_eq!(only_reason(&judgement), "no operation was acknowledged");
        let nothing = judge(
            &example::plan(),
            &[],
            &example::environment(),
            &example::target(),
        );
        assert_eq!(only_reason(&nothing), "no run was completed");
    }

    #[test]
    fn with_repeats_a_reason_names_its_run() {
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
