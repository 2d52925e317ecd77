//! Operations counted by what became of them.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use super::error_names::ErrorNames;
use super::sample::{Outcome, Unsent};

/// Counts by outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpCounts {
    /// Acknowledged.
    pub ok: u64,
    /// Replies with an error, by its name.
    pub errors: BTreeMap<String, u64>,
    /// No connection could be opened for an operation that is one.
    pub refused: u64,
    /// Connection lost before the reply.
    pub unknown: u64,
    /// No reply in time.
    pub timed_out: u64,
    /// Never sent, for whatever reason.
    pub not_sent: u64,
    /// Of those never sent: the session had as many in flight as it may, until the end.
    pub cap_full: u64,
    /// Of those never sent: nothing held them back, the generator did not get to them.
    pub not_issued: u64,
}

impl OpCounts {
    /// Counts one operation; `names` are those of the recorder that its outcome comes from.
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

    /// Adds replies with an error of this name.
    fn add_errors(&mut self, name: &str, count: u64) {
        // The name is copied once per interval, not per operation.
        match self.errors.get_mut(name) {
            Some(counted) => *counted += count,
            None => _ = self.errors.insert(name.to_owned(), count),
        }
    }

    /// Replies with an error.
    #[must_use]
    pub fn error_replies(&self) -> u64 {
        self.errors.values().sum()
    }

    /// Never sent because the session had no connection.
    #[must_use]
    pub fn no_connection(&self) -> u64 {
        self.not_sent - self.cap_full - self.not_issued
    }

    /// Everything that was not acknowledged.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.error_replies() + self.refused + self.unknown + self.timed_out + self.not_sent
    }

    /// Everything that finished or was given up: all that was due.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.ok + self.failed()
    }

    /// What the generator did its part for: all that was due but for what it did not get to.
    #[must_use]
    pub fn issued(&self) -> u64 {
        self.total() - self.not_issued
    }

    /// Adds another's counts.
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
    fn only_what_nothing_held_back_was_not_issued() {
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
