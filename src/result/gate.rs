//! The conditions that a plan sets, and whether they were met: they decide the exit status.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde::{Deserialize, Serialize};

use crate::measure::{OpRecord, Recording};
use crate::workload::Plan;

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

/// Gates look at all runs together: merged histograms, total counts, total time.
pub(super) fn gates(plan: &Plan, runs: &[Recording], all: &OpRecord) -> Vec<GateOutcome> {
    let ms = |us: Option<f64>| us.map(|us| us / 1_000.0);
    let measured_s: f64 = runs.iter().map(|run| run.measured_s).sum();
    let acknowledged = runs.iter().map(Recording::acknowledged).sum();
    let total = all.counts.total();
    let failed_share = (total > 0).then(|| float(all.counts.failed()) / float(total));
    let throughput = (measured_s > 0.0).then(|| float(acknowledged) / measured_s);
    let asked = &plan.gates;
    let at_most = [
        ("p50_ms", asked.p50_ms, ms(all.response.p50_us())),
        ("p90_ms", asked.p90_ms, ms(all.response.p90_us())),
        ("p95_ms", asked.p95_ms, ms(all.response.quantile_us(0.95))),
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

#[expect(clippy::cast_precision_loss, reason = "a count below 2^53")]
fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::run_result::example;

    fn judged(change: impl FnOnce(&mut Plan, &mut Recording)) -> Vec<GateOutcome> {
        let (mut plan, mut recording) = (example::plan(), example::recording());
        change(&mut plan, &mut recording);
        let all = recording.all();
        gates(&plan, &[recording], &all)
    }

    #[test]
    fn each_percentile_is_held_to_its_own_gate() {
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
        let outcomes = judged(|asked, _| {
            let limit = Some(1.0);
            asked.gates = crate::workload::Gates {
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
    fn gates_pass_fail_and_fail_when_there_is_no_figure() {
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
}
