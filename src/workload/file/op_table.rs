//! The `[[op]]` tables: the operations, their weights and what belongs to each kind.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::choices::{key_choice, size_choice};
use super::nearest::nearest;
use super::problems::Read;
use super::section::Section;
use crate::workload::limits;
use crate::workload::plan::{KeyChoice, OpKind, OpPlan, SizeChoice};

/// An operation as far as it could be read.
pub(super) struct OpDraft<'a> {
    table: Section<'a>,
    kind: Read<OpKind>,
    label: Read<String>,
    weight: Read<u32>,
    size: Read<SizeChoice>,
    keys: Read<KeyChoice>,
    ephemeral: Read<bool>,
    sequential: Read<bool>,
    keep_count: Read<Option<u64>>,
    batch: Read<u32>,
}

/// The operations as written, checked among themselves. One that is no table reads as nothing.
pub(super) fn read<'a>(
    root: &Section<'_>,
    tables: Vec<Read<Section<'a>>>,
) -> Read<Vec<Read<OpDraft<'a>>>> {
    if tables.is_empty() {
        let problem = "the workload has no operations; add at least one [[op]] with a `kind`";
        return root.inconsistent("op", problem);
    }
    if tables.len() > limits::OPS {
        return root.bad("op", format!("lists more than {} operations", limits::OPS));
    }
    let drafts: Vec<Read<OpDraft<'_>>> = tables
        .into_iter()
        .map(|table| Some(OpDraft::read(table?)))
        .collect();
    check_labels(&drafts);
    check_weights(&drafts);
    check_deletes(&drafts);
    Some(drafts)
}

impl<'a> OpDraft<'a> {
    fn read(table: Section<'a>) -> Self {
        let kind = read_kind(&table);
        if let Some(kind) = kind {
            check_meaning(&table, kind);
        }
        let size = read_size(&table, kind);
        Self {
            label: read_label(&table, kind),
            weight: table.integer("weight", limits::WEIGHT, 1),
            batch: read_batch(&table, kind, size.as_ref()),
            size,
            keys: key_choice(&table),
            ephemeral: table.boolean("ephemeral", false),
            sequential: table.boolean("sequential", false),
            keep_count: table.optional_integer("keep_count", limits::KEEP_COUNT),
            kind,
            table,
        }
    }

    /// The operation, if all of it is right.
    fn finish(self) -> Read<OpPlan> {
        Some(OpPlan {
            label: self.label?,
            kind: self.kind?,
            weight: self.weight?,
            size: self.size?,
            keys: self.keys?,
            ephemeral: self.ephemeral?,
            sequential: self.sequential?,
            keep_count: self.keep_count?,
            batch: self.batch?,
        })
    }
}

/// Whether any operation chooses among the prepared znodes; nothing while a kind is not known that
/// might.
pub(super) fn any_uses_keys(drafts: &[Read<OpDraft<'_>>]) -> Read<bool> {
    let kinds = || drafts.iter().map(|draft| draft.as_ref()?.kind);
    if kinds().flatten().any(OpKind::uses_keys) {
        return Some(true);
    }
    kinds().all(|kind| kind.is_some()).then_some(false)
}

fn read_size(table: &Section<'_>, kind: Read<OpKind>) -> Read<SizeChoice> {
    if let Some(size) = size_choice(table, "size")? {
        return Some(size);
    }
    let default = if kind?.uses_size() { 100 } else { 0 };
    Some(SizeChoice::Fixed(default))
}

fn read_batch(table: &Section<'_>, kind: Read<OpKind>, size: Option<&SizeChoice>) -> Read<u32> {
    let asked: Option<u32> = table.optional_integer("batch", limits::BATCH)?;
    if kind? != OpKind::Multi {
        return Some(asked.unwrap_or(1));
    }
    let batch = asked.unwrap_or(10);
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

fn read_kind(table: &Section<'_>) -> Read<OpKind> {
    let names = || OpKind::ALL.map(OpKind::name);
    let Some(text) = table.text("kind")? else {
        let problem = format!(
            "this operation has no `kind`; add one of {}",
            names().join(", ")
        );
        return table.inconsistent("kind", problem);
    };
    if let Some(kind) = OpKind::ALL.into_iter().find(|kind| kind.name() == text) {
        return Some(kind);
    }
    let hint = nearest(names().into_iter(), text)
        .map_or_else(String::new, |near| format!("; did you mean {near:?}?"));
    let problem = format!(
        "is {text:?}; it must be one of {}{hint}",
        names().join(", ")
    );
    table.bad("kind", problem)
}

fn read_label(table: &Section<'_>, kind: Read<OpKind>) -> Read<String> {
    let label = match table.text("label")? {
        Some(label) => label,
        None => kind?.name(),
    };
    // No dots: they separate the parts of an override's key and mark the implicit deletes. A letter
    // first, so that `op.0` can only be an index.
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    let starts_well = label.starts_with(|c: char| c.is_ascii_lowercase());
    if !starts_well || label.len() > limits::LABEL_CHARS || !label.chars().all(allowed) {
        let problem = format!(
            "is {label:?}; use a lower-case letter, then a-z, 0-9, - and _, at most {} in all",
            limits::LABEL_CHARS
        );
        return table.bad("label", problem);
    }
    Some(label.to_owned())
}

/// The keys that belong to some kinds only: whether `kind` is one of them, and which they are.
pub(super) fn meanings(kind: OpKind) -> [(&'static str, bool, &'static str); 6] {
    let create = kind == OpKind::Create;
    [
        ("size", kind.uses_size(), "create, set and multi"),
        ("keys", kind.uses_keys(), "set, get, exists, list and multi"),
        ("ephemeral", create, "create"),
        ("sequential", create, "create"),
        ("keep_count", create, "create"),
        ("batch", kind == OpKind::Multi, "multi"),
    ]
}

/// Refuses keys that would silently do nothing.
fn check_meaning(table: &Section<'_>, kind: OpKind) {
    for (key, has_meaning, kinds) in meanings(kind) {
        if table.has(key) && !has_meaning {
            let name = kind.name();
            let problem = format!("means nothing for a `{name}`, only for {kinds}; remove it");
            table.bad::<()>(key, problem);
            // Whether its value would be right does not matter.
            table.settle(key);
        }
    }
}

fn check_labels(drafts: &[Read<OpDraft<'_>>]) {
    let mut labels: Vec<&str> = Vec::new();
    for draft in drafts.iter().flatten() {
        let Some(label) = &draft.label else {
            continue;
        };
        if labels.contains(&label.as_str()) {
            let problem = format!(
                "two operations are called `{label}`; give one of them a `label` of its own"
            );
            draft.table.inconsistent::<()>("label", problem);
        } else {
            labels.push(label);
        }
    }
}

fn check_weights(drafts: &[Read<OpDraft<'_>>]) {
    let is_zero =
        |draft: &Read<OpDraft<'_>>| draft.as_ref().and_then(|draft| draft.weight) == Some(0);
    if let Some(Some(first)) = drafts.first()
        && drafts.iter().all(is_zero)
    {
        let problem = "all weights are zero, so no operation would ever be issued; give at least one [[op]] a weight of 1 or more";
        first.table.inconsistent::<()>("weight", problem);
    }
}

fn check_deletes(drafts: &[Read<OpDraft<'_>>]) {
    let kind = |draft: &Read<OpDraft<'_>>| draft.as_ref().and_then(|draft| draft.kind);
    // One whose kind is not known might be the create that is asked for.
    let may_create = |draft| kind(draft).is_none_or(|kind| kind == OpKind::Create);
    let delete = drafts
        .iter()
        .flatten()
        .find(|draft| draft.kind == Some(OpKind::Delete));
    if let Some(delete) = delete
        && !drafts.iter().any(may_create)
    {
        let problem = "a `delete` removes what the session itself created, but no `create` is among the operations; add one, or use `keep_count` on a create instead";
        delete.table.inconsistent::<()>("kind", problem);
    }
}

/// Checks what the operations need of the prepared znodes.
pub(super) fn check_keys(drafts: &[Read<OpDraft<'_>>], znodes: Read<u64>, sessions: Read<u32>) {
    let Some(znodes) = znodes else {
        return;
    };
    for draft in drafts.iter().flatten() {
        let Some(kind) = draft.kind.filter(|kind| kind.uses_keys()) else {
            continue;
        };
        if znodes == 0 {
            let name = kind.name();
            let problem = format!(
                "a `{name}` chooses among the prepared znodes, but `prepare.znodes` is 0; prepare at least one"
            );
            draft.table.inconsistent::<()>("kind", problem);
            continue;
        }
        let Some(sessions) = sessions.map(u64::from) else {
            continue;
        };
        if draft.keys == Some(KeyChoice::PerSession) && znodes < sessions {
            let problem = format!(
                "is \"per_session\", but {znodes} prepared znodes cannot be divided among {sessions} sessions; raise `prepare.znodes`"
            );
            draft.table.bad::<()>("keys", problem);
        }
    }
}

/// The operations, and after them the delete that each `keep_count` implies.
pub(super) fn finish(drafts: Vec<Read<OpDraft<'_>>>) -> Read<Vec<OpPlan>> {
    let mut ops: Vec<OpPlan> = drafts
        .into_iter()
        .map(|draft| draft?.finish())
        .collect::<Read<_>>()?;
    let trims: Vec<OpPlan> = ops.iter().filter_map(OpPlan::trim).collect();
    ops.extend(trims);
    Some(ops)
}
