//! The exit status of a comparison. It depends on objections to the comparison and on the conditions of
//! `--fail-if`.

use crate::cli::failure::{Failure, Status, bad_usage};
use crate::report::{Comparison, ExperimentComparison, FailIf, Objection};

/// The reasons for an exit status other than 0.
#[derive(Debug, Default)]
pub(in crate::cli) struct Ending {
    objections: Vec<(Status, String)>,
    conditions: Vec<String>,
}

impl Ending {
    /// Collects the objections to the comparisons, unless `force` accepts them, and the conditions that hold.
    pub(in crate::cli) fn of(
        force: bool,
        conditions: &[FailIf],
        comparisons: &[Comparison],
    ) -> Self {
        let mut ending = Self::default();
        for comparison in comparisons {
            ending.add(comparison, force, conditions);
        }
        ending
    }

    /// Like [`Ending::of`], for all cells of two experiments.
    pub(super) fn of_experiments(
        force: bool,
        conditions: &[FailIf],
        comparison: &ExperimentComparison,
    ) -> Self {
        let mut ending = Self {
            conditions: comparison.failures(conditions),
            ..Self::default()
        };
        let objections = comparison.cells.iter().flat_map(|cell| &cell.objections);
        for objection in objections.filter(|_| !force) {
            let reason = reason(objection);
            if !ending.objections.contains(&reason) {
                ending.objections.push(reason);
            }
        }
        ending
    }

    fn add(&mut self, comparison: &Comparison, force: bool, conditions: &[FailIf]) {
        for objection in comparison.objections.iter().filter(|_| !force) {
            let reason = reason(objection);
            // An objection to a base that is compared with several candidates is noted once.
            if !self.objections.contains(&reason) {
                self.objections.push(reason);
            }
        }
        let failures = conditions
            .iter()
            .filter_map(|condition| condition.failure(comparison));
        self.conditions.extend(failures);
    }

    /// Returns the exit status. Objections take precedence over conditions, because conditions on unreliable
    /// figures are meaningless.
    pub(in crate::cli) fn into_status(self) -> Result<Status, Failure> {
        let objected = |status| self.objections.iter().any(|(own, _)| *own == status);
        let status = if objected(Status::BAD_USAGE) {
            Status::BAD_USAGE
        } else if objected(Status::INVALID) {
            Status::INVALID
        } else if !self.conditions.is_empty() {
            Status::GATE_FAILED
        } else {
            return Ok(Status::SUCCESS);
        };
        let mut texts = Vec::new();
        if !self.objections.is_empty() {
            let reasons: Vec<String> = self.objections.into_iter().map(|(_, text)| text).collect();
            texts.push(format!(
                "{} (see the objections above the figures; --force accepts them)",
                reasons.join(", ")
            ));
        }
        texts.extend(self.conditions);
        let mut failure = bad_usage(texts.join("; "));
        failure.status = status;
        Err(failure)
    }
}

/// Returns the exit status and a short description of an objection. The comparison describes it in full.
fn reason(objection: &Objection) -> (Status, String) {
    match objection {
        Objection::DifferentPlans { .. } => (
            Status::BAD_USAGE,
            "the plans ask for different loads".to_owned(),
        ),
        Objection::DifferentSchemas { .. } => (
            Status::BAD_USAGE,
            "the results have different schemas".to_owned(),
        ),
        Objection::Invalid { side, target, .. } => {
            (Status::INVALID, format!("the {side} ({target}) is invalid"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::compare;
    use crate::result::{RunResult, Verdict, example};
    use crate::workload::Arrival;

    /// Returns a result with seven rounds of a closed loop, each with a duration of `tenths` tenths of the usual
    /// one.
    fn side(tenths: f64) -> RunResult {
        let mut result = example::result();
        result.plan.load.arrival = Arrival::Closed { in_flight: 4 };
        let runs = (0..7).map(|number| {
            let mut run = example::recording();
            run.number = number;
            run.started_unix_ms += u64::from(number) * 60_000;
            run.measured_s = 0.2 * tenths;
            run
        });
        result.runs = runs.collect();
        result
    }

    fn status(
        candidate: &RunResult,
        force: bool,
        condition: &str,
    ) -> Result<Status, (Status, String)> {
        let comparison = compare(&side(10.0), candidate, None).unwrap();
        let mut ending = Ending::default();
        for _ in 0..2 {
            ending.add(&comparison, force, &[condition.parse().unwrap()]);
        }
        ending
            .into_status()
            .map_err(|failure| (failure.status, failure.text()))
    }

    #[test]
    fn a_fail_if_condition_that_holds_fails_the_gate() {
        let (code, text) = status(&side(12.0), false, "slower=15%").unwrap_err();
        assert_eq!(code, Status::GATE_FAILED);
        assert!(text.contains("16.7 % slower in set: throughput"), "{text}");
        assert_eq!(
            status(&side(12.0), false, "slower=20%"),
            Ok(Status::SUCCESS)
        );
        assert_eq!(status(&side(10.0), false, "slower"), Ok(Status::SUCCESS));
    }

    #[test]
    fn objections_take_precedence_over_conditions_unless_forced() {
        let mut invalid = side(12.0);
        invalid.verdict = Verdict::Invalid {
            reasons: vec!["late".into()],
        };
        let (code, text) = status(&invalid, false, "slower").unwrap_err();
        assert_eq!(code, Status::INVALID);
        assert_eq!(
            text.matches("the candidate (bundled) is invalid").count(),
            1,
            "{text}"
        );
        invalid.plan.seed = 99;
        assert_eq!(
            status(&invalid, false, "slower").unwrap_err().0,
            Status::BAD_USAGE
        );
        assert_eq!(
            status(&invalid, true, "slower").unwrap_err().0,
            Status::GATE_FAILED
        );
        assert_eq!(status(&invalid, true, "slower=90%"), Ok(Status::SUCCESS));
    }
}
