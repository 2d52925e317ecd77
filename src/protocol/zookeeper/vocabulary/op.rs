//! The values of operations that only ZooKeeper has, and the rules between operations.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::super::{OpKind, OpValues};
use super::limits;
use crate::workload::{Kind, OpDraft, Read, Section, SizeChoice, Values};

/// Reads the keys that only some kinds have.
pub(super) fn read(
    table: &Section<'_>,
    kind: Read<&'static Kind>,
    size: Option<&SizeChoice>,
) -> Read<Values> {
    let batch = read_batch(table, kind, size);
    let ephemeral = table.boolean("ephemeral", false);
    let sequential = table.boolean("sequential", false);
    let keep_count = table.optional_integer("keep_count", limits::KEEP_COUNT);
    let own = OpValues {
        ephemeral: ephemeral?,
        sequential: sequential?,
        keep_count: keep_count?,
        batch: batch?,
    };
    Some(own.into())
}

fn read_batch(
    table: &Section<'_>,
    kind: Read<&'static Kind>,
    size: Option<&SizeChoice>,
) -> Read<u32> {
    let given: Option<u32> = table.optional_integer("batch", limits::BATCH)?;
    if kind?.name != OpKind::Multi.name() {
        return Some(given.unwrap_or(1));
    }
    let batch = given.unwrap_or(10);
    let max_bytes = size?.max_bytes();
    let sub_bytes = u64::from(max_bytes) + limits::SUB_OPERATION_BYTES;
    if u64::from(batch) * sub_bytes > *limits::SIZE_BYTES.end() {
        let problem = format!(
            "is {batch}; with up to {max_bytes} bytes in each sub-operation the transaction exceeds the {} bytes that a server accepts: lower one of them",
            limits::SIZE_BYTES.end()
        );
        return table.bad("batch", problem);
    }
    Some(batch)
}

/// Refuses a delete without a create.
pub(super) fn check_deletes(drafts: &[Read<OpDraft<'_>>]) {
    let kind = |draft: &Read<OpDraft<'_>>| draft.as_ref().and_then(|draft| draft.kind);
    // An operation whose kind is unknown might be a create.
    let may_create = |draft| kind(draft).is_none_or(|kind| kind.name == OpKind::Create.name());
    let delete = drafts.iter().flatten().find(|draft| {
        draft
            .kind
            .is_some_and(|kind| kind.name == OpKind::Delete.name())
    });
    if let Some(delete) = delete
        && !drafts.iter().any(may_create)
    {
        let problem = "a `delete` removes what the session itself created, but no `create` is among the operations; add one, or use `keep_count` on a create instead";
        delete.table.inconsistent::<()>("kind", problem);
    }
}
