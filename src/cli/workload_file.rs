//! Finds the workload that a FILE argument names: a path, a shipped workload, or an earlier result, whose
//! plan is then run again.

use std::path::Path;

use super::failure::{Failure, MeansStatus, bad_usage};
use crate::protocol::{self, find_shipped, nearest_shipped};
use crate::result::read_result;
use crate::workload::{self, Plan, Source};

/// The plan of `name` with the overrides.
///
/// # Errors
/// Bad usage, with every problem of the workload.
pub(super) fn plan(name: &str, overrides: &[String], seed: Option<u64>) -> Result<Plan, Failure> {
    read(name, overrides, seed).map_err(failure)
}

/// The plans of all `names`.
///
/// # Errors
/// Bad usage, with every problem of every workload.
pub(super) fn plans(
    names: &[String],
    overrides: &[String],
    seed: Option<u64>,
) -> Result<Vec<Plan>, Failure> {
    let mut plans = Vec::with_capacity(names.len());
    let mut problems: Vec<String> = Vec::new();
    for name in names {
        match read(name, overrides, seed) {
            Ok(plan) => plans.push(plan),
            // An override that fits no file is one problem, not one for each file.
            Err(found) => {
                let new = found.into_iter().filter(|one| !problems.contains(one));
                let new: Vec<String> = new.collect();
                problems.extend(new);
            }
        }
    }
    if problems.is_empty() {
        Ok(plans)
    } else {
        Err(failure(problems))
    }
}

/// The plan, or its problems.
fn read(name: &str, overrides: &[String], seed: Option<u64>) -> Result<Plan, Vec<String>> {
    let source = source(name).map_err(|failure| vec![failure.text()])?;
    protocol::resolve(&source, overrides, seed)
        .map_err(|error| error.problems().iter().map(ToString::to_string).collect())
}

/// One problem stands alone; several become a list.
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
