//! The figure of response and service time by percentile.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::curves::{drawn_lanes, extent, panels};
use super::figure::{Axis, Figure, Ink, Series, Stroke};
use super::resolution;
use super::summary::Summary;
use crate::measure::Histogram;
use crate::result::Resolution;

/// Approximate number of points kept of a curve.
const POINTS_MAX: usize = 600;

pub(super) fn percentiles(summary: &Summary<'_>) -> Figure {
    let mut of_lanes = Vec::new();
    let mut count = 0;
    let mut below = false;
    for (lane, ink) in drawn_lanes(summary) {
        let record = lane.merged(|op| Some(&summary.ops[op].record));
        count = count.max(record.response.count());
        let kinds = [
            ("response", Stroke::Solid, &record.response),
            ("service", Stroke::Dashed, &record.service),
        ];
        let mut series = Vec::new();
        for (kind, stroke, histogram) in kinds {
            below |= resolution::is_below(histogram, summary.resolution);
            let points = curve(histogram);
            if !points.is_empty() {
                series.push(Series {
                    label: kind.to_owned(),
                    ink,
                    stroke,
                    whiskers: Vec::new(),
                    stretches: vec![points],
                });
            }
        }
        of_lanes.push((lane, series));
    }
    let mut panels = panels(of_lanes);
    if let Some(found) = summary.resolution.filter(|_| below) {
        for panel in &mut panels {
            panel.series.push(floor(found));
        }
    }
    let (low, high) = extent(&panels);
    let mut caption = "From 90 % on, each labelled step to the right leaves a tenth of the operations. Response time counts \
                       from the intended start, service time from the moment of sending; what lies between the two lines is \
                       waiting: blocked by the target, or late by the generator."
        .to_owned();
    if below {
        caption += " Below the thin grey line this machine cannot tell a server from one that does nothing.";
    }
    Figure {
        name: "percentiles".to_owned(),
        title: "Response and service time by percentile".to_owned(),
        caption,
        x: Axis::percentile(
            "share of operations, on the scale log(1 / (1 \u{2212} p))",
            count,
        ),
        y: Axis::log_duration("time", 10_f64.powf(low), 10_f64.powf(high)),
        panels,
        marks: Vec::new(),
        bands: Vec::new(),
    }
}

/// The response time of a server that does nothing, up to its 99th percentile.
fn floor(found: Resolution) -> Series {
    let point = |share: f64, us: f64| (-(1.0 - share).log10(), us.max(1.0).log10());
    Series {
        label: "a server that does nothing".to_owned(),
        ink: Ink::Muted,
        stroke: Stroke::Thin,
        whiskers: Vec::new(),
        stretches: vec![vec![
            point(0.0, found.response_p50_us),
            point(0.5, found.response_p50_us),
            point(0.99, found.response_p99_us),
        ]],
    }
}

/// Returns the points (log10(1/(1-p)), log10(us)). The share of a value is taken at the middle of its rank, so
/// the largest value has a place on the axis.
#[expect(clippy::cast_precision_loss, reason = "a share of a count")]
fn curve(histogram: &Histogram) -> Vec<(f64, f64)> {
    let half_rank = 0.5 / histogram.count().max(1) as f64;
    let mut points: Vec<(f64, f64)> = Vec::new();
    let mut from = 0.0;
    for (value_us, to) in histogram.cumulative_us() {
        let y = value_us.max(1.0).log10();
        // A value of several operations is a level line from its first to its last rank.
        for share in [from + half_rank, to - half_rank] {
            points.push((-(1.0 - share).max(1e-12).log10(), y));
        }
        from = to;
    }
    thinned(points)
}

/// Drops points that lie within about a pixel of the last point kept.
fn thinned(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let Some(&(last_x, last_y)) = points.last() else {
        return points;
    };
    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    let nearest = last_x / POINTS_MAX as f64;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::example;

    #[test]
    fn a_curve_rises_and_ends_at_the_largest_value() {
        let mut histogram = Histogram::new();
        for us in 1..=10_000 {
            histogram.record_ns(us * 1_000);
        }
        let points = curve(&histogram);
        assert!(points.len() < 2 * POINTS_MAX);
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

    #[test]
    fn the_resolution_is_drawn_where_a_figure_is_below_it() {
        let mut result = example::result();
        let mut curves = |p50_us: f64| {
            result.environment = example::calibrated(p50_us, 90.0);
            let figure = percentiles(&Summary::new(&result));
            figure.panels[0].series.len()
        };
        assert_eq!(curves(34.0), 2);
        assert_eq!(curves(1_800.0), 3);
    }
}
