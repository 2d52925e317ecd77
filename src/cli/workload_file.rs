//! What the user means by FILE: a path, the name of a shipped workload, or an earlier result, whose
//! plan is then asked for again.

use std::path::Path;

use super::failure::{Failure, MeansStatus, bad_usage};
use crate::result::read_result;
use crate::workload::{self, Plan, Source, find_shipped, nearest_shipped};

/// The plan of `name` with the overrides.
///
/// # Errors
/// Bad usage, whatever is wrong with it.
pub(super) fn plan(name: &str, overrides: &[String], seed: Option<u64>) -> Result<Plan, Failure> {
    workload::resolve(&source(name)?, overrides, seed).bad_usage()
}

fn source(name: &str) -> Result<Source, Failure> {
    let path = Path::new(name);
    if path.is_dir() || (path.is_file() && path.extension().is_some_and(|e| e == "json")) {
        let result = read_result(path).bad_usage()?;
        return Ok(Source::from_text(name, result.plan.render_toml()));
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
