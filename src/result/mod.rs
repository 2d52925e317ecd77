//! The result file, the waist of the house: a run writes it, everything else reads only it.
//!
//! [`RunResult`] is the working type; the `file` module holds its form on disk (`docs/RESULTS.md`,
//! `docs/result.schema.json`) with conversions both ways. [`judge`] decides what a run is worth.

mod asked;
mod environment;
mod file;
mod file_v1;
mod finding;
mod fsync;
mod gate;
mod intervals;
mod plan_difference;
mod run_result;
mod store;
pub mod thresholds;
mod verdict;
mod warning;
mod words;

pub use asked::asked_per_s;
pub use environment::{gather, machine_memory_bytes};
pub use file::{FormatError, SCHEMA_VERSION, from_json, to_json, to_json_text};
pub use fsync::fsync_latency;
pub use gate::GateOutcome;
pub use intervals::{csv_cell, intervals_csv};
pub use plan_difference::plan_differences;
#[cfg(test)]
pub(crate) use run_result::example;
pub use run_result::{
    CounterChange, Environment, FsyncLatency, Resolution, RunResult, Server, Target, Tool,
};
pub use store::{ResultError, read_result, results_dir, save, write_result};
pub use verdict::{Judgement, Verdict, judge};
