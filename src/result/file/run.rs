//! A run in the result file.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::event::FileEvent;
use super::interruptions::FileInterruptions;
use super::operation::{FileHistogram, FileRecord, FileTotal, histogram};
use crate::measure::{
    ByClass, DiskState, DriverThread, Event, Interval, Recording, ServerRecord, ServerRun,
    Throttled, Timeline, Verified,
};

#[derive(Serialize, Deserialize)]
pub(super) struct FileRun {
    pub(super) number: u32,
    pub(super) started_unix_ms: u64,
    pub(super) interval_ms: u64,
    pub(super) measured_s: f64,
    /// Computed from the intervals when the file is written. Reading ignores it.
    #[serde(default)]
    pub(super) throughput_per_s: Option<f64>,
    pub(super) interrupted: bool,
    pub(super) driver: Vec<FileThread>,
    pub(super) stolen: Option<f64>,
    /// Results of older versions do not contain it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) processors_busy: Option<f64>,
    pub(super) disk: Option<FileDisk>,
    pub(super) backlog_at_start: u64,
    pub(super) in_flight_at_end: u64,
    pub(super) reconnects: u64,
    pub(super) expired_sessions: u64,
    /// Older files do not have it.
    #[serde(default)]
    pub(super) verified: Option<FileVerified>,
    pub(super) events: Vec<FileEvent>,
    pub(super) events_dropped: u64,
    /// The intervals merged when the file is written. Reading ignores it.
    #[serde(default)]
    pub(super) ops: BTreeMap<String, FileTotal>,
    pub(super) servers: Vec<FileServer>,
    pub(super) timeline: FileTimeline,
    /// Older results do not contain it.
    #[serde(default)]
    pub(super) interruptions: FileInterruptions,
    pub(super) intervals: Vec<FileInterval>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct FileThread {
    pub(super) busy: f64,
    pub(super) waiting: Option<f64>,
    pub(super) nice: i32,
}

#[derive(Serialize, Deserialize)]
pub(super) struct FileDisk {
    pub(super) baseline_us: f64,
    pub(super) before_us: f64,
    pub(super) waited_s: f64,
    pub(super) settled: bool,
}

#[derive(Serialize, Deserialize)]
pub(super) struct FileVerified {
    pub(super) writes: u64,
    pub(super) lost: u64,
    pub(super) unverifiable: u64,
    pub(super) examples: Vec<String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct FileServer {
    pub(super) address: String,
    pub(super) mode: Option<String>,
    pub(super) cpu_s: Option<f64>,
    pub(super) disk_written_bytes: Option<u64>,
    pub(super) syncs: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) throttled: Option<FileThrottled>,
    pub(super) ops: BTreeMap<String, FileServerOp>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct FileThrottled {
    pub(super) periods: u64,
    pub(super) throttled_periods: u64,
    pub(super) throttled_ns: u64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct FileServerOp {
    pub(super) acknowledged: u64,
    pub(super) failed: u64,
    pub(super) response: Option<FileHistogram>,
}

/// Counts per bucket as text: `20,19,0,0,21`.
#[derive(Serialize, Deserialize)]
pub(super) struct FileTimeline {
    pub(super) bucket_ms: u64,
    pub(super) due: String,
    pub(super) ended: String,
    pub(super) acknowledged: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct FileInterval {
    pub(super) index: u32,
    pub(super) ops: BTreeMap<String, FileRecord>,
}

impl FileRun {
    pub(super) fn new(run: &Recording, labels: &[&str]) -> Self {
        Self {
            number: run.number,
            started_unix_ms: run.started_unix_ms,
            interval_ms: run.interval_ms,
            measured_s: run.measured_s,
            throughput_per_s: run.throughput_per_s(),
            interrupted: run.interrupted,
            driver: run.driver.iter().map(FileThread::from).collect(),
            stolen: run.stolen,
            processors_busy: run.processors_busy,
            disk: run.disk.map(FileDisk::from),
            backlog_at_start: run.backlog_at_start,
            in_flight_at_end: run.in_flight_at_end,
            reconnects: run.reconnects,
            expired_sessions: run.expired_sessions,
            verified: run.verified.as_ref().map(FileVerified::from),
            events: run.events.iter().map(FileEvent::from).collect(),
            events_dropped: run.events_dropped,
            ops: named(labels, &run.totals(), FileTotal::from),
            servers: run
                .servers
                .iter()
                .map(|server| FileServer::new(server, labels))
                .collect(),
            timeline: FileTimeline::new(&run.timeline, labels),
            interruptions: FileInterruptions::new(&run.interruptions),
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

    pub(super) fn into_recording(self, labels: &[&str]) -> Result<Recording, String> {
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
            acks: ByClass::default(),
            interruptions: self.interruptions.into_interruptions()?,
            events: self.events.into_iter().map(Event::from).collect(),
            events_dropped: self.events_dropped,
            driver: self.driver.into_iter().map(DriverThread::from).collect(),
            stolen: self.stolen,
            processors_busy: self.processors_busy,
            disk: self.disk.map(DiskState::from),
            backlog_at_start: self.backlog_at_start,
            in_flight_at_end: self.in_flight_at_end,
            reconnects: self.reconnects,
            expired_sessions: self.expired_sessions,
            interrupted: self.interrupted,
            verified: self.verified.map(Verified::from),
            server_logs: Vec::new(),
        })
    }
}

/// Returns records of operations by their labels.
pub(super) fn named<'a, T, F>(
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

/// Returns records in the order of the plan's operations. A missing operation has an empty record;
/// an operation that is not in the plan is an error.
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

impl From<&Verified> for FileVerified {
    fn from(verified: &Verified) -> Self {
        let Verified {
            writes,
            lost,
            unverifiable,
            examples,
        } = verified.clone();
        Self {
            writes,
            lost,
            unverifiable,
            examples,
        }
    }
}

impl From<FileVerified> for Verified {
    fn from(file: FileVerified) -> Self {
        Self {
            writes: file.writes,
            lost: file.lost,
            unverifiable: file.unverifiable,
            examples: file.examples,
        }
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

impl FileServer {
    fn new(server: &ServerRun, labels: &[&str]) -> Self {
        Self {
            address: server.address.clone(),
            mode: server.mode.clone(),
            cpu_s: server.cpu_s,
            disk_written_bytes: server.disk_written_bytes,
            syncs: server.syncs,
            throttled: server.throttled.map(FileThrottled::from),
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
            throttled: self.throttled.map(Throttled::from),
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

pub(super) fn counts_text(counts: &[u32]) -> String {
    let counts: Vec<String> = counts.iter().map(u32::to_string).collect();
    counts.join(",")
}

pub(super) fn read_counts(text: &str) -> Result<Vec<u32>, String> {
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

impl From<Throttled> for FileThrottled {
    fn from(throttled: Throttled) -> Self {
        Self {
            periods: throttled.periods,
            throttled_periods: throttled.throttled_periods,
            throttled_ns: throttled.throttled_ns,
        }
    }
}

impl From<FileThrottled> for Throttled {
    fn from(throttled: FileThrottled) -> Self {
        Self {
            periods: throttled.periods,
            throttled_periods: throttled.throttled_periods,
            throttled_ns: throttled.throttled_ns,
        }
    }
}
