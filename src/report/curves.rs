//! The figures of a result: percentiles, throughput over time, response time over time.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::figure::{Axis, Figure, Ink, Mark, Series, Stroke};
use super::summary::Summary;
use crate::measure::{Histogram, Interval, Recording};
use crate::result::{RunResult, asked_per_s};

/// Operations drawn apart; with more of them, plots show all together.
const OPS_MAX: usize = 4;
/// Points kept of a percentile curve.
const CURVE_POINTS_MAX: usize = 600;
/// Labels wanted on an axis of time.
const TIME_TICKS: f64 = 8.0;

/// All figures of a result. Empty ones (nothing measured) have no series.
pub(crate) fn figures(summary: &Summary<'_>) -> Vec<Figure> {
    vec![
        percentiles(summary),
        throughput(summary.result),
        response_over_time(summary.result),
    ]
}

/// What is drawn apart: each operation with its own colour, or all together when there are many.
fn lanes(result: &RunResult) -> Vec<(String, Ink, Lane)> {
    let ops = &result.plan.ops;
    if ops.len() > OPS_MAX {
        return vec![("all operations".to_owned(), Ink::Series(0), Lane::All)];
    }
    ops.iter()
        .enumerate()
        .map(|(index, op)| (op.label.clone(), Ink::Series(index), Lane::Op(index)))
        .collect()
}

/// What a curve is about.
#[derive(Clone, Copy, Debug)]
enum Lane {
    /// All operations merged.
    All,
    /// The operation of this index.
    Op(usize),
}

fn percentiles(summary: &Summary<'_>) -> Figure {
    let mut series = Vec::new();
    let mut count = 0;
    for (label, ink, lane) in lanes(summary.result) {
        let record = match lane {
            Lane::All => &summary.all,
            Lane::Op(index) => &summary.ops[index].record,
        };
        count = count.max(record.response.count());
        let kinds = [
            ("response", Stroke::Solid, &record.response),
            ("service", Stroke::Dashed, &record.service),
        ];
        for (kind, stroke, histogram) in kinds {
            let points = percentile_curve(histogram);
            if !points.is_empty() {
                series.push(Series {
                    label: format!("{label} {kind}"),
                    ink,
                    stroke,
                    stretches: vec![points],
                });
            }
        }
    }
    let (low, high) = extent(&series);
    Figure {
        name: "percentiles",
        title: "Response and service time by percentile".to_owned(),
        caption: "Further right is rarer: each step to the right is ten times fewer operations. A response line above its \
                  service line is time spent waiting to be sent.",
        x: Axis::percentile(
            "share of operations, on the scale log(1 / (1 \u{2212} p))",
            count,
        ),
        y: Axis::log_duration("time", 10_f64.powf(low), 10_f64.powf(high)),
        series,
        marks: Vec::new(),
    }
}

/// Points (log10(1/(1-p)), log10(us)). A value's share is taken at the middle of its rank, so that
/// the largest one has a place on the axis.
#[expect(clippy::cast_precision_loss, reason = "a share of a count")]
fn percentile_curve(histogram: &Histogram) -> Vec<(f64, f64)> {
    let half_rank = 0.5 / histogram.count().max(1) as f64;
    let mut points: Vec<(f64, f64)> = Vec::new();
    let mut from = 0.0;
    for (value_us, to) in histogram.cumulative_us() {
        let y = value_us.max(1.0).log10();
        // A value held by many operations is a level stretch from its first to its last rank.
        for share in [from + half_rank, to - half_rank] {
            points.push((-(1.0 - share).max(1e-12).log10(), y));
        }
        from = to;
    }
    thinned(points)
}

/// Drops points that lie within a pixel of the last one kept.
fn thinned(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let Some(&(last_x, last_y)) = points.last() else {
        return points;
    };
    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    let nearest = last_x / CURVE_POINTS_MAX as f64;
    let mut kept: Vec<(f64, f64)> = Vec::new();
    for (x, y) in points {
        let far = kept
            .last()
            .is_none_or(|(kx, ky)| x - kx > nearest || y - ky > 0.01);
        if far {
            kept.push((x, y));
        }
    }
    kept.push((last_x, last_y));
    kept
}

/// Runs are laid one after the other; each starts where the one before ended.
fn offsets(result: &RunResult) -> Vec<f64> {
    result
        .runs
        .iter()
        .scan(0.0, |end, run| {
            let start = *end;
            *end += run.measured_s;
            Some(start)
        })
        .collect()
}

fn throughput(result: &RunResult) -> Figure {
    let rate = |run: &Recording, interval: &Interval, lane: Lane| {
        let ok: u64 = match lane {
            Lane::All => interval.ops.iter().map(|record| record.acknowledged).sum(),
            Lane::Op(index) => interval
                .ops
                .get(index)
                .map_or(0, |record| record.acknowledged),
        };
        #[expect(clippy::cast_precision_loss, reason = "a count below 2^53")]
        Some(ok as f64 / run.interval_s(interval.index))
    };
    let mut series = Vec::new();
    let lanes = lanes(result);
    let several = lanes.len() > 1;
    for (label, ink, lane) in lanes {
        let stroke = if several { Stroke::Solid } else { Stroke::Area };
        let one = |run: &Recording, interval: &Interval| rate(run, interval, lane);
        push(&mut series, &label, ink, stroke, over_time(result, one));
    }
    if several {
        let all = |run: &Recording, interval: &Interval| rate(run, interval, Lane::All);
        push(
            &mut series,
            "all",
            Ink::Text,
            Stroke::Solid,
            over_time(result, all),
        );
    }
    let asked = |run: &Recording, interval: &Interval| asked_within(result, run, interval);
    push(
        &mut series,
        "asked",
        Ink::Muted,
        Stroke::Dashed,
        over_time(result, asked),
    );
    let (_, high) = extent(&series);
    Figure {
        name: "throughput",
        title: "Throughput over time".to_owned(),
        caption: "Operations acknowledged per second, by recording interval.",
        x: time_axis(result),
        y: Axis::linear("operations per second", high * 1.02, 5.0, true),
        series,
        marks: marks(result),
    }
}

/// The rate asked within one interval.
fn asked_within(result: &RunResult, run: &Recording, interval: &Interval) -> Option<f64> {
    let length_s = run.interval_s(interval.index);
    if length_s <= 0.0 {
        return None;
    }
    let from_s = f64::from(interval.index) * full_interval_s(run);
    let until = |seconds: f64| match asked_per_s(&result.plan.load, seconds) {
        Some(rate) => Some(rate * seconds),
        None if seconds <= 0.0 => Some(0.0),
        None => None,
    };
    asked_per_s(&result.plan.load, length_s)?;
    Some((until(from_s + length_s)? - until(from_s)?) / length_s)
}

fn response_over_time(result: &RunResult) -> Figure {
    let mut series = Vec::new();
    for (label, ink, lane) in lanes(result) {
        for (name, quantile, stroke) in [("p99", 0.99, Stroke::Solid), ("p50", 0.5, Stroke::Dashed)]
        {
            let figure = |_: &Recording, interval: &Interval| {
                let us = match lane {
                    Lane::All => interval.all().response.quantile_us(quantile),
                    Lane::Op(index) => interval.ops.get(index)?.response.quantile_us(quantile),
                };
                us.map(|us| us.max(1.0).log10())
            };
            let label = format!("{label} {name}");
            push(&mut series, &label, ink, stroke, over_time(result, figure));
        }
    }
    let (low, high) = extent(&series);
    Figure {
        name: "response-time",
        title: "Response time over time".to_owned(),
        caption: "Median and 99th percentile of the operations that were done within each recording interval.",
        x: time_axis(result),
        y: Axis::log_duration("response time", 10_f64.powf(low), 10_f64.powf(high)),
        series,
        marks: marks(result),
    }
}

/// A level stretch per interval, joined where intervals follow each other within a run.
fn over_time(
    result: &RunResult,
    figure: impl Fn(&Recording, &Interval) -> Option<f64>,
) -> Vec<Vec<(f64, f64)>> {
    let mut stretches: Vec<Vec<(f64, f64)>> = Vec::new();
    for (run, offset) in result.runs.iter().zip(offsets(result)) {
        let mut open = false;
        for interval in &run.intervals {
            let length_s = run.interval_s(interval.index);
            let measured = length_s > 0.0;
            let Some(y) = measured.then(|| figure(run, interval)).flatten() else {
                open = false;
                continue;
            };
            if !open {
                stretches.push(Vec::new());
                open = true;
            }
            let from = offset + f64::from(interval.index) * full_interval_s(run);
            if let Some(stretch) = stretches.last_mut() {
                stretch.extend([(from, y), (from + length_s, y)]);
            }
        }
    }
    stretches
}

fn push(
    series: &mut Vec<Series>,
    label: &str,
    ink: Ink,
    stroke: Stroke,
    stretches: Vec<Vec<(f64, f64)>>,
) {
    if !stretches.is_empty() {
        series.push(Series {
            label: label.to_owned(),
            ink,
            stroke,
            stretches,
        });
    }
}

fn time_axis(result: &RunResult) -> Axis {
    let label = if result.runs.len() > 1 {
        "seconds measured, the runs one after the other"
    } else {
        "seconds since the start of the measured phase"
    };
    Axis::span(label, result.measured_s(), TIME_TICKS)
}

/// Borders between runs, and events.
#[expect(clippy::cast_precision_loss, reason = "milliseconds within a run")]
fn marks(result: &RunResult) -> Vec<Mark> {
    let mut marks = Vec::new();
    for (run, offset) in result.runs.iter().zip(offsets(result)) {
        if offset > 0.0 {
            marks.push(Mark {
                at: offset,
                ink: Ink::Axis,
            });
        }
        let events = run.events.iter().map(|event| event.at_ns as f64 / 1e9);
        marks.extend(
            events
                .filter(|at| (0.0..=run.measured_s).contains(at))
                .map(|at| Mark {
                    at: offset + at,
                    ink: Ink::Mark,
                }),
        );
    }
    marks
}

fn full_interval_s(run: &Recording) -> f64 {
    f64::from(u32::try_from(run.interval_ms).unwrap_or(u32::MAX)) / 1_000.0
}

/// Smallest and largest y; 0 and 1 when there is none.
fn extent(series: &[Series]) -> (f64, f64) {
    let ys = series
        .iter()
        .flat_map(|s| s.stretches.iter().flatten())
        .map(|(_, y)| *y);
    ys.fold(None, |extent: Option<(f64, f64)>, y| {
        Some(extent.map_or((y, y), |(low, high)| (low.min(y), high.max(y))))
    })
    .unwrap_or((0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_curve_rises_and_ends_at_the_largest_value() {
        let mut histogram = Histogram::new();
        for us in 1..=10_000 {
            histogram.record_ns(us * 1_000);
        }
        let points = percentile_curve(&histogram);
        assert!(points.len() < 2 * CURVE_POINTS_MAX);
        assert!(
            points
                .windows(2)
                .all(|w| w[0].0 <= w[1].0 && w[0].1 <= w[1].1)
        );
        let (x, y) = points[points.len() - 1];
        assert!((y - 4.0).abs() < 0.001, "10 ms");
        assert!((x - 20_000_f64.log10()).abs() < 0.001);
        let median = points.iter().find(|(x, _)| *x >= 2_f64.log10()).unwrap();
        assert!(
            (10_f64.powf(median.1) - 5_000.0).abs() < 100.0,
            "{median:?}"
        );
    }
}
