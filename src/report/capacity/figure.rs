//! The figure of response time over rate.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use super::answer::conditions;
use super::knee::knee_per_s;
use crate::report::figure::{Axis, Figure, Ink, Panel, Series, Stroke};
use crate::report::human::{number, per_second};
use crate::result::{Capacity, CapacityStep};

/// A percentile of a run, microseconds.
type Percentile = fn(&CapacityStep) -> Option<f64>;

/// The percentiles drawn.
const PERCENTILES: [(&str, Percentile); 4] = [
    ("p50", |step| step.p50_us),
    ("p90", |step| step.p90_us),
    ("p99", |step| step.p99_us),
    ("p99.9", |step| step.p999_us),
];

/// Draws response time over the planned rate. Each point is the median of the runs at a rate.
pub(crate) fn figure(capacity: &Capacity) -> Figure {
    let mut series: Vec<Series> = (0..)
        .zip(PERCENTILES)
        .map(|(index, (name, of))| Series {
            label: name.to_owned(),
            ink: Ink::Series(index),
            stroke: Stroke::Solid,
            whiskers: Vec::new(),
            stretches: vec![curve(capacity, of)],
        })
        .collect();
    series.retain(|series| !series.stretches[0].is_empty());
    let drawn = || series.iter().flat_map(|series| &series.stretches[0]);
    let (low, high) = drawn().fold((f64::INFINITY, 1.0_f64), |(low, high), (_, log)| {
        (low.min(10_f64.powf(*log)), high.max(10_f64.powf(*log)))
    });
    let fastest = drawn().map(|(rate, _)| *rate).fold(1.0, f64::max);
    let x = Axis::linear("operations per second, planned", fastest, 8.0, true);
    let limits = capacity
        .conditions
        .iter()
        .filter_map(|condition| limit(&condition.name, condition.limit, &x));
    let limits: Vec<Series> = limits.collect();
    let (low, high) = limits.iter().fold((low, high), |(low, high), series| {
        let us = 10_f64.powf(series.stretches[0][0].1);
        (low.min(us), high.max(us))
    });
    series.extend(limits);
    let y = Axis::log_duration("response time", low.min(high), high);
    let borders = [
        ("answer", capacity.answer_per_s, Ink::Text),
        ("fails", capacity.failed_per_s, Ink::Mark),
    ];
    series.extend(borders.into_iter().filter_map(|(name, rate, ink)| {
        rate.map(|rate| Series {
            label: format!("{name} {}/s", per_second(rate)),
            ink,
            stroke: Stroke::Thin,
            whiskers: Vec::new(),
            stretches: vec![vec![(rate, y.min), (rate, y.max)]],
        })
    }));
    Figure {
        name: "capacity".to_owned(),
        title: "Response time over rate".to_owned(),
        caption: caption(capacity),
        y,
        x,
        panels: vec![Panel {
            title: String::new(),
            series,
        }],
        marks: Vec::new(),
        bands: Vec::new(),
    }
}

fn caption(capacity: &Capacity) -> String {
    let mut text = format!(
        "Each point is the median of the runs at that rate. The dashed line is the limit: {}.",
        conditions(capacity)
    );
    if let Some(answer) = capacity.answer_per_s {
        text += &format!(
            " The vertical lines are the answer, {} operations/s, and the lowest rate above it that fails.",
            per_second(answer)
        );
    }
    if let Some(knee) = knee_per_s(capacity) {
        text += &format!(
            " The curve of p99 bends at about {} operations/s.",
            per_second(knee)
        );
    }
    text
}

/// Returns points (rate, log10 of microseconds), ordered by rate.
fn curve(capacity: &Capacity, of: Percentile) -> Vec<(f64, f64)> {
    let mut by_rate: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for step in &capacity.steps {
        if let Some(us) = of(step) {
            // Positive floats have the same order as their bits.
            let rate = by_rate.entry(step.rate_per_s.to_bits()).or_default();
            rate.push(us.max(1.0).log10());
        }
    }
    by_rate
        .into_iter()
        .map(|(rate, mut logs)| {
            logs.sort_by(f64::total_cmp);
            (f64::from_bits(rate), logs[logs.len() / 2])
        })
        .collect()
}

/// A dashed line for a limit on a percentile of all operations; `None` for other limits.
fn limit(name: &str, limit_ms: f64, x: &Axis) -> Option<Series> {
    if !name.ends_with("_ms") || name.contains('.') {
        return None;
    }
    let log = (limit_ms * 1_000.0).max(1.0).log10();
    Some(Series {
        label: format!(
            "{} \u{2264} {} ms",
            name.trim_end_matches("_ms"),
            number(limit_ms)
        ),
        ink: Ink::Muted,
        stroke: Stroke::Dashed,
        whiskers: Vec::new(),
        stretches: vec![vec![(x.min, log), (x.max, log)]],
    })
}

#[cfg(test)]
mod tests {
    use super::super::answer::example::{capacity, step};
    use super::*;
    use crate::result::Held;

    #[test]
    fn a_point_is_the_median_of_the_runs_at_its_rate() {
        let mut twice = capacity();
        for p99_us in [9_000.0, 10_000.0] {
            let mut again = step(5_000.0, Held::Yes);
            again.p99_us = Some(p99_us);
            twice.steps.push(again);
        }
        let figure = figure(&twice);
        let p99 = &figure.panels[0].series[2];
        assert_eq!(p99.label, "p99");
        assert_eq!(p99.stretches[0].len(), 6, "one point for each rate");
        let (rate, log) = p99.stretches[0][0];
        assert!((rate - 5_000.0).abs() < 1e-9 && (log - 9_000_f64.log10()).abs() < 1e-9);
    }

    #[test]
    fn the_limit_the_answer_and_what_fails_are_drawn() {
        let figure = figure(&capacity());
        let labels: Vec<&str> = figure.panels[0]
            .series
            .iter()
            .map(|series| series.label.as_str())
            .collect();
        let expected = ["p99 \u{2264} 5 ms", "answer 30,000/s", "fails 33,000/s"];
        assert_eq!(labels[4..], expected);
    }

    #[test]
    fn a_search_without_a_run_has_a_figure_without_curves() {
        let mut empty = capacity();
        empty.steps.clear();
        empty.conditions.clear();
        empty.answer_per_s = None;
        empty.failed_per_s = None;
        assert!(figure(&empty).is_empty());
    }
}
