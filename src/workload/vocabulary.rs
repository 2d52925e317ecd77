//! What a protocol adds to the workload file: its kinds of operations, its keys, and their rules.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt;
use std::ops::RangeInclusive;

use super::file::{OpDraft, Read, Section, Shape};
use super::plan::{OpPlan, SizeChoice};
use super::values::Values;

/// A kind of operation.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// The word for it in workload files, and the default label in results.
    pub name: &'static str,
    /// Whether it changes what the target holds.
    pub writes: bool,
    /// Keys of `[[op]]` that have a meaning for some kinds only, this one among them.
    pub keys: &'static [&'static str],
}

impl Kind {
    /// Whether `key`, one of those that only some kinds have, means something for this one.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.keys.contains(&key)
    }
}

/// A protocol's part of the workload file.
pub trait Vocabulary: fmt::Debug + Sync {
    /// The protocol's name.
    fn protocol(&self) -> &'static str;

    /// The kinds of operations.
    fn kinds(&self) -> &'static [Kind];

    /// All keys of `[[op]]`, in the order in which they are written out.
    fn op(&self) -> &'static Shape;

    /// All keys of `[prepare]`.
    fn prepare(&self) -> &'static Shape;

    /// Bytes that an operation can carry.
    fn size_bytes(&self) -> RangeInclusive<u64>;

    /// What other load generators call the keys of this protocol: their word, and the full path of ours.
    fn synonyms(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// What other load generators set on an operation and this protocol does not offer.
    fn not_offered(&self) -> &'static [&'static str] {
        &[]
    }

    /// A few words on a key of `op` or `prepare`, for a workload that is written out.
    fn comment(&self, table: &str, key: &str) -> &'static str;

    /// Reads what belongs to an operation beside the keys of every protocol.
    fn read_op(
        &self,
        table: &Section<'_>,
        kind: Read<&'static Kind>,
        size: Option<&SizeChoice>,
    ) -> Read<Values>;

    /// Checks the operations among themselves.
    fn check_ops(&self, _ops: &[Read<OpDraft<'_>>]) {}

    /// Reads what is created before the load, and checks what the operations need of it. Without `ops` the
    /// operations could not be read.
    fn read_prepare(
        &self,
        table: &Section<'_>,
        ops: Option<&[Read<OpDraft<'_>>]>,
        sessions: Read<u32>,
    ) -> Read<Values>;

    /// The operations that those of the file imply. Their labels have a dot.
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
