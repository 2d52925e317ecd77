//! The x axis of a figure over the values of an axis of the experiment.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::axis_words::noun;
use super::estimate::Estimate;
use crate::report::figure::Ink;
use crate::report::figure::{Axis, Scale, Series, Stroke, Tick, Whisker};

/// Numbers closer together than this share of the axis are drawn at equal distances instead.
const CLOSE: f64 = 0.08;
/// Space at both ends of the axis, as a share of its length.
const MARGIN: f64 = 0.08;

/// The places of the values of an axis. Numbers keep their distances, unless some are too close together.
pub(super) fn places(values: &[String]) -> Vec<f64> {
    let numbers: Option<Vec<f64>> = values.iter().map(|value| value.parse().ok()).collect();
    let ordinal = || (0..u32::try_from(values.len()).unwrap_or(0)).map(f64::from);
    let Some(numbers) = numbers.filter(|numbers| numbers.iter().all(|n| n.is_finite())) else {
        return ordinal().collect();
    };
    let mut sorted = numbers.clone();
    sorted.sort_by(f64::total_cmp);
    let length = sorted.last().unwrap_or(&0.0) - sorted.first().unwrap_or(&0.0);
    let close = sorted
        .windows(2)
        .any(|two| two[1] - two[0] < CLOSE * length.max(1e-9));
    if close { ordinal().collect() } else { numbers }
}

/// The axis with a tick at every value.
pub(super) fn axis(key: &str, values: &[String], places: &[f64]) -> Axis {
    let min = places.iter().copied().fold(f64::INFINITY, f64::min);
    let max = places.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let length = if max > min { max - min } else { 1.0 };
    let (min, max) = if places.is_empty() {
        (0.0, 1.0)
    } else {
        (min, max)
    };
    let mut ticks: Vec<Tick> = places
        .iter()
        .zip(values)
        .map(|(at, value)| Tick {
            at: *at,
            label: value.clone(),
        })
        .collect();
    ticks.sort_by(|a, b| a.at.total_cmp(&b.at));
    Axis {
        label: noun(key),
        min: min - MARGIN * length,
        max: max + MARGIN * length,
        ticks,
        minor: Vec::new(),
        scale: Scale::Value,
    }
}

/// A line with a disc and an interval at every value. It is broken where a value is missing. `coordinate` converts a
/// value to a coordinate of the y axis.
pub(super) fn line(
    label: String,
    ink: Ink,
    points: impl Iterator<Item = (f64, Estimate)>,
    coordinate: impl Fn(f64) -> f64,
) -> Series {
    let mut all: Vec<(f64, Estimate)> = points.collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut stretches: Vec<Vec<(f64, f64)>> = vec![Vec::new()];
    let mut whiskers = Vec::new();
    for (at, estimate) in all {
        let Some(median) = estimate.median else {
            stretches.push(Vec::new());
            continue;
        };
        if let Some(stretch) = stretches.last_mut() {
            stretch.push((at, coordinate(median)));
        }
        whiskers.extend(estimate.interval.map(|found| Whisker {
            at,
            low: coordinate(found.low),
            high: coordinate(found.high),
        }));
    }
    stretches.retain(|stretch| !stretch.is_empty());
    Series {
        label,
        ink,
        stroke: Stroke::Marked,
        stretches,
        whiskers,
    }
}

/// The smallest and the largest coordinate of series and their intervals; `None` without points.
pub(super) fn extent<'a>(series: impl Iterator<Item = &'a Series>) -> Option<(f64, f64)> {
    let mut found: Option<(f64, f64)> = None;
    for series in series {
        let points = series.stretches.iter().flatten().map(|(_, y)| *y);
        let ends = series.whiskers.iter().flat_map(|w| [w.low, w.high]);
        for y in points.chain(ends) {
            found = Some(found.map_or((y, y), |(low, high)| (low.min(y), high.max(y))));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&str]) -> Vec<f64> {
        places(
            &values
                .iter()
                .map(|value| (*value).to_owned())
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn numbers_keep_their_distances_unless_they_are_close_together() {
        assert_eq!(of(&["0", "1", "2", "4", "8"]), [0.0, 1.0, 2.0, 4.0, 8.0]);
        assert_eq!(of(&["100", "1000", "100000"]), [0.0, 1.0, 2.0]);
        assert_eq!(of(&["lone", "many"]), [0.0, 1.0]);
        assert_eq!(of(&["3"]), [3.0]);
    }

    #[test]
    fn a_line_is_broken_where_a_value_is_missing() {
        let value = |value: f64| Estimate {
            median: Some(value),
            ..Estimate::default()
        };
        let points = vec![
            (2.0, value(9.0)),
            (0.0, value(1.0)),
            (1.0, Estimate::default()),
        ];
        let series = line(String::new(), Ink::Text, points.into_iter(), |y| y);
        assert_eq!(series.stretches, [vec![(0.0, 1.0)], vec![(2.0, 9.0)]]);
        assert_eq!(extent([&series].into_iter()), Some((1.0, 9.0)));
    }

    #[test]
    fn the_axis_has_a_tick_at_every_value() {
        let values = ["5".to_owned(), "3".to_owned()];
        let axis = axis("target.voters", &values, &places(&values));
        assert_eq!(axis.label, "voters");
        assert_eq!((axis.ticks[0].at, axis.ticks[0].label.as_str()), (3.0, "3"));
        assert!(axis.min < 3.0 && axis.max > 5.0);
    }
}
