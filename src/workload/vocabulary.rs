//! What a protocol adds to the workload file: its kinds of operations, its keys, and their rules.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt;
use std::ops::RangeInclusive;

use super::file::{OpDraft, Read, Section, Shape};
use super::plan::{OpPlan, SizeChoice};
use super::values::Values;

#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// Its name in workload files, and the default label in results.
    pub name: &'static str,
    /// Whether it changes data on the target.
    pub writes: bool,
    /// Keys of `[[op]]` that this kind has and not every kind has.
    pub keys: &'static [&'static str],
}

impl Kind {
    /// Whether this kind has `key`, one of the keys that only some kinds have.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.keys.contains(&key)
    }
}

/// A protocol's part of the workload file.
pub trait Vocabulary: fmt::Debug + Sync {
    /// Returns the protocol's name.
    fn protocol(&self) -> &'static str;

    /// Returns the kinds of operations.
    fn kinds(&self) -> &'static [Kind];

    /// Returns all keys of `[[op]]` in the order of a rendered file.
    fn op(&self) -> &'static Shape;

    /// Returns all keys of `[prepare]`.
    fn prepare(&self) -> &'static Shape;

    /// Returns the range of an operation's data size.
    fn size_bytes(&self) -> RangeInclusive<u64>;

    /// Returns synonyms of this protocol's keys in other load generators: their word and the full
    /// path of our key.
    fn synonyms(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Returns keys of other load generators for an operation that this protocol does not support.
    fn not_offered(&self) -> &'static [&'static str] {
        &[]
    }

    /// Returns a short comment on a key of `op` or `prepare` for a rendered file.
    fn comment(&self, table: &str, key: &str) -> &'static str;

    /// Reads the values of an operation that only this protocol has.
    fn read_op(
        &self,
        table: &Section<'_>,
        kind: Read<&'static Kind>,
        size: Option<&SizeChoice>,
    ) -> Read<Values>;

    /// Checks the operations together.
    fn check_ops(&self, _ops: &[Read<OpDraft<'_>>]) {}

    /// Reads the `[prepare]` table and checks that it suffices for the operations. `ops` is `None`
    /// if they could not be read.
    fn read_prepare(
        &self,
        table: &Section<'_>,
        ops: Option<&[Read<OpDraft<'_>>]>,
        sessions: Read<u32>,
    ) -> Read<Values>;

    /// Returns the operations that those of the file imply. Their labels have a dot.
    fn implied(&self, _ops: &[OpPlan]) -> Vec<OpPlan> {
        Vec::new()
    }
}

/// A vocabulary for tests.
#[cfg(test)]
pub(super) mod example {
    use super::*;

    #[derive(Debug)]
    pub(in crate::workload) struct Example;

    impl Vocabulary for Example {
        fn protocol(&self) -> &'static str {
            "example"
        }

        fn kinds(&self) -> &'static [Kind] {
            const {
                &[Kind {
                    name: "take",
                    writes: false,
                    keys: &["size", "keys"],
                }]
            }
        }

        fn op(&self) -> &'static Shape {
            const {
                &Shape {
                    path: "op",
                    keys: &["kind", "label", "weight", "size", "keys"],
                }
            }
        }

        fn prepare(&self) -> &'static Shape {
            const {
                &Shape {
                    path: "prepare",
                    keys: &["items"],
                }
            }
        }

        fn size_bytes(&self) -> RangeInclusive<u64> {
            0..=1_000
        }

        fn not_offered(&self) -> &'static [&'static str] {
            &["weighing"]
        }

        fn comment(&self, _table: &str, _key: &str) -> &'static str {
            ""
        }

        fn read_op(
            &self,
            _table: &Section<'_>,
            _kind: Read<&'static Kind>,
            _size: Option<&SizeChoice>,
        ) -> Read<Values> {
            Some(Values::default())
        }

        fn read_prepare(
            &self,
            _table: &Section<'_>,
            _ops: Option<&[Read<OpDraft<'_>>]>,
            _sessions: Read<u32>,
        ) -> Read<Values> {
            Some(Values::default())
        }
    }
}
