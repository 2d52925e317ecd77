//! Operations counted by outcome.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use super::error_names::ErrorNames;
use super::sample::{Outcome, Unsent};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpCounts {
    pub ok: u64,
    /// Error replies by error name.
    pub errors: BTreeMap<String, u64>,
    /// The operation opens a connection of its own, and that failed.
    pub refused: u64,
    /// The connection ended before the reply.
    pub unknown: u64,
    /// No reply within the operation timeout.
    pub timed_out: u64,
    /// Never sent, for any reason. Includes `cap_full` and `not_issued`.
    pub not_sent: u64,
    /// Never sent because the session's in-flight cap stayed reached until the end.
    pub cap_full: u64,
    /// Never sent because the generator did not get to them.
    pub not_issued: u64,
}

impl OpCounts {
    /// Counts one operation. `names` must belong to the recorder that made the outcome.
    #[inline]
    pub fn count(&mut self, outcome: Outcome, names: &ErrorNames) {
        match outcome {
            Outcome::Ok => self.ok += 1,
            Outcome::Error(id) => self.add_errors(names.name(id), 1),
            Outcome::Refused => self.refused += 1,
            Outcome::Unknown => self.unknown += 1,
            Outcome::TimedOut => self.timed_out += 1,
            Outcome::NotSent(why) => {
                self.not_sent += 1;
                match why {
                    Unsent::NoConnection => {}
                    Unsent::CapFull => self.cap_full += 1,
                    Unsent::NotIssued => self.not_issued += 1,
                }
            }
        }
    }

    fn add_errors(&mut self, name: &str, count: u64) {
        // The name is copied once per interval, not per operation.
        match self.errors.get_mut(name) {
            Some(counted) => *counted += count,
            None => _ = self.errors.insert(name.to_owned(), count),
        }
    }

    #[must_use]
    pub fn error_replies(&self) -> u64 {
        self.errors.values().sum()
    }

    /// Returns the operations that were never sent because their session had no connection.
    #[must_use]
    pub fn no_connection(&self) -> u64 {
        self.not_sent - self.cap_full - self.not_issued
    }

    /// Returns all operations that were not acknowledged.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.error_replies() + self.refused + self.unknown + self.timed_out + self.not_sent
    }

    /// Returns all operations that were due, whatever their outcome.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.ok + self.failed()
    }

    /// Returns the due operations without those that the generator did not get to.
    #[must_use]
    pub fn issued(&self) -> u64 {
        self.total() - self.not_issued
    }

    pub fn merge(&mut self, other: &Self) {
        self.ok += other.ok;
        for (name, count) in &other.errors {
            self.add_errors(name, *count);
        }
        self.refused += other.refused;
        self.unknown += other.unknown;
        self.timed_out += other.timed_out;
        self.not_sent += other.not_sent;
        self.cap_full += other.cap_full;
        self.not_issued += other.not_issued;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_operations_that_the_generator_missed_are_not_issued() {
        let mut counts = OpCounts::default();
        let mut names = ErrorNames::default();
        for outcome in [
            Outcome::Ok,
            Outcome::Error(names.intern("NoNode")),
            Outcome::Refused,
            Outcome::Unknown,
            Outcome::TimedOut,
            Outcome::NotSent(Unsent::NoConnection),
            Outcome::NotSent(Unsent::CapFull),
            Outcome::NotSent(Unsent::NotIssued),
        ] {
            counts.count(outcome, &names);
        }
        assert_eq!(
            (counts.total(), counts.failed(), counts.issued()),
            (8, 7, 7)
        );
        assert_eq!((counts.not_sent, counts.no_connection()), (3, 1));
        let one = counts.clone();
        counts.merge(&one);
        assert_eq!((counts.total(), counts.errors["NoNode"]), (16, 2));
    }
}
