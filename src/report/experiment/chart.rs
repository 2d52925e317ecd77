//! A figure of an experiment before it is drawn: its lines, its values and its answers. The picture, the table behind it
//! and the sentences are made from the same values.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::answer::Answer;
use super::axis_words::{noun, value_words};
use super::estimate::Estimate;
use super::layout::{FAULT, Layout, Spot};
use super::measure::Measure;
use super::measured::{Class, Measured};
use crate::report::figure::Figure;
use crate::report::statistics::{FULL_ROUNDS, level_of_rounds};
use crate::workload::{Axis, FigureKind, FigurePlan};

/// A figure with its values. One chart can have several pictures, such as one for reads and one for writes.
#[derive(Clone, Debug)]
pub(super) struct Chart {
    pub kind: FigureKind,
    /// Name of its files and of its part in a document: `response`, `response-2`.
    pub name: String,
    pub title: String,
    pub layout: Layout,
    pub measures: Vec<Measure>,
    /// Per line, value of x and measure.
    pub estimates: Vec<Vec<Vec<Estimate>>>,
    pub answers: Vec<Answer>,
    pub pictures: Vec<Figure>,
    /// How to read it, one sentence each.
    pub notes: Vec<String>,
    /// The steps of searches, for a curve.
    pub steps: Vec<StepRow>,
    /// The time around faults: targets with their figures.
    pub timelines: Vec<(String, Vec<Figure>)>,
}

/// The runs of searches at one rate.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct StepRow {
    /// Index of the line.
    pub line: usize,
    pub rate_per_s: f64,
    /// Runs at this rate over all rounds.
    pub runs: usize,
    /// Runs that held.
    pub held: usize,
    /// Medians over the runs.
    pub achieved_per_s: Option<f64>,
    pub p50_us: Option<f64>,
    pub p99_us: Option<f64>,
}

/// A value of a chart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point<'a> {
    pub estimate: &'a Estimate,
}

impl Chart {
    /// A chart with the values of `measures` at every spot of the layout.
    pub(super) fn new(
        kind: FigureKind,
        layout: Layout,
        measures: Vec<Measure>,
        measured: &[Measured],
    ) -> Self {
        let estimates = layout.lines.iter().map(|line| {
            let of_spot = |spot: &Option<Spot>| {
                let found = spot.and_then(|spot| find(measured, spot));
                let of = |measure: &Measure| {
                    found.map_or_else(Estimate::default, |found| measure.estimate(found))
                };
                measures.iter().map(of).collect()
            };
            line.spots.iter().map(of_spot).collect()
        });
        let estimates = estimates.collect();
        Self::with_estimates(kind, layout, measures, estimates)
    }

    /// A chart of values that are known: per line, value of x and measure.
    pub(super) fn with_estimates(
        kind: FigureKind,
        layout: Layout,
        measures: Vec<Measure>,
        estimates: Vec<Vec<Vec<Estimate>>>,
    ) -> Self {
        Self {
            kind,
            name: String::new(),
            title: String::new(),
            estimates,
            layout,
            measures,
            answers: Vec::new(),
            pictures: Vec::new(),
            notes: Vec::new(),
            steps: Vec::new(),
            timelines: Vec::new(),
        }
    }

    /// The points of a line that have a value, with their index of x.
    pub(super) fn points(&self, line: usize, measure: Measure) -> Vec<(usize, Point<'_>)> {
        let Some(place) = self.measures.iter().position(|known| *known == measure) else {
            return Vec::new();
        };
        let all = self.estimates[line].iter().enumerate();
        all.filter_map(|(x, estimates)| {
            let estimate = &estimates[place];
            estimate.median.map(|_| (x, Point { estimate }))
        })
        .collect()
    }

    /// What a line measured, in words: its label, or its target if it is the only line.
    pub(super) fn who(&self, line: usize) -> String {
        let label = &self.layout.lines[line].label;
        if label.is_empty() {
            self.target(line).unwrap_or_default().to_owned()
        } else if self.targets_differ() {
            label.clone()
        } else {
            let target = self.target(line).map(str::to_owned);
            target
                .into_iter()
                .chain([label.clone()])
                .collect::<Vec<_>>()
                .join(", ")
        }
    }

    /// The values of a line other than that of `key`, as far as the lines differ in them.
    pub(super) fn who_but(&self, line: usize, key: &str) -> String {
        let lines = &self.layout.lines;
        let differs = |place: &usize| {
            lines
                .iter()
                .any(|other| other.fixed[*place] != lines[0].fixed[*place])
        };
        let fixed = &lines[line].fixed;
        let words = (0..fixed.len())
            .filter(differs)
            .filter(|place| fixed[*place].0 != key)
            // A case usually stands for a fault.
            .filter(|place| key != FAULT || fixed[*place].0 != Axis::CASE)
            .map(|place| value_words(&fixed[place].0, &fixed[place].1));
        words.collect::<Vec<_>>().join(", ")
    }

    fn targets_differ(&self) -> bool {
        let first = self.target(0);
        (0..self.layout.lines.len()).any(|line| self.target(line) != first)
    }

    pub(super) fn target(&self, line: usize) -> Option<&str> {
        self.fixed(line, FigurePlan::TARGET)
    }

    /// The value of an axis on a line.
    pub(super) fn fixed(&self, line: usize, key: &str) -> Option<&str> {
        let fixed = &self.layout.lines.get(line)?.fixed;
        let found = fixed.iter().find(|(known, _)| known == key);
        found.map(|(_, value)| value.as_str())
    }

    /// ` at 3 voters`; empty without an x axis.
    pub(super) fn place(&self, x: usize) -> String {
        if self.layout.x.is_empty() {
            return String::new();
        }
        format!(
            " at {}",
            value_words(&self.layout.x, &self.layout.values[x])
        )
    }

    /// The head of the column of x.
    pub(super) fn x_head(&self) -> String {
        noun(&self.layout.x)
    }

    /// States the level of the intervals if rounds are few, and whether runs are invalid.
    pub(super) fn note_rounds(&mut self) {
        let all = || self.estimates.iter().flatten().flatten();
        let rounds = all().map(Estimate::runs).filter(|runs| *runs > 0).min();
        let invalid: usize = self
            .estimates
            .iter()
            .flatten()
            .filter_map(|of_measures| of_measures.iter().map(Estimate::invalid).max())
            .sum();
        if let Some(note) = rounds.and_then(interval_note) {
            self.notes.push(note);
        }
        if invalid > 0 {
            self.notes.push(format!(
                "{invalid} of its runs are invalid: the generator was the limit. They are included; the table of cells names them."
            ));
        }
    }
}

/// How to read the intervals over this many rounds.
fn interval_note(rounds: usize) -> Option<String> {
    match rounds {
        0 => None,
        1 => Some(
            "One run has no interval; at least 5 rounds are needed to claim a difference."
                .to_owned(),
        ),
        rounds if rounds < FULL_ROUNDS => Some(format!(
            "With {rounds} rounds an interval is the range of the rounds; it holds the median with {:.0} %.",
            100.0 * level_of_rounds(rounds)
        )),
        _ => Some(
            "Intervals hold 95 %, each for itself; they are not corrected for their number."
                .to_owned(),
        ),
    }
}

pub(super) fn find(measured: &[Measured], spot: Spot) -> Option<&Measured> {
    measured
        .iter()
        .find(|one| one.cell == spot.cell && one.target == spot.target)
}

/// The cells of a layout that were measured.
pub(super) fn found<'a>(
    layout: &'a Layout,
    measured: &'a [Measured],
) -> impl Iterator<Item = &'a Measured> {
    let spots = layout.lines.iter().flat_map(|line| &line.spots);
    spots.flatten().filter_map(|spot| find(measured, *spot))
}

/// The classes of operations that occur: reads, writes, or both.
pub(super) fn classes(layout: &Layout, measured: &[Measured]) -> Vec<Class> {
    let has = |class: Class| {
        found(layout, measured)
            .flat_map(|one| &one.rounds)
            .any(|round| round.class(class).is_some())
    };
    [Class::Reads, Class::Writes]
        .into_iter()
        .filter(|class| has(*class))
        .collect()
}
