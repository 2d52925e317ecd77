//! One plan against one target: from nothing to a result, and back to nothing.

use super::error::ExperimentError;
use super::measured::Measured;
use super::setting::Setting;
use super::subject::{Subject, check, environment};
use super::target::TargetSpec;
use crate::measure::Recording;
use crate::result::RunResult;
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
/// If nothing was measured.
pub fn run(
    plan: &Plan,
    target: &TargetSpec,
    setting: &Setting<'_>,
    keep: &mut dyn FnMut(&RunResult),
) -> Result<RunResult, ExperimentError> {
    check(plan, target)?;
    let mut measured = Measured::new(plan.clone(), environment(target, setting)?);
    let mut subject = Subject::open(plan, target, setting)?;
    if let Some(uneven) = subject.uneven() {
        setting.warning(&uneven);
    }
    let missing = repeat(&mut subject, setting, &mut measured.runs);
    measured.look_at(&mut subject, "");
    if let Ok(missing) = &missing {
        let mut before = measured.clone();
        subject
            .may_be_left()
            .into_iter()
            .for_each(|text| before.warn(text));
        keep(&before.result(missing.as_deref()));
    }
    if let Some(left) = subject.close(setting) {
        measured.warn(left);
    }
    match missing {
        Ok(missing) => Ok(measured.result(missing.as_deref())),
        Err(error) => {
            for finding in measured.findings() {
                setting.warning(finding);
            }
            Err(error)
        }
    }
}

/// Adds the runs to `runs`, and tells why there are not more of them.
fn repeat(
    subject: &mut Subject,
    setting: &Setting<'_>,
    runs: &mut Vec<Recording>,
) -> Result<Option<String>, ExperimentError> {
    let repeats = subject.repeats();
    for number in 0..repeats {
        let words = number + 1;
        match run_number(subject, number, setting) {
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
        if setting.stopped() {
            let are = if missing == 1 { "run is" } else { "runs are" };
            return Ok(Some(format!("interrupted: {missing} {are} missing")));
        }
        // The tree of a deployment goes with it, and that of a live target with the chroot.
        if let Err(error) = subject.recycle(number, setting) {
            return Ok(Some(format!("after run {words}: {error}")));
        }
    }
    Ok(None)
}

/// One run on a tree that is as it should be.
pub(super) fn run_number(
    subject: &mut Subject,
    number: u32,
    setting: &Setting<'_>,
) -> Result<Recording, ExperimentError> {
    interruptible(subject.prepare(number, setting), setting)?;
    interruptible(subject.measure(number, setting), setting)
}

/// An error after an interrupt is the interrupt's.
fn interruptible<T>(
    outcome: Result<T, ExperimentError>,
    setting: &Setting<'_>,
) -> Result<T, ExperimentError> {
    match outcome {
        Err(ExperimentError::Load { .. }) if setting.stopped() => Err(ExperimentError::Interrupted),
        outcome => outcome,
    }
}
