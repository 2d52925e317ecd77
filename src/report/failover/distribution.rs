//! The distribution of gaps: a dot per run, the median, and its interval.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::Failover;
use super::group::{GapKind, Spread};
use crate::report::figure::{Axis, Figure, Ink, Panel, Series, Stroke};

/// Half the width of the dots of a category that has one series, on the axis of categories.
const HALF_WIDTH: f64 = 0.3;

/// The values of one place on the axis.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GapRow {
    /// The category on the x axis: a fault, or the value of an axis of an experiment.
    pub x: String,
    /// The legend's name; rows of one series have one colour.
    pub series: String,
    pub spread: Spread,
}

/// What the figure is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About<'a> {
    /// File name without extension.
    pub name: &'static str,
    pub title: &'a str,
    pub caption: &'a str,
    pub x_label: &'a str,
}

/// Draws the values of each row above its category, in the order in which categories first appear.
pub(crate) fn distribution(rows: &[GapRow], about: About<'_>) -> Figure {
    let categories = in_order(rows.iter().map(|row| row.x.as_str()));
    let names = in_order(rows.iter().map(|row| row.series.as_str()));
    let mut series = Vec::new();
    let (mut low, mut high) = (f64::INFINITY, 0.0_f64);
    for (number, name) in names.iter().enumerate() {
        let ink = Ink::Series(number);
        let mut dots = Vec::new();
        let mut medians = Vec::new();
        let mut intervals = Vec::new();
        for row in rows.iter().filter(|row| row.series == *name) {
            let category = categories.iter().position(|x| *x == row.x).unwrap_or(0);
            let slot = Slot::new(category, number, names.len());
            let us = |ms: f64| (ms * 1_000.0).max(1.0);
            for (index, value) in row.spread.values.iter().enumerate() {
                let us = us(value.ms);
                (low, high) = (low.min(us), high.max(us));
                let at = slot.place(index, row.spread.values.len());
                dots.push(vec![(at, us.log10())]);
            }
            if let Some(median) = row.spread.median {
                let y = us(median.ms).log10();
                medians.push(vec![(slot.from, y), (slot.to, y)]);
            }
            if let Some((from, to)) = row.spread.interval_ms {
                let x = slot.to;
                intervals.push(vec![(x, us(from).log10()), (x, us(to).log10())]);
            }
        }
        let several = names.len() > 1;
        let label = |what: &str| {
            if several {
                format!("{name} {what}")
            } else {
                what.to_owned()
            }
        };
        for (what, stroke, stretches) in [
            ("run", Stroke::Dots, dots),
            ("median", Stroke::Thin, medians),
            ("95 % interval of the median", Stroke::Solid, intervals),
        ] {
            if !stretches.is_empty() {
                series.push(Series {
                    label: label(what),
                    ink,
                    stroke,
                    stretches,
                });
            }
        }
    }
    Figure {
        name: about.name,
        title: about.title.to_owned(),
        caption: about.caption.to_owned(),
        x: Axis::categories(about.x_label, &categories),
        y: Axis::log_duration("length", low.min(high), high),
        panels: vec![Panel {
            title: String::new(),
            series,
        }],
        marks: Vec::new(),
        bands: Vec::new(),
    }
}

/// The gaps of each fault of a result with several runs.
pub(super) fn over_faults(failover: &Failover) -> Option<Figure> {
    let began = || failover.groups.iter().filter(|group| !group.ended);
    if began().all(|group| group.impacts.len() < 2) {
        return None;
    }
    let kinds = [GapKind::WriteWindow, GapKind::ReadWindow];
    let rows: Vec<GapRow> = kinds
        .into_iter()
        .flat_map(|kind| {
            began().map(move |group| GapRow {
                x: format!("{}: {}", group.fault + 1, group.action),
                series: kind.title().to_owned(),
                spread: group.spread(kind),
            })
        })
        .filter(|row| !row.spread.values.is_empty())
        .collect();
    let faults: Vec<String> = began()
        .map(|group| format!("{} is the {}", group.fault + 1, group.what))
        .collect();
    let caption = format!(
        "One dot per run. The line is the median of the runs. Fault {}.",
        faults.join(", ")
    );
    Some(distribution(
        &rows,
        About {
            name: "fault-gaps",
            title: "Gaps of each fault",
            caption: &caption,
            x_label: "fault",
        },
    ))
}

/// The part of a category that belongs to one series.
struct Slot {
    from: f64,
    to: f64,
}

impl Slot {
    #[expect(clippy::cast_precision_loss, reason = "a few categories and series")]
    fn new(category: usize, series: usize, of_series: usize) -> Self {
        let width = 2.0 * HALF_WIDTH / of_series.max(1) as f64;
        let from = category as f64 - HALF_WIDTH + width * series as f64;
        Self {
            from: from + 0.1 * width,
            to: from + 0.9 * width,
        }
    }

    /// The place of dot `index` of `count`: side by side, so that equal values can be told apart.
    #[expect(clippy::cast_precision_loss, reason = "a few runs")]
    fn place(&self, index: usize, count: usize) -> f64 {
        let share = (index as f64 + 0.5) / count.max(1) as f64;
        self.from + share * (self.to - self.from)
    }
}

fn in_order<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut found: Vec<&str> = Vec::new();
    for name in names {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::length::{Known, Length};
    use super::*;

    fn row(x: &str, series: &str, ms: &[f64]) -> GapRow {
        let values = ms.iter().map(|ms| {
            Some(Length {
                ms: *ms,
                known: Known::Exactly,
            })
        });
        GapRow {
            x: x.into(),
            series: series.into(),
            spread: Spread::of(values),
        }
    }

    #[test]
    fn every_value_is_a_dot_in_its_category_and_series() {
        let rows = [
            row("3", "bundled", &[20.0, 22.0, 21.0, 25.0, 24.0]),
            row("5", "bundled", &[30.0]),
            row("3", "other", &[200.0, 210.0]),
        ];
        let about = About {
            name: "x",
            title: "",
            caption: "",
            x_label: "voters",
        };
        let figure = distribution(&rows, about);
        let labels: Vec<&str> = figure
            .x
            .ticks
            .iter()
            .map(|tick| tick.label.as_str())
            .collect();
        assert_eq!(labels, ["3", "5"]);
        let series = &figure.panels[0].series;
        let named = |name: &str| series.iter().find(|series| series.label == name).unwrap();
        assert_eq!(named("bundled run").stretches.len(), 6);
        assert_eq!(
            named("bundled 95 % interval of the median").stretches.len(),
            1
        );
        assert_eq!(named("other run").stretches.len(), 2);
        let mut xs: Vec<f64> = series
            .iter()
            .filter(|series| series.stroke == Stroke::Dots)
            .flat_map(|series| series.stretches.iter().map(|dot| dot[0].0))
            .collect();
        let dots = xs.len();
        xs.sort_by(f64::total_cmp);
        xs.dedup_by(|a, b| (*a - *b).abs() < 1e-9);
        assert_eq!(xs.len(), dots, "no dot hides another");
        assert!(xs.iter().all(|x| (-0.5..1.5).contains(x)));
    }
}
