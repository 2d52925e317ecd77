//! Objections: reasons not to rely on a comparison. They are shown above the figures and decide the
//! exit status.

use crate::result::{RunResult, plan_differences};

/// Limit of the reasons shown for an invalid side, which may have some for each run. Its own report
/// has all of them.
const REASONS_SHOWN: usize = 3;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Objection {
    DifferentPlans {
        /// The keys that differ, with both values.
        keys: Vec<String>,
    },
    /// The figures of the two results are defined differently.
    DifferentSchemas {
        /// Schema version of the base.
        base: u64,
        /// Schema version of the candidate.
        candidate: u64,
    },
    Invalid {
        /// `base` or `candidate`.
        side: &'static str,
        /// The target as given by the user.
        target: String,
        reasons: Vec<String>,
    },
}

impl Objection {
    /// Returns the objection as a sentence.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::DifferentPlans { keys } => format!(
                "the plans ask for different loads, so a difference may come from the load: {}. Run both with the same \
                 workload file and seed",
                keys.join("; ")
            ),
            Self::DifferentSchemas { base, candidate } => format!(
                "the base was recorded under schema {base}, the candidate under schema {candidate}: their figures are \
                 defined differently (see docs/RESULTS.md). Run the older one again"
            ),
            Self::Invalid {
                side,
                target,
                reasons,
            } => {
                let shown: Vec<&str> = reasons
                    .iter()
                    .take(REASONS_SHOWN)
                    .map(String::as_str)
                    .collect();
                let hidden = reasons.len() - shown.len();
                let more = if hidden > 0 {
                    format!("; and {hidden} more, see its report")
                } else {
                    String::new()
                };
                format!(
                    "the {side} ({target}) is invalid, so its figures do not describe the target: {}{more}",
                    shown.join("; ")
                )
            }
        }
    }

    /// Returns the name of the objection in JSON: `different-plans`, `different-schemas`,
    /// `invalid`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::DifferentPlans { .. } => "different-plans",
            Self::DifferentSchemas { .. } => "different-schemas",
            Self::Invalid { .. } => "invalid",
        }
    }
}

/// Returns all objections to a comparison of the two results.
pub(super) fn objections(base: &RunResult, candidate: &RunResult) -> Vec<Objection> {
    let mut found = Vec::new();
    let keys = plan_differences(&base.plan, &candidate.plan);
    if !keys.is_empty() {
        found.push(Objection::DifferentPlans { keys });
    }
    if base.schema != candidate.schema {
        found.push(Objection::DifferentSchemas {
            base: base.schema,
            candidate: candidate.schema,
        });
    }
    for (side, result) in [("base", base), ("candidate", candidate)] {
        if !result.verdict.is_valid() {
            found.push(Objection::Invalid {
                side,
                target: result.target.spec.clone(),
                reasons: result.verdict.reasons().to_vec(),
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reasons_of_a_side_that_is_invalid_in_every_run_are_cut() {
        let invalid = |runs: u32| Objection::Invalid {
            side: "base",
            target: "bundled".into(),
            reasons: (1..=runs).map(|run| format!("run {run}: late")).collect(),
        };
        assert!(
            invalid(3)
                .text()
                .ends_with("run 1: late; run 2: late; run 3: late")
        );
        assert!(
            invalid(7)
                .text()
                .ends_with("run 3: late; and 4 more, see its report")
        );
    }
}
