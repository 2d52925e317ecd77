//! The last calibration of each machine, in the user's cache folder.
//!
//! One file, since a home folder may be shared by several machines: `calibration.json`, an object
//! with a member per machine.

use std::fs;
use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::experiment::cache_dir;
use crate::result::{Environment, ResultError, save};

fn file() -> PathBuf {
    cache_dir().join("calibration.json")
}

/// What makes a machine: its name and its processor.
fn key(machine: &Environment) -> String {
    format!(
        "{} / {}",
        machine.hostname.as_deref().unwrap_or("?"),
        machine.cpu_model.as_deref().unwrap_or("?")
    )
}

/// The last calibration of `machine`; a file that cannot be read is as good as none.
pub(super) fn last(machine: &Environment) -> Option<Value> {
    all().remove(&key(machine))
}

/// Keeps `calibration` as the last one of `machine`; returns the file.
///
/// # Errors
/// If the file cannot be written.
pub(super) fn keep(machine: &Environment, calibration: Value) -> Result<PathBuf, ResultError> {
    let mut all = all();
    all.insert(key(machine), calibration);
    let path = file();
    let dir = cache_dir();
    fs::create_dir_all(&dir).map_err(|source| ResultError::Io {
        action: "create",
        path: dir,
        source,
    })?;
    save(&path, Value::Object(all).to_string().as_bytes())?;
    Ok(path)
}

fn all() -> Map<String, Value> {
    fs::read_to_string(file())
        .ok()
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default()
}
