//! The figures of a result, merged over all runs. Every format uses them.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::failover::Failover;
use super::servers::Servers;
use super::silence::{Silence, silences};
use crate::measure::{Histogram, OpRecord};
use crate::result::{Resolution, RunResult, asked_per_s};

#[derive(Debug)]
pub(crate) struct Summary<'a> {
    pub result: &'a RunResult,
    /// Length of all measured phases in seconds.
    pub measured_s: f64,
    /// The rate of the plan; `None` for a closed loop.
    pub asked_per_s: Option<f64>,
    /// Operations acknowledged in the measured phases.
    pub acknowledged: u64,
    pub throughput_per_s: Option<f64>,
    /// All operations merged.
    pub all: OpRecord,
    /// Per operation of the plan.
    pub ops: Vec<OpSummary<'a>>,
    /// By server and by role.
    pub servers: Servers,
    /// The response times of a server that does nothing, from the calibration.
    pub resolution: Option<Resolution>,
    /// Periods in which operations waited and none was acknowledged.
    pub silences: Vec<Silence>,
    /// What the faults of the plan did.
    pub failover: Failover,
}

/// The figures of one operation.
#[derive(Debug)]
pub(crate) struct OpSummary<'a> {
    pub label: &'a str,
    pub throughput_per_s: Option<f64>,
    pub record: OpRecord,
}

/// The figures of one kind of time in microseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub mean: f64,
    pub p50: f64,
    pub p90: f64,
    pub p95: f64,
    pub p99: f64,
    /// `None` if fewer than ten durations lie beyond it.
    pub p999: Option<f64>,
    /// `None` if fewer than ten durations lie beyond it.
    pub p9999: Option<f64>,
    /// Exact.
    pub max: f64,
}

impl Times {
    /// Returns `None` for an empty histogram.
    pub(crate) fn of(histogram: &Histogram) -> Option<Self> {
        let [p50, p90, p95, p99] = histogram.quantiles_us([0.5, 0.9, 0.95, 0.99])?;
        Some(Self {
            mean: histogram.mean_us()?,
            p50,
            p90,
            p95,
            p99,
            p999: histogram.supported_p999_us(),
            p9999: histogram.supported_p9999_us(),
            max: histogram.max_us()?,
        })
    }
}

impl<'a> Summary<'a> {
    pub(crate) fn new(result: &'a RunResult) -> Self {
        let measured_s = result.measured_s();
        let mut all = OpRecord::default();
        let ops: Vec<OpSummary<'a>> = result
            .plan
            .ops
            .iter()
            .zip(result.totals())
            .map(|(op, record)| {
                all.merge(&record);
                OpSummary {
                    label: &op.label,
                    throughput_per_s: rate(record.acknowledged, measured_s),
                    record,
                }
            })
            .collect();
        Self {
            result,
            measured_s,
            asked_per_s: asked(result, measured_s),
            acknowledged: all.acknowledged,
            throughput_per_s: rate(all.acknowledged, measured_s),
            all,
            ops,
            servers: Servers::of(result),
            resolution: result.environment.resolution(),
            silences: silences(result),
            failover: Failover::of(result),
        }
    }

    /// Returns the acknowledged operations per second of processor time of all servers; `None`
    /// unless the processor time of every server is known.
    pub(crate) fn per_server_cpu_s(&self) -> Option<f64> {
        rate(self.acknowledged, self.servers.cpu_s()?)
    }

    /// Returns the busy share of this machine's processors in the run in which it was the largest; `None` if it is
    /// unknown.
    pub(crate) fn processors_busy(&self) -> Option<f64> {
        let known = self
            .result
            .runs
            .iter()
            .filter_map(|run| run.processors_busy);
        known.max_by(f64::total_cmp)
    }
}

/// Returns the planned rate, averaged over the runs by their lengths. A run that was cut short only
/// had the beginning of the schedule.
fn asked(result: &RunResult, measured_s: f64) -> Option<f64> {
    let operations: Option<f64> = result
        .runs
        .iter()
        .filter(|run| run.measured_s > 0.0)
        .map(|run| asked_per_s(&result.plan.load, run.measured_s).map(|rate| rate * run.measured_s))
        .sum();
    operations
        .filter(|_| measured_s > 0.0)
        .map(|operations| operations / measured_s)
}

/// Returns `count` per second; `None` for no time.
pub(crate) fn rate(count: u64, seconds: f64) -> Option<f64> {
    (seconds > 0.0).then(|| float(count) / seconds)
}

#[expect(clippy::cast_precision_loss, reason = "a count below 2^53")]
pub(crate) fn float(count: u64) -> f64 {
    count as f64
}

/// Returns the share of the due operations that were not acknowledged, 0..1; `None` if none was
/// due.
pub(crate) fn error_ratio(record: &OpRecord) -> Option<f64> {
    rate(record.counts.failed(), float(record.counts.total()))
}

/// Whether the target delayed any operation before it was sent.
pub(crate) fn was_blocked(record: &OpRecord) -> bool {
    record.blocked.max_us().is_some_and(|us| us > 0.0)
}

/// Lists the operations that were not acknowledged: `NoNode 3, ConnectionLoss 1, unknown 2`; empty
/// if there are none.
pub(crate) fn failures(record: &OpRecord) -> String {
    let counts = &record.counts;
    let mut parts: Vec<String> = counts
        .errors
        .iter()
        .map(|(name, count)| format!("{name} {}", super::count(*count)))
        .collect();
    let others = [
        ("refused", counts.refused),
        ("unknown", counts.unknown),
        ("timed out", counts.timed_out),
        ("no connection", counts.no_connection()),
        ("cap full", counts.cap_full),
        ("not issued", counts.not_issued),
    ];
    parts.extend(
        others
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(name, count)| format!("{name} {}", super::count(count))),
    );
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{ErrorNames, Outcome, Unsent};
    use crate::result::example;

    #[test]
    fn high_percentiles_are_withheld_and_the_maximum_is_exact() {
        let mut histogram = Histogram::new();
        histogram.record_n_ns(1_000_000, 9_999);
        let few = Times::of(&histogram).unwrap();
        assert_eq!((few.p999, few.p9999), (None, None));
        histogram.record_ns(7_654_321);
        let enough = Times::of(&histogram).unwrap();
        assert!(enough.p999.is_some() && enough.p9999.is_none());
        assert_eq!(enough.max.to_bits(), 7_654.321_f64.to_bits());
    }

    #[test]
    fn failures_list_every_outcome_but_ok() {
        let mut record = OpRecord::default();
        let mut names = ErrorNames::default();
        for outcome in [
            Outcome::Ok,
            Outcome::Error(names.intern("NoNode")),
            Outcome::Refused,
            Outcome::Unknown,
            Outcome::TimedOut,
            Outcome::NotSent(Unsent::NoConnection),
            Outcome::NotSent(Unsent::CapFull),
            Outcome::NotSent(Unsent::NotIssued),
        ] {
            record.counts.count(outcome, &names);
        }
        assert_eq!(
            failures(&record),
            "NoNode 1, refused 1, unknown 1, timed out 1, no connection 1, cap full 1, not issued 1"
        );
    }

    #[test]
    fn operations_that_were_ready_at_once_are_not_blocked() {
        let mut record = OpRecord::default();
        assert!(!was_blocked(&record));
        record.blocked.record_ns(0);
        assert!(!was_blocked(&record));
        record.blocked.record_ns(1);
        assert!(was_blocked(&record));
    }

    #[test]
    fn operations_per_cpu_second_need_the_time_of_every_server() {
        let mut result = example::result();
        // 2,000 operations at three servers that used 0.1 s each.
        let per_cpu = Summary::new(&result).per_server_cpu_s().unwrap();
        assert!((per_cpu - 2_000.0 / 0.3).abs() < 10.0, "{per_cpu}");
        result.runs[0].servers[1].cpu_s = None;
        assert_eq!(Summary::new(&result).per_server_cpu_s(), None);
        result.runs[0].servers.clear();
        assert_eq!(Summary::new(&result).per_server_cpu_s(), None);
    }
}
