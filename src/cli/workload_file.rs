//! Finds the workload of a FILE argument. The argument is the path of a workload file, the name of a shipped
//! workload, or an earlier result, whose plan is used.

use std::path::Path;

use super::failure::{Failure, MeansStatus, bad_usage};
use super::load_flags::LoadFlags;
use crate::protocol::{self, find_shipped, nearest_shipped};
use crate::result::{is_experiment, read_result};
use crate::workload::{self, Arrival, Experiment, Plan, Source, WorkloadError};

/// The changes that the command line makes to a workload.
#[derive(Clone, Copy, Debug)]
pub(super) struct Changes<'a> {
    /// The values of `--set`.
    pub(super) set: &'a [String],
    pub(super) load: &'a LoadFlags,
    pub(super) seed: Option<u64>,
}

impl Changes<'_> {
    /// Returns the overrides of `--set`, followed by those of the load options.
    pub(super) fn overrides(&self) -> Result<Vec<String>, Failure> {
        let mut overrides = self.set.to_vec();
        overrides.extend(self.load.overrides(self.set)?);
        Ok(overrides)
    }
}

#[derive(Debug)]
pub(super) struct Resolved {
    pub(super) plan: Plan,
    /// A message for the user if `--rate` or `--in-flight` replaced the arrival of the workload.
    pub(super) note: Option<String>,
}

/// A workload file with all combinations of its values.
#[derive(Debug)]
pub(super) struct Expanded {
    pub(super) experiment: Experiment,
    pub(super) source: Source,
    /// Like [`Resolved::note`]; `None` for an experiment of several cells.
    pub(super) note: Option<String>,
}

/// Resolves the workload `name` with the changes.
///
/// # Errors
/// Bad usage, with all problems of the workload.
pub(super) fn resolve(name: &str, changes: &Changes<'_>) -> Result<Resolved, Failure> {
    read(name, &changes.overrides()?, changes).map_err(failure)
}

/// Expands all workloads with the changes.
///
/// # Errors
/// Bad usage, with all problems of all workloads.
pub(super) fn expand_all(
    names: &[String],
    changes: &Changes<'_>,
) -> Result<Vec<Expanded>, Failure> {
    let overrides = changes.overrides()?;
    let mut all = Vec::with_capacity(names.len());
    let mut problems: Vec<String> = Vec::new();
    for name in names {
        match expand(name, &overrides, changes) {
            Ok(expanded) => all.push(expanded),
            // A problem that occurs in several files, such as an unknown override, is listed once.
            Err(found) => {
                let new = found.into_iter().filter(|one| !problems.contains(one));
                let new: Vec<String> = new.collect();
                problems.extend(new);
            }
        }
    }
    if problems.is_empty() {
        Ok(all)
    } else {
        Err(failure(problems))
    }
}

/// Resolves a workload, or returns its problems.
fn read(name: &str, overrides: &[String], changes: &Changes<'_>) -> Result<Resolved, Vec<String>> {
    let source = source(name).map_err(|failure| vec![failure.text()])?;
    let plan = protocol::resolve(&source, overrides, changes.seed)
        .map_err(|error| problems(&error, changes))?;
    let note = loop_note(&source, &plan, changes);
    Ok(Resolved { plan, note })
}

/// Expands a workload, or returns its problems.
fn expand(
    name: &str,
    overrides: &[String],
    changes: &Changes<'_>,
) -> Result<Expanded, Vec<String>> {
    let source = source(name).map_err(|failure| vec![failure.text()])?;
    let experiment = protocol::expand(&source, overrides, changes.seed)
        .map_err(|error| problems(&error, changes))?;
    let note = match experiment.cells.as_slice() {
        [only] => loop_note(&source, &only.plan, changes),
        _ => None,
    };
    Ok(Expanded {
        experiment,
        source,
        note,
    })
}

fn problems(error: &WorkloadError, changes: &Changes<'_>) -> Vec<String> {
    let problems = error.problems().iter();
    problems
        .map(|problem| changes.load.reworded(problem.to_string()))
        .collect()
}

/// Returns a message if `--rate` or `--in-flight` replaced the arrival of the workload by one of another kind.
fn loop_note(source: &Source, plan: &Plan, changes: &Changes<'_>) -> Option<String> {
    let flag = changes.load.arrival()?;
    // If the workload has no arrival of its own, nothing is replaced.
    let own = protocol::resolve(source, changes.set, changes.seed).ok()?;
    let change = match (&own.load.arrival, &plan.load.arrival) {
        (Arrival::Closed { in_flight }, Arrival::Open { .. }) => format!(
            "makes the closed loop an open one: in_flight = {in_flight} of the workload is dropped"
        ),
        (Arrival::Open { phases, .. }, Arrival::Closed { .. }) => {
            let dropped = match phases.as_slice() {
                [phase] if phase.from_per_s == phase.to_per_s => {
                    format!("rate = {} of the workload is", phase.from_per_s)
                }
                _ => "the phases of the workload are".to_owned(),
            };
            format!("makes the open loop a closed one: {dropped} dropped")
        }
        (Arrival::Open { phases, .. }, Arrival::Open { .. }) if phases.len() > 1 => {
            "replaces the phases of the workload by one rate".to_owned()
        }
        _ => return None,
    };
    Some(format!("{}: {flag} {change}", plan.name))
}

/// Returns the only problem, or a list of all problems.
fn failure(problems: Vec<String>) -> Failure {
    let count = problems.len();
    match <[String; 1]>::try_from(problems) {
        Ok([problem]) => bad_usage(problem),
        Err(problems) => bad_usage(format!(
            "there are {count} problems:\n  {}",
            problems.join("\n  ")
        )),
    }
}

fn source(name: &str) -> Result<Source, Failure> {
    let path = Path::new(name);
    if is_experiment(path) {
        return Err(bad_usage(format!(
            "{name} holds an experiment; `quorate run --resume {name}` measures the runs that are missing"
        )));
    }
    if path.is_dir() || (path.is_file() && path.extension().is_some_and(|e| e == "json")) {
        let result = read_result(path).bad_usage()?;
        let text = protocol::render_toml(&result.plan).ok_or_else(|| {
            bad_usage(format!(
                "the plan of {name} speaks {:?}, which this version does not know",
                result.plan.protocol
            ))
        })?;
        return Ok(Source::from_text(name, text));
    }
    if !path.exists() {
        if let Some(shipped) = find_shipped(name) {
            return Ok(shipped.source());
        }
        let is_path = name.contains('/') || path.extension().is_some();
        if let Some(near) = nearest_shipped(name) {
            return Err(unknown(name, &format!("did you mean `{near}`?")));
        }
        if !is_path {
            return Err(unknown(name, "`quorate workloads` lists those"));
        }
    }
    workload::load(path).bad_usage()
}

fn unknown(name: &str, hint: &str) -> Failure {
    bad_usage(format!(
        "no workload `{name}`: there is no such file, and none of that name comes with the program; {hint}"
    ))
}
