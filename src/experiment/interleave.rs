//! The same plan against several targets, run by turns: A B A B ... Whatever else happens on the
//! machine meanwhile then happens to all of them.

use super::run::interruptible;
use super::setting::Setting;
use super::subject::{ExperimentError, Subject, invalidate};
use super::target::TargetSpec;
use crate::measure::Recording;
use crate::result::RunResult;
use crate::workload::Plan;

/// Runs `plan` against every target `runs` times, by turns. All targets stay up all the time (idle
/// servers cost little, and a fresh JVM would have to be warmed each time), and each gets one run
/// that is not measured first.
///
/// One result per target, in their order; what an interrupt left unmeasured is said in the verdicts.
///
/// # Errors
/// If a target does not come up, or nothing was measured on one of them.
pub fn interleave(
    plan: &Plan,
    targets: &[TargetSpec],
    runs: u32,
    setting: &Setting<'_>,
) -> Result<Vec<RunResult>, ExperimentError> {
    let mut plan = plan.clone();
    plan.load.repeats = runs;
    let mut subjects = Vec::with_capacity(targets.len());
    let outcome = open_all(&plan, targets, setting, &mut subjects)
        .and_then(|()| take_turns(&mut subjects, runs, setting));
    let results = outcome.map(|(recordings, failure)| {
        subjects
            .iter()
            .zip(recordings)
            .map(|(subject, runs)| {
                let mut result = subject.result(runs);
                invalidate(&mut result, failure.as_slice());
                result
            })
            .collect()
    });
    for subject in subjects {
        for failure in subject.failures() {
            setting.warning(failure);
        }
        subject.close(setting);
    }
    results
}

fn open_all(
    plan: &Plan,
    targets: &[TargetSpec],
    setting: &Setting<'_>,
    subjects: &mut Vec<Subject>,
) -> Result<(), ExperimentError> {
    for target in targets {
        subjects.push(Subject::open(plan, target, setting)?);
    }
    for subject in subjects {
        interruptible(subject.prepare(setting), setting)?;
        interruptible(subject.warm(setting), setting)?;
    }
    Ok(())
}

fn take_turns(
    subjects: &mut [Subject],
    runs: u32,
    setting: &Setting<'_>,
) -> Result<(Vec<Vec<Recording>>, Option<String>), ExperimentError> {
    let mut recordings: Vec<Vec<Recording>> = subjects.iter().map(|_| Vec::new()).collect();
    for number in 1..=runs {
        for index in 0..subjects.len() {
            let subject = &mut subjects[index];
            let missing = |why: &str| Some(format!("only {} of {runs} turns: {why}", number - 1));
            let everyone_measured = recordings.iter().all(|runs| !runs.is_empty());
            if setting.stopped() {
                return if everyone_measured {
                    Ok((recordings, missing("interrupted")))
                } else {
                    Err(ExperimentError::Interrupted)
                };
            }
            setting.step(&format!("turn {number} of {runs}: {}", subject.spec()));
            match interruptible(subject.measure(number, setting), setting) {
                // A run that the user cut short is no observation like the others.
                Ok(recording) if recording.interrupted && everyone_measured => {}
                Ok(recording) => recordings[index].push(recording),
                Err(error) if everyone_measured => {
                    return Ok((recordings, missing(&error.to_string())));
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok((recordings, None))
}
