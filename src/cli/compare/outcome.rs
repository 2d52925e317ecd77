//! How a comparison ends: what speaks against it, and the conditions that were set.

use super::CompareArgs;
use crate::cli::failure::{Failure, Status, bad_usage};
use crate::report::{Comparison, FailIf, Objection};

/// Why a command that showed its comparisons still does not end with 0.
#[derive(Debug, Default)]
pub(super) struct Ending {
    reasons: Vec<(Status, String)>,
}

impl Ending {
    /// What the comparisons and their conditions come to.
    pub(super) fn of(args: &CompareArgs, comparisons: &[Comparison]) -> Self {
        let mut ending = Self::default();
        for comparison in comparisons {
            ending.add(comparison, args.force, &args.fail_if);
        }
        ending
    }

    fn add(&mut self, comparison: &Comparison, force: bool, conditions: &[FailIf]) {
        if !force {
            for objection in &comparison.objections {
                self.note(status(objection), short(objection));
            }
        }
        for condition in conditions {
            if let Some(failure) = condition.failure(comparison) {
                self.note(Status::GATE_FAILED, failure);
            }
        }
    }

    /// The same side may be compared several times; its fault is told once.
    fn note(&mut self, status: Status, text: String) {
        if !self.reasons.iter().any(|(_, known)| *known == text) {
            self.reasons.push((status, text));
        }
    }

    /// Figures that cannot be relied on come before a condition on them.
    pub(super) fn into_status(self) -> Result<Status, Failure> {
        let order = [Status::BAD_USAGE, Status::INVALID, Status::GATE_FAILED];
        let worst = order
            .into_iter()
            .find(|status| self.reasons.iter().any(|(reason, _)| reason == status));
        let Some(worst) = worst else {
            return Ok(Status::SUCCESS);
        };
        let texts: Vec<String> = self.reasons.into_iter().map(|(_, text)| text).collect();
        let mut failure = bad_usage(texts.join("; "));
        failure.status = worst;
        Err(failure)
    }
}

fn status(objection: &Objection) -> Status {
    match objection {
        Objection::DifferentPlans { .. } | Objection::DifferentSchemas { .. } => Status::BAD_USAGE,
        Objection::Invalid { .. } => Status::INVALID,
    }
}

/// The comparison itself says the rest.
fn short(objection: &Objection) -> String {
    let what = match objection {
        Objection::DifferentPlans { .. } => "the plans ask for different loads".to_owned(),
        Objection::DifferentSchemas { .. } => "the results have different schemas".to_owned(),
        Objection::Invalid { side, target, .. } => format!("the {side} ({target}) is invalid"),
    };
    format!("{what} (see the objections above the figures; --force accepts them)")
}
