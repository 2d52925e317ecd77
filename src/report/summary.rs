//! The figures of a result, all runs merged: what every format lays out.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::measure::{Histogram, OpRecord};
use crate::result::{RunResult, asked_per_s, error_name};

/// A result's figures.
#[derive(Debug)]
pub(crate) struct Summary<'a> {
    /// Where they come from.
    pub result: &'a RunResult,
    /// All runs' measured phases together, seconds.
    pub measured_s: f64,
    /// Asked rate, where the plan asks for one.
    pub asked_per_s: Option<f64>,
    /// Acknowledged operations per second.
    pub throughput_per_s: Option<f64>,
    /// All operations merged.
    pub all: OpRecord,
    /// Per operation of the plan.
    pub ops: Vec<OpSummary<'a>>,
}

/// One operation's figures.
#[derive(Debug)]
pub(crate) struct OpSummary<'a> {
    /// Its label.
    pub label: &'a str,
    /// Acknowledged operations per second.
    pub throughput_per_s: Option<f64>,
    /// Histograms and counts.
    pub record: OpRecord,
}

/// The figures of one kind of time, microseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// Arithmetic mean.
    pub mean: f64,
    /// p50, p90, p99, p99.9, maximum.
    pub quantiles: [f64; 5],
}

impl Times {
    /// `None` for an empty histogram.
    pub(crate) fn of(histogram: &Histogram) -> Option<Self> {
        Some(Self {
            mean: histogram.mean_us()?,
            quantiles: histogram.quantiles_us([0.5, 0.9, 0.99, 0.999, 1.0])?,
        })
    }
}

impl<'a> Summary<'a> {
    /// Merges the runs.
    pub(crate) fn new(result: &'a RunResult) -> Self {
        let measured_s = result.measured_s();
        let acknowledged = result.acknowledged_per_op();
        let ops: Vec<OpSummary<'a>> = result
            .plan
            .ops
            .iter()
            .zip(result.totals())
            .zip(&acknowledged)
            .map(|((op, record), acknowledged)| OpSummary {
                label: &op.label,
                throughput_per_s: rate(*acknowledged, measured_s),
                record,
            })
            .collect();
        let mut all = OpRecord::default();
        ops.iter().for_each(|op| all.merge(&op.record));
        Self {
            result,
            measured_s,
            asked_per_s: asked(result, measured_s),
            throughput_per_s: rate(acknowledged.iter().sum(), measured_s),
            all,
            ops,
        }
    }
}

/// Every run asks for the same from its start; the mean weighs each by its length.
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

#[expect(clippy::cast_precision_loss, reason = "a count below 2^53")]
fn rate(count: u64, seconds: f64) -> Option<f64> {
    (seconds > 0.0).then(|| count as f64 / seconds)
}

/// `NoNode 3, ConnectionLoss 1, unknown 2`: everything that was not acknowledged; empty when all was.
pub(crate) fn failures(record: &OpRecord) -> String {
    let counts = &record.counts;
    let mut parts: Vec<String> = counts
        .errors
        .iter()
        .map(|(code, count)| format!("{} {}", error_name(*code), super::count(*count)))
        .collect();
    let others = [
        ("unknown", counts.unknown),
        ("timed out", counts.timed_out),
        ("not sent", counts.not_sent),
    ];
    parts.extend(
        others
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(name, count)| format!("{name} {}", super::count(count))),
    );
    parts.join(", ")
}
