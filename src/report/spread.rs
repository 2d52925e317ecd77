//! The figures that compare the runs of a result: a dot per run, and the median of the runs.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::curves::{drawn_lanes, extent, panels};
use super::figure::{Axis, Figure, Ink, Panel, Scale, Series, Stroke};
use super::statistics::median;
use super::summary::{Summary, rate};
use crate::measure::OpRecord;

/// Throughput and response time of each run. A result with one run has no such figures.
pub(super) fn spread(summary: &Summary<'_>) -> Vec<Figure> {
    let runs = &summary.result.runs;
    if runs.len() < 2 {
        return Vec::new();
    }
    let totals: Vec<Vec<OpRecord>> = runs.iter().map(|run| run.totals()).collect();
    let numbers: Vec<u32> = (1_u32..).take(runs.len()).collect();
    let (mut throughput, mut response) = (Vec::new(), Vec::new());
    for (lane, ink) in drawn_lanes(summary) {
        let of_run: Vec<OpRecord> = totals
            .iter()
            .map(|totals| lane.merged(|op| totals.get(op)))
            .collect();
        let rates = of_run
            .iter()
            .zip(runs)
            .map(|(record, run)| rate(record.acknowledged, run.measured_s));
        let name = if summary.ops.len() > 1 {
            &lane.label
        } else {
            "run"
        };
        throughput.extend(dots(
            name,
            ink,
            Stroke::Dots,
            &numbers,
            &rates.collect::<Vec<_>>(),
        ));
        let time = |quantile: f64| -> Vec<Option<f64>> {
            let us = of_run
                .iter()
                .map(|record| record.response.quantile_us(quantile));
            us.map(|us| us.map(|us| us.max(1.0).log10())).collect()
        };
        let mut series = dots("p99", ink, Stroke::Dots, &numbers, &time(0.99));
        series.extend(dots("p50", ink, Stroke::Rings, &numbers, &time(0.5)));
        response.push((lane, series));
    }
    let caption = "One dot per run; the thin line is the median of the runs.";
    let throughput = vec![Panel {
        title: String::new(),
        series: throughput,
    }];
    let (low, high) = extent(&throughput);
    let response = panels(response);
    let (fast, slow) = extent(&response);
    vec![
        Figure {
            name: "runs-throughput".to_owned(),
            title: "Throughput of each run".to_owned(),
            caption: format!("{caption} The axis does not begin at 0."),
            x: Axis::numbers("run", &numbers, Scale::Run),
            y: Axis::fitted("operations per second", low, high),
            panels: throughput,
            marks: Vec::new(),
            bands: Vec::new(),
        },
        Figure {
            name: "runs-response-time".to_owned(),
            title: "Response time of each run".to_owned(),
            caption: caption.to_owned(),
            x: Axis::numbers("run", &numbers, Scale::Run),
            y: Axis::log_duration("response time", 10_f64.powf(fast), 10_f64.powf(slow)),
            panels: response,
            marks: Vec::new(),
            bands: Vec::new(),
        },
    ]
}

/// Returns a dot for each run that has a value, and the median of these values as a line.
pub(super) fn dots(
    label: &str,
    ink: Ink,
    stroke: Stroke,
    numbers: &[u32],
    values: &[Option<f64>],
) -> Vec<Series> {
    let points: Vec<(f64, f64)> = numbers
        .iter()
        .zip(values)
        .filter_map(|(number, value)| Some((f64::from(*number), (*value)?)))
        .collect();
    let ys: Vec<f64> = points.iter().map(|(_, y)| *y).collect();
    let (Some(middle), Some(first), Some(last)) = (median(&ys), numbers.first(), numbers.last())
    else {
        return Vec::new();
    };
    let line = [*first, *last].map(|number| (f64::from(number), middle));
    vec![
        Series {
            label: label.to_owned(),
            ink,
            stroke,
            whiskers: Vec::new(),
            // Each dot is a separate stretch, because runs are not connected.
            stretches: points.into_iter().map(|point| vec![point]).collect(),
        },
        Series {
            label: format!("{label} median"),
            ink,
            stroke: Stroke::Thin,
            whiskers: Vec::new(),
            stretches: vec![line.to_vec()],
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::example;

    #[test]
    fn every_run_is_a_dot_and_a_single_run_has_no_figure() {
        let mut result = example::result();
        assert!(spread(&Summary::new(&result)).is_empty());
        for _ in 0..2 {
            result.runs.push(example::recording());
        }
        let summary = Summary::new(&result);
        let figures = spread(&summary);
        let rates = &figures[0].panels[0].series[0];
        assert_eq!(rates.stretches.len(), 3);
        for (stretch, run) in rates.stretches.iter().zip(&result.runs) {
            let told = run.throughput_per_s().unwrap();
            assert!((stretch[0].1 - told).abs() < 1e-9);
        }
        let labels: Vec<&str> = figures[1].panels[0]
            .series
            .iter()
            .map(|series| series.label.as_str())
            .collect();
        assert_eq!(labels, ["p99", "p99 median", "p50", "p50 median"]);
    }

    #[test]
    fn the_line_is_the_median_and_a_run_without_a_value_has_no_dot() {
        let values = [Some(3.0), None, Some(1.0), Some(2.0)];
        let series = dots("set", Ink::Text, Stroke::Dots, &[1, 2, 3, 4], &values);
        assert_eq!(
            series[0].stretches,
            [[(1.0, 3.0)], [(3.0, 1.0)], [(4.0, 2.0)]]
        );
        assert_eq!(series[1].stretches, [[(1.0, 2.0), (4.0, 2.0)]]);
        assert!(dots("set", Ink::Text, Stroke::Dots, &[1], &[None]).is_empty());
    }
}
