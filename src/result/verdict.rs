//! What a run is worth: valid or not and why, the gates of its plan, and what a reader should know.
//!
//! An invalid run is one whose figures do not describe the target: the generator fell behind, was
//! itself the bottleneck, or nothing was measured. The rules are those of `docs/METHODOLOGY.md`.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde::{Deserialize, Serialize};

use super::asked::asked_per_s;
use super::error_name::error_name;
use super::run_result::{Environment, Target};
use crate::measure::{OpRecord, Recording};
use crate::workload::{Arrival, Plan};

/// Least share of the asked rate that an open-loop run must achieve.
const ACHIEVED_MIN: f64 = 0.95;
/// Largest share of its core that a driver thread may use.
const DRIVER_CPU_MAX: f64 = 0.80;
/// Largest send delay p99 as a share of the response time p99.
const SEND_DELAY_SHARE_MAX: f64 = 0.10;
/// Fewest operations behind a 99.9th percentile that deserves the name.
const P999_SAMPLES_MIN: u64 = 10_000;

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

/// One gate of the plan, and whether it was passed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GateOutcome {
    /// Its key in the workload file: `p99_ms`.
    pub name: String,
    /// What was asked, in the key's unit.
    pub limit: f64,
    /// What was measured; missing when nothing was.
    pub actual: Option<f64>,
    /// Whether `actual` keeps within `limit`. A missing figure does not.
    pub passed: bool,
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
            "send delay p99 is {delay:.0} us, {:.0} % of the response time p99 (at most 10 % allowed): \
             operations started late",
            100.0 * delay / response
        ));
    }
    reasons
}

/// The busiest driver thread, if it is too busy.
fn busiest_driver(run: &Recording) -> Option<f64> {
    let busiest = run.driver_cpu.iter().copied().fold(0.0, f64::max);
    (busiest > DRIVER_CPU_MAX).then_some(busiest)
}

/// What went wrong in one run without making it invalid.
fn run_warnings(plan: &Plan, run: &Recording, record: &OpRecord) -> Vec<String> {
    let mut warnings = Vec::new();
    if let (Arrival::Closed { .. }, Some(busiest)) = (&plan.load.arrival, busiest_driver(run)) {
        warnings.push(format!(
            "a driver thread was {:.0} % busy; a closed loop saturates on purpose, but the ceiling found may be \
             the generator's own (see `quorate calibrate`)",
            100.0 * busiest
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
fn setting_warnings(
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

/// Gates look at all runs together: merged histograms, total counts, total time.
fn gates(plan: &Plan, runs: &[Recording], all: &OpRecord) -> Vec<GateOutcome> {
    let ms = |us: Option<f64>| us.map(|us| us / 1_000.0);
    let measured_s: f64 = runs.iter().map(|run| run.measured_s).sum();
    let total = all.counts.total();
    let failed_share = (total > 0).then(|| float(all.counts.failed()) / float(total));
    let throughput = (measured_s > 0.0).then(|| float(all.counts.ok) / measured_s);
    let asked = &plan.gates;
    let at_most = [
        ("p50_ms", asked.p50_ms, ms(all.response.p50_us())),
        ("p99_ms", asked.p99_ms, ms(all.response.p99_us())),
        ("p999_ms", asked.p999_ms, ms(all.response.p999_us())),
        ("max_ms", asked.max_ms, ms(all.response.max_us())),
        ("error_ratio", asked.error_ratio, failed_share),
    ];
    let mut outcomes: Vec<GateOutcome> = at_most
        .into_iter()
        .filter_map(|(name, limit, actual)| {
            limit.map(|limit| outcome(name, limit, actual, |actual| actual <= limit))
        })
        .collect();
    if let Some(limit) = asked.throughput_per_s {
        outcomes.push(outcome("throughput_per_s", limit, throughput, |actual| {
            actual >= limit
        }));
    }
    outcomes
}

fn outcome(
    name: &str,
    limit: f64,
    actual: Option<f64>,
    keeps: impl Fn(f64) -> bool,
) -> GateOutcome {
    GateOutcome {
        name: name.to_owned(),
        limit,
        actual,
        passed: actual.is_some_and(keeps),
    }
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

#[expect(clippy::cast_precision_loss, reason = "a count below 2^53")]
fn float(count: u64) -> f64 {
    count as f64
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
            only_reason(&judgement).starts_with("send delay p99 is 900 us, 45 %"),
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
    fn gates_pass_fail_and_fail_when_there_is_no_figure() {
        let set = |plan: &mut Plan| {
            plan.gates.p99_ms = Some(5.0);
            plan.gates.p50_ms = Some(0.5);
            plan.gates.error_ratio = Some(0.0);
            plan.gates.throughput_per_s = Some(1_000.0);
        };
        let outcomes = judged(|plan, _| set(plan)).gates;
        let passed: Vec<(&str, bool)> = outcomes
            .iter()
            .map(|g| (g.name.as_str(), g.passed))
            .collect();
        assert_eq!(
            passed,
            [
                ("p50_ms", false),
                ("p99_ms", true),
                ("error_ratio", true),
                ("throughput_per_s", true)
            ]
        );
        let outcomes = judged(|plan, run| {
            set(plan);
            run.intervals.clear();
        })
        .gates;
        assert!(outcomes.iter().all(|gate| !gate.passed));
        assert_eq!(outcomes[0].actual, None);
    }

    #[test]
    fn trouble_is_told_in_words() {
        let (plan, target) = (example::plan(), example::target());
        let mut environment = example::environment();
        environment.cores = Some(2);
        environment.on_tmpfs = Some(true);
        let mut run = example::bumpy_recording();
        run.in_flight_at_end = 1;
        let warnings = judge(&plan, &[run], &environment, &target)
            .warnings
            .join("\n");
        for expected in [
            "error replies: ConnectionLoss 1",
            "1 operation with unknown outcome",
            "1 operation still without a reply",
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
