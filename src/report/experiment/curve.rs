//! `kind = "curve"`: response time over the offered rate up to saturation, from the steps of searches.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use super::answer::{Answer, along_x, between_targets};
use super::chart::{Chart, StepRow, find};
use super::layout::{Layout, layout};
use super::measure::{Measure, Percentile, estimate_text};
use super::measured::{Measured, Search};
use super::plot_axis::extent;
use crate::report::capacity::conditions;
use crate::report::figure::{Axis, Figure, Ink, Panel, Series, Stroke};
use crate::report::statistics::median;
use crate::result::{CapacityStep, ExperimentIndex, Held};
use crate::workload::{FigureKind, FigurePlan};

const CAPTION: &str = "Each point is the median of the runs at that rate over all searches. A ring is the saturation point: \
the median of the highest rates that held, with its interval.";

pub(super) fn chart(index: &ExperimentIndex, figure: &FigurePlan, measured: &[Measured]) -> Chart {
    // Each line is a cell; the rates of the searches are the values of x.
    let lines = layout(index, figure, FigurePlan::OFFERED);
    let mut chart = Chart::new(
        FigureKind::Curve,
        lines,
        vec![Measure::Saturation],
        measured,
    );
    chart.steps = (0..chart.layout.lines.len())
        .flat_map(|line| steps(line, searches(&chart.layout, measured, line)))
        .collect();
    chart.answers = answers(index, figure, measured, &chart);
    chart.notes.extend(limits(&chart.layout, measured));
    chart.note_rounds();
    let picture = picture(&chart);
    chart.pictures.push(picture);
    chart
}

fn searches<'a>(layout: &Layout, measured: &'a [Measured], line: usize) -> &'a [Search] {
    let spot = layout.lines[line].spots.first().copied().flatten();
    let found = spot.and_then(|spot| find(measured, spot));
    found.map_or(&[], |found| &found.searches)
}

/// Merges the runs of all searches of a line by rate.
fn steps(line: usize, searches: &[Search]) -> Vec<StepRow> {
    let mut by_rate: BTreeMap<u64, Vec<&CapacityStep>> = BTreeMap::new();
    let all = searches.iter().flat_map(|search| &search.capacity.steps);
    for step in all.filter(|step| step.held != Held::Invalid && step.rate_per_s > 0.0) {
        // The bits of positive floats sort like the floats.
        let at = by_rate.entry(step.rate_per_s.to_bits()).or_default();
        at.push(step);
    }
    let row = |(rate, steps): (u64, Vec<&CapacityStep>)| {
        let of = |figure: fn(&CapacityStep) -> Option<f64>| {
            let values: Vec<f64> = steps.iter().filter_map(|step| figure(step)).collect();
            median(&values)
        };
        StepRow {
            line,
            rate_per_s: f64::from_bits(rate),
            runs: steps.len(),
            held: steps.iter().filter(|step| step.held == Held::Yes).count(),
            achieved_per_s: of(|step| step.achieved_per_s),
            p50_us: of(|step| step.p50_us),
            p99_us: of(|step| step.p99_us),
        }
    };
    by_rate.into_iter().map(row).collect()
}

/// The highest rates along the axis of the series, and between targets.
fn answers(
    index: &ExperimentIndex,
    figure: &FigurePlan,
    measured: &[Measured],
    chart: &Chart,
) -> Vec<Answer> {
    let series = figure.series.as_deref().unwrap_or_default();
    let along = Chart::new(
        FigureKind::Curve,
        layout(index, figure, series),
        vec![Measure::Saturation],
        measured,
    );
    let Some(conditions) = shared_conditions(&chart.layout, measured) else {
        return Vec::new();
    };
    let lines = 0..along.layout.lines.len();
    let mut answers: Vec<Answer> = lines
        .filter_map(|line| saturation(&along, measured, line, &conditions))
        .collect();
    if series != FigurePlan::TARGET {
        answers.extend(along_x(&along, Measure::Saturation, true));
    }
    answers.extend(between_targets(&along, Measure::Saturation, true));
    answers
}

/// The conditions of all searches of a figure; `the conditions` if they differ, `None` without a search.
fn shared_conditions(layout: &Layout, measured: &[Measured]) -> Option<String> {
    let mut all = (0..layout.lines.len())
        .flat_map(|line| searches(layout, measured, line))
        .map(|search| conditions(&search.capacity));
    let first = all.next()?;
    Some(if all.all(|other| other == first) {
        first
    } else {
        "the conditions".to_owned()
    })
}

/// `The highest rate that holds p99_ms <= 20: 29,000/s [26,800, 31,700] at 3 voters; 24,400/s [22,900, 27,100] at 5 voters
/// (bundled).`
fn saturation(
    along: &Chart,
    measured: &[Measured],
    line: usize,
    conditions: &str,
) -> Option<Answer> {
    let layout = &along.layout;
    let mut parts = Vec::new();
    for (x, spot) in layout.lines[line].spots.iter().enumerate() {
        let Some(found) = spot.and_then(|spot| find(measured, spot)) else {
            continue;
        };
        if found.searches.is_empty() {
            continue;
        }
        let estimate = &along.estimates[line][x][0];
        let limited = found
            .searches
            .iter()
            .any(|search| search.capacity.generator_limited);
        let least = if limited { "at least " } else { "" };
        parts.push(match estimate.median {
            Some(_) => format!(
                "{least}{}{}",
                estimate_text(Measure::Saturation.unit(), estimate).replacen(' ', "/s ", 1),
                along.place(x)
            ),
            None => format!("none was found{}", along.place(x)),
        });
    }
    (!parts.is_empty()).then(|| Answer {
        text: format!(
            "The highest rate that holds {conditions}: {} ({}).",
            parts.join("; "),
            along.who(line)
        ),
        headline: true,
        contrasts: Vec::new(),
    })
}

fn limits(layout: &Layout, measured: &[Measured]) -> Vec<String> {
    let limited = (0..layout.lines.len())
        .flat_map(|line| searches(layout, measured, line))
        .filter(|search| search.capacity.generator_limited)
        .count();
    if limited == 0 {
        return Vec::new();
    }
    vec![format!(
        "In {limited} of the searches the generator was the limit, so their highest rate is a lower bound."
    )]
}

fn picture(chart: &Chart) -> Figure {
    let log = |us: f64| us.max(1.0).log10();
    let panel = |percentile: Percentile| {
        let of = |row: &StepRow| match percentile {
            Percentile::P50 => row.p50_us,
            _ => row.p99_us,
        };
        let mut series = Vec::new();
        let mut rings = Vec::new();
        for line in 0..chart.layout.lines.len() {
            let rows = chart.steps.iter().filter(|row| row.line == line);
            let points: Vec<(f64, f64)> = rows
                .filter_map(|row| Some((row.rate_per_s, log(of(row)?))))
                .collect();
            if points.is_empty() {
                continue;
            }
            rings.extend(ring(chart, line, &points));
            series.push(Series {
                label: chart.who(line),
                ink: Ink::Series(line),
                stroke: Stroke::Marked,
                stretches: vec![points],
                whiskers: Vec::new(),
            });
        }
        series.extend(rings);
        Panel {
            title: percentile.word().to_owned(),
            series,
        }
    };
    let panels = vec![panel(Percentile::P50), panel(Percentile::P99)];
    let all = || panels.iter().flat_map(|panel| &panel.series);
    let (low, high) = extent(all()).unwrap_or((0.0, 1.0));
    let fastest = all()
        .flat_map(|series| series.stretches.iter().flatten())
        .map(|(rate, _)| *rate)
        .fold(1.0, f64::max);
    Figure {
        name: String::new(),
        title: String::new(),
        caption: CAPTION.to_owned(),
        x: Axis::linear("operations per second, planned", fastest, 5.0, true),
        y: Axis::log_duration("response time", 10_f64.powf(low), 10_f64.powf(high)),
        panels,
        marks: Vec::new(),
        bands: Vec::new(),
    }
}

/// A ring at the saturation point of a line, on its curve.
fn ring(chart: &Chart, line: usize, points: &[(f64, f64)]) -> Option<Series> {
    let estimate = &chart.estimates[line][0][0];
    let rate = estimate.median?;
    let after = points.iter().position(|(x, _)| *x >= rate)?;
    let y = match after {
        0 => points[0].1,
        after => {
            let ((x0, y0), (x1, y1)) = (points[after - 1], points[after]);
            y0 + (rate - x0) / (x1 - x0) * (y1 - y0)
        }
    };
    Some(Series {
        label: "saturation".to_owned(),
        ink: Ink::Series(line),
        stroke: Stroke::Rings,
        stretches: vec![vec![(rate, y)]],
        whiskers: Vec::new(),
    })
}
