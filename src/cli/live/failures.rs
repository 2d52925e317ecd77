//! Counts operations that were not acknowledged, by the name of the failure.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::measure::OpCounts;

/// Returns the names and counts of all failures, the most frequent first. Among equal counts, errors of the
/// server come before failures that the driver detected.
pub(in crate::cli) fn failures_by_name(counts: &OpCounts) -> Vec<(String, u64)> {
    let replies = counts
        .errors
        .iter()
        .map(|(name, count)| (name.clone(), *count));
    let detected = [
        ("refused", counts.refused),
        ("unknown", counts.unknown),
        ("timed out", counts.timed_out),
        ("no connection", counts.no_connection()),
        ("cap full", counts.cap_full),
        ("not issued", counts.not_issued),
    ];
    let detected = detected.map(|(name, count)| (name.to_owned(), count));
    let mut failures: Vec<(String, u64)> = replies.chain(detected).collect();
    failures.retain(|(_, count)| *count > 0);
    // The sort is stable, so equal counts keep the order above.
    failures.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    failures
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{ErrorNames, Outcome, Unsent};

    #[test]
    fn failures_are_sorted_by_frequency_and_zero_counts_are_left_out() {
        let mut counts = OpCounts::default();
        let mut names = ErrorNames::default();
        assert_eq!(failures_by_name(&counts), []);
        for outcome in [
            Outcome::Ok,
            Outcome::Error(names.intern("NoNode")),
            Outcome::TimedOut,
            Outcome::TimedOut,
            Outcome::NotSent(Unsent::NoConnection),
        ] {
            counts.count(outcome, &names);
        }
        let named = failures_by_name(&counts);
        let named: Vec<(&str, u64)> = named
            .iter()
            .map(|(name, count)| (name.as_str(), *count))
            .collect();
        assert_eq!(
            named,
            [("timed out", 2), ("NoNode", 1), ("no connection", 1)]
        );
    }
}
