//! One plan against one target: from nothing to a result, and back to nothing.

use super::context::RunContext;
use super::error::ExperimentError;
use super::result_builder::ResultBuilder;
use super::trial::{Trial, check, environment};
use crate::measure::Recording;
use crate::result::RunResult;
use crate::target::TargetSpec;
use crate::workload::Plan;

/// Runs `plan` as often as it asks against `target`. Every run meets the same tree: prepared znodes have
/// their size again, and what the run before created is gone.
///
/// When a run fails after another was measured, or the user interrupts, the result holds what was
/// measured and says so in its verdict.
///
/// `keep` gets the result as soon as it is there, before the target is cleaned up or ended. On a live
/// target it warns then of what the clean-up may leave behind; what is returned tells what it did leave.
///
/// # Errors
/// If nothing was builder.
pub fn run(
    plan: &Plan,
    target: &TargetSpec,
    context: &RunContext<'_>,
    keep: &mut dyn FnMut(&RunResult),
) -> Result<RunResult, ExperimentError> {
    check(plan, target)?;
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

/// Adds the runs to `runs`, and tells why there are not more of them.
fn repeat(
    trial: &mut Trial,
    repeats: u32,
    context: &RunContext<'_>,
    runs: &mut Vec<Recording>,
) -> Result<Option<String>, ExperimentError> {
    for number in 0..repeats {
        let words = number + 1;
        match trial.run_once(number, context) {
            // Interrupted in the warm-up: there is nothing to tell.
            Ok(recording) if recording.interrupted && recording.measured_s <= 0.0 => {
                return if runs.is_empty() {
                    Err(ExperimentError::Interrupted)
                } else {
                    Ok(Some(format!("interrupted before run {words} measured")))
                };
            }
            Ok(recording) => runs.push(recording),
            Err(error) if runs.is_empty() => return Err(error),
            Err(ExperimentError::Interrupted) => {
                return Ok(Some(format!("interrupted before run {words} measured")));
            }
            Err(error) => return Ok(Some(format!("run {words}: {error}"))),
        }
        let missing = repeats - words;
        if missing == 0 {
            break;
        }
        if context.stopped() {
            let are = if missing == 1 { "run is" } else { "runs are" };
            return Ok(Some(format!("interrupted: {missing} {are} missing")));
        }
        // The tree of a deployment goes with it, and that of a live target with the chroot.
        if let Err(error) = trial.recycle(number, context) {
            return Ok(Some(format!("after run {words}: {error}")));
        }
    }
    Ok(None)
}
