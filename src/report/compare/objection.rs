//! What speaks against a comparison. It is shown on top of the figures, and decides how the command ends.

use crate::result::{RunResult, plan_differences};

/// A reason not to rely on a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Objection {
    /// The plans ask for different loads.
    DifferentPlans {
        /// The differing keys with both values.
        keys: Vec<String>,
    },
    /// The figures were defined differently when the results were made.
    DifferentSchemas {
        /// Version of the base's form.
        base: u64,
        /// Version of the candidate's form.
        candidate: u64,
    },
    /// A result is invalid.
    Invalid {
        /// `base` or `candidate`.
        side: &'static str,
        /// Its target, as asked.
        target: String,
        /// Why it is invalid.
        reasons: Vec<String>,
    },
}

impl Objection {
    /// A sentence.
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
            } => format!(
                "the {side} ({target}) is invalid, so its figures do not describe the target: {}",
                reasons.join("; ")
            ),
        }
    }

    /// A word for programs: `different-plans`, `different-schemas`, `invalid`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::DifferentPlans { .. } => "different-plans",
            Self::DifferentSchemas { .. } => "different-schemas",
            Self::Invalid { .. } => "invalid",
        }
    }
}

/// Everything that speaks against comparing the two.
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
