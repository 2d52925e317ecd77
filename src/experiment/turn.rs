//! One run in a series of runs that are compared: opens the target, measures once, and closes the target.
//! Every turn begins after the disk has settled.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng as _};

use super::context::{ProgressEvent, RunContext};
use super::error::ExperimentError;
use super::result_builder::ResultBuilder;
use super::trial::Trial;
use crate::measure::{DiskState, EventKind, Recording};
use crate::target::{SyncProbe, TargetSpec, data_root, unusable};
use crate::workload::Plan;

/// Separates the random order of the runs from the other random choices of the same seed.
const ORDER: u64 = 0x6f72_6465_725f_6f66;

/// A target and its measurements.
#[derive(Debug)]
pub(super) struct Side<'a> {
    pub(super) target: &'a TargetSpec,
    pub(super) builder: ResultBuilder,
}

/// A run to measure.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn<'a> {
    pub(super) plan: &'a Plan,
    /// Number of the round, from 0.
    pub(super) round: u32,
    /// The disk of the local targets.
    pub(super) disk: Option<&'a SyncProbe>,
    /// Folder for the logs of servers if the run fails or a server ends.
    pub(super) logs: Option<&'a Path>,
    pub(super) context: &'a RunContext<'a>,
}

impl Turn<'_> {
    /// Measures the run and records the state of the target in `side`.
    ///
    /// # Errors
    /// If the target does not open, the driver fails, or the user interrupts.
    pub(super) fn take(&self, side: &mut Side<'_>) -> Result<Recording, ExperimentError> {
        let Side { target, builder } = side;
        let context = self.context;
        let state = self.settle(target)?;
        let mut trial = Trial::open(self.plan, target, context)?;
        if self.round == 0
            && let Some(uneven) = trial.uneven()
        {
            context.warning(&uneven);
        }
        let outcome = self.measure(&mut trial);
        if let Some(dir) = self.logs
            && needs_logs(outcome.as_ref())
        {
            trial.save_logs(dir, self.round, context);
        }
        builder.record(&mut trial, &format!("round {}: ", self.round + 1));
        if let Some(left) = trial.close(context) {
            builder.warn(left);
        }
        let mut recording = outcome?;
        recording.disk = state;
        Ok(recording)
    }

    /// Waits until the disk has settled, if `target` uses it.
    ///
    /// # Errors
    /// If the disk cannot be used, or the user interrupts.
    pub(super) fn settle(&self, target: &TargetSpec) -> Result<Option<DiskState>, ExperimentError> {
        let state = match self.disk.filter(|_| target.is_local()) {
            Some(disk) => Some(settle(disk, self.context)?),
            None => None,
        };
        if self.context.stopped() {
            return Err(ExperimentError::Interrupted);
        }
        Ok(state)
    }

    fn measure(&self, trial: &mut Trial) -> Result<Recording, ExperimentError> {
        let recording = trial.run_once(self.round, self.context)?;
        // An interrupted run cannot be compared with complete runs.
        if recording.interrupted {
            return Err(ExperimentError::Interrupted);
        }
        if trial.keeps() {
            // The next target may be the same live ensemble, and it must find the same tree.
            trial.recycle(self.round, self.context)?;
        }
        Ok(recording)
    }
}

fn needs_logs(outcome: Result<&Recording, &ExperimentError>) -> bool {
    match outcome {
        Ok(recording) => {
            let mut events = recording.events.iter();
            events.any(|event| matches!(event.kind, EventKind::ServerEnded { .. }))
        }
        Err(ExperimentError::Interrupted) => false,
        Err(_) => true,
    }
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

/// Returns a probe of the disk that the local targets use, or `None` if no target is local. Call it before
/// any server is started.
///
/// # Errors
/// If the folder for the data cannot be used.
pub(super) fn disk(
    targets: &[TargetSpec],
    context: &RunContext<'_>,
) -> Result<Option<SyncProbe>, ExperimentError> {
    if !targets.iter().any(TargetSpec::is_local) {
        return Ok(None);
    }
    let dir = data_root(context.data_dir)?;
    Ok(Some(SyncProbe::new(&dir).map_err(unusable(&dir))?))
}

/// Returns the order of `count` runs in a round. It depends only on the seed of the plan and the round.
pub(super) fn order(plan: &Plan, round: u32, count: usize) -> Vec<usize> {
    let mut random = SplitMix64::seed_from_u64(plan.run_seed(round) ^ ORDER);
    let mut order: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        let chosen = random.next_u64() % (last as u64 + 1);
        order.swap(last, usize::try_from(chosen).unwrap_or(0));
    }
    order
}

/// Calls `body` with a context that reports each warning once, although every run may cause it.
pub(super) fn with_distinct_warnings<T>(
    context: &RunContext<'_>,
    body: impl FnOnce(&RunContext<'_>) -> T,
) -> T {
    let printed = Mutex::new(BTreeSet::new());
    let notify = |event: &ProgressEvent<'_>| {
        let repeated = matches!(event, ProgressEvent::Warning(text)
            if !printed.lock().unwrap_or_else(PoisonError::into_inner).insert((*text).to_owned()));
        if !repeated {
            (context.notify)(event);
        }
    };
    body(&RunContext {
        notify: &notify,
        ..*context
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::example;

    #[test]
    fn the_order_of_the_runs_depends_on_the_seed_and_every_order_occurs() {
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
}
