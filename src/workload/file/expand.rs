//! From a file to an experiment: finds the axes, and resolves one plan for each combination of values.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::{BTreeMap, BTreeSet};

use super::axes::{self, FoundAxis};
use super::cases::{self, Case};
use super::figures::{self, KnownAxes};
use super::problems::{Problems, Read};
use super::section::Section;
use super::tree::{Node, Table, Value, parse_override};
use super::{Source, checks, overrides, read_protocol, resolve_tree, schema, tree};
use crate::workload::error::{Place, WorkloadError};
use crate::workload::experiment::{Axis, Cell, Experiment, SearchPlan};
use crate::workload::limits;
use crate::workload::slug::slug;
use crate::workload::vocabulary::Vocabulary;

/// The sections of a file that are not part of a plan.
const SECTIONS: [&str; 3] = ["experiment", "case", "figure"];
/// Rounds of an experiment that does not set them.
const ROUNDS: u32 = 5;
/// Maximum length of the part of a cell's folder name that comes from its values.
const ID_CHARS: usize = 120;

/// Resolves `source` to an experiment, with `overrides` (`target.voters=[3,5]`) applied. The override
/// `case=NAME` selects a case. `seed` takes precedence over the file's. The workload's protocol must be
/// one of `vocabularies`.
///
/// # Errors
/// If the file or the overrides are wrong, with all problems. If the file is not valid TOML, with its
/// syntax errors only.
pub fn expand(
    source: &Source,
    overrides: &[String],
    seed: Option<u64>,
    vocabularies: &[&'static dyn Vocabulary],
) -> Result<Experiment, WorkloadError> {
    let mut file = tree::parse(&source.name, &source.text)?;
    let problems = Problems::default();
    let SplitOverrides {
        selection,
        of_sections,
        others,
    } = split_overrides(overrides);
    let mut changed = file.clone();
    overrides::apply(&mut changed, &[], &of_sections, &problems);
    // Every cell applies the others again and reports their problems.
    overrides::apply(&mut changed, &[], &others, &Problems::default());
    let sections = split_sections(&mut changed);
    split_sections(&mut file);
    let Some(vocabulary) = read_protocol(&changed, vocabularies, &problems) else {
        return problems.decide(None, &source.name, overrides);
    };
    let root = Section::root(&source.name, &sections, vocabulary, &problems);
    let rounds = read_rounds(&root);
    let all_cases = cases::read(&root);
    let found = axes::find(&changed, &problems);
    let Some(all_cases) = all_cases else {
        return problems.decide(None, &source.name, overrides);
    };
    let cases = selected(&all_cases, &selection, &problems);
    let axes: Vec<Axis> = case_axis(&cases)
        .into_iter()
        .chain(found.iter().map(FoundAxis::to_axis))
        .collect();
    let mut values_changed = changed_axes(&file, &changed, &axes);
    if cases.len() < all_cases.len() {
        values_changed.insert(Axis::CASE.to_owned(), None);
    }
    let figures = figures::read(
        &root,
        &KnownAxes {
            axes: &axes,
            changed: &values_changed,
        },
    );
    checks::size(source, &found, &cases, rounds, &problems);
    if problems.any() {
        // The plans are not resolved, so that a mistake in an axis is reported once.
        return problems.decide(None, &source.name, overrides);
    }
    let job = CellJob {
        source,
        file: &file,
        overrides: &others,
        seed,
        vocabularies,
        axes: &axes,
        found: &found,
    };
    let cells = job.cells(&cases, &problems);
    let is_declared = !sections.is_empty() || !axes.is_empty();
    if let Some(cells) = &cells {
        checks::effects(&axes, &found, &cases, cells, &problems);
        if is_declared {
            checks::repeats(&changed, cells, &problems);
        }
    }
    let experiment = cells.zip(figures).zip(rounds);
    let experiment = experiment.map(|((cells, figures), rounds)| Experiment {
        name: cells[0].plan.name.clone(),
        why: cells[0].plan.why.clone(),
        is_declared,
        axes: axes.clone(),
        cells,
        rounds,
        figures,
    });
    problems.decide(experiment, &source.name, overrides)
}

/// The overrides of a command line by their purpose, in their order.
#[derive(Debug, Default)]
struct SplitOverrides {
    /// Those that select cases.
    selection: Vec<String>,
    /// Those of keys of the sections.
    of_sections: Vec<String>,
    others: Vec<String>,
}

fn split_overrides(overrides: &[String]) -> SplitOverrides {
    let mut split = SplitOverrides::default();
    for text in overrides {
        let list = if key_of(text) == Axis::CASE {
            &mut split.selection
        } else if is_of_section(text) {
            &mut split.of_sections
        } else {
            &mut split.others
        };
        list.push(text.clone());
    }
    split
}

fn key_of(text: &str) -> &str {
    text.split('=').next().unwrap_or_default().trim()
}

fn is_of_section(text: &str) -> bool {
    let top = key_of(text).split('.').next().unwrap_or_default();
    SECTIONS.contains(&top.trim())
}

/// Takes the sections that are not part of a plan out of `root`.
fn split_sections(root: &mut Table) -> Table {
    let taken = SECTIONS.iter().filter_map(|key| root.remove_entry(*key));
    taken.collect()
}

fn read_rounds(root: &Section<'_>) -> Read<u32> {
    let table = root.section("experiment", &schema::EXPERIMENT)?;
    table.integer("rounds", limits::ROUNDS, ROUNDS)
}

/// Returns the cases that the overrides `case=NAME` or `case=[NAME, NAME]` select; all without one.
fn selected(cases: &[Case], selection: &[String], problems: &Problems) -> Vec<Case> {
    let Some(text) = selection.last() else {
        return cases.to_vec();
    };
    let place = Place::Override(text.clone());
    let refuse = |problem: String| {
        problems.note::<()>(WorkloadError::Inconsistent {
            place: place.clone(),
            problem,
        });
        Vec::new()
    };
    let value = text.split_once('=').map_or("", |(_, value)| value);
    let names: Vec<String> = match parse_override(value, &place) {
        Ok(Node {
            value: Value::List(items),
            ..
        }) => items.iter().map(|item| axes::shown(&item.value)).collect(),
        Ok(node) => vec![axes::shown(&node.value)],
        Err(error) => {
            problems.note_all(error);
            return Vec::new();
        }
    };
    let known: Vec<String> = cases
        .iter()
        .map(|case| format!("{:?}", case.name))
        .collect();
    let unknown = names
        .iter()
        .find(|name| cases.iter().all(|case| case.name != **name));
    match unknown {
        None if names.is_empty() => {
            refuse("names no case; write for instance case=\"lone writer\"".to_owned())
        }
        Some(name) if cases.is_empty() => refuse(format!(
            "the workload has no cases, so none is called {name:?}"
        )),
        Some(name) => refuse(format!(
            "no case is called {name:?}; the workload has {}",
            known.join(", ")
        )),
        None => {
            let chosen = cases.iter().filter(|case| names.contains(&case.name));
            chosen.cloned().collect()
        }
    }
}

fn case_axis(cases: &[Case]) -> Option<Axis> {
    (!cases.is_empty()).then(|| Axis {
        key: Axis::CASE.to_owned(),
        values: cases.iter().map(|case| case.name.clone()).collect(),
    })
}

/// Returns the axes of the file to which the overrides give other values, with the value if it is one.
fn changed_axes(file: &Table, changed: &Table, axes: &[Axis]) -> BTreeMap<String, Option<String>> {
    // Problems with the lists of the file do not matter if an override replaces them.
    let of_file = axes::find(file, &Problems::default());
    of_file
        .iter()
        .map(|found| (found, found.to_axis()))
        .filter(|(_, own)| !axes.contains(own))
        .map(|(found, own)| {
            let remains = axes.iter().any(|axis| axis.key == own.key);
            let value = found.value_in(changed).filter(|_| !remains);
            (own.key, value)
        })
        .collect()
}

/// What all cells of an experiment have in common.
struct CellJob<'a> {
    source: &'a Source,
    /// The file without the sections that are not part of a plan.
    file: &'a Table,
    /// The overrides without those of the sections.
    overrides: &'a [String],
    seed: Option<u64>,
    vocabularies: &'a [&'static dyn Vocabulary],
    axes: &'a [Axis],
    found: &'a [FoundAxis],
}

impl CellJob<'_> {
    /// Resolves all cells. The last axis varies fastest.
    fn cells(&self, cases: &[Case], problems: &Problems) -> Read<Vec<Cell>> {
        let choices: Vec<Option<&Case>> = match cases {
            [] => vec![None],
            some => some.iter().map(Some).collect(),
        };
        let mut cells = Vec::new();
        let mut ids = BTreeSet::new();
        let mut complete = true;
        for case in choices {
            let mut at = vec![0; self.found.len()];
            loop {
                match self.cell(case, &at, &mut ids) {
                    Ok(cell) => cells.push(cell),
                    Err(error) => {
                        problems.note_all(error);
                        complete = false;
                    }
                }
                if !self.advance(&mut at) {
                    break;
                }
            }
        }
        complete.then_some(cells)
    }

    /// Moves to the next combination of values. Returns false after the last one.
    fn advance(&self, at: &mut [usize]) -> bool {
        for (index, axis) in at.iter_mut().zip(self.found).rev() {
            *index += 1;
            if *index < axis.len() {
                return true;
            }
            *index = 0;
        }
        false
    }

    fn cell(
        &self,
        case: Option<&Case>,
        at: &[usize],
        ids: &mut BTreeSet<String>,
    ) -> Result<Cell, WorkloadError> {
        let mut root = self.file.clone();
        let problems = Problems::default();
        let settings = case.map_or(&[][..], |case| &case.settings);
        overrides::apply(&mut root, settings, self.overrides, &problems);
        for (axis, index) in self.found.iter().zip(at) {
            axis.put(&mut root, *index);
        }
        let mut plan = resolve_tree(
            &self.source.name,
            root,
            self.overrides,
            self.seed,
            self.vocabularies,
            problems,
        )?;
        let search = case.and_then(|case| case.search.clone());
        if let (Some(search), Some(case)) = (&search, case) {
            plan.gates = search.conditions(&plan.gates);
            if !SearchPlan::limits_time(&plan.gates) {
                return Err(WorkloadError::Inconsistent {
                    place: case.place.clone(),
                    problem: format!(
                        "the search of case {:?} has no limit of the response time; add for instance p99 = \"20ms\"",
                        case.name
                    ),
                });
            }
        }
        let case_value = case.map(|case| case.name.clone());
        let values = self.found.iter().zip(at).map(|(axis, index)| {
            let axis = axis.to_axis();
            axis.values[*index].clone()
        });
        let values: Vec<String> = case_value.into_iter().chain(values).collect();
        Ok(Cell {
            id: id(self.axes, &values, ids),
            values,
            plan,
            search,
        })
    }
}

/// Returns the name of a cell's folder, such as `saturation.voters-3.size-1kib`, and adds it to `ids`.
fn id(axes: &[Axis], values: &[String], ids: &mut BTreeSet<String>) -> String {
    let parts: Vec<String> = axes
        .iter()
        .zip(values)
        .map(|(axis, value)| match axis.key.as_str() {
            Axis::CASE => slug(value, ID_CHARS),
            key => {
                let leaf = key.rsplit('.').next().unwrap_or(key);
                format!("{}-{}", slug(leaf, ID_CHARS), slug(value, ID_CHARS))
            }
        })
        .collect();
    let mut name = slug(&parts.join("."), ID_CHARS);
    if name.is_empty() {
        "all".clone_into(&mut name);
    }
    let mut unique = name.clone();
    let mut number = 1;
    while !ids.insert(unique.clone()) {
        number += 1;
        unique = format!("{name}.{number}");
    }
    unique
}
