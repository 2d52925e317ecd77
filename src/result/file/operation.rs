//! Counts and histograms of operations in the result file.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::measure::{Histogram, OpCounts, OpRecord};

#[derive(Serialize, Deserialize)]
pub(super) struct FileTotal {
    #[serde(flatten)]
    pub(super) counts: FileCounts,
    pub(super) acknowledged: u64,
    pub(super) response: Option<FileSummary>,
    pub(super) service: Option<FileSummary>,
    pub(super) blocked: Option<FileSummary>,
    pub(super) late: Option<FileSummary>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct FileSummary {
    pub(super) count: u64,
    pub(super) mean_us: f64,
    p50_us: f64,
    p90_us: f64,
    p95_us: f64,
    p99_us: f64,
    p999_us: Option<f64>,
    p9999_us: Option<f64>,
    pub(super) max_us: f64,
    pub(super) hdr: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct FileRecord {
    #[serde(flatten)]
    pub(super) counts: FileCounts,
    pub(super) acknowledged: u64,
    pub(super) response: Option<FileHistogram>,
    pub(super) service: Option<FileHistogram>,
    pub(super) blocked: Option<FileHistogram>,
    pub(super) late: Option<FileHistogram>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct FileHistogram {
    pub(super) max_us: f64,
    pub(super) hdr: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct FileCounts {
    pub(super) ok: u64,
    pub(super) errors: BTreeMap<String, u64>,
    pub(super) refused: u64,
    pub(super) unknown: u64,
    pub(super) timed_out: u64,
    pub(super) not_sent: u64,
    pub(super) cap_full: u64,
    pub(super) not_issued: u64,
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
    pub(super) fn into_record(self) -> Result<OpRecord, String> {
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

impl FileHistogram {
    pub(super) fn of(histogram: &Histogram) -> Option<Self> {
        Some(Self {
            max_us: histogram.max_us()?,
            hdr: histogram.to_base64(),
        })
    }
}

pub(super) fn histogram(file: Option<FileHistogram>, kind: &str) -> Result<Histogram, String> {
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

pub(super) fn summary(histogram: &Histogram) -> Option<FileSummary> {
    let [p50_us, p90_us, p95_us, p99_us] = histogram.quantiles_us([0.5, 0.9, 0.95, 0.99])?;
    Some(FileSummary {
        count: histogram.count(),
        mean_us: histogram.mean_us()?,
        p50_us,
        p90_us,
        p95_us,
        p99_us,
        p999_us: histogram.supported_p999_us(),
        p9999_us: histogram.supported_p9999_us(),
        max_us: histogram.max_us()?,
        hdr: histogram.to_base64(),
    })
}
