//! `kind = "failover"`: how long nobody was served after each fault, over an axis; different faults side by side.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::answer::{along_x, between, between_targets, overall};
use super::chart::{Chart, find};
use super::estimate::{Estimate, Observation};
use super::layout::{FAULT, Layout, LinePlan, name};
use super::measure::Measure;
use super::measured::{Fault, Measured};
use crate::report::failover::{About, GapKind, GapRow, Known, Length, Spread, distribution};
use crate::report::figure::Figure;
use crate::report::human::duration_us;
use crate::report::statistics::{FULL_ROUNDS, median};
use crate::workload::{FigureKind, FigurePlan};

/// Cells whose time around the faults is drawn. The pages of the other cells have theirs.
const TIMELINES_MAX: usize = 2;
/// Figures of the time around the faults of one cell, so that the page stays small.
const TIMELINE_FIGURES_MAX: usize = 6;
const CAPTION: &str = "One dot per fault; the line is the median, the bar its interval. The length is the time over all \
    sessions from the last acknowledgement before to the first one after.";

/// `series` is the axis of the figure's lines.
pub(super) fn chart(layout: Layout, measured: &[Measured], series: Option<&str>) -> Chart {
    let cells: Vec<Vec<Option<&Measured>>> = layout
        .lines
        .iter()
        .map(|line| {
            line.spots
                .iter()
                .map(|spot| find(measured, (*spot)?))
                .collect()
        })
        .collect();
    let (layout, origins) = by_fault(layout, &cells, series);
    let values = |line: usize, x: usize, kind: GapKind| lengths(&cells, &origins[line], x, kind);
    let measures: Vec<GapKind> = GapKind::ALL
        .into_iter()
        .filter(|kind| {
            (0..origins.len())
                .any(|line| (0..layout.values.len()).any(|x| !values(line, x, *kind).is_empty()))
        })
        .collect();
    let estimates = (0..origins.len())
        .map(|line| {
            (0..layout.values.len())
                .map(|x| {
                    let of = |kind: &GapKind| estimate(&values(line, x, *kind));
                    measures.iter().map(of).collect()
                })
                .collect()
        })
        .collect();
    let shown = measures.iter().copied().map(Measure::Gap).collect();
    let mut chart = Chart::with_estimates(FigureKind::Failover, layout, shown, estimates);
    for kind in [GapKind::WriteWindow, GapKind::ReadWindow] {
        if !measures.contains(&kind) {
            continue;
        }
        let measure = Measure::Gap(kind);
        let headline = kind == GapKind::WriteWindow;
        let mut answers = overall(&chart, measure, headline);
        answers.extend(along_x(&chart, measure, headline));
        answers.extend(between(&chart, FAULT, measure, headline));
        answers.extend(between_targets(&chart, measure, headline));
        chart.answers.extend(answers);
        let picture = picture(&chart, &cells, &origins, kind);
        chart.pictures.push(picture);
    }
    chart.notes.extend(resolution(&cells));
    for note in cells
        .iter()
        .flatten()
        .flatten()
        .flat_map(|one| &one.fault_notes)
    {
        if !chart.notes.contains(note) {
            chart.notes.push(note.clone());
        }
    }
    chart.note_rounds();
    chart.timelines = timelines(&cells);
    chart
}

/// Where the values of a line come from.
struct Origin {
    /// Index of the line without its fault.
    line: usize,
    /// The fault in words.
    fault: String,
}

/// Divides every line by the faults that happened on it.
fn by_fault(
    layout: Layout,
    cells: &[Vec<Option<&Measured>>],
    series: Option<&str>,
) -> (Layout, Vec<Origin>) {
    let mut lines: Vec<LinePlan> = Vec::new();
    let mut origins = Vec::new();
    for (index, line) in layout.lines.iter().enumerate() {
        let mut known: Vec<&str> = Vec::new();
        for fault in cells[index].iter().flatten().flat_map(|one| &one.faults) {
            if known.contains(&fault.what.as_str()) {
                continue;
            }
            known.push(&fault.what);
            let mut own = line.clone();
            own.fixed.insert(0, (FAULT.to_owned(), fault.what.clone()));
            lines.push(own);
            origins.push(Origin {
                line: index,
                fault: fault.what.clone(),
            });
        }
    }
    name(&mut lines, series);
    (Layout { lines, ..layout }, origins)
}

/// The lengths of one kind, in the order of the rounds.
fn lengths<'a>(
    cells: &[Vec<Option<&'a Measured>>],
    origin: &Origin,
    x: usize,
    kind: GapKind,
) -> Vec<(&'a Fault, Length)> {
    let faults = cells[origin.line][x].map_or(&[][..], |one| &one.faults);
    let own = faults.iter().filter(|fault| fault.what == origin.fault);
    own.filter_map(|fault| Some((fault, fault.length(kind)?)))
        .collect()
}

fn estimate(lengths: &[(&Fault, Length)]) -> Estimate {
    let observation = |(fault, length): &(&Fault, Length)| Observation {
        round: fault.round,
        part: fault.part,
        value: length.ms * 1_000.0,
        valid: fault.valid,
    };
    let mut estimate = Estimate::new(lengths.iter().map(observation).collect());
    let spread = Spread::of(lengths.iter().map(|(_, length)| Some(*length)));
    estimate.sign = match spread.median.map(|median| median.known) {
        Some(Known::AtMost) => "< ",
        Some(Known::AtLeast) => "> ",
        Some(Known::Exactly) | None => "",
    };
    if lengths
        .iter()
        .any(|(_, length)| length.known != Known::Exactly)
    {
        // Limits have no interval.
        estimate.interval = None;
    }
    estimate
}

fn picture(
    chart: &Chart,
    cells: &[Vec<Option<&Measured>>],
    origins: &[Origin],
    kind: GapKind,
) -> Figure {
    let mut rows = Vec::new();
    let at = chart
        .measures
        .iter()
        .position(|known| *known == Measure::Gap(kind));
    for (line, origin) in origins.iter().enumerate() {
        for (x, value) in chart.layout.values.iter().enumerate() {
            let lengths = lengths(cells, origin, x, kind);
            if lengths.is_empty() {
                continue;
            }
            let mut spread = Spread::of(lengths.into_iter().map(|(_, length)| Some(length)));
            let estimate = at.map(|at| &chart.estimates[line][x][at]);
            spread.interval_ms = estimate
                .filter(|estimate| estimate.runs() >= FULL_ROUNDS)
                .and_then(|estimate| estimate.interval)
                .map(|found| (found.low / 1_000.0, found.high / 1_000.0));
            rows.push(GapRow {
                x: value.clone(),
                series: chart.who(line),
                spread,
            });
        }
    }
    let title = match kind {
        GapKind::ReadWindow => "reads",
        _ => "writes",
    };
    let x_label = if chart.layout.x.is_empty() {
        FigurePlan::TARGET.to_owned()
    } else {
        chart.x_head()
    };
    distribution(
        &rows,
        About {
            name: title,
            title,
            caption: CAPTION,
            x_label: &x_label,
        },
    )
}

/// States the resolution of the load.
fn resolution(cells: &[Vec<Option<&Measured>>]) -> Option<String> {
    let all: Vec<f64> = cells
        .iter()
        .flatten()
        .flatten()
        .flat_map(|one| &one.faults)
        .filter_map(|fault| fault.resolution_ms)
        .collect();
    let most = all.iter().copied().fold(0.0, f64::max);
    let middle = median(&all)?;
    Some(format!(
        "The resolution of a gap is the distance of two operations of the load: {} in the median, at most {}.",
        duration_us(middle * 1_000.0),
        duration_us(most * 1_000.0)
    ))
}

/// The time around the faults of the first cell of the first lines.
fn timelines(cells: &[Vec<Option<&Measured>>]) -> Vec<(String, Vec<Figure>)> {
    let first = |line: &Vec<Option<&Measured>>| {
        let found = line
            .iter()
            .flatten()
            .find(|one| !one.timelines.is_empty())?;
        let title = found
            .facts
            .as_ref()
            .map_or_else(String::new, |facts| facts.target.clone());
        let figures = found.timelines.iter().take(TIMELINE_FIGURES_MAX);
        Some((title, figures.cloned().collect()))
    };
    cells.iter().filter_map(first).take(TIMELINES_MAX).collect()
}
