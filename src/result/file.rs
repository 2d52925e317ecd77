//! The result file's form on disk, apart from the working type so that either can change alone.
//!
//! `docs/RESULTS.md` explains every field, `docs/result.schema.json` is checked by a test. Fields
//! may be added within a schema version; a changed meaning or a removed field is a new version, and the
//! old form moves to a file of its own that only reads (`file_v1`).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::file_v1;
use super::gate::GateOutcome;
use super::run_result::{Environment, RunResult, Target, Tool};
use super::verdict::Verdict;
use crate::measure::{
    DiskState, DriverThread, Event, EventKind, Histogram, Interval, OpCounts, OpRecord, Recording,
    ServerRecord, ServerRun, Timeline,
};
use crate::workload::Plan;

/// The version that this build writes; it reads this one and all before.
pub const SCHEMA_VERSION: u64 = 2;

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
    findings: Vec<String>,
    gates: Vec<GateOutcome>,
    warnings: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct FileRun {
    number: u32,
    started_unix_ms: u64,
    interval_ms: u64,
    measured_s: f64,
    /// Derived; for readers of the file only.
    #[serde(default)]
    throughput_per_s: Option<f64>,
    interrupted: bool,
    driver: Vec<FileThread>,
    stolen: Option<f64>,
    disk: Option<FileDisk>,
    backlog_at_start: u64,
    in_flight_at_end: u64,
    reconnects: u64,
    expired_sessions: u64,
    events: Vec<FileEvent>,
    events_dropped: u64,
    /// Derived: the intervals merged; for readers of the file only.
    #[serde(default)]
    ops: BTreeMap<String, FileTotal>,
    servers: Vec<FileServer>,
    timeline: FileTimeline,
    intervals: Vec<FileInterval>,
}

#[derive(Serialize, Deserialize)]
struct FileThread {
    busy: f64,
    waiting: Option<f64>,
    nice: i32,
}

#[derive(Serialize, Deserialize)]
struct FileDisk {
    baseline_us: f64,
    before_us: f64,
    waited_s: f64,
    settled: bool,
}

#[derive(Serialize, Deserialize)]
struct FileEvent {
    at_ns: i64,
    #[serde(flatten)]
    kind: FileEventKind,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum FileEventKind {
    SessionLost {
        session: u32,
        server: String,
        cause: String,
        in_flight: u64,
    },
    SessionBack {
        session: u32,
        server: String,
        after_ns: u64,
        resumed: bool,
    },
    LeaderChanged {
        from: Option<String>,
        to: Option<String>,
    },
    ServerEnded {
        server: String,
        how: String,
    },
    Note {
        text: String,
    },
}

#[derive(Serialize, Deserialize)]
struct FileTotal {
    #[serde(flatten)]
    counts: FileCounts,
    acknowledged: u64,
    response: Option<FileSummary>,
    service: Option<FileSummary>,
    blocked: Option<FileSummary>,
    late: Option<FileSummary>,
}

#[derive(Serialize, Deserialize)]
struct FileSummary {
    count: u64,
    mean_us: f64,
    p50_us: f64,
    p90_us: f64,
    p95_us: f64,
    p99_us: f64,
    p999_us: Option<f64>,
    p9999_us: Option<f64>,
    max_us: f64,
    hdr: String,
}

#[derive(Serialize, Deserialize)]
struct FileServer {
    address: String,
    mode: Option<String>,
    cpu_s: Option<f64>,
    disk_written_bytes: Option<u64>,
    syncs: Option<u64>,
    ops: BTreeMap<String, FileServerOp>,
}

#[derive(Serialize, Deserialize)]
struct FileServerOp {
    acknowledged: u64,
    failed: u64,
    response: Option<FileHistogram>,
}

/// Counts per bucket, as text: `20,19,0,0,21`.
#[derive(Serialize, Deserialize)]
struct FileTimeline {
    bucket_ms: u64,
    due: String,
    ended: String,
    acknowledged: BTreeMap<String, String>,
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
    acknowledged: u64,
    response: Option<FileHistogram>,
    service: Option<FileHistogram>,
    blocked: Option<FileHistogram>,
    late: Option<FileHistogram>,
}

#[derive(Serialize, Deserialize)]
struct FileHistogram {
    max_us: f64,
    hdr: String,
}

#[derive(Serialize, Deserialize)]
struct FileCounts {
    ok: u64,
    errors: BTreeMap<String, u64>,
    refused: u64,
    unknown: u64,
    timed_out: u64,
    not_sent: u64,
    cap_full: u64,
    not_issued: u64,
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
        Some(1) => file_v1::from_json(text),
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
                findings: result.findings.clone(),
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
        Ok(Self {
            schema: file.schema_version,
            tool: file.tool,
            environment: file.environment,
            target: file.target,
            plan: file.plan,
            runs,
            verdict: Verdict::new(file.verdict.valid, file.verdict.reasons),
            findings: file.verdict.findings,
            gates: file.verdict.gates,
            warnings: file.verdict.warnings,
            path: None,
        })
    }
}

impl FileRun {
    fn new(run: &Recording, labels: &[&str]) -> Self {
        Self {
            number: run.number,
            started_unix_ms: run.started_unix_ms,
            interval_ms: run.interval_ms,
            measured_s: run.measured_s,
            throughput_per_s: run.throughput_per_s(),
            interrupted: run.interrupted,
            driver: run.driver.iter().map(FileThread::from).collect(),
            stolen: run.stolen,
            disk: run.disk.map(FileDisk::from),
            backlog_at_start: run.backlog_at_start,
            in_flight_at_end: run.in_flight_at_end,
            reconnects: run.reconnects,
            expired_sessions: run.expired_sessions,
            events: run.events.iter().map(FileEvent::from).collect(),
            events_dropped: run.events_dropped,
            ops: named(labels, &run.totals(), FileTotal::from),
            servers: run
                .servers
                .iter()
                .map(|server| FileServer::new(server, labels))
                .collect(),
            timeline: FileTimeline::new(&run.timeline, labels),
            intervals: run
                .intervals
                .iter()
                .map(|interval| FileInterval {
                    index: interval.index,
                    ops: named(labels, &interval.ops, FileRecord::from),
                })
                .collect(),
        }
    }

    fn into_recording(self, labels: &[&str]) -> Result<Recording, String> {
        let intervals = (0_u32..)
            .zip(self.intervals)
            .map(|(index, interval)| interval.into_interval(index, labels))
            .collect::<Result<_, _>>()?;
        let servers = self
            .servers
            .into_iter()
            .map(|server| server.into_server(labels))
            .collect::<Result<_, _>>()?;
        Ok(Recording {
            number: self.number,
            started_unix_ms: self.started_unix_ms,
            interval_ms: self.interval_ms,
            measured_s: self.measured_s,
            intervals,
            servers,
            timeline: self.timeline.into_timeline(labels)?,
            events: self.events.into_iter().map(Event::from).collect(),
            events_dropped: self.events_dropped,
            driver: self.driver.into_iter().map(DriverThread::from).collect(),
            stolen: self.stolen,
            disk: self.disk.map(DiskState::from),
            backlog_at_start: self.backlog_at_start,
            in_flight_at_end: self.in_flight_at_end,
            reconnects: self.reconnects,
            expired_sessions: self.expired_sessions,
            interrupted: self.interrupted,
        })
    }
}

/// Records of operations by their labels.
fn named<'a, T, F>(
    labels: &[&str],
    records: &'a [T],
    form: impl Fn(&'a T) -> F,
) -> BTreeMap<String, F> {
    labels
        .iter()
        .zip(records)
        .map(|(label, record)| ((*label).to_owned(), form(record)))
        .collect()
}

/// The reverse: records in the order of the plan's operations. An operation that is missing reads as
/// one that did not occur; one that the plan does not have is an error.
pub(super) fn in_order<F, T: Default>(
    mut named: BTreeMap<String, F>,
    labels: &[&str],
    place: &str,
    read: impl Fn(F) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    let records = labels
        .iter()
        .map(|label| match named.remove(*label) {
            Some(record) => {
                read(record).map_err(|why| format!("{place}, operation {label:?}: {why}"))
            }
            None => Ok(T::default()),
        })
        .collect::<Result<_, _>>()?;
    match named.keys().next() {
        Some(stranger) => Err(format!(
            "{place}: operation {stranger:?} is not in the plan"
        )),
        None => Ok(records),
    }
}

impl FileInterval {
    fn into_interval(self, index: u32, labels: &[&str]) -> Result<Interval, String> {
        if self.index != index {
            return Err(format!(
                "interval {} stands where {index} belongs",
                self.index
            ));
        }
        let place = format!("interval {index}");
        let ops = in_order(self.ops, labels, &place, FileRecord::into_record)?;
        Ok(Interval { index, ops })
    }
}

impl From<&OpRecord> for FileTotal {
    fn from(record: &OpRecord) -> Self {
        Self {
            counts: FileCounts::from(&record.counts),
            acknowledged: record.acknowledged,
            response: summary(&record.response),
            service: summary(&record.service),
            blocked: summary(&record.blocked),
            late: summary(&record.late),
        }
    }
}

impl From<&OpRecord> for FileRecord {
    fn from(record: &OpRecord) -> Self {
        Self {
            counts: FileCounts::from(&record.counts),
            acknowledged: record.acknowledged,
            response: FileHistogram::of(&record.response),
            service: FileHistogram::of(&record.service),
            blocked: FileHistogram::of(&record.blocked),
            late: FileHistogram::of(&record.late),
        }
    }
}

impl FileRecord {
    fn into_record(self) -> Result<OpRecord, String> {
        let mut record = OpRecord {
            response: histogram(self.response, "response")?,
            service: histogram(self.service, "service")?,
            blocked: histogram(self.blocked, "blocked")?,
            late: histogram(self.late, "late")?,
            counts: self.counts.try_into()?,
            acknowledged: self.acknowledged,
        };
        record.pack();
        Ok(record)
    }
}

impl FileServer {
    fn new(server: &ServerRun, labels: &[&str]) -> Self {
        Self {
            address: server.address.clone(),
            mode: server.mode.clone(),
            cpu_s: server.cpu_s,
            disk_written_bytes: server.disk_written_bytes,
            syncs: server.syncs,
            ops: named(labels, &server.ops, |record: &ServerRecord| FileServerOp {
                acknowledged: record.acknowledged,
                failed: record.failed,
                response: FileHistogram::of(&record.response),
            }),
        }
    }

    fn into_server(self, labels: &[&str]) -> Result<ServerRun, String> {
        let place = format!("server {}", self.address);
        let ops = in_order(self.ops, labels, &place, |op| {
            Ok(ServerRecord {
                response: histogram(op.response, "response")?,
                failed: op.failed,
                acknowledged: op.acknowledged,
            })
        })?;
        Ok(ServerRun {
            address: self.address,
            mode: self.mode,
            ops,
            cpu_s: self.cpu_s,
            disk_written_bytes: self.disk_written_bytes,
            syncs: self.syncs,
        })
    }
}

impl FileTimeline {
    fn new(timeline: &Timeline, labels: &[&str]) -> Self {
        Self {
            bucket_ms: timeline.bucket_ms,
            due: counts_text(&timeline.due),
            ended: counts_text(&timeline.ended),
            acknowledged: named(labels, &timeline.acknowledged, |counts| counts_text(counts)),
        }
    }

    fn into_timeline(self, labels: &[&str]) -> Result<Timeline, String> {
        Ok(Timeline {
            bucket_ms: self.bucket_ms,
            due: read_counts(&self.due).map_err(|why| format!("timeline: {why}"))?,
            ended: read_counts(&self.ended).map_err(|why| format!("timeline: {why}"))?,
            acknowledged: in_order(self.acknowledged, labels, "timeline", |text| {
                read_counts(&text)
            })?,
        })
    }
}

fn counts_text(counts: &[u32]) -> String {
    let counts: Vec<String> = counts.iter().map(u32::to_string).collect();
    counts.join(",")
}

fn read_counts(text: &str) -> Result<Vec<u32>, String> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    text.split(',')
        .map(|count| {
            count
                .parse()
                .map_err(|error| format!("{count:?} is not a count: {error}"))
        })
        .collect()
}

impl FileHistogram {
    fn of(histogram: &Histogram) -> Option<Self> {
        Some(Self {
            max_us: histogram.max_us()?,
            hdr: histogram.to_base64(),
        })
    }
}

fn histogram(file: Option<FileHistogram>, kind: &str) -> Result<Histogram, String> {
    let Some(file) = file else {
        return Ok(Histogram::new());
    };
    let mut histogram =
        Histogram::from_base64(&file.hdr).map_err(|error| format!("{kind}: {error}"))?;
    histogram.set_max_us(file.max_us);
    Ok(histogram)
}

impl From<&OpCounts> for FileCounts {
    fn from(counts: &OpCounts) -> Self {
        Self {
            ok: counts.ok,
            errors: counts.errors.clone(),
            refused: counts.refused,
            unknown: counts.unknown,
            timed_out: counts.timed_out,
            not_sent: counts.not_sent,
            cap_full: counts.cap_full,
            not_issued: counts.not_issued,
        }
    }
}

impl TryFrom<FileCounts> for OpCounts {
    type Error = String;

    fn try_from(counts: FileCounts) -> Result<Self, String> {
        if counts.not_sent < counts.cap_full.saturating_add(counts.not_issued) {
            return Err(
                "not_sent is less than cap_full and not_issued, which are parts of it".into(),
            );
        }
        Ok(Self {
            ok: counts.ok,
            errors: counts.errors,
            refused: counts.refused,
            unknown: counts.unknown,
            timed_out: counts.timed_out,
            not_sent: counts.not_sent,
            cap_full: counts.cap_full,
            not_issued: counts.not_issued,
        })
    }
}

fn summary(histogram: &Histogram) -> Option<FileSummary> {
    let [p50_us, p90_us, p95_us, p99_us] = histogram.quantiles_us([0.5, 0.9, 0.95, 0.99])?;
    Some(FileSummary {
        count: histogram.count(),
        mean_us: histogram.mean_us()?,
        p50_us,
        p90_us,
        p95_us,
        p99_us,
        p999_us: histogram.told_p999_us(),
        p9999_us: histogram.told_p9999_us(),
        max_us: histogram.max_us()?,
        hdr: histogram.to_base64(),
    })
}

impl From<&DriverThread> for FileThread {
    fn from(thread: &DriverThread) -> Self {
        Self {
            busy: thread.busy,
            waiting: thread.waiting,
            nice: thread.nice,
        }
    }
}

impl From<FileThread> for DriverThread {
    fn from(thread: FileThread) -> Self {
        Self {
            busy: thread.busy,
            waiting: thread.waiting,
            nice: thread.nice,
        }
    }
}

impl From<DiskState> for FileDisk {
    fn from(disk: DiskState) -> Self {
        Self {
            baseline_us: disk.baseline_us,
            before_us: disk.before_us,
            waited_s: disk.waited_s,
            settled: disk.settled,
        }
    }
}

impl From<FileDisk> for DiskState {
    fn from(disk: FileDisk) -> Self {
        Self {
            baseline_us: disk.baseline_us,
            before_us: disk.before_us,
            waited_s: disk.waited_s,
            settled: disk.settled,
        }
    }
}

impl From<&Event> for FileEvent {
    fn from(event: &Event) -> Self {
        let kind = match event.kind.clone() {
            EventKind::SessionLost {
                session,
                server,
                cause,
                in_flight,
            } => FileEventKind::SessionLost {
                session,
                server,
                cause,
                in_flight,
            },
            EventKind::SessionBack {
                session,
                server,
                after_ns,
                resumed,
            } => FileEventKind::SessionBack {
                session,
                server,
                after_ns,
                resumed,
            },
            EventKind::LeaderChanged { from, to } => FileEventKind::LeaderChanged { from, to },
            EventKind::ServerEnded { server, how } => FileEventKind::ServerEnded { server, how },
            EventKind::Note(text) => FileEventKind::Note { text },
        };
        Self {
            at_ns: event.at_ns,
            kind,
        }
    }
}

impl From<FileEvent> for Event {
    fn from(event: FileEvent) -> Self {
        let kind = match event.kind {
            FileEventKind::SessionLost {
                session,
                server,
                cause,
                in_flight,
            } => EventKind::SessionLost {
                session,
                server,
                cause,
                in_flight,
            },
            FileEventKind::SessionBack {
                session,
                server,
                after_ns,
                resumed,
            } => EventKind::SessionBack {
                session,
                server,
                after_ns,
                resumed,
            },
            FileEventKind::LeaderChanged { from, to } => EventKind::LeaderChanged { from, to },
            FileEventKind::ServerEnded { server, how } => EventKind::ServerEnded { server, how },
            FileEventKind::Note { text } => EventKind::Note(text),
        };
        Self {
            at_ns: event.at_ns,
            kind,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::run_result::example;

    #[test]
    fn a_result_goes_through_its_file_form_unchanged() {
        let mut result = example::result();
        let mut run = example::bumpy_recording();
        run.number = 1;
        run.disk = Some(DiskState {
            baseline_us: 100.0,
            before_us: 130.0,
            waited_s: 2.5,
            settled: true,
        });
        for kind in [
            EventKind::SessionBack {
                session: 3,
                server: "h:1".into(),
                after_ns: 5,
                resumed: true,
            },
            EventKind::LeaderChanged {
                from: None,
                to: Some("h:1".into()),
            },
            EventKind::ServerEnded {
                server: "h:2".into(),
                how: "signal 9".into(),
            },
        ] {
            run.note(Event { at_ns: -7, kind });
        }
        result.runs.push(run);
        let text = to_json(&result);
        assert_eq!(from_json(&text).unwrap(), result);
        assert!(text.contains("\"ConnectionLoss\": 1"), "errors go by name");
        assert!(text.contains("\"event\": \"session_lost\""));
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
        let histogram = broken(|v| {
            v["runs"][0]["intervals"][0]["ops"]["set"]["response"]["hdr"] = "HIST".into();
        });
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
        let counts = broken(|v| v["runs"][0]["timeline"]["due"] = "1,x".into());
        assert!(
            counts.contains("timeline: \"x\" is not a count"),
            "{counts}"
        );
        let parts = broken(|v| {
            v["runs"][0]["intervals"][0]["ops"]["set"]["cap_full"] = 3.into();
        });
        assert!(parts.contains("not_sent is less than"), "{parts}");
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
