//! Estimates how long runs take.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::time::Duration;

use crate::protocol;
use crate::target::TargetSpec;
use crate::workload::{Cell, Plan};

/// Estimated time from the start of Apache ZooKeeper until it serves.
const START_JAVA: Duration = Duration::from_secs(3);
/// Estimated time from the start of the bundled servers until they serve.
const START_BUNDLED: Duration = Duration::from_millis(200);
/// Estimated number of znodes that are prepared per second.
const PREPARED_PER_S: u64 = 10_000;
/// Estimated time of a drain without failures and of the clean-up after it.
const DRAIN: Duration = Duration::from_secs(1);
/// Estimated number of runs of a search with a precision of 1: a few to double the rate, and two each to
/// confirm the answer and the rate that fails.
const SEARCH_RUNS: u32 = 9;

/// Estimates how long a run of `plan` takes, from the start of the target to its end.
pub(super) fn run_time(plan: &Plan, target: &TargetSpec) -> Duration {
    let things = protocol::setup(&plan.protocol).map_or(0, |setup| setup.expected(plan));
    let prepare = Duration::from_millis(things.saturating_mul(1_000) / PREPARED_PER_S);
    let load = Duration::from_millis(plan.load.warm_up_ms + plan.load.duration_ms);
    let start = match target {
        TargetSpec::Bundled => START_BUNDLED,
        TargetSpec::ZooKeeper { .. } => START_JAVA,
        TargetSpec::Live { .. } => Duration::ZERO,
    };
    start + prepare + load + DRAIN
}

/// Estimates how long a run of a cell takes, which can be a search.
pub(super) fn cell_time(cell: &Cell, target: &TargetSpec) -> Duration {
    let once = run_time(&cell.plan, target);
    match &cell.search {
        None => once,
        Some(search) => {
            // Each further run halves the distance on a logarithmic scale.
            let halvings = (1.0 / search.precision.clamp(0.001, 1.0)).log2().ceil();
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "0 to 10"
            )]
            let runs = SEARCH_RUNS + halvings as u32;
            once * runs.min(search.runs_max)
        }
    }
}
