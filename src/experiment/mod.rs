//! Experiments. [`run()`] runs a plan against one target, [`rounds()`] runs it in rounds against several
//! targets, [`capacity()`] searches for the highest rate that a target sustains, and [`Matrix`] runs an
//! experiment of many plans on several targets.
//!
//! The steps of a run:
//!
//! 1. `trial` opens the target.
//! 2. `prepared` creates the data that the load needs.
//! 3. `measure` runs the load, while `script` carries out the planned faults, `quota_timing` applies the CPU quota of
//!    the servers, and `watch` observes them.
//! 4. `scrape` reads the counters and the memory of the servers.
//! 5. `result_builder` builds the result.
//! 6. `clean_up` removes the data or stops the servers.

mod attachment;
mod capacity;
mod clean_up;
mod context;
mod error;
mod estimate;
mod leadership;
mod matrix;
mod measure;
mod prepared;
mod quota_timing;
mod result_builder;
mod rounds;
mod run;
mod scrape;
mod script;
mod trial;
mod turn;
mod watch;

pub use capacity::{CapacityRun, SearchLimits, capacity, lowest_rate_per_s};
pub use context::{Overall, ProgressEvent, RunContext};
pub use error::ExperimentError;
pub use matrix::{Matrix, MatrixRun};
pub use rounds::{RoundReport, expected_time, rounds};
pub use run::run;
