//! The highest rate that a target takes while conditions hold: a search by runs, each from nothing to a result.

mod search;

use super::context::RunContext;
use super::error::ExperimentError;
use super::run::run;
use crate::result::{Capacity, CapacityStep, RunResult};
use crate::target::TargetSpec;
use crate::workload::{Arrival, Plan, RatePhase, Spacing};

use search::Search;
pub use search::SearchLimits;

/// Operations that may be in flight per session where the workload does not say.
const IN_FLIGHT_CAP: u32 = 64;

/// One run of a search, as soon as it is over.
#[derive(Clone, Copy, Debug)]
pub struct CapacityRun<'a> {
    /// Number of the run, from 1.
    pub number: u32,
    /// What it came to.
    pub step: &'a CapacityStep,
    /// The whole result.
    pub result: &'a RunResult,
}

/// Runs `plan` at one rate after the other until the highest at which its gates hold is known within
/// `limits.precision`. A closed loop becomes an open one: in a closed loop the target sets the rate.
///
/// `begins` is told each rate beforehand, `after` what came of it, and returns the name of the folder that
/// the run's result was kept in.
///
/// What an interrupt, or a failure after a first run, leaves unknown is said in [`Capacity::ended_early`].
///
/// # Errors
/// If nothing was measured, or `after` fails.
pub fn capacity<E: From<ExperimentError>>(
    plan: &Plan,
    target: &TargetSpec,
    limits: SearchLimits,
    context: &RunContext<'_>,
    begins: &mut dyn FnMut(u32, f64),
    after: &mut dyn FnMut(&CapacityRun<'_>) -> Result<Option<String>, E>,
) -> Result<Capacity, E> {
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
        // A run that was cut short says nothing about its rate.
        if context.stopped() {
            found.ended_early = Some("interrupted".to_owned());
            break;
        }
        let mut step = CapacityStep::of(rate_per_s, &result);
        search.tell(rate_per_s, step.held);
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
    found.failed_per_s = search.worst_per_s();
    found.generator_limited = search.is_the_generators();
    Ok(found)
}

/// The same plan, once, at one rate.
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
