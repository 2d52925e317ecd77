//! One plan against one target: from nothing to a result, and back to nothing.

use super::setting::Setting;
use super::subject::{ExperimentError, Subject, invalidate};
use super::target::TargetSpec;
use crate::measure::Recording;
use crate::result::RunResult;
use crate::workload::Plan;

/// Runs `plan` as often as it asks against `target`.
///
/// When a run fails after another was measured, or the user interrupts, the result holds what was
/// measured and says so in its verdict.
///
/// # Errors
/// If nothing was measured.
pub fn run(
    plan: &Plan,
    target: &TargetSpec,
    setting: &Setting<'_>,
) -> Result<RunResult, ExperimentError> {
    let mut subject = Subject::open(plan, target, setting)?;
    let measured = repeat(&mut subject, setting);
    let result = measured.map(|(runs, failure)| {
        let mut result = subject.result(runs);
        if let Some(failure) = failure {
            invalidate(&mut result, &[failure]);
        }
        result
    });
    let failures = subject.failures().to_vec();
    subject.close(setting);
    if result.is_err() {
        for failure in failures {
            setting.warning(&failure);
        }
    }
    result
}

/// The runs, and why there are not more of them.
type Runs = (Vec<Recording>, Option<String>);

fn repeat(subject: &mut Subject, setting: &Setting<'_>) -> Result<Runs, ExperimentError> {
    interruptible(subject.prepare(setting), setting)?;
    let mut runs: Vec<Recording> = Vec::new();
    for number in 1..=subject.repeats() {
        match interruptible(subject.measure(number, setting), setting) {
            // Interrupted in the warm-up: there is nothing to tell.
            Ok(recording) if recording.interrupted && recording.measured_s <= 0.0 => {
                if runs.is_empty() {
                    return Err(ExperimentError::Interrupted);
                }
                return Ok((
                    runs,
                    Some(format!("interrupted before run {number} measured")),
                ));
            }
            Ok(recording) => runs.push(recording),
            Err(error) if runs.is_empty() => return Err(error),
            Err(error) => return Ok((runs, Some(format!("run {number}: {error}")))),
        }
        if setting.stopped() {
            let missing = subject.repeats() - number;
            let failure = (missing > 0).then(|| format!("interrupted: {missing} runs are missing"));
            return Ok((runs, failure));
        }
    }
    Ok((runs, None))
}

/// An error after an interrupt is the interrupt's.
pub(super) fn interruptible<T>(
    outcome: Result<T, ExperimentError>,
    setting: &Setting<'_>,
) -> Result<T, ExperimentError> {
    match outcome {
        Err(ExperimentError::Load { .. }) if setting.stopped() => Err(ExperimentError::Interrupted),
        outcome => outcome,
    }
}
