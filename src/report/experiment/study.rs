//! An experiment as it is read for its report.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use super::chart::{Chart, find};
use super::layout::{Spot, layout, target_names};
use super::measured::{Measured, Search};
use super::{curve, failover, response, throughput};
use crate::result::{Capacity, ExperimentIndex, RunResult, RunState};
use crate::workload::{Arrival, FigureKind, FigurePlan};

/// Lines of one figure. With more, the figure is divided by target.
const LINES_MAX: usize = 6;

/// The index of an experiment with the values of its results. Results are added one by one, so that only one of them is
/// in memory.
#[derive(Clone, Debug)]
pub struct ExperimentReport {
    pub(super) index: ExperimentIndex,
    pub(super) measured: Vec<Measured>,
    /// Whether a result has a closed loop.
    closed: bool,
}

impl ExperimentReport {
    #[must_use]
    pub fn new(index: ExperimentIndex) -> Self {
        Self {
            index,
            measured: Vec::new(),
            closed: false,
        }
    }

    /// Adds the runs of a cell on a target, both as indices of the index.
    pub fn add_result(&mut self, cell: usize, target: usize, result: &RunResult) {
        self.closed |= matches!(result.plan.load.arrival, Arrival::Closed { .. });
        self.measured.push(Measured::of_runs(cell, target, result));
    }

    /// Adds the search of a cell on a target in one round.
    pub fn add_search(&mut self, cell: usize, target: usize, round: u32, capacity: Capacity) {
        let search = Search {
            number: round,
            capacity,
        };
        let same = |one: &&mut Measured| one.cell == cell && one.target == target;
        match self.measured.iter_mut().find(same) {
            Some(known) => known.searches.push(search),
            None => self
                .measured
                .push(Measured::of_search(cell, target, search)),
        }
    }

    pub(super) fn charts(&self) -> Vec<Chart> {
        let mut charts = Vec::new();
        for figure in self.figures() {
            for part in self.divided(&figure) {
                charts.push(self.chart(&part));
            }
        }
        name(&mut charts);
        charts
    }

    /// The figures of the file; without any, one that suits what was measured.
    fn figures(&self) -> Vec<FigurePlan> {
        if !self.index.figures.is_empty() {
            return self.index.figures.clone();
        }
        let x = self.index.axes.iter().find(|axis| axis.values.len() > 1);
        let x = x.map_or(FigurePlan::TARGET, |axis| axis.key.as_str());
        let plan = |kind, x: &str| FigurePlan {
            kind,
            x: x.to_owned(),
            series: None,
            only: BTreeMap::new(),
            title: None,
        };
        let mut plans = Vec::new();
        if self.measured.iter().any(|one| !one.searches.is_empty()) {
            plans.push(plan(FigureKind::Curve, FigurePlan::OFFERED));
        }
        if self.measured.iter().any(|one| !one.faults.is_empty()) {
            plans.push(plan(FigureKind::Failover, x));
        } else if self.measured.iter().any(|one| !one.rounds.is_empty()) {
            let kind = if self.closed {
                FigureKind::Throughput
            } else {
                FigureKind::Response
            };
            plans.push(plan(kind, x));
        }
        plans
    }

    /// Divides a figure with too many lines into one for each target.
    fn divided(&self, figure: &FigurePlan) -> Vec<FigurePlan> {
        let has_faults = |spot: &Spot| {
            let found = find(&self.measured, *spot);
            found.is_some_and(|found| !found.faults.is_empty())
        };
        // Only cells with faults are lines of a figure of faults.
        let lines = layout(&self.index, figure, &figure.x)
            .lines
            .iter()
            .filter(|line| {
                figure.kind != FigureKind::Failover || line.spots.iter().flatten().any(has_faults)
            })
            .count();
        let targets = target_names(&self.index.targets);
        if lines <= LINES_MAX || targets.len() < 2 || figure.x == FigurePlan::TARGET {
            return vec![figure.clone()];
        }
        let of_target = |target: &String| {
            let mut part = figure.clone();
            part.only
                .insert(FigurePlan::TARGET.to_owned(), target.clone());
            part
        };
        targets.iter().map(of_target).collect()
    }

    fn chart(&self, figure: &FigurePlan) -> Chart {
        let cells = layout(&self.index, figure, &figure.x);
        let x = if cells.x.is_empty() {
            String::new()
        } else {
            format!(" by {}", super::axis_words::noun(&cells.x))
        };
        let (mut chart, title) = match figure.kind {
            FigureKind::Response => (
                response::chart(cells, &self.measured),
                format!("Response time{x}"),
            ),
            FigureKind::Throughput => (
                throughput::chart(cells, &self.measured),
                format!("Throughput{x}"),
            ),
            FigureKind::Curve => (
                curve::chart(&self.index, figure, &self.measured),
                "Response time over the offered rate".to_owned(),
            ),
            FigureKind::Failover => (
                failover::chart(cells, &self.measured, figure.series.as_deref()),
                format!("Gaps after faults{x}"),
            ),
        };
        let only = figure.only.iter();
        let only: Vec<String> = only
            .map(|(key, value)| super::axis_words::value_words(key, value))
            .collect();
        chart.title = figure.title.clone().unwrap_or(title);
        if !only.is_empty() && figure.title.is_none() {
            chart.title += &format!(", {}", only.join(", "));
        }
        chart
    }

    /// Runs that did not end with a measurement, in the order of the index.
    pub(super) fn failed(&self) -> Vec<String> {
        let targets = target_names(&self.index.targets);
        let failed = self.index.runs.iter().filter_map(|run| match &run.state {
            RunState::Done => None,
            RunState::Failed { why } => Some((run, why)),
        });
        failed
            .map(|(run, why)| {
                let target = targets.get(run.target).map_or("?", |name| name);
                format!("{} on {target}, round {}: {why}", run.cell, run.round + 1)
            })
            .collect()
    }

    pub(super) fn runs_done(&self) -> usize {
        let runs = self.index.runs.iter();
        runs.filter(|run| run.state == RunState::Done).count()
    }
}

/// Gives every chart and every picture its name and its title.
fn name(charts: &mut [Chart]) {
    let mut known: BTreeMap<&'static str, u32> = BTreeMap::new();
    for chart in charts {
        let kind = chart.kind.name();
        let number = known.entry(kind).or_default();
        *number += 1;
        chart.name = match *number {
            1 => kind.to_owned(),
            number => format!("{kind}-{number}"),
        };
        let several = chart.pictures.len() > 1;
        for picture in &mut chart.pictures {
            picture.name = if picture.name.is_empty() || !several {
                chart.name.clone()
            } else {
                format!("{}-{}", chart.name, picture.name)
            };
            picture.title = if picture.title.is_empty() || !several {
                chart.title.clone()
            } else {
                format!("{}: {}", chart.title, picture.title)
            };
        }
    }
}
