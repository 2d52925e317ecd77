//! Stores the last calibration of each machine in the user's cache folder.
//!
//! Several machines may share a home folder. Therefore the file `calibration.json` contains an object with a
//! member per machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};

use crate::experiment::ProgressEvent;
use crate::fault::{OverheadError, OverheadOptions, ProxyOverhead, measure_overhead};
use crate::load::{CalibrateOptions, LoadError, resolution};
use crate::result::{self, Environment, ResultError, save};
use crate::target::cache_dir;

/// Length of a measurement of the resolution only.
const STEP: Duration = Duration::from_secs(1);
/// Key of the resolution in a calibration.
const RESOLUTION: &str = "resolution";
/// Key of what a proxy adds, in a calibration.
const PROXY: &str = "proxy";
/// Key of the time of a calibration.
const AT: &str = "at_unix_ms";

fn file() -> PathBuf {
    cache_dir().join("calibration.json")
}

/// Identifies a machine by its host name and its processor model.
fn key(machine: &Environment) -> String {
    format!(
        "{} / {}",
        machine.hostname.as_deref().unwrap_or("?"),
        machine.cpu_model.as_deref().unwrap_or("?")
    )
}

/// Returns the last calibration of `machine`, or `None` if there is none or the file cannot be read.
pub(super) fn last(machine: &Environment) -> Option<Value> {
    all().remove(&key(machine))
}

/// What the runs of a command need to know of the machine.
#[derive(Clone, Copy)]
pub(super) struct Need<'a> {
    /// Whether connections go through proxies.
    pub(super) proxy: bool,
    /// Path of the Quorate binary.
    pub(super) quorate: &'a Path,
    pub(super) stop: &'a AtomicBool,
    pub(super) notify: &'a dyn Fn(&ProgressEvent<'_>),
}

/// Returns the last calibration of this machine, with its resolution and with what a proxy adds, if the runs need
/// it. What is missing is measured and stored. Call it before any server starts.
pub(super) fn for_runs(need: &Need<'_>) -> Option<Value> {
    let machine = result::gather(None);
    let calibration = with_resolution(&machine, need.stop, need.notify);
    with_proxy(calibration, &machine, need)
}

/// Returns the last calibration of `machine` with its resolution, which is the times that the generator measures
/// for a server that only answers. Without it, a result cannot show whether lateness comes from the machine. If
/// the calibration has no resolution, this function measures it, which takes about two seconds, and stores it.
/// Call it before any server starts.
///
/// If the resolution cannot be measured or stored, it warns and returns the calibration without it.
fn with_resolution(
    machine: &Environment,
    stop: &AtomicBool,
    notify: &dyn Fn(&ProgressEvent<'_>),
) -> Option<Value> {
    let known = last(machine);
    if known
        .as_ref()
        .is_some_and(|known| known.get(RESOLUTION).is_some())
    {
        return known;
    }
    let begins = |step: &str| {
        let text = format!("once on this machine, measuring its resolution: {step}");
        notify(&ProgressEvent::Step(&text));
    };
    let warn = |text: &str| notify(&ProgressEvent::Warning(text));
    let found = resolution(&CalibrateOptions {
        step: STEP,
        stop,
        begins: &begins,
    });
    let found = match found {
        Ok(found) if found.is_sound() => found,
        Ok(_) => {
            warn(
                "the resolution of this machine was not saved: service times were shorter than the time that the \
                 server needed; see `quorate calibrate`",
            );
            return known;
        }
        Err(LoadError::Interrupted) => return known,
        Err(error) => {
            warn(&format!(
                "the resolution of this machine is not known: {error}"
            ));
            return known;
        }
    };
    let found = serde_json::to_value(found).unwrap_or_default();
    let merged = merged(known, RESOLUTION, found, unix_ms());
    if let Err(error) = keep(machine, merged.clone()) {
        warn(&format!(
            "the resolution of this machine was not saved: {error}"
        ));
    }
    Some(merged)
}

/// Adds to `calibration` what a proxy adds to a round trip, if a proxy is needed and the calibration does not know
/// it. The measurement takes about a second. Call it before any server starts.
///
/// If it cannot be measured or stored, it warns and returns the calibration as it is.
fn with_proxy(calibration: Option<Value>, machine: &Environment, need: &Need<'_>) -> Option<Value> {
    let known = calibration
        .as_ref()
        .is_some_and(|known| known.get(PROXY).is_some());
    if known || !need.proxy {
        return calibration;
    }
    let warn = |text: &str| (need.notify)(&ProgressEvent::Warning(text));
    (need.notify)(&ProgressEvent::Step(
        "once on this machine, measuring what a proxy adds to a round trip",
    ));
    let found = match proxy_overhead(need.quorate, STEP, need.stop) {
        Ok(found) => found,
        Err(OverheadError::Interrupted) => return calibration,
        Err(error) => {
            warn(&format!(
                "what a proxy adds to a round trip is not known: {error}"
            ));
            return calibration;
        }
    };
    let found = serde_json::to_value(found).unwrap_or_default();
    let merged = merged(calibration, PROXY, found, unix_ms());
    if let Err(error) = keep(machine, merged.clone()) {
        warn(&format!(
            "what a proxy adds to a round trip was not saved: {error}"
        ));
    }
    Some(merged)
}

/// Measures what a proxy adds to a round trip.
///
/// # Errors
/// If the proxy process cannot be started, a socket fails, or `stop` becomes true.
pub(super) fn proxy_overhead(
    quorate: &Path,
    length: Duration,
    stop: &AtomicBool,
) -> Result<ProxyOverhead, OverheadError> {
    let dir = cache_dir();
    fs::create_dir_all(&dir)?;
    let log = dir.join(format!("proxy-{}.out", std::process::id()));
    let measured = measure_overhead(&OverheadOptions {
        quorate,
        log: &log,
        length,
        stop,
    });
    let _ = fs::remove_file(log);
    measured
}

/// Adds the figures under `key`, measured at `at_unix_ms`, to the calibration. An existing calibration keeps its time.
fn merged(calibration: Option<Value>, key: &str, found: Value, at_unix_ms: u64) -> Value {
    let mut members = match calibration {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    };
    members.entry(AT).or_insert_with(|| at_unix_ms.into());
    members.insert(key.to_owned(), found);
    Value::Object(members)
}

fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0))
}

/// Stores `calibration` as the last one of `machine` and returns the path of the file.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resolution_is_added_to_a_calibration_or_stored_alone() {
        let found = serde_json::json!({
            "response_p50_us": 30.0, "response_p99_us": 90.0, "late_p50_us": 2.0, "late_p99_us": 40.0,
        });
        let old = serde_json::json!({"at_unix_ms": 7, "single_per_s": 5.0});
        let joined = merged(Some(old), RESOLUTION, found.clone(), 9);
        assert_eq!(joined["at_unix_ms"], 7);
        assert_eq!(joined["single_per_s"], 5.0);
        assert_eq!(joined["resolution"]["late_p99_us"], 40.0);
        for nothing in [None, Some(Value::Null)] {
            let alone = merged(nothing, RESOLUTION, found.clone(), 9);
            assert_eq!(alone["at_unix_ms"], 9);
            assert_eq!(alone.as_object().unwrap().len(), 2, "{alone}");
            let environment = Environment {
                calibration: Some(alone),
                ..Environment::default()
            };
            let resolution = environment.resolution();
            assert!(resolution.is_some(), "results cannot read the resolution");
        }
    }
}
