//! `kind = "response"`: percentiles of the response time over an axis.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::answer::{along_x, between_targets};
use super::chart::{Chart, classes, found};
use super::layout::Layout;
use super::measure::{Measure, Percentile};
use super::measured::{Class, Measured};
use super::plot_axis::{axis, extent, line, places};
use crate::report::figure::{Axis, Figure, Ink, Panel, Series, Stroke};
use crate::report::human::duration_us;
use crate::report::statistics::median;
use crate::workload::FigureKind;

const CAPTION: &str = "Each point is the median over the rounds of the percentile of one run; the bars are its interval.";

pub(super) fn chart(layout: Layout, measured: &[Measured]) -> Chart {
    let classes = classes(&layout, measured);
    let measures = classes.iter().flat_map(|class| {
        let of_class = |percentile| Measure::Response(*class, percentile);
        Percentile::ALL.map(of_class)
    });
    let mut chart = Chart::new(FigureKind::Response, layout, measures.collect(), measured);
    for class in &classes {
        for percentile in [Percentile::P50, Percentile::P99] {
            let measure = Measure::Response(*class, percentile);
            let headline = percentile == Percentile::P50;
            let answers = along_x(&chart, measure, headline);
            chart.answers.extend(answers);
            let answers = between_targets(&chart, measure, headline);
            chart.answers.extend(answers);
        }
    }
    let floor = floor(&chart.layout, measured);
    if let Some(floor) = floor {
        chart.notes.push(format!(
            "The dashed line is a sync of the data directory without any server: {} in the median, {} at the 99th percentile. A \
             write that is on disk at more than half of the voters cannot be faster.",
            duration_us(floor.p50_us),
            duration_us(floor.p99_us)
        ));
    }
    let resolution = found(&chart.layout, measured)
        .filter_map(|one| one.facts.as_ref()?.resolution_us)
        .fold(None, |most: Option<f64>, us| {
            Some(most.map_or(us, |most| most.max(us)))
        });
    if let Some(us) = resolution {
        chart.notes.push(format!(
            "Times below {} are below the resolution of this machine.",
            duration_us(us)
        ));
    }
    chart.note_rounds();
    for class in classes {
        let picture = picture(&chart, class, floor.filter(|_| class == Class::Writes));
        chart.pictures.push(picture);
    }
    chart
}

/// The time of a sync, microseconds.
#[derive(Clone, Copy, Debug)]
struct Floor {
    p50_us: f64,
    p99_us: f64,
}

/// The median over the cells whose servers sync.
fn floor(layout: &Layout, measured: &[Measured]) -> Option<Floor> {
    let syncs: Vec<_> = found(layout, measured)
        .filter_map(|one| one.facts.as_ref()?.sync)
        .collect();
    let of = |figure: fn(&crate::result::FsyncLatency) -> f64| {
        median(&syncs.iter().map(figure).collect::<Vec<f64>>())
    };
    Some(Floor {
        p50_us: of(|sync| sync.p50_us)?,
        p99_us: of(|sync| sync.p99_us)?,
    })
}

fn picture(chart: &Chart, class: Class, floor: Option<Floor>) -> Figure {
    let layout = &chart.layout;
    let places = places(&layout.values);
    let x = axis(&layout.x, &layout.values, &places);
    let log = |us: f64| us.max(1.0).log10();
    let mut panels: Vec<Panel> = Vec::new();
    for percentile in Percentile::ALL {
        let measure = Measure::Response(class, percentile);
        let Some(at) = chart.measures.iter().position(|known| *known == measure) else {
            continue;
        };
        let mut series: Vec<Series> = (0..layout.lines.len())
            .map(|index| {
                let estimates = chart.estimates[index].iter();
                let points = places.iter().copied().zip(estimates);
                let points = points.map(|(place, of_measures)| (place, of_measures[at].clone()));
                line(chart.who(index), Ink::Series(index), points, log)
            })
            .filter(|series| !series.stretches.is_empty())
            .collect();
        if series.is_empty() {
            continue;
        }
        series.extend(floor.map(|floor| {
            let us = match percentile {
                Percentile::P50 | Percentile::P90 => floor.p50_us,
                Percentile::P99 | Percentile::P999 => floor.p99_us,
            };
            Series {
                label: "sync of the data directory".to_owned(),
                ink: Ink::Muted,
                stroke: Stroke::Dashed,
                stretches: vec![vec![(x.min, log(us)), (x.max, log(us))]],
                whiskers: Vec::new(),
            }
        }));
        panels.push(Panel {
            title: percentile.word().to_owned(),
            series,
        });
    }
    let all = panels.iter().flat_map(|panel| &panel.series);
    let (low, high) = extent(all).unwrap_or((0.0, 1.0));
    let label = format!("{}response time", class.adjective());
    Figure {
        name: match class {
            Class::All => String::new(),
            Class::Reads => "reads".to_owned(),
            Class::Writes => "writes".to_owned(),
        },
        title: match class {
            Class::All => String::new(),
            Class::Reads => "reads".to_owned(),
            Class::Writes => "writes".to_owned(),
        },
        caption: CAPTION.to_owned(),
        y: Axis::log_duration(&label, 10_f64.powf(low), 10_f64.powf(high)),
        x,
        panels,
        marks: Vec::new(),
        bands: Vec::new(),
    }
}
