//! The figures of a result, and what they have in common.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::figure::{Figure, Ink, Panel, Series};
use super::lanes::{Lane, lanes};
use super::over_time::{response_over_time, throughput};
use super::percentiles::percentiles;
use super::spread::spread;
use super::summary::Summary;

/// Operations drawn apart; the others are drawn as one.
const LANES_MAX: usize = 5;
/// Operations whose curves fit into one panel; more of them have a panel each.
const OVERLAY_MAX: usize = 3;

/// All figures of a result. Empty ones (nothing measured) have no series.
pub(crate) fn figures(summary: &Summary<'_>) -> Vec<Figure> {
    let mut figures = vec![
        percentiles(summary),
        throughput(summary),
        response_over_time(summary),
    ];
    figures.extend(spread(summary));
    figures
}

/// What is drawn apart, with its colour.
pub(super) fn drawn_lanes(summary: &Summary<'_>) -> Vec<(Lane, Ink)> {
    lanes(summary, LANES_MAX)
        .into_iter()
        .enumerate()
        .map(|(index, lane)| (lane, Ink::Series(index)))
        .collect()
}

/// The curves of each lane in one panel, their labels led by the lane's; or, where that would be too
/// many, in a panel each.
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

/// Smallest and largest y; 0 and 1 when there is none.
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
