//! Reads result files of schema 1, which nothing writes any more.
//!
//! Their meaning differs. *Sent* was read after the system call. `send_delay` was sent - intended,
//! so it held both of what is now blocked and late; it is read as late. An operation counted in the
//! interval in which it was done, and an operation done in the drain counted in an interval after
//! the measured phase.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use serde::Deserialize;

use super::FormatError;
use super::run::in_order;
use crate::measure::{
    DriverThread, Event, EventKind, Histogram, Interval, OpCounts, OpRecord, Recording, Timeline,
};
use crate::result::gate::GateOutcome;
use crate::result::machine::Environment;
use crate::result::run_result::RunResult;
use crate::result::target::Target;
use crate::result::tool::Tool;
use crate::result::verdict::Verdict;
use crate::workload::Plan;

/// Warning for readers of a schema 1 result.
const NOTE: &str = "recorded under schema 1: late holds the whole send delay, waiting for the in-flight cap or a \
                    connection included, and figures cannot be compared with those of today";

#[derive(Deserialize)]
struct File {
    tool: Tool,
    target: Target,
    verdict: FileVerdict,
    environment: Environment,
    plan: Plan,
    runs: Vec<FileRun>,
}

#[derive(Deserialize)]
struct FileVerdict {
    valid: bool,
    reasons: Vec<String>,
    gates: Vec<GateOutcome>,
    warnings: Vec<String>,
}

#[derive(Deserialize)]
struct FileRun {
    started_unix_ms: u64,
    interval_ms: u64,
    measured_s: f64,
    interrupted: bool,
    driver_cpu: Vec<f64>,
    #[serde(default)]
    stolen: Option<f64>,
    in_flight_at_end: u64,
    reconnects: u64,
    expired_sessions: u64,
    events: Vec<FileEvent>,
    events_dropped: u64,
    intervals: Vec<FileInterval>,
}

#[derive(Deserialize)]
struct FileEvent {
    at_ms: i64,
    text: String,
}

#[derive(Deserialize)]
struct FileInterval {
    index: u32,
    ops: BTreeMap<String, FileRecord>,
}

#[derive(Deserialize)]
struct FileRecord {
    ok: u64,
    errors: BTreeMap<String, u64>,
    unknown: u64,
    timed_out: u64,
    not_sent: u64,
    response: Option<String>,
    service: Option<String>,
    send_delay: Option<String>,
}

/// Reads the text of a result file of schema 1.
pub(super) fn from_json(text: &str) -> Result<RunResult, FormatError> {
    let file: File =
        serde_json::from_str(text).map_err(|error| FormatError::Corrupt(error.to_string()))?;
    let labels: Vec<&str> = file.plan.ops.iter().map(|op| op.label.as_str()).collect();
    let runs = (0_u32..)
        .zip(file.runs)
        .map(|(number, run)| {
            run.into_recording(number, &labels)
                .map_err(|why| FormatError::Corrupt(format!("run {}: {why}", number + 1)))
        })
        .collect::<Result<_, _>>()?;
    let mut warnings = vec![NOTE.to_owned()];
    warnings.extend(file.verdict.warnings);
    Ok(RunResult {
        schema: 1,
        tool: file.tool,
        environment: file.environment,
        target: file.target,
        plan: file.plan,
        runs,
        verdict: Verdict::new(file.verdict.valid, file.verdict.reasons),
        findings: Vec::new(),
        gates: file.verdict.gates,
        warnings,
        path: None,
    })
}

impl FileRun {
    fn into_recording(self, number: u32, labels: &[&str]) -> Result<Recording, String> {
        let mut recording = Recording {
            number,
            started_unix_ms: self.started_unix_ms,
            interval_ms: self.interval_ms,
            measured_s: self.measured_s,
            events: self.events.into_iter().map(Event::from).collect(),
            events_dropped: self.events_dropped,
            driver: self
                .driver_cpu
                .into_iter()
                .map(|busy| DriverThread {
                    busy,
                    waiting: None,
                    nice: 0,
                })
                .collect(),
            stolen: self.stolen,
            in_flight_at_end: self.in_flight_at_end,
            reconnects: self.reconnects,
            expired_sessions: self.expired_sessions,
            interrupted: self.interrupted,
            timeline: Timeline::default(),
            ..Recording::default()
        };
        for (index, interval) in (0_u32..).zip(self.intervals) {
            if interval.index != index {
                return Err(format!(
                    "interval {} stands where {index} belongs",
                    interval.index
                ));
            }
            // Schema 1 counted an interval as part of the drain if less than a twentieth of it was
            // in the measured phase.
            let measured = recording.interval_s(index) * 20_000.0 >= float(self.interval_ms);
            let place = format!("interval {index}");
            let ops = in_order(interval.ops, labels, &place, |record| {
                record.into_record(measured)
            })?;
            recording.intervals.push(Interval { index, ops });
        }
        Ok(recording)
    }
}

impl FileRecord {
    fn into_record(self, measured: bool) -> Result<OpRecord, String> {
        let read = |text: Option<String>, kind: &str| match text {
            None => Ok(Histogram::new()),
            Some(text) => Histogram::from_base64(&text).map_err(|error| format!("{kind}: {error}")),
        };
        let mut record = OpRecord {
            response: read(self.response, "response")?,
            service: read(self.service, "service")?,
            blocked: Histogram::new(),
            late: read(self.send_delay, "send_delay")?,
            acknowledged: if measured { self.ok } else { 0 },
            counts: OpCounts {
                ok: self.ok,
                errors: self.errors,
                unknown: self.unknown,
                timed_out: self.timed_out,
                not_sent: self.not_sent,
                ..OpCounts::default()
            },
        };
        record.pack();
        Ok(record)
    }
}

impl From<FileEvent> for Event {
    fn from(event: FileEvent) -> Self {
        Self {
            at_ns: event.at_ms.saturating_mul(1_000_000),
            kind: EventKind::Note(event.text),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a length below 2^53 ms")]
fn float(ms: u64) -> f64 {
    ms as f64
}
