//! Experiments: a plan run against one target ([`run()`]) or in rounds against several ([`rounds()`]).
//!
//! The way of a run: `trial` opens the target; `prepared` creates what the load needs; `measure` runs one load, while
//! `watch` sees what happens to the servers; `scrape` reads what they count and use; `result_builder` makes the
//! result; `clean_up` removes that or ends the servers; `capacity` searches a rate by such runs.

mod attachment;
mod capacity;
mod clean_up;
mod context;
mod error;
mod measure;
mod prepared;
mod result_builder;
mod rounds;
mod run;
mod scrape;
mod trial;
mod watch;

pub use capacity::{CapacityRun, SearchLimits, capacity};
pub use context::{ProgressEvent, RunContext};
pub use error::ExperimentError;
pub use rounds::{RoundReport, expected_time, rounds};
pub use run::run;
