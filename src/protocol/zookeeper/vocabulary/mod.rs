//! ZooKeeper's part of the workload file.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod kinds;
mod limits;
mod op;
mod prepare;
#[cfg(test)]
mod tests;

use std::ops::RangeInclusive;

use crate::workload::{
    Kind, OpDraft, OpPlan, Read, Section, Shape, SizeChoice, Values, Vocabulary,
};
use kinds::KINDS;

/// The kinds of operations and the keys of ZooKeeper.
#[derive(Clone, Copy, Debug)]
pub struct ZooKeeperVocabulary;

const OP: Shape = Shape {
    path: "op",
    keys: &[
        "kind",
        "label",
        "weight",
        "size",
        "keys",
        "ephemeral",
        "sequential",
        "keep_count",
        "batch",
    ],
};

const PREPARE: Shape = Shape {
    path: "prepare",
    keys: &["znodes", "size", "per_parent", "chroot", "keep"],
};

/// Keys of other load generators that are not supported here.
const NOT_OFFERED: &[&str] = &[
    "acl",
    "acls",
    "auth",
    "container",
    "reconfig",
    "ttl",
    "watch",
    "watcher",
    "watchers",
    "watches",
];

impl Vocabulary for ZooKeeperVocabulary {
    fn protocol(&self) -> &'static str {
        "zookeeper"
    }

    fn kinds(&self) -> &'static [Kind] {
        &KINDS
    }

    fn op(&self) -> &'static Shape {
        &OP
    }

    fn prepare(&self) -> &'static Shape {
        &PREPARE
    }

    fn size_bytes(&self) -> RangeInclusive<u64> {
        limits::SIZE_BYTES
    }

    fn not_offered(&self) -> &'static [&'static str] {
        NOT_OFFERED
    }

    fn comment(&self, table: &str, key: &str) -> &'static str {
        match (table, key) {
            ("prepare", "znodes") => "keys of set, get, exists, list and multi",
            ("prepare", "size") => "bytes each",
            ("prepare", "per_parent") => "znodes in one directory",
            ("prepare", "chroot") => "root of everything that the run creates",
            ("prepare", "keep") => "keep the chroot after the run",
            (_, "size") => "bytes",
            (_, "keys") => "choice among the prepared znodes",
            (_, "keep_count") => "per session; at this number the oldest is deleted",
            (_, "batch") => "sets in one transaction",
            _ => "",
        }
    }

    fn read_op(
        &self,
        table: &Section<'_>,
        kind: Read<&'static Kind>,
        size: Option<&SizeChoice>,
    ) -> Read<Values> {
        op::read(table, kind, size)
    }

    fn check_ops(&self, ops: &[Read<OpDraft<'_>>]) {
        op::check_deletes(ops);
    }

    fn read_prepare(
        &self,
        table: &Section<'_>,
        ops: Option<&[Read<OpDraft<'_>>]>,
        sessions: Read<u32>,
    ) -> Read<Values> {
        prepare::read(table, ops, sessions)
    }

    fn implied(&self, ops: &[OpPlan]) -> Vec<OpPlan> {
        ops.iter().filter_map(super::trim::trim).collect()
    }
}
