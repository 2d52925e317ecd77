//! Gates: limits that a plan sets. They decide the exit status.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde::{Deserialize, Serialize};

use crate::measure::{OpRecord, Recording};
use crate::workload::{Gates, Plan};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GateOutcome {
    /// Key in the workload file: `p99_ms`, or `get.p99_ms` for one operation.
    pub name: String,
    /// Limit in the unit of the key.
    pub limit: f64,
    /// Measured value; `None` if nothing was measured.
    pub actual: Option<f64>,
    /// Whether `actual` is within `limit`. A missing value fails.
    pub passed: bool,
}

/// The figures that gates are compared with: those of all operations or of one.
struct Measured<'a> {
    record: &'a OpRecord,
    acknowledged: u64,
    measured_s: f64,
}

/// Compares the gates with all runs together: merged histograms, total counts, total time. The
/// names of an operation's gates start with its label: `get.p99_ms`.
pub(super) fn gates(plan: &Plan, runs: &[Recording], all: &OpRecord) -> Vec<GateOutcome> {
    let measured_s: f64 = runs.iter().map(|run| run.measured_s).sum();
    let everything = Measured {
        record: all,
        acknowledged: runs.iter().map(Recording::acknowledged).sum(),
        measured_s,
    };
    let mut outcomes = judge(&plan.gates, "", &everything);
    if let Some(limit) = plan.gates.lost {
        let name = "lost".to_owned();
        let limit = float(limit);
        outcomes.push(outcome(name, limit, lost(runs), |actual| actual <= limit));
    }
    for (label, limits) in &plan.gates.ops {
        let op = plan.ops.iter().position(|op| op.label == *label);
        let mut record = OpRecord::default();
        let mut acknowledged = 0;
        for run in runs {
            if let Some(own) = op.and_then(|op| run.totals().into_iter().nth(op)) {
                record.merge(&own);
                acknowledged += own.acknowledged;
            }
        }
        let own = Measured {
            record: &record,
            acknowledged,
            measured_s,
        };
        outcomes.extend(judge(limits, &format!("{label}."), &own));
    }
    outcomes
}

/// Returns the lost writes of all runs; `None` if the writes of a run were not read back.
fn lost(runs: &[Recording]) -> Option<f64> {
    let of_run = |run: &Recording| {
        let verified = run.verified.as_ref()?;
        (verified.writes > 0 || verified.unverifiable == 0).then_some(verified.lost)
    };
    let lost: Option<u64> = runs.iter().map(of_run).sum();
    lost.filter(|_| !runs.is_empty()).map(float)
}

fn judge(limits: &Gates, prefix: &str, measured: &Measured<'_>) -> Vec<GateOutcome> {
    let ms = |us: Option<f64>| us.map(|us| us / 1_000.0);
    let Measured {
        record,
        acknowledged,
        measured_s,
    } = *measured;
    let response = &record.response;
    let total = record.counts.total();
    let failed_share = (total > 0).then(|| float(record.counts.failed()) / float(total));
    let throughput = (measured_s > 0.0).then(|| float(acknowledged) / measured_s);
    let at_most = [
        ("p50_ms", limits.p50_ms, ms(response.p50_us())),
        ("p90_ms", limits.p90_ms, ms(response.p90_us())),
        ("p95_ms", limits.p95_ms, ms(response.quantile_us(0.95))),
        ("p99_ms", limits.p99_ms, ms(response.p99_us())),
        ("p999_ms", limits.p999_ms, ms(response.p999_us())),
        ("max_ms", limits.max_ms, ms(response.max_us())),
        ("late_p99_ms", limits.late_p99_ms, ms(record.late.p99_us())),
        ("error_ratio", limits.error_ratio, failed_share),
    ];
    let mut outcomes: Vec<GateOutcome> = at_most
        .into_iter()
        .filter_map(|(name, limit, actual)| {
            limit.map(|limit| {
                outcome(format!("{prefix}{name}"), limit, actual, |actual| {
                    actual <= limit
                })
            })
        })
        .collect();
    if let Some(limit) = limits.throughput_per_s {
        let name = format!("{prefix}throughput_per_s");
        outcomes.push(outcome(name, limit, throughput, |actual| actual >= limit));
    }
    outcomes
}

fn outcome(
    name: String,
    limit: f64,
    actual: Option<f64>,
    keeps: impl Fn(f64) -> bool,
) -> GateOutcome {
    GateOutcome {
        name,
        limit,
        actual,
        passed: actual.is_some_and(keeps),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count below 2^53")]
fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Verified;
    use crate::result::run_result::example;

    fn judged(change: impl FnOnce(&mut Plan, &mut Recording)) -> Vec<GateOutcome> {
        let (mut plan, mut recording) = (example::plan(), example::recording());
        change(&mut plan, &mut recording);
        let all = recording.all();
        gates(&plan, &[recording], &all)
    }

    #[test]
    fn each_percentile_is_compared_with_its_own_gate() {
        let (plan, recording) = (example::plan(), example::recording());
        let response = recording.all().response;
        let percentiles = [
            ("p50_ms", 0.50),
            ("p90_ms", 0.90),
            ("p95_ms", 0.95),
            ("p99_ms", 0.99),
            ("p999_ms", 0.999),
            ("max_ms", 1.0),
        ];
        let outcomes = judged(|limits, _| {
            let limit = Some(1.0);
            limits.gates = Gates {
                p50_ms: limit,
                p90_ms: limit,
                p95_ms: limit,
                p99_ms: limit,
                p999_ms: limit,
                max_ms: limit,
                ..plan.gates.clone()
            };
        });
        for (outcome, (name, quantile)) in outcomes.iter().zip(percentiles) {
            let actual = response.quantile_us(quantile).map(|us| us / 1_000.0);
            assert_eq!((outcome.name.as_str(), outcome.actual), (name, actual));
            assert_eq!(outcome.passed, actual.is_some_and(|ms| ms <= 1.0));
        }
        assert!(outcomes.len() >= percentiles.len());
    }

    #[test]
    fn a_gate_fails_above_its_limit_or_without_a_value() {
        let set = |plan: &mut Plan| {
            plan.gates.p99_ms = Some(5.0);
            plan.gates.p50_ms = Some(0.5);
            plan.gates.error_ratio = Some(0.0);
            plan.gates.throughput_per_s = Some(1_000.0);
        };
        let outcomes = judged(|plan, _| set(plan));
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
        });
        assert!(outcomes.iter().all(|gate| !gate.passed));
        assert_eq!(outcomes[0].actual, None);
    }

    #[test]
    fn a_gate_of_one_operation_ignores_the_others() {
        let second = |plan: &mut Plan, run: &mut Recording| {
            let mut get = plan.ops[0].clone();
            get.label = "get".into();
            plan.ops.push(get);
            for interval in &mut run.intervals {
                interval.ops.truncate(1);
                interval.ops.push(OpRecord::default());
            }
        };
        let alone = judged(|plan, _| plan.gates.p99_ms = Some(1.0));
        let limits = Gates {
            p99_ms: Some(1.0),
            late_p99_ms: Some(1_000.0),
            throughput_per_s: Some(1e9),
            ..Gates::default()
        };
        let outcomes = judged(|plan, run| {
            second(plan, run);
            plan.gates.ops.insert("set".into(), limits.clone());
            plan.gates.ops.insert("get".into(), limits.clone());
        });
        let told: Vec<(&str, bool, bool)> = outcomes
            .iter()
            .map(|gate| (gate.name.as_str(), gate.actual.is_some(), gate.passed))
            .collect();
        assert_eq!(
            told,
            [
                // The get has no values, except that none of it was acknowledged.
                ("get.p99_ms", false, false),
                ("get.late_p99_ms", false, false),
                ("get.throughput_per_s", true, false),
                ("set.p99_ms", true, alone[0].passed),
                ("set.late_p99_ms", true, true),
                ("set.throughput_per_s", true, false),
            ]
        );
        assert_eq!(outcomes[2].actual, Some(0.0));
        assert_eq!(outcomes[3].actual, alone[0].actual);
    }

    #[test]
    fn lost_writes_have_a_gate_that_fails_unless_the_writes_were_read_back() {
        let with = |verified: Option<Verified>| {
            let outcomes = judged(|plan, run| {
                plan.gates.lost = Some(0);
                run.verified = verified;
            });
            (outcomes[0].actual, outcomes[0].passed)
        };
        let verified = |lost| Verified {
            writes: 9,
            lost,
            ..Verified::default()
        };
        assert_eq!(with(Some(verified(0))), (Some(0.0), true));
        assert_eq!(with(Some(verified(1))), (Some(1.0), false));
        assert_eq!(with(None), (None, false));
        let unread = Verified {
            unverifiable: 9,
            ..Verified::default()
        };
        assert_eq!(with(Some(unread)), (None, false));
    }

    #[test]
    fn lateness_has_its_own_gate() {
        let late = example::recording().all().late.p99_us().unwrap() / 1_000.0;
        for (limit, passed) in [(late, true), (late * 0.99, false)] {
            let outcomes = judged(|plan, _| plan.gates.late_p99_ms = Some(limit));
            assert_eq!(outcomes[0].name, "late_p99_ms");
            assert_eq!(outcomes[0].actual, Some(late));
            assert_eq!(outcomes[0].passed, passed, "{late} of {limit}");
        }
    }
}
