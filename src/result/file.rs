//! The result file's form on disk, apart from the working type so that either can change alone.
//!
//! `docs/RESULTS.md` explains every field, `docs/result.schema.json` is checked by a test. Fields
//! may be added within a schema version; a changed meaning or a removed field is a new version.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::error_name::{error_code, error_name};
use super::gate::GateOutcome;
use super::run_result::{Environment, RunResult, Target, Tool};
use super::verdict::Verdict;
use crate::measure::{Event, Histogram, Interval, OpCounts, OpRecord, Recording};
use crate::workload::Plan;

/// The version that this build writes; it reads this one and all before.
pub const SCHEMA_VERSION: u64 = 1;

/// Why a text is not a result.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// JSON, but of something else; or no JSON at all.
    #[error("not a Quorate result: {0}")]
    NotAResult(String),
    /// Written by a newer Quorate.
    #[error(
        "schema version {found}, but this build reads versions up to {SCHEMA_VERSION}; use a newer Quorate"
    )]
    Newer {
        /// The version in the file.
        found: u64,
    },
    /// A result, but damaged.
    #[error("damaged: {0}")]
    Corrupt(String),
}

#[derive(Deserialize)]
struct Head {
    schema_version: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct File {
    schema_version: u64,
    tool: Tool,
    target: Target,
    verdict: FileVerdict,
    environment: Environment,
    plan: Plan,
    runs: Vec<FileRun>,
}

#[derive(Serialize, Deserialize)]
struct FileVerdict {
    valid: bool,
    reasons: Vec<String>,
    gates: Vec<GateOutcome>,
    warnings: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct FileRun {
    started_unix_ms: u64,
    interval_ms: u64,
    measured_s: f64,
    /// Derived; for readers of the file only.
    #[serde(default)]
    throughput_per_s: Option<f64>,
    interrupted: bool,
    driver_cpu: Vec<f64>,
    #[serde(default)]
    stolen: Option<f64>,
    in_flight_at_end: u64,
    reconnects: u64,
    expired_sessions: u64,
    events: Vec<FileEvent>,
    events_dropped: u64,
    /// Derived: the intervals merged; for readers of the file only.
    #[serde(default)]
    ops: BTreeMap<String, FileTotal>,
    intervals: Vec<FileInterval>,
}

#[derive(Serialize, Deserialize)]
struct FileEvent {
    at_ms: i64,
    text: String,
}

#[derive(Serialize, Deserialize)]
struct FileTotal {
    #[serde(flatten)]
    counts: FileCounts,
    response: Option<FileSummary>,
    service: Option<FileSummary>,
    send_delay: Option<FileSummary>,
}

#[derive(Serialize, Deserialize)]
struct FileSummary {
    count: u64,
    mean_us: f64,
    p50_us: f64,
    p90_us: f64,
    p99_us: f64,
    p999_us: f64,
    max_us: f64,
    hdr: String,
}

#[derive(Serialize, Deserialize)]
struct FileInterval {
    index: u32,
    ops: BTreeMap<String, FileRecord>,
}

#[derive(Serialize, Deserialize)]
struct FileRecord {
    #[serde(flatten)]
    counts: FileCounts,
    response: Option<String>,
    service: Option<String>,
    send_delay: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct FileCounts {
    ok: u64,
    errors: BTreeMap<String, u64>,
    unknown: u64,
    timed_out: u64,
    not_sent: u64,
}

/// The text of a result file.
///
/// # Panics
/// Never for a result whose times are finite numbers: every type here has a JSON form.
#[must_use]
pub fn to_json(result: &RunResult) -> String {
    to_json_text(&File::from(result))
}

/// Any value of ours as indented JSON with a final newline.
///
/// # Panics
/// If a map of `value` has keys that are not text: a bug.
#[must_use]
pub fn to_json_text<T: Serialize>(value: &T) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("our types have a JSON form");
    text.push('\n');
    text
}

/// Reads the text of a result file.
///
/// # Errors
/// If it is not a result, was written by a newer version, or is damaged.
pub fn from_json(text: &str) -> Result<RunResult, FormatError> {
    let head: Head = serde_json::from_str(text).map_err(|e| {
        // Truncated JSON of a result still shows how it began.
        if text.contains("\"schema_version\"") {
            FormatError::Corrupt(e.to_string())
        } else {
            FormatError::NotAResult(e.to_string())
        }
    })?;
    match head.schema_version {
        None => Err(FormatError::NotAResult(
            "no schema_version in it".to_owned(),
        )),
        Some(found) if found > SCHEMA_VERSION => Err(FormatError::Newer { found }),
        Some(0) => Err(FormatError::Corrupt("schema_version is 0".to_owned())),
        Some(_) => serde_json::from_str::<File>(text)
            .map_err(|e| FormatError::Corrupt(e.to_string()))?
            .try_into(),
    }
}

impl From<&RunResult> for File {
    fn from(result: &RunResult) -> Self {
        let labels: Vec<&str> = result.plan.ops.iter().map(|op| op.label.as_str()).collect();
        Self {
            schema_version: SCHEMA_VERSION,
            tool: result.tool.clone(),
            target: result.target.clone(),
            verdict: FileVerdict {
                valid: result.verdict.is_valid(),
                reasons: result.verdict.reasons().to_vec(),
                gates: result.gates.clone(),
                warnings: result.warnings.clone(),
            },
            environment: result.environment.clone(),
            plan: result.plan.clone(),
            runs: result
                .runs
                .iter()
                .map(|run| FileRun::new(run, &labels))
                .collect(),
        }
    }
}

impl TryFrom<File> for RunResult {
    type Error = FormatError;

    fn try_from(file: File) -> Result<Self, FormatError> {
        let labels: Vec<&str> = file.plan.ops.iter().map(|op| op.label.as_str()).collect();
        let runs = (1..)
            .zip(file.runs)
            .map(|(number, run)| {
                run.into_recording(&labels)
                    .map_err(|why| FormatError::Corrupt(format!("run {number}: {why}")))
            })
            .collect::<Result<_, _>>()?;
        let verdict = if file.verdict.valid {
            Verdict::Valid
        } else {
            Verdict::Invalid {
                reasons: file.verdict.reasons,
            }
        };
        Ok(Self {
            tool: file.tool,
            environment: file.environment,
            target: file.target,
            plan: file.plan,
            runs,
            verdict,
            gates: file.verdict.gates,
            warnings: file.verdict.warnings,
            path: None,
        })
    }
}

impl FileRun {
    fn new(run: &Recording, labels: &[&str]) -> Self {
        let named = |ops: &[OpRecord]| -> BTreeMap<String, FileRecord> {
            labels
                .iter()
                .zip(ops)
                .map(|(label, record)| ((*label).to_owned(), FileRecord::from(record)))
                .collect()
        };
        Self {
            started_unix_ms: run.started_unix_ms,
            interval_ms: run.interval_ms,
            measured_s: run.measured_s,
            throughput_per_s: run.throughput_per_s(),
            interrupted: run.interrupted,
            driver_cpu: run.driver_cpu.clone(),
            stolen: run.stolen,
            in_flight_at_end: run.in_flight_at_end,
            reconnects: run.reconnects,
            expired_sessions: run.expired_sessions,
            events: run
                .events
                .iter()
                .map(|event| FileEvent {
                    at_ms: event.at_ms,
                    text: event.text.clone(),
                })
                .collect(),
            events_dropped: run.events_dropped,
            ops: labels
                .iter()
                .zip(&run.totals())
                .map(|(label, total)| ((*label).to_owned(), FileTotal::from(total)))
                .collect(),
            intervals: run
                .intervals
                .iter()
                .map(|interval| FileInterval {
                    index: interval.index,
                    ops: named(&interval.ops),
                })
                .collect(),
        }
    }

    fn into_recording(self, labels: &[&str]) -> Result<Recording, String> {
        let intervals = (0_u32..)
            .zip(self.intervals)
            .map(|(index, interval)| interval.into_interval(index, labels))
            .collect::<Result<_, _>>()?;
        Ok(Recording {
            started_unix_ms: self.started_unix_ms,
            interval_ms: self.interval_ms,
            measured_s: self.measured_s,
            intervals,
            events: self
                .events
                .into_iter()
                .map(|event| Event {
                    at_ms: event.at_ms,
                    text: event.text,
                })
                .collect(),
            events_dropped: self.events_dropped,
            driver_cpu: self.driver_cpu,
            stolen: self.stolen,
            in_flight_at_end: self.in_flight_at_end,
            reconnects: self.reconnects,
            expired_sessions: self.expired_sessions,
            interrupted: self.interrupted,
        })
    }
}

impl FileInterval {
    fn into_interval(mut self, index: u32, labels: &[&str]) -> Result<Interval, String> {
        if self.index != index {
            return Err(format!(
                "interval {} stands where {index} belongs",
                self.index
            ));
        }
        let ops = labels
            .iter()
            .map(|label| match self.ops.remove(*label) {
                Some(record) => record
                    .into_record()
                    .map_err(|why| format!("interval {index}, operation {label:?}: {why}")),
                None => Ok(OpRecord::default()),
            })
            .collect::<Result<_, _>>()?;
        match self.ops.keys().next() {
            Some(stranger) => Err(format!(
                "interval {index}: operation {stranger:?} is not in the plan"
            )),
            None => Ok(Interval { index, ops }),
        }
    }
}

impl From<&OpRecord> for FileTotal {
    fn from(record: &OpRecord) -> Self {
        Self {
            counts: FileCounts::from(&record.counts),
            response: summary(&record.response),
            service: summary(&record.service),
            send_delay: summary(&record.send_delay),
        }
    }
}

impl From<&OpRecord> for FileRecord {
    fn from(record: &OpRecord) -> Self {
        let text = |h: &Histogram| (!h.is_empty()).then(|| h.to_base64());
        Self {
            counts: FileCounts::from(&record.counts),
            response: text(&record.response),
            service: text(&record.service),
            send_delay: text(&record.send_delay),
        }
    }
}

impl FileRecord {
    fn into_record(self) -> Result<OpRecord, String> {
        let read = |text: Option<String>, kind: &str| match text {
            None => Ok(Histogram::new()),
            Some(text) => Histogram::from_base64(&text).map_err(|e| format!("{kind}: {e}")),
        };
        let mut record = OpRecord {
            response: read(self.response, "response")?,
            service: read(self.service, "service")?,
            send_delay: read(self.send_delay, "send_delay")?,
            counts: self.counts.try_into()?,
        };
        record.pack();
        Ok(record)
    }
}

impl From<&OpCounts> for FileCounts {
    fn from(counts: &OpCounts) -> Self {
        Self {
            ok: counts.ok,
            errors: counts
                .errors
                .iter()
                .map(|(code, count)| (error_name(*code), *count))
                .collect(),
            unknown: counts.unknown,
            timed_out: counts.timed_out,
            not_sent: counts.not_sent,
        }
    }
}

impl TryFrom<FileCounts> for OpCounts {
    type Error = String;

    fn try_from(counts: FileCounts) -> Result<Self, String> {
        let errors = counts
            .errors
            .into_iter()
            .map(|(name, count)| {
                let code = error_code(&name).ok_or_else(|| format!("unknown error {name:?}"))?;
                Ok((code, count))
            })
            .collect::<Result<_, String>>()?;
        Ok(Self {
            ok: counts.ok,
            errors,
            unknown: counts.unknown,
            timed_out: counts.timed_out,
            not_sent: counts.not_sent,
        })
    }
}

fn summary(histogram: &Histogram) -> Option<FileSummary> {
    let [p50_us, p90_us, p99_us, p999_us, max_us] =
        histogram.quantiles_us([0.5, 0.9, 0.99, 0.999, 1.0])?;
    Some(FileSummary {
        count: histogram.count(),
        mean_us: histogram.mean_us()?,
        p50_us,
        p90_us,
        p99_us,
        p999_us,
        max_us,
        hdr: histogram.to_base64(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::run_result::example;

    #[test]
    fn a_result_goes_through_its_file_form_unchanged() {
        let mut result = example::result();
        result.runs.push(example::bumpy_recording());
        let text = to_json(&result);
        assert_eq!(from_json(&text).unwrap(), result);
        assert!(text.contains("\"ConnectionLoss\": 1"), "errors go by name");
        assert!(text.contains("\"HISTFAAA"));
        assert!(text.contains("\"commit\": null") || result.tool.commit.is_some());
    }

    fn broken(change: impl FnOnce(&mut serde_json::Value)) -> String {
        let mut value = serde_json::from_str(&to_json(&example::result())).unwrap();
        change(&mut value);
        from_json(&value.to_string()).unwrap_err().to_string()
    }

    #[test]
    fn what_is_wrong_is_named() {
        let newer = broken(|v| v["schema_version"] = 99.into());
        assert!(newer.contains("schema version 99"), "{newer}");
        let none = broken(|v| v["schema_version"] = serde_json::Value::Null);
        assert!(none.starts_with("not a Quorate result"), "{none}");
        let missing = broken(|v| drop(v.as_object_mut().unwrap().remove("plan")));
        assert!(missing.contains("missing field `plan`"), "{missing}");
        let gap = broken(|v| v["runs"][0]["intervals"][1]["index"] = 5.into());
        assert_eq!(gap, "damaged: run 1: interval 5 stands where 1 belongs");
        let histogram =
            broken(|v| v["runs"][0]["intervals"][0]["ops"]["set"]["response"] = "HIST".into());
        assert!(
            histogram.contains("interval 0, operation \"set\": response:"),
            "{histogram}"
        );
        let stranger = broken(|v| {
            let ops = &mut v["runs"][0]["intervals"][0]["ops"];
            ops["other"] = ops["set"].clone();
        });
        assert!(
            stranger.contains("\"other\" is not in the plan"),
            "{stranger}"
        );
    }

    #[test]
    fn other_texts_are_no_results() {
        assert!(matches!(from_json("{}"), Err(FormatError::NotAResult(_))));
        assert!(matches!(
            from_json("name = 1"),
            Err(FormatError::NotAResult(_))
        ));
        let text = to_json(&example::result());
        let cut = &text[..text.len() / 2];
        assert!(matches!(from_json(cut), Err(FormatError::Corrupt(_))));
    }
}
