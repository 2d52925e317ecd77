//! The `[[op]]` tables: the operations and their weights. The protocol reads the keys that belong
//! to a kind.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt;

use super::choices::key_choice;
use super::nearest::nearest;
use super::problems::Read;
use super::section::Section;
use crate::workload::limits;
use crate::workload::plan::{KeyChoice, OpPlan, SizeChoice};
use crate::workload::values::Values;
use crate::workload::vocabulary::{Kind, Vocabulary};

/// Data size of an operation that carries data, if the file gives none.
const SIZE_BYTES: u32 = 100;

/// An operation as far as it could be read.
pub struct OpDraft<'a> {
    /// Its table, for error messages.
    pub table: Section<'a>,
    pub kind: Read<&'static Kind>,
    /// Its choice of keys among the prepared data.
    pub keys: Read<KeyChoice>,
    label: Read<String>,
    weight: Read<u32>,
    size: Read<SizeChoice>,
    own: Read<Values>,
}

impl fmt::Debug for OpDraft<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpDraft")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// Reads the operations of the file and checks them together. An entry that is no table becomes
/// `None`.
pub(super) fn read<'a>(
    root: &Section<'_>,
    tables: Vec<Read<Section<'a>>>,
    vocabulary: &dyn Vocabulary,
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
        .map(|table| Some(OpDraft::read(table?, vocabulary)))
        .collect();
    check_labels(&drafts);
    check_weights(&drafts);
    vocabulary.check_ops(&drafts);
    Some(drafts)
}

impl<'a> OpDraft<'a> {
    fn read(table: Section<'a>, vocabulary: &dyn Vocabulary) -> Self {
        let kind = read_kind(&table, vocabulary);
        if let Some(kind) = kind {
            check_meaning(&table, kind, vocabulary);
        }
        let size = read_size(&table, kind);
        Self {
            label: read_label(&table, kind),
            weight: table.integer("weight", limits::WEIGHT, 1),
            // If no operation of the protocol has keys, `keys` was reported as unknown.
            keys: match vocabulary.op().keys.contains(&"keys") {
                true => key_choice(&table),
                false => Some(KeyChoice::Uniform),
            },
            own: vocabulary.read_op(&table, kind, size.as_ref()),
            size,
            kind,
            table,
        }
    }

    /// Returns the operation if all of it is right.
    fn finish(self) -> Read<OpPlan> {
        let kind = self.kind?;
        Some(OpPlan {
            label: self.label?,
            kind: kind.name.to_owned(),
            weight: self.weight?,
            size: self.size?,
            keys: self.keys?,
            writes: Some(kind.writes),
            own: self.own?,
        })
    }
}

fn read_size(table: &Section<'_>, kind: Read<&'static Kind>) -> Read<SizeChoice> {
    if let Some(size) = table.size("size")? {
        return Some(size);
    }
    let default = if kind?.has("size") { SIZE_BYTES } else { 0 };
    Some(SizeChoice::Fixed(default))
}

fn read_kind(table: &Section<'_>, vocabulary: &dyn Vocabulary) -> Read<&'static Kind> {
    let kinds = vocabulary.kinds();
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
    let Some(text) = table.text("kind")? else {
        let problem = format!(
            "this operation has no `kind`; add one of {}",
            names.join(", ")
        );
        return table.inconsistent("kind", problem);
    };
    if let Some(kind) = kinds.iter().find(|kind| kind.name == text) {
        return Some(kind);
    }
    let hint = nearest(names.iter().copied(), text)
        .map_or_else(String::new, |near| format!("; did you mean {near:?}?"));
    let problem = format!("is {text:?}; it must be one of {}{hint}", names.join(", "));
    table.bad("kind", problem)
}

fn read_label(table: &Section<'_>, kind: Read<&'static Kind>) -> Read<String> {
    let label = match table.text("label")? {
        Some(label) => label,
        None => kind?.name,
    };
    // No dots: they separate the parts of an override's key and mark implicit deletes. The first
    // character is a letter, so that `op.0` can only be an index.
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

/// Returns the keys that only other kinds have.
pub(super) fn meaningless(
    kind: &Kind,
    vocabulary: &dyn Vocabulary,
) -> impl Iterator<Item = &'static str> {
    let kinds = vocabulary.kinds();
    let of_some = |key: &&str| kinds.iter().any(|other| other.has(key));
    let keys = vocabulary.op().keys.iter().copied();
    keys.filter(move |key| of_some(key) && !kind.has(key))
}

/// Refuses keys that would have no effect.
fn check_meaning(table: &Section<'_>, kind: &Kind, vocabulary: &dyn Vocabulary) {
    for key in meaningless(kind, vocabulary).filter(|key| table.has(key)) {
        let others = vocabulary.kinds().iter().filter(|other| other.has(key));
        let others: Vec<&str> = others.map(|other| other.name).collect();
        let problem = format!(
            "means nothing for a `{}`, only for {}; remove it",
            kind.name,
            listed(&others)
        );
        table.bad::<()>(key, problem);
        // The value of the key is not checked.
        table.settle(key);
    }
}

/// Formats a list as `a, b and c`.
fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
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

/// Returns the operations, followed by those that they imply.
pub(super) fn finish(
    drafts: Vec<Read<OpDraft<'_>>>,
    vocabulary: &dyn Vocabulary,
) -> Read<Vec<OpPlan>> {
    let mut ops: Vec<OpPlan> = drafts
        .into_iter()
        .map(|draft| draft?.finish())
        .collect::<Read<_>>()?;
    let implied = vocabulary.implied(&ops);
    ops.extend(implied);
    Some(ops)
}
