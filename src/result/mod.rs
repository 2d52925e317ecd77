//! The result file. A run writes it, and reports read nothing else.
//!
//! [`RunResult`] is the type that the program uses. The `file` module converts it to and from the
//! format on disk (`docs/RESULTS.md`, `docs/result.schema.json`). [`judge`] decides whether a run
//! is valid.

mod asked;
mod baseline;
mod capacity;
mod csv_table;
mod environment;
mod experiment_folder;
mod experiment_index;
mod file;
mod finding;
mod fsync;
mod gate;
mod intervals;
mod lateness;
mod machine;
mod plan_difference;
mod run_result;
mod schema;
mod store;
mod target;
pub mod thresholds;
mod tool;
mod verdict;
mod warning;
mod words;

pub use asked::asked_per_s;
pub use baseline::{BaselineError, BaselineName, BaselineNameError, Baselines};
pub use capacity::{
    CAPACITY_FILE, Capacity, CapacityStep, Condition, Held, read_capacity, read_search,
    write_capacity, write_search,
};
pub use csv_table::CsvTable;
pub use environment::{gather, machine_memory_bytes};
pub use experiment_folder::{CellResults, read_cell};
pub use experiment_index::{
    EXPERIMENT_FILE, ExperimentIndex, ExperimentParts, ExperimentSource, IndexCell, IndexRun,
    RunState, is_experiment, read_experiment, search_file, write_experiment,
};
pub use file::{FormatError, from_json, to_json, to_json_text};
pub use fsync::fsync_latency;
pub use gate::GateOutcome;
pub use intervals::intervals_csv;
pub use machine::{Environment, FsyncLatency, ProxyCost, Resolution};
pub use plan_difference::plan_differences;
pub use run_result::RunResult;
#[cfg(test)]
pub(crate) use run_result::example;
pub use schema::SCHEMA_VERSION;
pub use store::{ResultError, read_result, result_file, results_dir, save, write_result};
pub use target::{CounterChange, CpuQuota, Proxied, Server, Target};
pub use tool::Tool;
pub use verdict::{Judgement, Verdict, judge};
