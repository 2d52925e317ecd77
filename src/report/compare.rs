//! Is the candidate better than the base? With what certainty?
//!
//! Every run is one observation; medians are compared, and the verdict comes from the bootstrap
//! interval of their ratio. A comparison of different loads or of invalid runs says nothing, so it
//! is refused unless forced.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::bootstrap::{median, ratio_interval};
use super::describe::target_line;
use crate::measure::{OpRecord, Recording};
use crate::result::{RunResult, plan_differences};

/// Runs that each side needs for a verdict.
pub const RUNS_MIN: usize = 5;

/// Two sides, metric by metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Name of the workload.
    pub workload: String,
    /// What is compared with.
    pub base: Side,
    /// What is judged.
    pub candidate: Side,
    /// One per metric.
    pub findings: Vec<Finding>,
    /// Why the comparison should have been refused, when it was forced.
    pub objections: Vec<String>,
}

/// One side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// The target as it was asked for and describes itself.
    pub target: String,
    /// Observations.
    pub runs: usize,
}

/// What is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metric {
    /// The operation; `None` for all together.
    pub op: Option<String>,
    /// The figure.
    pub figure: Figure,
}

/// A figure of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// Acknowledged operations per second; more is better.
    Throughput,
    /// Median response time, microseconds; less is better, as for the following.
    ResponseP50,
    /// 99th percentile of the response time.
    ResponseP99,
    /// 99.9th percentile of the response time.
    ResponseP999,
}

/// One metric on both sides.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// What is compared.
    pub metric: Metric,
    /// Median over the base's runs.
    pub base: Option<f64>,
    /// Median over the candidate's runs.
    pub candidate: Option<f64>,
    /// Their ratio, where both were measured.
    pub estimate: Option<Estimate>,
    /// In a word.
    pub outcome: Outcome,
}

/// The ratio of medians, candidate / base.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The ratio itself.
    pub ratio: f64,
    /// 95 % bootstrap interval; `None` with too few runs.
    pub interval: Option<(f64, f64)>,
}

/// What a finding comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The candidate is better, and the interval excludes 1.
    Faster,
    /// The candidate is worse, and the interval excludes 1.
    Slower,
    /// The interval holds 1.
    NoDifference,
    /// Fewer than five runs on a side.
    TooFewRuns,
    /// A side has no figure.
    NotMeasured,
}

/// A comparison was refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CompareError {
    /// A side without results.
    #[error("nothing to compare: the {side} has no run")]
    Nothing {
        /// `base` or `candidate`.
        side: &'static str,
    },
    /// The plans ask for different loads.
    #[error("the plans ask for different loads, so their figures cannot be compared: {}. Run both with the same workload \
             file and seed, or force it with --force", keys.join("; "))]
    DifferentPlans {
        /// The differing keys with both values.
        keys: Vec<String>,
    },
    /// An invalid result.
    #[error("the {side} ({target}) is invalid, so its figures mean little: {}. Run it again, or force it with --force", reasons.join("; "))]
    Invalid {
        /// `base` or `candidate`.
        side: &'static str,
        /// Which target.
        target: String,
        /// Why it is invalid.
        reasons: Vec<String>,
    },
}

impl Figure {
    /// All of them, the headline first.
    pub const ALL: [Self; 4] = [
        Self::Throughput,
        Self::ResponseP50,
        Self::ResponseP99,
        Self::ResponseP999,
    ];

    fn of(self, record: &OpRecord, in_time: u64, run: &Recording) -> Option<f64> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "a count below 2^53")]
            Self::Throughput => (run.measured_s > 0.0).then(|| in_time as f64 / run.measured_s),
            Self::ResponseP50 => record.response.p50_us(),
            Self::ResponseP99 => record.response.p99_us(),
            Self::ResponseP999 => record.response.p999_us(),
        }
    }

    fn more_is_better(self) -> bool {
        matches!(self, Self::Throughput)
    }

    /// `throughput`, `response p99`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Throughput => "throughput",
            Self::ResponseP50 => "response p50",
            Self::ResponseP99 => "response p99",
            Self::ResponseP999 => "response p99.9",
        }
    }
}

impl Metric {
    /// `throughput`, `set: response p99`.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.op {
            Some(op) => format!("{op}: {}", self.figure.word()),
            None => self.figure.word().to_owned(),
        }
    }
}

impl Outcome {
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Faster => "faster",
            Self::Slower => "slower",
            Self::NoDifference => "no difference shown",
            Self::TooFewRuns => "too few runs",
            Self::NotMeasured => "not measured",
        }
    }
}

/// Compares two sides, each one or several results of the same plan.
///
/// # Errors
/// If a side has no run; and, unless `force`, if the plans differ in what decides the load (the
/// target's shape may differ) or a result is invalid.
pub fn compare(
    base: &[RunResult],
    candidate: &[RunResult],
    force: bool,
) -> Result<Comparison, CompareError> {
    let sides = [("base", base), ("candidate", candidate)];
    for (side, results) in sides {
        if results.iter().all(|result| result.runs.is_empty()) {
            return Err(CompareError::Nothing { side });
        }
    }
    let mut objections = Vec::new();
    for objection in object(&sides) {
        if !force {
            return Err(objection);
        }
        objections.push(match objection {
            CompareError::DifferentPlans { keys } => {
                format!("the plans ask for different loads: {}", keys.join("; "))
            }
            CompareError::Invalid {
                side,
                target,
                reasons,
            } => format!("the {side} ({target}) is invalid: {}", reasons.join("; ")),
            CompareError::Nothing { side } => format!("the {side} has no run"),
        });
    }
    let (below, above) = (observations(base), observations(candidate));
    Ok(Comparison {
        workload: base[0].plan.name.clone(),
        base: side(base, below.len()),
        candidate: side(candidate, above.len()),
        findings: metrics(base, candidate)
            .into_iter()
            .map(|metric| finding(metric, &below, &above))
            .collect(),
        objections,
    })
}

/// Everything that speaks against comparing.
fn object(sides: &[(&'static str, &[RunResult])]) -> Vec<CompareError> {
    let mut objections = Vec::new();
    let mut plans = sides
        .iter()
        .flat_map(|(_, results)| results.iter().map(|result| &result.plan));
    if let Some(first) = plans.next() {
        let mut keys: Vec<String> = Vec::new();
        for key in plans.flat_map(|plan| plan_differences(first, plan)) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        if !keys.is_empty() {
            objections.push(CompareError::DifferentPlans { keys });
        }
    }
    for (side, results) in sides {
        objections.extend(
            results
                .iter()
                .filter(|result| !result.verdict.is_valid())
                .map(|result| CompareError::Invalid {
                    side,
                    target: result.target.spec.clone(),
                    reasons: result.verdict.reasons().to_vec(),
                }),
        );
    }
    objections
}

/// What a run measured, by operation label and all together.
struct Observation<'a> {
    run: &'a Recording,
    labels: Vec<&'a str>,
    ops: Vec<OpRecord>,
    all: OpRecord,
    in_time: Vec<u64>,
}

fn observations(results: &[RunResult]) -> Vec<Observation<'_>> {
    let mut seen = Vec::new();
    for result in results {
        seen.extend(result.runs.iter().map(|run| Observation {
            run,
            labels: result.plan.ops.iter().map(|op| op.label.as_str()).collect(),
            ops: run.totals(),
            all: run.all(),
            in_time: run.acknowledged_per_op(),
        }));
    }
    seen
}

fn side(results: &[RunResult], runs: usize) -> Side {
    let mut targets: Vec<String> = results.iter().map(target_line).collect();
    targets.dedup();
    Side {
        target: targets.join("; "),
        runs,
    }
}

/// All operations together first; then each that both sides have, if there are several.
fn metrics(base: &[RunResult], candidate: &[RunResult]) -> Vec<Metric> {
    let has = |result: &RunResult, label: &str| result.plan.ops.iter().any(|op| op.label == label);
    let ops = &base[0].plan.ops;
    let mut subjects = vec![None];
    if ops.len() > 1 {
        let common = ops.iter().filter(|op| {
            base.iter()
                .chain(candidate)
                .all(|result| has(result, &op.label))
        });
        subjects.extend(common.map(|op| Some(op.label.clone())));
    }
    subjects
        .into_iter()
        .flat_map(|op| {
            Figure::ALL.map(|figure| Metric {
                op: op.clone(),
                figure,
            })
        })
        .collect()
}

fn finding(metric: Metric, base: &[Observation<'_>], candidate: &[Observation<'_>]) -> Finding {
    let values = |side: &[Observation<'_>]| -> Vec<f64> {
        side.iter()
            .filter_map(|seen| {
                let (record, in_time) = match &metric.op {
                    None => (&seen.all, seen.in_time.iter().sum()),
                    Some(op) => {
                        let index = seen.labels.iter().position(|label| label == op)?;
                        (seen.ops.get(index)?, *seen.in_time.get(index)?)
                    }
                };
                metric.figure.of(record, in_time, seen.run)
            })
            .collect()
    };
    let (below, above) = (values(base), values(candidate));
    let (base, candidate) = (median(&below), median(&above));
    let enough = below.len() >= RUNS_MIN && above.len() >= RUNS_MIN;
    let estimate = match (base, candidate) {
        (Some(base), Some(candidate)) if base > 0.0 => Some(Estimate {
            ratio: candidate / base,
            interval: if enough {
                ratio_interval(&below, &above)
            } else {
                None
            },
        }),
        _ => None,
    };
    Finding {
        outcome: outcome(metric.figure, estimate),
        metric,
        base,
        candidate,
        estimate,
    }
}

fn outcome(figure: Figure, estimate: Option<Estimate>) -> Outcome {
    let Some(estimate) = estimate else {
        return Outcome::NotMeasured;
    };
    match estimate.interval {
        None => Outcome::TooFewRuns,
        Some((low, high)) if low <= 1.0 && high >= 1.0 => Outcome::NoDifference,
        Some((low, _)) if (low > 1.0) == figure.more_is_better() => Outcome::Faster,
        Some(_) => Outcome::Slower,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::result::example;

    /// `runs` runs of the same operations in `tenths` tenths of their time, which wobbles by a per
    /// mille.
    pub(crate) fn side_of(runs: u32, tenths: u64) -> Vec<RunResult> {
        let mut result = example::result();
        result.runs = (0..runs)
            .map(|i| {
                let mut run = example::recording();
                let factor = tenths as f64 / 10.0;
                run.measured_s = factor * (2.0 + f64::from(i) * 0.002);
                run.interval_ms = 100 * tenths;
                run
            })
            .collect();
        vec![result]
    }

    fn throughput(comparison: &Comparison) -> &Finding {
        &comparison.findings[0]
    }

    #[test]
    fn with_five_runs_a_side_there_is_a_verdict() {
        let comparison = compare(&side_of(5, 10), &side_of(5, 5), false).unwrap();
        assert_eq!(throughput(&comparison).outcome, Outcome::Faster);
        let estimate = throughput(&comparison).estimate.unwrap();
        assert!((estimate.ratio - 2.0).abs() < 0.01, "{estimate:?}");
        let comparison = compare(&side_of(5, 5), &side_of(6, 10), false).unwrap();
        assert_eq!(throughput(&comparison).outcome, Outcome::Slower);
        assert_eq!((comparison.base.runs, comparison.candidate.runs), (5, 6));
        let comparison = compare(&side_of(5, 10), &side_of(5, 10), false).unwrap();
        assert!(
            comparison
                .findings
                .iter()
                .all(|f| f.outcome == Outcome::NoDifference)
        );
    }

    #[test]
    fn a_smaller_time_is_faster() {
        let estimate = Some(Estimate {
            ratio: 0.5,
            interval: Some((0.4, 0.6)),
        });
        assert_eq!(outcome(Figure::ResponseP99, estimate), Outcome::Faster);
        assert_eq!(outcome(Figure::Throughput, estimate), Outcome::Slower);
        assert_eq!(outcome(Figure::Throughput, None), Outcome::NotMeasured);
    }

    #[test]
    fn fewer_runs_give_a_ratio_and_no_verdict() {
        let comparison = compare(&side_of(4, 10), &side_of(9, 5), false).unwrap();
        let finding = throughput(&comparison);
        assert_eq!(finding.outcome, Outcome::TooFewRuns);
        assert!(finding.estimate.unwrap().interval.is_none());
    }

    #[test]
    fn different_loads_are_refused_with_their_keys() {
        let mut other = side_of(5, 10);
        other[0].plan.load.sessions = 99;
        other[0].plan.target.voters = 7;
        let error = compare(&side_of(5, 10), &other, false).unwrap_err();
        assert!(
            error.to_string().contains("load.sessions: 15 and 99"),
            "{error}"
        );
        assert!(
            !error.to_string().contains("voters"),
            "the target may differ: {error}"
        );
        let forced = compare(&side_of(5, 10), &other, true).unwrap();
        assert_eq!(forced.objections.len(), 1);
    }

    #[test]
    fn invalid_runs_are_refused_with_their_reasons() {
        let mut invalid = side_of(5, 10);
        invalid[0].verdict = crate::result::Verdict::Invalid {
            reasons: vec!["the generator was the bottleneck".into()],
        };
        let error = compare(&invalid, &side_of(5, 10), false).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("base (bundled) is invalid") && text.contains("bottleneck"),
            "{text}"
        );
        assert!(compare(&invalid, &side_of(5, 10), true).is_ok());
        let nothing = compare(&[], &side_of(1, 10), true).unwrap_err();
        assert_eq!(nothing, CompareError::Nothing { side: "base" });
    }

    #[test]
    fn several_operations_are_compared_apart_too() {
        let mut results = side_of(5, 10);
        let mut get = results[0].plan.ops[0].clone();
        get.label = "get".into();
        results[0].plan.ops.push(get);
        let comparison = compare(&results, &results, false).unwrap();
        assert_eq!(comparison.findings.len(), 12);
        assert_eq!(comparison.findings[4].metric.name(), "set: throughput");
        assert_eq!(
            comparison.findings[9].outcome,
            Outcome::NotMeasured,
            "get never ran"
        );
    }
}
