//! Checks of a whole experiment: its size, and whether every list has an effect.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use super::Source;
use super::axes::FoundAxis;
use super::cases::Case;
use super::problems::{Problems, Read};
use super::tree::{Table, Value};
use crate::workload::error::{Place, WorkloadError};
use crate::workload::experiment::{Axis, Cell};
use crate::workload::limits;
use crate::workload::plan::{Arrival, Plan};

/// Reports an experiment with too many cells or runs.
pub(super) fn size(
    source: &Source,
    found: &[FoundAxis],
    cases: &[Case],
    rounds: Read<u32>,
    problems: &Problems,
) {
    let sizes = || found.iter().map(FoundAxis::len);
    let count = sizes().fold(cases.len().max(1), usize::saturating_mul);
    let runs = u64::from(rounds.unwrap_or(1)).saturating_mul(count as u64);
    if count <= limits::CELLS && runs <= limits::RUNS {
        return;
    }
    let mut factors: Vec<String> = found
        .iter()
        .map(|axis| format!("{} of {}", axis.len(), axis.key))
        .collect();
    if !cases.is_empty() {
        factors.insert(0, format!("{} cases", cases.len()));
    }
    let problem = if count > limits::CELLS {
        format!(
            "the experiment has {count} cells ({}), more than {}; shorten a list, or split it into several files",
            factors.join(" times "),
            limits::CELLS
        )
    } else {
        format!(
            "the experiment has {runs} runs, more than {}; lower `experiment.rounds` or shorten a list",
            limits::RUNS
        )
    };
    let place = found.first().map_or_else(
        || Place::Line {
            file: source.name.clone(),
            line: 1,
        },
        |axis| axis.place.clone(),
    );
    problems.note::<()>(WorkloadError::Inconsistent { place, problem });
}

/// Returns the plan of a cell as far as it determines the runs: a search chooses the rates.
fn measured(cell: &Cell) -> Plan {
    let mut plan = cell.plan.clone();
    if let (Some(_), Arrival::Open { phases, .. }) = (&cell.search, &mut plan.load.arrival) {
        phases.clear();
    }
    plan
}

/// Reports repeats in an experiment, which has rounds.
pub(super) fn repeats(changed: &Table, cells: &[Cell], problems: &Problems) {
    let is_repeated = cells.iter().any(|cell| cell.plan.load.repeats != 1);
    if let Some(Value::Table(load)) = changed.get("load").map(|node| &node.value)
        && let Some(node) = load.get("repeats").filter(|_| is_repeated)
    {
        problems.note::<()>(WorkloadError::BadValue {
            place: node.place.clone(),
            key: "load.repeats".to_owned(),
            problem:
                "has no effect in an experiment; set `experiment.rounds`, the runs of every cell"
                    .to_owned(),
        });
    }
}

/// Reports the first two values of an axis that give the same plan, because a case or an override replaces
/// the key.
pub(super) fn effects(
    axes: &[Axis],
    found: &[FoundAxis],
    cases: &[Case],
    cells: &[Cell],
    problems: &Problems,
) {
    for (index, axis) in axes.iter().enumerate() {
        let Some((one, two)) = equal_cells(cells, index) else {
            continue;
        };
        let (first, second) = (&one.values[index], &two.values[index]);
        let of_case = cases.iter().find(|case| case.name == *second);
        let of_key = found.iter().find(|found| found.key == axis.key);
        let (place, problem) = match (of_key, of_case) {
            (Some(found), _) => {
                let case = match cases {
                    [] => String::new(),
                    _ => format!(" in case {:?}", two.values[0]),
                };
                let problem = format!(
                    "the values {first} and {second} of `{}` give the same run{case}, because something else replaces the key; give each case its own value of it instead of a list",
                    axis.key
                );
                (&found.place, problem)
            }
            (None, Some(case)) => {
                let problem = format!(
                    "the cases {first:?} and {second:?} give the same run; change what one of them sets, or remove it"
                );
                (&case.place, problem)
            }
            (None, None) => continue,
        };
        let place = place.clone();
        problems.note::<()>(WorkloadError::Inconsistent { place, problem });
        return;
    }
}

/// Returns two cells that differ in the value at `index` only and give the same run.
fn equal_cells(cells: &[Cell], index: usize) -> Option<(&Cell, &Cell)> {
    let mut groups: BTreeMap<Vec<&String>, Vec<&Cell>> = BTreeMap::new();
    for cell in cells {
        let mut others: Vec<&String> = cell.values.iter().collect();
        others.remove(index);
        let group = groups.entry(others).or_default();
        let same = group
            .iter()
            .find(|other| measured(other) == measured(cell) && other.search == cell.search);
        if let Some(same) = same {
            return Some((same, cell));
        }
        group.push(cell);
    }
    None
}
