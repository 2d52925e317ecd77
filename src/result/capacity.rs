//! The file of a capacity search, `capacity.json`: the conditions, every step and the answer. The
//! result of each step is in a folder beside it.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::finding::saturation;
use super::store::{create_dirs, save};
use super::verdict::Verdict;
use super::words::float;
use super::{FormatError, ResultError, RunResult};
use crate::measure::Histogram;

pub const CAPACITY_FILE: &str = "capacity.json";
/// Version of the file's format.
const SCHEMA: u32 = 1;

/// A search for the highest rate at which all conditions hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Capacity {
    /// Version of the file's format.
    pub schema: u32,
    /// Version of Quorate that did the search.
    pub tool_version: String,
    /// Name of the workload.
    pub workload: String,
    /// The target as given by the user.
    pub target: String,
    /// Version that the target reports.
    pub server_version: Option<String>,
    /// Processor of the machine that ran the search.
    pub cpu: Option<String>,
    /// Start of the first step, Unix time in milliseconds.
    pub began_unix_ms: u64,
    /// The gates of the plan: `p99_ms` and its limit.
    pub conditions: Vec<Condition>,
    /// The answer is at most this share below a rate that fails, 0..1.
    pub precision: f64,
    /// Highest rate at which all conditions hold, in operations per second; `None` if none was
    /// found.
    pub answer_per_s: Option<f64>,
    /// Lowest rate above the answer at which a condition fails; `None` if none was tried.
    pub failed_per_s: Option<f64>,
    /// Whether the generator limited the search, and not the target.
    pub generator_limited: bool,
    /// Why the search ended early, as a sentence.
    pub ended_early: Option<String>,
    /// Every run, in order.
    pub steps: Vec<CapacityStep>,
}

/// A condition of the search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// Key of the gate: `p99_ms`, `get.p99_ms`.
    pub name: String,
    /// Limit in the unit of the key.
    pub limit: f64,
}

/// The outcome of a run at one rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// All conditions hold.
    Yes,
    /// The target missed a condition.
    No,
    /// The generator did not issue the rate, so the run says nothing about the target.
    Invalid,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CapacityStep {
    /// Planned rate in operations per second.
    pub rate_per_s: f64,
    pub held: Held,
    /// Why the run did not hold; empty if it did.
    pub why: Vec<String>,
    /// Acknowledged operations per second of the measured phase.
    pub achieved_per_s: Option<f64>,
    /// Median response time in microseconds.
    pub p50_us: Option<f64>,
    /// 90th percentile in microseconds.
    pub p90_us: Option<f64>,
    /// 99th percentile in microseconds.
    pub p99_us: Option<f64>,
    /// 99.9th percentile in microseconds.
    pub p999_us: Option<f64>,
    /// Result folder of the run, relative to this file.
    pub result: Option<String>,
}

impl Capacity {
    /// Creates a search without steps.
    #[must_use]
    pub fn new(workload: &str, target: &str, precision: f64) -> Self {
        Self {
            schema: SCHEMA,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            workload: workload.to_owned(),
            target: target.to_owned(),
            server_version: None,
            cpu: None,
            began_unix_ms: 0,
            conditions: Vec::new(),
            precision,
            answer_per_s: None,
            failed_per_s: None,
            generator_limited: false,
            ended_early: None,
            steps: Vec::new(),
        }
    }

    /// Copies from a run what is the same for all runs.
    pub fn describe(&mut self, result: &RunResult) {
        self.server_version
            .clone_from(&result.target.server_version);
        self.cpu.clone_from(&result.environment.cpu_model);
        self.began_unix_ms = result.runs.first().map_or(0, |run| run.started_unix_ms);
        let conditions = result.gates.iter().map(|gate| Condition {
            name: gate.name.clone(),
            limit: gate.limit,
        });
        self.conditions = conditions.collect();
    }
}

impl CapacityStep {
    /// Evaluates a run at `rate_per_s`.
    #[must_use]
    pub fn of(rate_per_s: f64, result: &RunResult) -> Self {
        let invalid = match &result.verdict {
            Verdict::Valid => Vec::new(),
            Verdict::Invalid { reasons } => reasons.clone(),
        };
        let gates = result
            .gates
            .iter()
            .filter(|gate| !gate.passed)
            .map(|gate| match gate.actual {
                Some(actual) => format!("{} {actual:.3}, limit {}", gate.name, gate.limit),
                None => format!("{}: not measured, limit {}", gate.name, gate.limit),
            });
        let saturated = result.runs.iter().filter_map(|run| {
            let counts = run.all().counts;
            saturation(&result.plan, run, &counts)
        });
        let failed: Vec<String> = gates.chain(saturated).collect();
        let (held, why) = match (invalid.is_empty(), failed.is_empty()) {
            (false, _) => (Held::Invalid, invalid),
            (true, false) => (Held::No, failed),
            (true, true) => (Held::Yes, Vec::new()),
        };
        let mut response = Histogram::new();
        for op in result.totals() {
            response.merge(&op.response);
        }
        let acknowledged: u64 = result.acknowledged_per_op().iter().sum();
        Self {
            rate_per_s,
            held,
            why,
            achieved_per_s: (result.measured_s() > 0.0)
                .then(|| float(acknowledged) / result.measured_s()),
            p50_us: response.p50_us(),
            p90_us: response.p90_us(),
            p99_us: response.p99_us(),
            p999_us: response.p999_us(),
            result: None,
        }
    }
}

/// Writes the file into `dir` and returns its path.
///
/// # Errors
///
/// If it cannot be written.
pub fn write_capacity(dir: &Path, capacity: &Capacity) -> Result<PathBuf, ResultError> {
    let path = dir.join(CAPACITY_FILE);
    write_search(&path, capacity)?;
    Ok(path)
}

/// Writes a search to the file `path`, in the format of `capacity.json`. Creates its folder.
///
/// # Errors
///
/// If it cannot be written.
pub fn write_search(path: &Path, capacity: &Capacity) -> Result<(), ResultError> {
    if let Some(dir) = path.parent() {
        create_dirs(dir)?;
    }
    let text = serde_json::to_string_pretty(capacity)
        .map_err(|error| malformed(path.to_owned(), &error))?;
    save(path, text.as_bytes())
}

/// Reads `capacity.json` from a path to the file or to its folder; `None` if there is no such file.
///
/// # Errors
///
/// If it cannot be read or is not a capacity file.
pub fn read_capacity(path: &Path) -> Result<Option<Capacity>, ResultError> {
    let file = if path.is_dir() {
        path.join(CAPACITY_FILE)
    } else {
        path.to_owned()
    };
    if file.file_name().is_none_or(|name| name != CAPACITY_FILE) || !file.is_file() {
        return Ok(None);
    }
    read_search(&file).map(Some)
}

/// Reads a search from the file `path`, whatever its name is.
///
/// # Errors
///
/// If it cannot be read or is not a search.
pub fn read_search(path: &Path) -> Result<Capacity, ResultError> {
    let file = path.to_owned();
    let text = fs::read_to_string(&file).map_err(|source| ResultError::Io {
        action: "read",
        path: file.clone(),
        source,
    })?;
    let capacity: Capacity =
        serde_json::from_str(&text).map_err(|error| malformed(file.clone(), &error))?;
    if capacity.schema > SCHEMA {
        return Err(ResultError::Format {
            path: file,
            source: FormatError::Newer {
                found: u64::from(capacity.schema),
            },
        });
    }
    Ok(capacity)
}

fn malformed(path: PathBuf, error: &serde_json::Error) -> ResultError {
    ResultError::Format {
        path,
        source: FormatError::Corrupt(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::example;
    use crate::workload::Gates;

    fn step(gates: Gates) -> CapacityStep {
        let mut result = example::result();
        result.plan.gates = gates;
        let RunResult {
            environment,
            target,
            plan,
            runs,
            ..
        } = result;
        CapacityStep::of(1_000.0, &RunResult::new(environment, target, plan, runs))
    }

    #[test]
    fn a_step_holds_if_its_gates_hold() {
        let with = |p99_ms| Gates {
            p99_ms: Some(p99_ms),
            ..Gates::default()
        };
        let held = step(with(50.0));
        assert_eq!((held.held, held.why.len()), (Held::Yes, 0));
        assert!(held.p50_us < held.p99_us && held.achieved_per_s.is_some());
        let failed = step(with(0.5));
        assert_eq!(failed.held, Held::No);
        assert!(failed.why[0].starts_with("p99_ms "), "{:?}", failed.why);
    }

    #[test]
    fn a_capacity_file_round_trips() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read_capacity(dir.path()).unwrap(), None);
        let condition = Condition {
            name: "p99_ms".to_owned(),
            limit: 5.0,
        };
        let mut capacity = Capacity::new("mixed", "bundled", 0.05);
        capacity.conditions.push(condition);
        capacity.steps.push(step(Gates::default()));
        let path = write_capacity(dir.path(), &capacity).unwrap();
        assert_eq!(read_capacity(dir.path()).unwrap(), Some(capacity.clone()));
        assert_eq!(read_capacity(&path).unwrap(), Some(capacity));
        fs::write(&path, "{}").unwrap();
        let error = read_capacity(&path).unwrap_err().to_string();
        assert!(error.contains("capacity.json"), "{error}");
    }
}
