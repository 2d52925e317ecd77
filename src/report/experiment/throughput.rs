//! `kind = "throughput"`: acknowledged operations per second over an axis, with the ideal line where the axis counts
//! servers.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::answer::{Answer, Contrast, along_x, between_targets};
use super::axis_words::value_words;
use super::chart::{Chart, classes, find, found};
use super::estimate::{Estimate, Ratio, Shown};
use super::layout::Layout;
use super::measure::Measure;
use super::measured::{Class, Measured};
use super::plot_axis::{axis, extent, line, places};
use crate::report::figure::{Axis, Figure, Ink, Panel, Series, Stroke};
use crate::report::human::number;
use crate::workload::FigureKind;

/// Axes that count servers.
const COUNT_SERVERS: [&str; 2] = ["target.voters", "target.observers"];
/// The axis of the share of reads. On it the sum of reads and writes is the figure.
const READ_RATIO: &str = "load.read_ratio";
const CAPTION: &str = "Each point is the median over the rounds; the bars are its interval.";

pub(super) fn chart(layout: Layout, measured: &[Measured]) -> Chart {
    let apart = classes(&layout, measured);
    let over_shares = layout.x == READ_RATIO;
    let mut shown = if over_shares {
        vec![Class::All]
    } else {
        apart.clone()
    };
    if shown.is_empty() {
        shown.push(Class::All);
    }
    let mut measures: Vec<Measure> = shown.iter().copied().map(Measure::Throughput).collect();
    if over_shares {
        measures.extend(apart.iter().copied().map(Measure::Throughput));
    }
    let has_cpu = found(&layout, measured)
        .flat_map(|one| &one.rounds)
        .any(|round| round.per_cpu_s.is_some());
    if has_cpu {
        measures.push(Measure::PerCpu);
    }
    let mut chart = Chart::new(FigureKind::Throughput, layout, measures, measured);
    for class in &shown {
        let measure = Measure::Throughput(*class);
        let mut answers = along_x(&chart, measure, true);
        answers.extend(between_targets(&chart, measure, true));
        // A closed loop of one mix has the same share of writes everywhere, so both classes have the same answer.
        if shown.len() == 2 && *class == Class::Writes && repeats(&answers, &chart.answers) {
            answers
                .iter_mut()
                .for_each(|answer| answer.headline = false);
        }
        chart.answers.extend(answers);
    }
    let servers = servers(&chart.layout, measured);
    if shown.contains(&Class::Reads) && servers.is_some() {
        let answers = against_ideal(&chart, servers.as_deref().unwrap_or_default());
        chart.answers.extend(answers);
    }
    if has_cpu {
        chart.notes.push(
            "Operations per second of server CPU depend least on cores that servers and driver share."
                .to_owned(),
        );
    }
    chart.note_rounds();
    for class in shown {
        let ideal = servers.as_deref().filter(|_| class == Class::Reads);
        let picture = picture(&chart, class, ideal);
        chart.pictures.push(picture);
    }
    chart
}

/// Whether the ratios of both lists of answers are the same within 1 %.
fn repeats(answers: &[Answer], others: &[Answer]) -> bool {
    let ratios = |answers: &[Answer]| -> Vec<f64> {
        let all = answers.iter().flat_map(|answer| &answer.contrasts);
        all.map(|contrast| contrast.ratio.ratio).collect()
    };
    let (own, other) = (ratios(answers), ratios(others));
    own.len() == other.len()
        && own
            .iter()
            .zip(&other)
            .all(|(a, b)| (a / b - 1.0).abs() < 0.01)
}

/// The servers per line and value of x; `None` if x does not count servers.
fn servers(layout: &Layout, measured: &[Measured]) -> Option<Vec<Vec<Option<u32>>>> {
    COUNT_SERVERS.contains(&layout.x.as_str()).then(|| {
        let of_line = layout.lines.iter().map(|line| {
            let of_spot = line.spots.iter().map(|spot| {
                let found = spot.and_then(|spot| find(measured, spot))?;
                Some(found.facts.as_ref()?.servers)
            });
            of_spot.collect()
        });
        of_line.collect()
    })
}

/// Factor by which each value of x should raise the throughput of the first one.
fn ideal_factor(servers: &[Option<u32>], first: usize, x: usize) -> Option<f64> {
    let base = servers.get(first).copied().flatten()?;
    let own = servers.get(x).copied().flatten()?;
    (base > 0).then(|| f64::from(own) / f64::from(base))
}

/// States which share of the ideal line the last value of x reaches.
fn against_ideal(chart: &Chart, servers: &[Vec<Option<u32>>]) -> Vec<Answer> {
    let measure = Measure::Throughput(Class::Reads);
    let layout = &chart.layout;
    let of_line = |line: usize| {
        let points = chart.points(line, measure);
        let (first, base) = *points.first()?;
        let (last, point) = *points.last()?;
        if first == last {
            return None;
        }
        let factor = ideal_factor(&servers[line], first, last)?;
        let ratio = Ratio::of(base.estimate, point.estimate)?.relative_to(factor);
        let reached = percent(ratio.ratio);
        let interval = ratio.interval.map_or_else(String::new, |found| {
            format!(" [{}, {}]", percent(found.low), percent(found.high))
        });
        let claim = match ratio.shown() {
            Shown::TooFew => ", too few rounds to claim it".to_owned(),
            Shown::More | Shown::Less | Shown::NoDifference => String::new(),
        };
        Some(Answer {
            text: format!(
                "Reads at {} reach {reached} %{interval} of the ideal line, {} times the throughput at {}{claim} ({}; {} rounds).",
                value_words(&layout.x, &layout.values[last]),
                number((factor * 100.0).round() / 100.0),
                value_words(&layout.x, &layout.values[first]),
                chart.who(line),
                ratio.pairs
            ),
            headline: true,
            contrasts: vec![Contrast {
                measure,
                line: layout.lines[line].label.clone(),
                from: "the ideal line".to_owned(),
                to: value_words(&layout.x, &layout.values[last]),
                ratio,
            }],
        })
    };
    (0..layout.lines.len()).filter_map(of_line).collect()
}

fn percent(ratio: f64) -> String {
    format!("{:.0}", 100.0 * ratio)
}

fn picture(chart: &Chart, class: Class, ideal: Option<&[Vec<Option<u32>>]>) -> Figure {
    let layout = &chart.layout;
    let places = places(&layout.values);
    let measure = Measure::Throughput(class);
    let at = chart.measures.iter().position(|known| *known == measure);
    let mut series: Vec<Series> = Vec::new();
    let mut ideals = Vec::new();
    for index in 0..layout.lines.len() {
        let estimates: Vec<Estimate> = chart.estimates[index]
            .iter()
            .map(|of_measures| at.map_or_else(Estimate::default, |at| of_measures[at].clone()))
            .collect();
        let points = places.iter().copied().zip(estimates);
        series.push(line(chart.who(index), Ink::Series(index), points, |rate| {
            rate
        }));
        ideals.extend(ideal.and_then(|servers| ideal_line(chart, index, &servers[index], &places)));
    }
    series.retain(|series| !series.stretches.is_empty());
    let has_ideal = !ideals.is_empty();
    series.extend(ideals);
    let (_, high) = extent(series.iter()).unwrap_or((0.0, 1.0));
    let name = match class {
        Class::All => String::new(),
        Class::Reads => "reads".to_owned(),
        Class::Writes => "writes".to_owned(),
    };
    let mut caption = CAPTION.to_owned();
    if has_ideal {
        caption += " The dashed lines are ideal: each server adds what the servers of the first point give each.";
    }
    Figure {
        title: name.clone(),
        name,
        caption,
        y: Axis::linear(
            &format!("{} per second", noun(class)),
            high * 1.02,
            5.0,
            true,
        ),
        x: axis(&layout.x, &layout.values, &places),
        panels: vec![Panel {
            title: String::new(),
            series,
        }],
        marks: Vec::new(),
        bands: Vec::new(),
    }
}

fn noun(class: Class) -> &'static str {
    match class {
        Class::All => "operations",
        Class::Reads => "reads",
        Class::Writes => "writes",
    }
}

fn ideal_line(
    chart: &Chart,
    line: usize,
    servers: &[Option<u32>],
    places: &[f64],
) -> Option<Series> {
    let points = chart.points(line, Measure::Throughput(Class::Reads));
    let (first, base) = *points.first()?;
    let base = base.estimate.median?;
    let mut drawn: Vec<(f64, f64)> = places
        .iter()
        .enumerate()
        .filter_map(|(x, place)| Some((*place, base * ideal_factor(servers, first, x)?)))
        .collect();
    drawn.sort_by(|a, b| a.0.total_cmp(&b.0));
    (drawn.len() > 1).then(|| Series {
        label: "ideal".to_owned(),
        ink: Ink::Series(line),
        stroke: Stroke::Dashed,
        stretches: vec![drawn],
        whiskers: Vec::new(),
    })
}
