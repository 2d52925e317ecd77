//! Runs a plan against one target: opens the target, measures, builds the result and cleans up.

use super::context::RunContext;
use super::error::ExperimentError;
use super::result_builder::ResultBuilder;
use super::trial::{Trial, check, environment};
use crate::measure::Recording;
use crate::result::RunResult;
use crate::target::TargetSpec;
use crate::workload::Plan;

/// Runs `plan` against `target`, `load.repeats` times. Every run begins with the same tree: prepared znodes
/// get their original size, and the znodes that the previous run created are removed.
///
/// If a run fails after another was measured, or the user interrupts, the result holds the measured runs and
/// its verdict names the reason.
///
/// `keep` is called with the result before the target is cleaned up. For a live target that result has a
/// warning about the data that the clean-up may leave behind. The returned result has a warning only about
/// data that the clean-up did leave.
///
/// # Errors
/// If nothing was measured.
pub fn run(
    plan: &Plan,
    target: &TargetSpec,
    context: &RunContext<'_>,
    keep: &mut dyn FnMut(&RunResult),
) -> Result<RunResult, ExperimentError> {
    check(plan, target, context.pin)?;
    let mut builder = ResultBuilder::new(plan.clone(), environment(target, context)?);
    let mut trial = Trial::open(plan, target, context)?;
    if let Some(uneven) = trial.uneven() {
        context.warning(&uneven);
    }
    let missing = repeat(&mut trial, plan.load.repeats, context, &mut builder.runs);
    builder.record(&mut trial, "");
    if let Ok(missing) = &missing {
        let mut before = builder.clone();
        trial
            .may_be_left()
            .into_iter()
            .for_each(|text| before.warn(text));
        keep(&before.result(missing.as_deref()));
    }
    if let Some(left) = trial.close(context) {
        builder.warn(left);
    }
    match missing {
        Ok(missing) => Ok(builder.result(missing.as_deref())),
        Err(error) => {
            for finding in builder.findings() {
                context.warning(finding);
            }
            Err(error)
        }
    }
}

/// Measures all runs and adds them to `runs`. Returns the reason if runs are missing.
fn repeat(
    trial: &mut Trial,
    repeats: u32,
    context: &RunContext<'_>,
    runs: &mut Vec<Recording>,
) -> Result<Option<String>, ExperimentError> {
    for number in 0..repeats {
        let run = number + 1;
        match trial.run_once(number, context) {
            // The interrupt came during the warm-up, so the recording is empty.
            Ok(recording) if recording.interrupted && recording.measured_s <= 0.0 => {
                return if runs.is_empty() {
                    Err(ExperimentError::Interrupted)
                } else {
                    Ok(Some(format!("interrupted before run {run} measured")))
                };
            }
            Ok(recording) => runs.push(recording),
            Err(error) if runs.is_empty() => return Err(error),
            Err(ExperimentError::Interrupted) => {
                return Ok(Some(format!("interrupted before run {run} measured")));
            }
            Err(error) => return Ok(Some(format!("run {run}: {error}"))),
        }
        let missing = repeats - run;
        if missing == 0 {
            break;
        }
        if context.stopped() {
            let are = if missing == 1 { "run is" } else { "runs are" };
            return Ok(Some(format!("interrupted: {missing} {are} missing")));
        }
        // The clean-up of the trial removes the data of the last run.
        if let Err(error) = trial.recycle(number, context) {
            return Ok(Some(format!("after run {run}: {error}")));
        }
    }
    Ok(None)
}
