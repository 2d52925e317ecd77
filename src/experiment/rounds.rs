//! Runs the same plan in rounds against several targets. In each round every target gets a fresh deployment,
//! its own warm-up and one run. The order of the targets is shuffled in every round, and each run begins
//! after the disk has settled. One round is one observation of all targets under the same conditions: the
//! same names, the same random choices, and nearly the same time.

use std::ops::ControlFlow;
use std::time::Duration;

use super::context::RunContext;
use super::error::ExperimentError;
use super::estimate::run_time;
use super::result_builder::ResultBuilder;
use super::trial::{check, environment};
use super::turn::{Side, Turn, disk, order, with_distinct_warnings};
use crate::measure::Recording;
use crate::result::RunResult;
use crate::target::{SyncProbe, TargetSpec};
use crate::workload::Plan;

/// A finished run of one target in a round.
#[derive(Clone, Copy, Debug)]
pub struct RoundReport<'a> {
    /// Number of the round, from 0.
    pub round: u32,
    pub target: usize,
    pub recording: &'a Recording,
    /// Reasons for which the run is invalid. Empty if it is valid.
    pub invalid: &'a [String],
}

/// Runs `plan` once against every target in each of `rounds` rounds. `after` is called after every run. The
/// comparison ends when it returns `Break`.
///
/// Returns one result per target, in the order of `targets`, with one recording per complete round. If an
/// interrupt or a failure ends the comparison early, the verdicts name the reason.
///
/// # Errors
/// If no round was completed.
pub fn rounds(
    plan: &Plan,
    targets: &[TargetSpec],
    rounds: u32,
    context: &RunContext<'_>,
    after: &mut dyn FnMut(&RoundReport<'_>) -> ControlFlow<()>,
) -> Result<Vec<RunResult>, ExperimentError> {
    let mut plan = plan.clone();
    plan.load.repeats = rounds;
    for target in targets {
        check(&plan, target, context.pin)?;
    }
    with_distinct_warnings(context, |context| in_rounds(&plan, targets, context, after))
}

fn in_rounds(
    plan: &Plan,
    targets: &[TargetSpec],
    context: &RunContext<'_>,
    after: &mut dyn FnMut(&RoundReport<'_>) -> ControlFlow<()>,
) -> Result<Vec<RunResult>, ExperimentError> {
    let rounds = plan.load.repeats;
    let mut sides = sides(plan, targets, context)?;
    let disk = disk(targets, context)?;
    let ended = take_turns(plan, &mut sides, disk.as_ref(), context, after).err();
    let complete = sides.iter().map(|side| side.builder.runs.len()).min();
    let complete = complete.unwrap_or(0);
    let all = usize::try_from(rounds).unwrap_or(usize::MAX);
    let missing = match ended {
        Some(error) if complete == 0 => {
            for side in &sides {
                let findings = side.builder.findings();
                findings.iter().for_each(|text| context.warning(text));
            }
            return Err(error);
        }
        Some(error) if complete < all => Some(format!(
            "only {complete} of {rounds} rounds: {}",
            match error {
                ExperimentError::Interrupted => "interrupted".to_owned(),
                ExperimentError::Stopped { target } => format!("stopped after a run of {target}"),
                error => error.to_string(),
            }
        )),
        _ => None,
    };
    let results = sides.iter_mut().map(|side| {
        side.builder.runs.truncate(complete);
        side.builder.result(missing.as_deref())
    });
    Ok(results.collect())
}

/// Estimates how long [`rounds`] takes if the disk settles at once every time.
#[must_use]
pub fn expected_time(plan: &Plan, targets: &[TargetSpec], rounds: u32) -> Duration {
    let round: Duration = targets.iter().map(|target| run_time(plan, target)).sum();
    round * rounds
}

/// Creates the sides. All local targets share one description of the machine, which is made before any of
/// them runs.
fn sides<'a>(
    plan: &Plan,
    targets: &'a [TargetSpec],
    context: &RunContext<'_>,
) -> Result<Vec<Side<'a>>, ExperimentError> {
    let mut local = None;
    let mut sides = Vec::with_capacity(targets.len());
    for target in targets {
        let environment = match (&local, target.is_local()) {
            (Some(local), true) => Clone::clone(local),
            (None, true) => local.insert(environment(target, context)?).clone(),
            (_, false) => environment(target, context)?,
        };
        sides.push(Side {
            target,
            builder: ResultBuilder::new(plan.clone(), environment),
        });
    }
    Ok(sides)
}

/// Runs all rounds and adds the recordings to the sides.
///
/// # Errors
/// The reason for which the rounds ended early.
fn take_turns(
    plan: &Plan,
    sides: &mut [Side<'_>],
    disk: Option<&SyncProbe>,
    context: &RunContext<'_>,
    after: &mut dyn FnMut(&RoundReport<'_>) -> ControlFlow<()>,
) -> Result<(), ExperimentError> {
    for round in 0..plan.load.repeats {
        for index in order(plan, round, sides.len()) {
            if context.stopped() {
                return Err(ExperimentError::Interrupted);
            }
            let side = &mut sides[index];
            context.step(&format!(
                "round {} of {}: {}",
                round + 1,
                plan.load.repeats,
                side.target
            ));
            let turn = Turn {
                plan,
                round,
                disk,
                logs: None,
                context,
            };
            let recording = turn.take(side)?;
            let invalid = side.builder.invalid(&recording);
            let flow = after(&RoundReport {
                round,
                target: index,
                recording: &recording,
                invalid: &invalid,
            });
            side.builder.runs.push(recording);
            if flow.is_break() {
                let target = side.target.to_string();
                return Err(ExperimentError::Stopped { target });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::example;

    #[test]
    fn the_duration_of_a_comparison_is_estimated() {
        let mut plan = example::plan();
        plan.prepare.own.set("znodes", 5_000_u64);
        plan.load.warm_up_ms = 5_000;
        plan.load.duration_ms = 30_000;
        let targets = ["bundled", "zookeeper", "zk://h"].map(|text| text.parse().unwrap());
        let once = 3 * (500 + 35_000 + 1_000) + 200 + 3_000;
        assert_eq!(
            expected_time(&plan, &targets, 7),
            Duration::from_millis(7 * once)
        );
    }
}
