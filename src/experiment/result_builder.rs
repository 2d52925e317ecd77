//! Collects what is measured of one target, and builds its result.

use super::trial::Trial;
use crate::measure::Recording;
use crate::result::{Environment, RunResult, Target, Verdict, judge};
use crate::workload::Plan;

/// What was measured of one target so far.
#[derive(Clone, Debug)]
pub(super) struct ResultBuilder {
    /// As the user wrote it.
    plan: Plan,
    environment: Environment,
    target: Target,
    pub(super) runs: Vec<Recording>,
    /// What the user should know, each once.
    warnings: Vec<String>,
    /// That sessions do not divide by the servers.
    uneven: Option<String>,
    /// What the target did outside of any run.
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

    /// Records the target as it is now and what was found out about it. `place` precedes what the target
    /// did: `round 2: ` or nothing.
    pub(super) fn record(&mut self, trial: &mut Trial, place: &str) {
        self.target = trial.describe();
        self.uneven = trial.uneven();
        for text in trial.warnings() {
            self.warn(text);
        }
        let failures = trial.take_failures().into_iter();
        self.findings
            .extend(failures.map(|text| format!("{place}{text}")));
    }

    /// Adds what the user should know, unless it is known.
    pub(super) fn warn(&mut self, text: String) {
        if !self.warnings.contains(&text) {
            self.warnings.push(text);
        }
    }

    /// What the target did outside of any run.
    pub(super) fn findings(&self) -> &[String] {
        &self.findings
    }

    /// Why `run` alone would be invalid.
    pub(super) fn invalid(&self, run: &Recording) -> Vec<String> {
        let runs = std::slice::from_ref(run);
        let judgement = judge(&self.plan, runs, &self.environment, &self.target);
        judgement.verdict.reasons().to_vec()
    }

    /// The result; `missing` says why there are not more runs.
    pub(super) fn result(&self, missing: Option<&str>) -> RunResult {
        let mut result = RunResult::new(
            self.environment.clone(),
            self.target.clone(),
            self.plan.clone(),
            self.runs.clone(),
        );
        let own = self.warnings.iter().chain(&self.uneven).cloned();
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
    fn what_a_target_did_is_a_finding_and_a_missing_run_makes_a_result_invalid() {
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
}
