//! Runs the same plan in rounds against several targets. In each round every target gets a fresh deployment,
//! its own warm-up and one run. The order of the targets is shuffled in every round, and each run begins
//! after the disk has settled. One round is one observation of all targets under the same conditions: the
//! same names, the same random choices, and nearly the same time.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng as _};

use super::context::{ProgressEvent, RunContext};
use super::error::ExperimentError;
use super::result_builder::ResultBuilder;
use super::trial::{Trial, check, environment};
use crate::measure::{DiskState, Recording};
use crate::protocol;
use crate::result::RunResult;
use crate::target::{SyncProbe, TargetSpec, data_root, unusable};
use crate::workload::Plan;

/// Estimated time from the start of Apache ZooKeeper until it serves.
const START_JAVA: Duration = Duration::from_secs(3);
/// Estimated time from the start of the bundled servers until they serve.
const START_BUNDLED: Duration = Duration::from_millis(200);
/// Estimated number of znodes that are prepared per second.
const PREPARED_PER_S: u64 = 10_000;
/// Estimated time of a drain without failures and of the clean-up after it.
const DRAIN: Duration = Duration::from_secs(1);
/// Separates the random order of the targets from the other random choices of the same seed.
const ORDER: u64 = 0x6f72_6465_725f_6f66;

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
        check(&plan, target, context)?;
    }
    let printed = Mutex::new(BTreeSet::new());
    let notify = |event: &ProgressEvent<'_>| {
        // A warning that occurs in every round is reported once.
        let repeated = matches!(event, ProgressEvent::Warning(text)
            if !printed.lock().unwrap_or_else(PoisonError::into_inner).insert((*text).to_owned()));
        if !repeated {
            (context.notify)(event);
        }
    };
    let context = RunContext {
        notify: &notify,
        ..*context
    };
    let mut sides = sides(&plan, targets, &context)?;
    let disk = disk(targets, &context)?;
    let ended = take_turns(&plan, &mut sides, disk.as_ref(), &context, after).err();
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
    let things = protocol::setup(&plan.protocol).map_or(0, |setup| setup.expected(plan));
    let prepare = Duration::from_millis(things.saturating_mul(1_000) / PREPARED_PER_S);
    let load = Duration::from_millis(plan.load.warm_up_ms + plan.load.duration_ms);
    let round: Duration = targets
        .iter()
        .map(|target| {
            let start = match target {
                TargetSpec::Bundled => START_BUNDLED,
                TargetSpec::ZooKeeper { .. } => START_JAVA,
                TargetSpec::Live { .. } => Duration::ZERO,
            };
            start + prepare + load + DRAIN
        })
        .sum();
    round * rounds
}

/// A target and its measurements.
struct Side<'a> {
    target: &'a TargetSpec,
    builder: ResultBuilder,
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

/// Returns a probe of the disk that the local targets use, or `None` if no target is local.
fn disk(
    targets: &[TargetSpec],
    context: &RunContext<'_>,
) -> Result<Option<SyncProbe>, ExperimentError> {
    if !targets.iter().any(TargetSpec::is_local) {
        return Ok(None);
    }
    let dir = data_root(context.data_dir)?;
    Ok(Some(SyncProbe::new(&dir).map_err(unusable(&dir))?))
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
            let recording = turn(plan, side, round, disk, context)?;
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

/// Opens a target, measures one run, and closes the target.
fn turn(
    plan: &Plan,
    side: &mut Side<'_>,
    round: u32,
    disk: Option<&SyncProbe>,
    context: &RunContext<'_>,
) -> Result<Recording, ExperimentError> {
    let Side { target, builder } = side;
    let number = round + 1;
    context.step(&format!(
        "round {number} of {}: {target}",
        plan.load.repeats
    ));
    let state = match disk.filter(|_| target.is_local()) {
        Some(disk) => Some(settle(disk, context)?),
        None => None,
    };
    if context.stopped() {
        return Err(ExperimentError::Interrupted);
    }
    let mut trial = Trial::open(plan, target, context)?;
    if round == 0
        && let Some(uneven) = trial.uneven()
    {
        context.warning(&uneven);
    }
    let outcome = one_run(&mut trial, round, context);
    builder.record(&mut trial, &format!("round {number}: "));
    if let Some(left) = trial.close(context) {
        builder.warn(left);
    }
    let mut recording = outcome?;
    recording.disk = state;
    Ok(recording)
}

fn settle(disk: &SyncProbe, context: &RunContext<'_>) -> Result<DiskState, ExperimentError> {
    let waits = || context.step("waiting for the disk to settle");
    let state = disk
        .settle(context.stop, &waits)
        .map_err(unusable(disk.dir()))?;
    if !state.settled && !context.stopped() {
        context.step(&format!(
            "the disk has not settled after {:.0} s: a sync takes {:.0} µs, before any server was started {:.0} µs",
            state.waited_s, state.before_us, state.baseline_us
        ));
    }
    Ok(state)
}

fn one_run(
    trial: &mut Trial,
    round: u32,
    context: &RunContext<'_>,
) -> Result<Recording, ExperimentError> {
    let recording = trial.run_once(round, context)?;
    // An interrupted run cannot be compared with complete runs.
    if recording.interrupted {
        return Err(ExperimentError::Interrupted);
    }
    if trial.keeps() {
        // The next target may be the same live ensemble, and it must find the same tree.
        trial.recycle(round, context)?;
    }
    Ok(recording)
}

/// Returns the order of the targets in a round. It depends only on the seed of the plan and the round.
fn order(plan: &Plan, round: u32, targets: usize) -> Vec<usize> {
    let mut random = SplitMix64::seed_from_u64(plan.run_seed(round) ^ ORDER);
    let mut order: Vec<usize> = (0..targets).collect();
    for last in (1..targets).rev() {
        let chosen = random.next_u64() % (last as u64 + 1);
        order.swap(last, usize::try_from(chosen).unwrap_or(0));
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::example;

    #[test]
    fn the_order_of_the_targets_depends_on_the_seed_and_every_order_occurs() {
        let plan = example::plan();
        let orders: Vec<Vec<usize>> = (0..40).map(|round| order(&plan, round, 3)).collect();
        let again: Vec<Vec<usize>> = (0..40).map(|round| order(&plan, round, 3)).collect();
        assert_eq!(orders, again);
        let distinct: BTreeSet<&Vec<usize>> = orders.iter().collect();
        assert_eq!(distinct.len(), 6, "{orders:?}");
        let other = Plan { seed: 8, ..plan };
        assert_ne!(
            orders,
            (0..40)
                .map(|round| order(&other, round, 3))
                .collect::<Vec<_>>()
        );
    }

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
