//! Collects the measurements of one target and builds its result.

use super::trial::Trial;
use crate::measure::Recording;
use crate::result::{Environment, RunResult, Target, Verdict, judge};
use crate::workload::Plan;

/// The measurements of one target so far.
#[derive(Clone, Debug)]
pub(super) struct ResultBuilder {
    /// The plan as the user wrote it, without the chroot of a live target.
    plan: Plan,
    environment: Environment,
    target: Target,
    pub(super) runs: Vec<Recording>,
    /// Warnings for the user, without duplicates.
    warnings: Vec<String>,
    /// The warning that the sessions cannot be distributed evenly.
    uneven: Option<String>,
    /// Failures of the target outside of the runs.
    findings: Vec<String>,
}

impl ResultBuilder {
    pub(super) fn new(plan: Plan, environment: Environment) -> Self {
        Self {
            plan,
            environment,
            target: Target::default(),
            runs: Vec::new(),
            warnings: Vec::new(),
            uneven: None,
            findings: Vec::new(),
        }
    }

    /// Continues the measurements of a result that was written before.
    pub(super) fn resume(result: RunResult) -> Self {
        let judgement = judge(
            &result.plan,
            &result.runs,
            &result.environment,
            &result.target,
        );
        let without = |all: Vec<String>, judged: &[String]| {
            let own = all.into_iter().filter(|text| !judged.contains(text));
            own.collect()
        };
        Self {
            warnings: without(result.warnings, &judgement.warnings),
            findings: without(result.findings, &judgement.findings),
            plan: result.plan,
            environment: result.environment,
            target: result.target,
            runs: result.runs,
            uneven: None,
        }
    }

    /// Adds a run. The runs stay in the order of their numbers, and a run replaces one with its number.
    pub(super) fn add(&mut self, recording: Recording) {
        self.runs.retain(|run| run.number != recording.number);
        self.runs.push(recording);
        self.runs.sort_by_key(|run| run.number);
    }

    /// Records the current description, warnings and failures of the target. `place` is the prefix of each
    /// failure: `round 2: ` or empty.
    pub(super) fn record(&mut self, trial: &mut Trial, place: &str) {
        self.target = trial.describe();
        self.uneven = trial.uneven();
        if let Some(uneven) = &self.uneven {
            // The addresses behind the colon differ between deployments.
            let kind = uneven.split(':').next().unwrap_or(uneven);
            self.warnings.retain(|text| !text.starts_with(kind));
        }
        for text in trial.warnings() {
            self.warn(text);
        }
        let failures = trial.take_failures().into_iter();
        self.findings
            .extend(failures.map(|text| format!("{place}{text}")));
    }

    /// Adds a warning unless it is in the list already.
    pub(super) fn warn(&mut self, text: String) {
        if !self.warnings.contains(&text) {
            self.warnings.push(text);
        }
    }

    /// Returns the failures of the target outside of the runs.
    pub(super) fn findings(&self) -> &[String] {
        &self.findings
    }

    /// Returns the reasons for which a result with only `run` would be invalid.
    pub(super) fn invalid(&self, run: &Recording) -> Vec<String> {
        let runs = std::slice::from_ref(run);
        let judgement = judge(&self.plan, runs, &self.environment, &self.target);
        judgement.verdict.reasons().to_vec()
    }

    /// Builds the result. `missing` is the reason for which runs are missing; it makes the result invalid.
    pub(super) fn result(&self, missing: Option<&str>) -> RunResult {
        let mut result = RunResult::new(
            self.environment.clone(),
            self.target.clone(),
            self.plan.clone(),
            self.runs.clone(),
        );
        let uneven = self.uneven.iter();
        let uneven = uneven.filter(|text| !self.warnings.contains(text));
        let own = self.warnings.iter().chain(uneven).cloned();
        result.warnings.splice(0..0, own);
        result.findings.extend(self.findings.iter().cloned());
        if let Some(missing) = missing {
            let mut reasons = result.verdict.reasons().to_vec();
            reasons.push(missing.to_owned());
            result.verdict = Verdict::Invalid { reasons };
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::example;

    #[test]
    fn a_failure_outside_of_the_runs_is_a_finding_and_a_missing_run_invalidates_the_result() {
        let mut builder = ResultBuilder::new(example::plan(), example::environment());
        builder.target = example::target();
        builder.runs.push(example::recording());
        builder.findings.push("server h:1 ended: signal 9".into());
        builder.warn("left behind".into());
        builder.warn("left behind".into());
        let result = builder.result(None);
        assert!(result.verdict.is_valid(), "{:?}", result.verdict);
        assert_eq!(result.findings, ["server h:1 ended: signal 9"]);
        assert_eq!(result.warnings, ["left behind"]);
        let result = builder.result(Some("only 1 of 3 rounds: interrupted"));
        assert_eq!(
            result.verdict.reasons(),
            ["only 1 of 3 rounds: interrupted"]
        );
        assert_eq!(builder.invalid(&example::recording()), Vec::<String>::new());
    }

    #[test]
    fn a_resumed_result_keeps_its_runs_and_its_own_warnings() {
        let mut builder = ResultBuilder::new(example::plan(), example::environment());
        builder.target = example::target();
        let run = |number| Recording {
            number,
            ..example::recording()
        };
        builder.add(run(2));
        builder.warn("left behind".into());
        builder.findings.push("server h:1 ended: signal 9".into());
        let written = builder.result(None);
        let mut resumed = ResultBuilder::resume(written.clone());
        assert_eq!(resumed.result(None), written);
        resumed.add(run(0));
        resumed.add(run(2));
        let numbers: Vec<u32> = resumed.runs.iter().map(|run| run.number).collect();
        assert_eq!(numbers, [0, 2]);
    }
}
