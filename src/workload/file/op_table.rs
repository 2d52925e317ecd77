//! The `[[op]]` tables: the operations, their weights and what belongs to each kind.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::choices::{key_choice, size_choice};
use super::schema::{self, nearest};
use super::section::Section;
use crate::workload::error::WorkloadError;
use crate::workload::limits;
use crate::workload::plan::{KeyChoice, LoadPlan, OpKind, OpPlan, Prepare, SizeChoice};

type Read<T> = Result<T, WorkloadError>;

/// The operations as written, checked among themselves.
pub(super) fn read(root: &Section<'_>) -> Read<Vec<OpPlan>> {
    let tables = root.sections("op", &schema::OP)?;
    if tables.is_empty() {
        let problem = "the workload has no operations; add at least one [[op]] with a `kind`";
        return Err(root.inconsistent("op", problem));
    }
    if tables.len() > limits::OPS {
        return Err(root.bad("op", format!("lists more than {} operations", limits::OPS)));
    }
    let ops = tables.iter().map(read_op).collect::<Read<Vec<_>>>()?;
    check_labels(&tables, &ops)?;
    if ops.iter().all(|op| op.weight == 0) {
        let problem = "all weights are zero, so no operation would ever be issued; give at least one [[op]] a weight of 1 or more";
        return Err(tables[0].inconsistent("weight", problem));
    }
    let creates = ops.iter().any(|op| op.kind == OpKind::Create);
    let delete = ops.iter().position(|op| op.kind == OpKind::Delete);
    if let Some(index) = delete.filter(|_| !creates) {
        let problem = "a `delete` removes what the session itself created, but no `create` is among the operations; add one, or use `keep_count` on a create instead";
        return Err(tables[index].inconsistent("kind", problem));
    }
    Ok(ops)
}

fn read_op(table: &Section<'_>) -> Read<OpPlan> {
    let kind = read_kind(table)?;
    check_meaning(table, kind)?;
    let size = match size_choice(table, "size")? {
        Some(size) => size,
        None if kind.uses_size() => SizeChoice::Fixed(100),
        None => SizeChoice::Fixed(0),
    };
    let default_batch = if kind == OpKind::Multi { 10 } else { 1 };
    let batch: u32 = table.integer("batch", limits::BATCH, default_batch)?;
    let sub_bytes = u64::from(size.max_bytes()) + limits::SUB_OPERATION_BYTES;
    if kind == OpKind::Multi && u64::from(batch) * sub_bytes > *limits::SIZE_BYTES.end() {
        let problem = format!(
            "is {batch}; with up to {} bytes in each sub-operation the transaction exceeds the {} bytes that a server accepts: lower one of them",
            size.max_bytes(),
            limits::SIZE_BYTES.end()
        );
        return Err(table.bad("batch", problem));
    }
    Ok(OpPlan {
        label: read_label(table, kind)?,
        kind,
        weight: table.integer("weight", limits::WEIGHT, 1)?,
        size,
        keys: key_choice(table)?,
        ephemeral: table.boolean("ephemeral", false)?,
        sequential: table.boolean("sequential", false)?,
        keep_count: table.optional_integer("keep_count", limits::KEEP_COUNT)?,
        batch,
    })
}

fn read_kind(table: &Section<'_>) -> Read<OpKind> {
    let names = || OpKind::ALL.map(OpKind::name);
    let Some(text) = table.text("kind")? else {
        let problem = format!(
            "this operation has no `kind`; add one of {}",
            names().join(", ")
        );
        return Err(table.inconsistent("kind", problem));
    };
    if let Some(kind) = OpKind::ALL.into_iter().find(|kind| kind.name() == text) {
        return Ok(kind);
    }
    let hint = nearest(names().into_iter(), text)
        .map_or_else(String::new, |near| format!("; did you mean {near:?}?"));
    let problem = format!(
        "is {text:?}; it must be one of {}{hint}",
        names().join(", ")
    );
    Err(table.bad("kind", problem))
}

fn read_label(table: &Section<'_>, kind: OpKind) -> Read<String> {
    let label = table.text("label")?.unwrap_or(kind.name());
    // No dots: they separate the parts of an override's key and mark the implicit deletes. A letter
    // first, so that `op.0` can only be an index.
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    let starts_well = label.starts_with(|c: char| c.is_ascii_lowercase());
    if !starts_well || label.len() > limits::LABEL_CHARS || !label.chars().all(allowed) {
        let problem = format!(
            "is {label:?}; use a lower-case letter, then a-z, 0-9, - and _, at most {} in all",
            limits::LABEL_CHARS
        );
        return Err(table.bad("label", problem));
    }
    Ok(label.to_owned())
}

/// Refuses keys that would silently do nothing.
fn check_meaning(table: &Section<'_>, kind: OpKind) -> Read<()> {
    let create = kind == OpKind::Create;
    let rules = [
        ("size", kind.uses_size(), "create, set and multi"),
        ("keys", kind.uses_keys(), "set, get, exists, list and multi"),
        ("ephemeral", create, "create"),
        ("sequential", create, "create"),
        ("keep_count", create, "create"),
        ("batch", kind == OpKind::Multi, "multi"),
    ];
    match rules
        .iter()
        .find(|(key, has_meaning, _)| table.has(key) && !has_meaning)
    {
        None => Ok(()),
        Some((key, _, kinds)) => {
            let name = kind.name();
            let problem = format!("means nothing for a `{name}`, only for {kinds}; remove it");
            Err(table.bad(key, problem))
        }
    }
}

fn check_labels(tables: &[Section<'_>], ops: &[OpPlan]) -> Read<()> {
    for (index, op) in ops.iter().enumerate() {
        if ops[..index].iter().any(|earlier| earlier.label == op.label) {
            let problem = format!(
                "two operations are called `{}`; give one of them a `label` of its own",
                op.label
            );
            return Err(tables[index].inconsistent("label", problem));
        }
    }
    Ok(())
}

/// Checks what the operations need of the prepared znodes.
pub(super) fn check_keys(
    root: &Section<'_>,
    ops: &[OpPlan],
    prepare: &Prepare,
    load: &LoadPlan,
) -> Read<()> {
    let tables = root.sections("op", &schema::OP)?;
    for (table, op) in tables.iter().zip(ops) {
        if op.kind.uses_keys() && prepare.znodes == 0 {
            let problem = format!(
                "a `{}` chooses among the prepared znodes, but `prepare.znodes` is 0; prepare at least one",
                op.kind.name()
            );
            return Err(table.inconsistent("kind", problem));
        }
        let sessions = u64::from(load.sessions);
        if op.keys == KeyChoice::PerSession && prepare.znodes < sessions {
            let problem = format!(
                "is \"per_session\", but {} prepared znodes cannot be divided among {sessions} sessions; raise `prepare.znodes`",
                prepare.znodes
            );
            return Err(table.bad("keys", problem));
        }
    }
    Ok(())
}

/// Adds, after the operations as written, the delete that each `keep_count` implies.
pub(super) fn with_trims(mut ops: Vec<OpPlan>) -> Vec<OpPlan> {
    let trims: Vec<OpPlan> = ops.iter().filter_map(OpPlan::trim).collect();
    ops.extend(trims);
    ops
}
