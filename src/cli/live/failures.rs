//! What became of the operations that were not acknowledged, by name.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::measure::OpCounts;

/// Name and count of everything that was not acknowledged, the most frequent first: the server's errors by
/// their own names, then what the driver saw.
pub(in crate::cli) fn failures_by_name(counts: &OpCounts) -> Vec<(String, u64)> {
    let replies = counts
        .errors
        .iter()
        .map(|(name, count)| (name.clone(), *count));
    let seen = [
        ("refused", counts.refused),
        ("unknown", counts.unknown),
        ("timed out", counts.timed_out),
        ("no connection", counts.no_connection()),
        ("cap full", counts.cap_full),
        ("not issued", counts.not_issued),
    ];
    let seen = seen.map(|(name, count)| (name.to_owned(), count));
    let mut failures: Vec<(String, u64)> = replies.chain(seen).collect();
    failures.retain(|(_, count)| *count > 0);
    // Stable: among equals the order above stays.
    failures.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    failures
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{ErrorNames, Outcome, Unsent};

    #[test]
    fn the_most_frequent_come_first_and_what_did_not_happen_is_left_out() {
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
