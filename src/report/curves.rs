//! The figures of a result, and functions that they share.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::figure::{Figure, Ink, Panel, Series};
use super::lanes::{Lane, lanes};
use super::over_time::{response_over_time, throughput};
use super::percentiles::percentiles;
use super::spread::spread;
use super::summary::Summary;

/// Operations drawn separately; the others are drawn as one.
const LANES_MAX: usize = 5;
/// Operations that share a panel. With more operations, each has its own panel.
const OVERLAY_MAX: usize = 3;

/// All figures of a result. A figure without measurements has no series.
pub(crate) fn figures(summary: &Summary<'_>) -> Vec<Figure> {
    let mut figures = vec![
        percentiles(summary),
        throughput(summary),
        response_over_time(summary),
    ];
    figures.extend(summary.failover.figures(summary.result));
    figures.extend(spread(summary));
    figures
}

/// The lanes that are drawn, with their colours.
pub(super) fn drawn_lanes(summary: &Summary<'_>) -> Vec<(Lane, Ink)> {
    lanes(summary, LANES_MAX)
        .into_iter()
        .enumerate()
        .map(|(index, lane)| (lane, Ink::Series(index)))
        .collect()
}

/// Puts the curves of all lanes into one panel and begins their labels with the lane's. With too many lanes, each
/// lane gets its own panel.
pub(super) fn panels(of_lanes: Vec<(Lane, Vec<Series>)>) -> Vec<Panel> {
    if of_lanes.len() > OVERLAY_MAX {
        return of_lanes
            .into_iter()
            .map(|(lane, series)| Panel {
                title: lane.label,
                series,
            })
            .collect();
    }
    let several = of_lanes.len() > 1;
    let series = of_lanes.into_iter().flat_map(|(lane, series)| {
        series.into_iter().map(move |mut series| {
            if several {
                series.label = format!("{} {}", lane.label, series.label);
            }
            series
        })
    });
    vec![Panel {
        title: String::new(),
        series: series.collect(),
    }]
}

/// The smallest and the largest y; 0 and 1 if there are no points.
pub(super) fn extent(panels: &[Panel]) -> (f64, f64) {
    let ys = panels
        .iter()
        .flat_map(|panel| &panel.series)
        .flat_map(|series| series.stretches.iter().flatten())
        .map(|(_, y)| *y);
    ys.fold(None, |extent: Option<(f64, f64)>, y| {
        Some(extent.map_or((y, y), |(low, high)| (low.min(y), high.max(y))))
    })
    .unwrap_or((0.0, 1.0))
}
