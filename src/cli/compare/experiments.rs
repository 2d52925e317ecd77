//! Compares two experiments cell by cell.

use std::path::Path;

use super::layout::ComparisonFormat;
use super::outcome::Ending;
use super::{CompareArgs, format};
use crate::cli::experiment_report::folder;
use crate::cli::failure::{Failure, MeansStatus, Status, bad_usage};
use crate::report::{
    CellPlace, ExperimentComparison, experiment_comparison_as_junit, render_experiment_comparison,
};
use crate::result::{CellResults, ExperimentIndex, is_experiment, read_cell, read_experiment};

/// Compares the experiments of two folders; `None` if neither is an experiment.
pub(super) fn compare(
    args: &CompareArgs,
    base: &str,
    candidate: &str,
) -> Result<Option<Status>, Failure> {
    let (base, candidate) = (Path::new(base), Path::new(candidate));
    match (is_experiment(base), is_experiment(candidate)) {
        (false, false) => return Ok(None),
        (true, true) => {}
        (true, false) => return Err(alone(base, candidate)),
        (false, true) => return Err(alone(candidate, base)),
    }
    let sides = [Side::read(base)?, Side::read(candidate)?];
    let comparison = compare_sides(&sides, args.headline.as_deref())?;
    let text = match format(args)? {
        ComparisonFormat::Junit => experiment_comparison_as_junit(&comparison, &args.fail_if),
        ComparisonFormat::Report(format) => render_experiment_comparison(&comparison, format),
    };
    args.layout.deliver(&text)?;
    Ending::of_experiments(args.force, &args.fail_if, &comparison)
        .into_status()
        .map(Some)
}

fn alone(experiment: &Path, other: &Path) -> Failure {
    bad_usage(format!(
        "{} is an experiment and {} is not: compare two experiments, or two results such as a folder below `cells`",
        experiment.display(),
        other.display()
    ))
}

struct Side<'a> {
    dir: &'a Path,
    index: ExperimentIndex,
}

impl<'a> Side<'a> {
    fn read(path: &'a Path) -> Result<Self, Failure> {
        Ok(Self {
            dir: folder(path),
            index: read_experiment(path).bad_usage()?,
        })
    }

    fn results(&self, cell: usize, target: usize) -> Result<Option<CellResults>, Failure> {
        read_cell(self.dir, &self.index, cell, target).bad_usage()
    }
}

/// Pairs the cells by their id and their target. Two experiments with one target each are paired whatever the targets
/// are: that is how two systems are compared.
fn compare_sides(
    [base, candidate]: &[Side<'_>; 2],
    headline: Option<&str>,
) -> Result<ExperimentComparison, Failure> {
    let mut comparison = ExperimentComparison::new(&base.index.name, &candidate.index.name);
    let single = base.index.targets.len() == 1 && candidate.index.targets.len() == 1;
    for (cell, indexed) in base.index.cells.iter().enumerate() {
        let others = &candidate.index.cells;
        let Some(other) = others.iter().position(|other| other.id == indexed.id) else {
            comparison
                .missing
                .push(format!("only the base has the cell {}", indexed.id));
            continue;
        };
        for (target, spec) in base.index.targets.iter().enumerate() {
            let targets = &candidate.index.targets;
            // A target that is measured twice is paired in order.
            let earlier = base.index.targets[..target]
                .iter()
                .filter(|other| *other == spec);
            let mut same = targets
                .iter()
                .enumerate()
                .filter(|(_, other)| *other == spec);
            let same = same.nth(earlier.count()).map(|(place, _)| place);
            let Some(other_target) = same.or(single.then_some(0)) else {
                comparison
                    .missing
                    .push(format!("only the base has {} on {spec}", indexed.id));
                continue;
            };
            let other_spec = &targets[other_target];
            let shown = if other_spec == spec {
                spec.clone()
            } else {
                format!("{spec} and {other_spec}")
            };
            let place = CellPlace {
                cell: &indexed.id,
                target: &shown,
            };
            let results = (
                base.results(cell, target)?,
                candidate.results(other, other_target)?,
            );
            match results {
                (Some(CellResults::Runs(a)), Some(CellResults::Runs(b))) => {
                    comparison.add_runs(place, &a, &b, headline).bad_usage()?;
                }
                (Some(CellResults::Searches(a)), Some(CellResults::Searches(b))) => {
                    comparison.add_searches(place, &a, &b);
                }
                _ => comparison.missing.push(format!(
                    "{} on {shown} was not measured by both sides",
                    indexed.id
                )),
            }
        }
    }
    for other in &candidate.index.cells {
        if !base.index.cells.iter().any(|cell| cell.id == other.id) {
            comparison
                .missing
                .push(format!("only the candidate has the cell {}", other.id));
        }
    }
    if comparison.cells.is_empty() {
        return Err(bad_usage(
            "the experiments have no cell in common that both measured",
        ));
    }
    comparison.correct();
    Ok(comparison)
}
