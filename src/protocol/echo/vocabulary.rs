//! The echo's part of the workload file.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::ops::RangeInclusive;

use super::MESSAGE_BYTES_MAX;
use crate::workload::{Kind, OpDraft, Read, Section, Shape, SizeChoice, Values, Vocabulary};

/// The kinds of operations and the keys of the echo protocol.
#[derive(Clone, Copy, Debug)]
pub struct EchoVocabulary;

const KINDS: [Kind; 1] = [Kind {
    name: "echo",
    writes: false,
    keys: &["size"],
}];

const OP: Shape = Shape {
    path: "op",
    keys: &["kind", "label", "weight", "size"],
};

const PREPARE: Shape = Shape {
    path: "prepare",
    keys: &[],
};

impl Vocabulary for EchoVocabulary {
    fn protocol(&self) -> &'static str {
        "echo"
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
        0..=u64::from(MESSAGE_BYTES_MAX)
    }

    fn comment(&self, _table: &str, _key: &str) -> &'static str {
        "bytes"
    }

    fn read_op(
        &self,
        table: &Section<'_>,
        _kind: Read<&'static Kind>,
        size: Option<&SizeChoice>,
    ) -> Read<Values> {
        if size.is_some_and(|size| !matches!(size, SizeChoice::Fixed(_))) {
            return table.bad(
                "size",
                "must be one number of bytes, because all echoes have the same size",
            );
        }
        Some(Values::default())
    }

    fn check_ops(&self, ops: &[Read<OpDraft<'_>>]) {
        for second in ops.iter().skip(1).take(1).flatten() {
            let problem = "an echo has one operation; remove the others";
            second.table.inconsistent::<()>("kind", problem);
        }
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
