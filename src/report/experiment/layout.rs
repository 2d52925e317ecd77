//! Which cells are the points of which line of a figure.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeSet;

use super::axis_words::value_words;
use crate::result::ExperimentIndex;
use crate::workload::{Axis, FigurePlan};

/// The axis of the faults. It is not in the file; a figure of faults has it.
pub(super) const FAULT: &str = "fault";

/// A cell on a target. The target is the last axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    /// Index into the cells.
    pub cell: usize,
    /// Index into the targets.
    pub target: usize,
}

/// A line: cells that differ in the x axis only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LinePlan {
    /// The values that tell the line from the others: `5 voters, bundled`. Empty if there is one line.
    pub label: String,
    /// The value of each fixed axis: keys and values, the target included.
    pub fixed: Vec<(String, String)>,
    /// One per value of x; `None` if there is no such cell.
    pub spots: Vec<Option<Spot>>,
}

/// The lines of a figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Key of the x axis; empty without one.
    pub x: String,
    /// The values of x in the order of the file. One empty value without an x axis.
    pub values: Vec<String>,
    pub lines: Vec<LinePlan>,
}

/// Arranges the cells of a figure. `x` is the key of an axis or `target`; with another key, such as `offered`, every
/// cell is a line of its own.
pub(super) fn layout(index: &ExperimentIndex, figure: &FigurePlan, x: &str) -> Layout {
    let mut keys: Vec<&str> = index.axes.iter().map(|axis| axis.key.as_str()).collect();
    keys.push(FigurePlan::TARGET);
    let targets = target_names(&index.targets);
    let mut spots: Vec<(Spot, Vec<&str>)> = Vec::new();
    for (cell, indexed) in index.cells.iter().enumerate() {
        for (target, spec) in targets.iter().enumerate() {
            let mut values: Vec<&str> = indexed.values.iter().map(String::as_str).collect();
            values.push(spec);
            let chosen = figure.only.iter().all(|(key, value)| {
                let place = keys.iter().position(|known| known == key);
                place.is_none_or(|place| values.get(place).is_some_and(|own| own == value))
            });
            if chosen && values.len() == keys.len() {
                spots.push((Spot { cell, target }, values));
            }
        }
    }
    let at = keys.iter().position(|key| *key == x);
    let mut values: Vec<String> = Vec::new();
    for (_, of_spot) in &spots {
        let value = at.map_or("", |at| of_spot[at]).to_owned();
        if !values.contains(&value) {
            values.push(value);
        }
    }
    let mut lines: Vec<LinePlan> = Vec::new();
    for (spot, of_spot) in &spots {
        let fixed: Vec<(String, String)> = (0..keys.len())
            .filter(|place| Some(*place) != at)
            .map(|place| (keys[place].to_owned(), of_spot[place].to_owned()))
            .collect();
        let known = lines.iter().position(|line| line.fixed == fixed);
        let place = known.unwrap_or_else(|| {
            lines.push(LinePlan {
                label: String::new(),
                fixed,
                spots: vec![None; values.len()],
            });
            lines.len() - 1
        });
        let value = at.map_or("", |at| of_spot[at]);
        if let Some(x) = values.iter().position(|known| known == value) {
            lines[place].spots[x] = Some(*spot);
        }
    }
    name(&mut lines, figure.series.as_deref());
    Layout {
        x: at.map_or_else(String::new, |_| x.to_owned()),
        values,
        lines,
    }
}

/// Names targets so that they differ: a target that is measured twice is `bundled` and `bundled (2)`.
pub(super) fn target_names(targets: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (place, spec) in targets.iter().enumerate() {
        let earlier = targets[..place]
            .iter()
            .filter(|other| *other == spec)
            .count();
        names.push(match earlier {
            0 => spec.clone(),
            earlier => format!("{spec} ({})", earlier + 1),
        });
    }
    names
}

/// Labels each line by the axes in which the lines differ, the axis of the series first.
pub(super) fn name(lines: &mut [LinePlan], series: Option<&str>) {
    let Some(first) = lines.first().map(|line| line.fixed.clone()) else {
        return;
    };
    let mut differing: Vec<usize> = (0..first.len())
        .filter(|place| lines.iter().any(|line| line.fixed[*place] != first[*place]))
        .collect();
    differing.sort_by_key(|place| Some(first[*place].0.as_str()) != series);
    // A case that stands for a fault says nothing that the fault does not.
    let without_case: Vec<usize> = differing
        .iter()
        .copied()
        .filter(|place| first[*place].0 != Axis::CASE)
        .collect();
    let has_fault = differing.iter().any(|place| first[*place].0 == FAULT);
    if has_fault && are_unique(lines, &without_case) {
        differing = without_case;
    }
    for line in lines {
        line.label = label(line, &differing);
    }
}

fn label(line: &LinePlan, places: &[usize]) -> String {
    let words = places.iter().map(|place| {
        let (key, value) = &line.fixed[*place];
        value_words(key, value)
    });
    words.collect::<Vec<_>>().join(", ")
}

fn are_unique(lines: &[LinePlan], places: &[usize]) -> bool {
    let labels: BTreeSet<String> = lines.iter().map(|line| label(line, places)).collect();
    labels.len() == lines.len()
}

/// Whether two lines differ in the axis `key`, and in no axis but that and those of `also`.
pub(super) fn differ_only_in(a: &LinePlan, b: &LinePlan, key: &str, also: &[&str]) -> bool {
    let mut pairs = a.fixed.iter().zip(&b.fixed);
    let differs = |(a, b): (&(String, String), &(String, String))| a != b && a.0 == key;
    pairs.clone().any(differs)
        && pairs.all(|(a, b)| a == b || a.0 == key || also.contains(&a.0.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::{ExperimentSource, IndexCell, Tool};
    use crate::workload::FigureKind;

    fn index() -> ExperimentIndex {
        let mut index = ExperimentIndex {
            schema: String::new(),
            schema_version: 1,
            tool: Tool::this_build(),
            name: "x".into(),
            why: String::new(),
            file: ExperimentSource {
                name: String::new(),
                text: String::new(),
            },
            overrides: Vec::new(),
            seed: 1,
            axes: Vec::new(),
            targets: Vec::new(),
            rounds: 1,
            figures: Vec::new(),
            data_dir: None,
            pin: false,
            cells: Vec::new(),
            runs: Vec::new(),
            ended_early: None,
        };
        let axis = |key: &str, values: &[&str]| Axis {
            key: key.to_owned(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
        };
        index.axes = vec![
            axis("target.voters", &["3", "5"]),
            axis("case", &["a", "b"]),
        ];
        index.targets = vec!["bundled".into(), "zookeeper".into()];
        for voters in ["3", "5"] {
            for case in ["a", "b"] {
                index.cells.push(IndexCell {
                    id: format!("{voters}-{case}"),
                    values: vec![voters.into(), case.into()],
                    search: None,
                });
            }
        }
        index
    }

    fn figure(x: &str) -> FigurePlan {
        FigurePlan {
            kind: FigureKind::Response,
            x: x.into(),
            series: Some("target".into()),
            only: [("case".to_owned(), "b".to_owned())].into(),
            title: None,
        }
    }

    fn labels(layout: &Layout) -> Vec<&str> {
        let lines = layout.lines.iter();
        lines.map(|line| line.label.as_str()).collect()
    }

    #[test]
    fn a_line_has_the_cells_that_differ_in_x_only() {
        let layout = layout(&index(), &figure("target.voters"), "target.voters");
        assert_eq!(layout.values, ["3", "5"]);
        assert_eq!(labels(&layout), ["bundled", "zookeeper"]);
        let spots = |line: usize| layout.lines[line].spots.clone();
        assert_eq!(
            spots(1),
            [
                Some(Spot { cell: 1, target: 1 }),
                Some(Spot { cell: 3, target: 1 })
            ]
        );
        assert!(differ_only_in(
            &layout.lines[0],
            &layout.lines[1],
            "target",
            &[]
        ));
    }

    #[test]
    fn without_an_x_axis_every_cell_is_a_line_and_the_series_is_named_first() {
        let mut plan = figure("offered");
        plan.only.clear();
        plan.series = Some("case".into());
        let layout = layout(&index(), &plan, "offered");
        assert_eq!(layout.lines.len(), 8);
        assert_eq!(layout.lines[1].label, "a, 3 voters, zookeeper");
        assert_eq!(layout.x, "");
    }

    #[test]
    fn a_target_that_is_measured_twice_has_two_lines() {
        let mut index = index();
        index.targets[1] = "bundled".into();
        let layout = layout(&index, &figure("target.voters"), "target.voters");
        assert_eq!(labels(&layout), ["bundled", "bundled (2)"]);
    }

    #[test]
    fn targets_can_be_the_x_axis() {
        let layout = layout(&index(), &figure("target"), "target");
        assert_eq!(layout.values, ["bundled", "zookeeper"]);
        assert_eq!(labels(&layout), ["3 voters", "5 voters"]);
    }
}
