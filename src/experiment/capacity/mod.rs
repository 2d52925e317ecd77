//! The search for the highest rate at which the gates of a plan hold. Each rate is tried in a complete run.

mod search;

use super::context::RunContext;
use super::error::ExperimentError;
use super::run::run;
use crate::result::{Capacity, CapacityStep, RunResult};
use crate::target::TargetSpec;
use crate::workload::{Arrival, Plan, RatePhase, SearchPlan, Spacing};

use search::Search;
pub use search::SearchLimits;

/// Maximum number of operations in flight per session if the workload does not set one.
const IN_FLIGHT_CAP: u32 = 64;

/// A finished run of a search.
#[derive(Clone, Copy, Debug)]
pub struct CapacityRun<'a> {
    /// Number of the run, from 1.
    pub number: u32,
    /// The summary of the run.
    pub step: &'a CapacityStep,
    pub result: &'a RunResult,
}

/// Runs `plan` at different rates until the highest rate at which its gates hold is known within
/// `limits.precision`. A closed loop is replaced by an open loop, because in a closed loop the target sets
/// the rate.
///
/// `begins` is called before each run with the number of the run and the rate per second. `after` is called
/// after each run. It returns the name of the folder that holds the run's result.
///
/// If the user interrupts the search, or a run other than the first fails, the reason is in
/// [`Capacity::ended_early`].
///
/// # Errors
/// If the plan has faults, nothing was measured, or `after` fails.
pub fn capacity<E: From<ExperimentError>>(
    plan: &Plan,
    target: &TargetSpec,
    limits: SearchLimits,
    context: &RunContext<'_>,
    begins: &mut dyn FnMut(u32, f64),
    after: &mut dyn FnMut(&CapacityRun<'_>) -> Result<Option<String>, E>,
) -> Result<Capacity, E> {
    if !plan.faults.is_empty() {
        return Err(ExperimentError::FaultsInSearch.into());
    }
    let mut search = Search::new(limits);
    let mut found = Capacity::new(&plan.name, &target.to_string(), limits.precision);
    while let Some(rate_per_s) = search.next_per_s() {
        if context.stopped() {
            found.ended_early = Some("interrupted".to_owned());
            break;
        }
        let number = search.runs() + 1;
        begins(number, rate_per_s);
        let at_rate = at_rate(plan, rate_per_s);
        let result = match run(&at_rate, target, context, &mut |_| {}) {
            Ok(result) => result,
            Err(error) if found.steps.is_empty() => return Err(error.into()),
            Err(ExperimentError::Interrupted) => {
                found.ended_early = Some("interrupted".to_owned());
                break;
            }
            Err(error) => {
                found.ended_early = Some(format!("run {number}: {error}"));
                break;
            }
        };
        // An interrupted run does not show whether its rate holds.
        if context.stopped() {
            found.ended_early = Some("interrupted".to_owned());
            break;
        }
        let mut step = CapacityStep::of(rate_per_s, &result);
        search.record(rate_per_s, step.held);
        step.result = after(&CapacityRun {
            number,
            step: &step,
            result: &result,
        })?;
        if found.steps.is_empty() {
            found.describe(&result);
        }
        found.steps.push(step);
    }
    if found.ended_early.is_none() && search.is_out_of_runs() {
        found.ended_early = Some(format!(
            "after {} runs, the most that were allowed",
            search.runs()
        ));
    }
    found.answer_per_s = search.answer_per_s();
    found.failed_per_s = search.lowest_failure_per_s();
    found.generator_limited = search.is_limited_by_generator();
    Ok(found)
}

/// Minimum number of operations in a run. With fewer, the p99 would depend on less than ten operations.
const OPERATIONS_MIN: f64 = 1_000.0;

/// Returns the lowest rate of a search, in operations per second. A run at a lower rate would have too few
/// operations for its percentiles.
#[must_use]
pub fn lowest_rate_per_s(plan: &Plan) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a length below 2^53 ms")]
    let duration_s = plan.load.duration_ms as f64 / 1_000.0;
    OPERATIONS_MIN / duration_s
}

/// Returns the limits of the search of a cell.
pub(super) fn search_limits(plan: &Plan, search: &SearchPlan) -> SearchLimits {
    let lowest_per_s = lowest_rate_per_s(plan);
    SearchLimits {
        first_per_s: search.from_per_s.max(lowest_per_s),
        lowest_per_s,
        highest_per_s: search.up_to_per_s.max(lowest_per_s),
        precision: search.precision,
        runs_max: search.runs_max,
    }
}

/// Returns the plan with a single run at a constant rate.
fn at_rate(plan: &Plan, rate_per_s: f64) -> Plan {
    let (in_flight_cap, spacing) = match &plan.load.arrival {
        Arrival::Open {
            in_flight_cap,
            spacing,
            ..
        } => (*in_flight_cap, *spacing),
        Arrival::Closed { .. } => (IN_FLIGHT_CAP, Spacing::Poisson),
    };
    let mut plan = plan.clone();
    plan.load.repeats = 1;
    plan.load.arrival = Arrival::Open {
        phases: vec![RatePhase {
            duration_ms: plan.load.duration_ms,
            from_per_s: rate_per_s,
            to_per_s: rate_per_s,
        }],
        in_flight_cap,
        spacing,
    };
    plan
}
