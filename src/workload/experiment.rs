//! An experiment: every combination of the values that a workload file lists, and the figures to draw of
//! the results.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::plan::{Gates, Plan};

/// Share of operations that may fail in a search, if neither the search nor the gates set one.
const SEARCH_ERROR_RATIO: f64 = 0.01;

/// A workload file with all combinations of its values. A file without lists has one cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Experiment {
    /// Name of the workload, `[a-z0-9-]+`.
    pub name: String,
    /// One sentence that explains the purpose.
    pub why: String,
    /// Whether the file asks for an experiment: it has `[experiment]`, an axis, a case or a figure.
    /// Without them, a run of the only cell is an ordinary run.
    pub is_declared: bool,
    /// Axes in the order of the file. The axis `case` is the first.
    pub axes: Vec<Axis>,
    /// One cell for each combination of the values, 1 to 500. The last axis varies fastest.
    pub cells: Vec<Cell>,
    /// Runs of each cell on each target.
    pub rounds: u32,
    pub figures: Vec<FigurePlan>,
}

impl Experiment {
    /// Describes a cell by its values: `case lone writer, voters 3`. Empty if there are no axes.
    #[must_use]
    pub fn describe(&self, cell: &Cell) -> String {
        let parts: Vec<String> = self
            .axes
            .iter()
            .zip(&cell.values)
            .map(|(axis, value)| format!("{} {value}", axis.short_name()))
            .collect();
        parts.join(", ")
    }
}

/// A key with several values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Axis {
    /// Full path of the key, such as `target.voters` or `op.set.size`; `case` for the cases.
    pub key: String,
    /// The values as the user wrote them, strings without their quotes.
    pub values: Vec<String>,
}

impl Axis {
    /// The key of the axis of the cases.
    pub const CASE: &str = "case";

    /// Returns the key without the name of its table: `voters`. An operation's name stays: `set.size`.
    #[must_use]
    pub fn short_name(&self) -> &str {
        match self.key.split_once('.') {
            Some((_, rest)) => rest,
            None => &self.key,
        }
    }
}

/// One combination of values.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// Name of the folder of its results, `[a-z0-9.-]+`. It is unique in the experiment.
    pub id: String,
    /// One value per axis.
    pub values: Vec<String>,
    pub plan: Plan,
    /// If present, a run of the cell is a search for the highest rate. The gates of the plan are the
    /// conditions of the search.
    pub search: Option<SearchPlan>,
}

/// A search for the highest rate at which the response time stays within limits.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SearchPlan {
    /// Largest median response time in milliseconds.
    pub p50_ms: Option<f64>,
    /// Largest 90th percentile in milliseconds.
    pub p90_ms: Option<f64>,
    /// Largest 99th percentile in milliseconds.
    pub p99_ms: Option<f64>,
    /// Largest 99.9th percentile in milliseconds.
    pub p999_ms: Option<f64>,
    /// Largest share of failed operations, 0 to 1.
    pub error_ratio: Option<f64>,
    /// First rate in operations per second.
    pub from_per_s: f64,
    /// Highest rate in operations per second.
    pub up_to_per_s: f64,
    /// Maximum distance between the answer and a rate that fails, as a share of the answer.
    pub precision: f64,
    /// Maximum number of runs.
    pub runs_max: u32,
}

impl SearchPlan {
    /// Returns the conditions of the search: the gates of the workload, in which the search replaces the
    /// limits that it sets. The throughput is no condition, because the search chooses the rate.
    #[must_use]
    pub fn conditions(&self, gates: &Gates) -> Gates {
        Gates {
            p50_ms: self.p50_ms.or(gates.p50_ms),
            p90_ms: self.p90_ms.or(gates.p90_ms),
            p99_ms: self.p99_ms.or(gates.p99_ms),
            p999_ms: self.p999_ms.or(gates.p999_ms),
            error_ratio: self
                .error_ratio
                .or(gates.error_ratio)
                .or(Some(SEARCH_ERROR_RATIO)),
            throughput_per_s: None,
            ..gates.clone()
        }
    }

    /// Whether `gates` limit the response time.
    #[must_use]
    pub fn limits_time(gates: &Gates) -> bool {
        let only_errors = Gates {
            error_ratio: gates.error_ratio,
            ..Gates::default()
        };
        *gates != only_errors
    }
}

/// A figure of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FigurePlan {
    pub kind: FigureKind,
    /// What the horizontal axis shows: the key of an axis, [`FigurePlan::TARGET`], or
    /// [`FigurePlan::OFFERED`] in a curve.
    pub x: String,
    /// The key of the axis with one line per value, or [`FigurePlan::TARGET`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
    /// Limits the figure to cells with these values, by the key of the axis.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub only: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

impl FigurePlan {
    /// The offered rate: `x` of a curve.
    pub const OFFERED: &str = "offered";
    /// The measured targets.
    pub const TARGET: &str = "target";
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FigureKind {
    /// Percentiles of the response time.
    Response,
    /// Percentiles of the response time against the offered rate.
    Curve,
    /// Acknowledged operations per second.
    Throughput,
    /// Gaps after faults.
    Failover,
}

impl FigureKind {
    pub const ALL: [Self; 4] = [
        Self::Response,
        Self::Curve,
        Self::Throughput,
        Self::Failover,
    ];

    /// The word in workload files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Response => "response",
            Self::Curve => "curve",
            Self::Throughput => "throughput",
            Self::Failover => "failover",
        }
    }
}
