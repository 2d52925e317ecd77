//! Overrides (`--set load.rate=2000`). They are applied to the parsed file before it is checked, so
//! that the same rules and error messages apply.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::op_table::meaningless;
use super::problems::Problems;
use super::tree::{Node, Table, Value, parse_override};
use crate::workload::error::{Place, WorkloadError};
use crate::workload::vocabulary::Vocabulary;

/// The keys that determine how operations arrive. Setting one removes another one of the file.
const ARRIVAL: [&str; 3] = ["rate", "in_flight", "phase"];

/// Number of parts of the longest key: `op.0.size.min`.
const DEPTH: usize = 4;

/// A key that a case sets.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    /// Full path of the key: `load.sessions`.
    pub(super) key: String,
    /// Its value and all values in it have a [`Place::Case`].
    pub(super) node: Node,
}

/// Applies the settings of a case to the file, and then all overrides in order; the last one wins. A
/// setting or an override of a missing place is reported and changes nothing.
pub(super) fn apply(
    root: &mut Table,
    settings: &[Setting],
    overrides: &[String],
    problems: &Problems,
) {
    let mut labels = labels(root);
    let refuse = |key: &str, problem: WorkloadError| {
        // The key counts as given, so that it is not reported as missing too.
        problems.presume(key.trim().to_owned());
        problems.note::<()>(problem);
    };
    for Setting { key, node } in settings {
        let place = node.place.clone();
        if let Err(problem) = apply_node(root, &mut labels, key, node.clone(), &place) {
            refuse(key, problem);
        }
    }
    for text in overrides {
        if let Err(problem) = apply_one(root, &mut labels, text) {
            refuse(text.split('=').next().unwrap_or_default(), problem);
        }
    }
}

fn apply_one(root: &mut Table, labels: &mut Labels, text: &str) -> Result<(), WorkloadError> {
    let place = Place::Override(text.to_owned());
    let (key, value) = text.split_once('=').ok_or_else(|| {
        problem(
            &place,
            "an override has the form key=value, for instance load.rate=2000",
        )
    })?;
    let node = parse_override(value, &place)?;
    apply_node(root, labels, key, node, &place)
}

fn apply_node(
    root: &mut Table,
    labels: &mut Labels,
    key: &str,
    node: Node,
    place: &Place,
) -> Result<(), WorkloadError> {
    let path: Vec<&str> = key.trim().split('.').map(str::trim).collect();
    if path.iter().any(|part| part.is_empty()) {
        let what = "the key before = has an empty part; write for instance load.rate=2000";
        return Err(problem(place, what));
    }
    if path.len() > DEPTH {
        let what = format!("no key has more than {DEPTH} parts; write for instance op.0.weight=3");
        return Err(problem(place, what));
    }
    if let ["load", key, ..] = path.as_slice() {
        replace_arrival(root, key, place);
        replace_sessions(root, key, place);
    }
    set(root, &path, node, place, labels)?;
    // If an override sets all operations, later overrides use the labels that it gives.
    if path == ["op"] {
        *labels = self::labels(root);
    }
    Ok(())
}

/// The labels of the operations in the file, by index.
type Labels = Vec<Option<String>>;

/// Returns the labels before any override. `op.set` therefore means the same operation even if
/// another override changes its kind or label.
fn labels(root: &Table) -> Labels {
    match root.get("op").map(|node| &node.value) {
        Some(Value::List(items)) => items
            .iter()
            .map(|item| label(item).map(str::to_owned))
            .collect(),
        _ => Labels::new(),
    }
}

/// When an override or a case changes the kind of an operation, removes the values that the new kind
/// does not have. Values of the same or a higher [`rank`] stay, and are refused later if the kind does
/// not have them.
pub(super) fn drop_meaningless(root: &mut Table, vocabulary: &dyn Vocabulary) {
    let Some(Value::List(items)) = root.get_mut("op").map(|node| &mut node.value) else {
        return;
    };
    for item in items {
        let Value::Table(op) = &mut item.value else {
            continue;
        };
        let Some(kind) = op.get("kind").filter(|kind| rank(kind) > 0) else {
            continue;
        };
        let kind_rank = rank(kind);
        let Value::Text(name) = &kind.value else {
            continue;
        };
        let Some(kind) = vocabulary.kinds().iter().find(|kind| kind.name == name) else {
            continue;
        };
        for key in meaningless(kind, vocabulary) {
            if op.get(key).is_some_and(|node| rank(node) < kind_rank) {
                op.remove(key);
            }
        }
    }
}

/// Returns the rank of a value or of the highest part of it: 0 for the file, 1 for a case, 2 for an
/// override. A value removes contradicting values of lower rank.
fn rank(node: &Node) -> u8 {
    let within = match &node.value {
        Value::Table(table) => table.values().map(rank).max(),
        Value::List(items) => items.iter().map(rank).max(),
        _ => None,
    };
    within.unwrap_or(0).max(rank_of(&node.place))
}

const fn rank_of(place: &Place) -> u8 {
    match place {
        Place::Line { .. } => 0,
        Place::Case { .. } => 1,
        Place::Override(_) => 2,
    }
}

/// Removes the other arrival keys of lower rank: `--set load.in_flight=4` turns an open loop into a
/// closed one. Two contradicting overrides stay and are refused later.
fn replace_arrival(root: &mut Table, key: &str, place: &Place) {
    if !ARRIVAL.contains(&key) {
        return;
    }
    let Some(Value::Table(load)) = root.get_mut("load").map(|node| &mut node.value) else {
        return;
    };
    let closed = key == "in_flight";
    load.retain(|other, node| {
        let rival = other != key && ARRIVAL.contains(&other.as_str());
        let useless = closed && matches!(other.as_str(), "in_flight_cap" | "spacing");
        !(rival || useless) || rank(node) >= rank_of(place)
    });
}

/// Removes the other number of sessions of lower rank: `--set load.sessions=4` replaces a number per
/// server. Two contradicting overrides stay and are refused later.
fn replace_sessions(root: &mut Table, key: &str, place: &Place) {
    let rival = match key {
        "sessions" => "sessions_per_server",
        "sessions_per_server" => "sessions",
        _ => return,
    };
    if let Some(Value::Table(load)) = root.get_mut("load").map(|node| &mut node.value)
        && load
            .get(rival)
            .is_some_and(|node| rank(node) < rank_of(place))
    {
        load.remove(rival);
    }
}

fn set(
    table: &mut Table,
    path: &[&str],
    value: Node,
    place: &Place,
    labels: &[Option<String>],
) -> Result<(), WorkloadError> {
    let [key, rest @ ..] = path else {
        return Ok(());
    };
    if rest.is_empty() {
        table.insert((*key).to_owned(), value);
        return Ok(());
    }
    let next = table.entry((*key).to_owned()).or_insert_with(|| Node {
        value: Value::Table(Table::new()),
        place: place.clone(),
    });
    // A range or a choice is one value. Errors in it name the last override that changed it.
    let is_one_value = rest.len() == 1 && matches!(*key, "size" | "keys");
    if is_one_value {
        next.place = place.clone();
    }
    match &mut next.value {
        Value::Table(inner) => set(inner, rest, value, place, labels),
        Value::List(items) => set_in_list(items, path, value, place, labels),
        // A table may replace a plain value: op.set.size.min=10 over size = 100.
        _ if is_one_value => {
            let inner = Table::from([(rest[0].to_owned(), value)]);
            next.value = Value::Table(inner);
            Ok(())
        }
        other => {
            let what = format!("`{key}` is {} and has no keys of its own", other.in_words());
            Err(problem(place, what))
        }
    }
}

/// Sets a value in a list. `path` begins with the key of the list.
fn set_in_list(
    items: &mut [Node],
    path: &[&str],
    value: Node,
    place: &Place,
    labels: &[Option<String>],
) -> Result<(), WorkloadError> {
    let [key, which, rest @ ..] = path else {
        return Ok(());
    };
    // Only operations have labels.
    let labels = if *key == "op" { labels } else { &[] };
    let is_called = |label: &Option<String>| label.as_deref() == Some(which);
    let index = match which.parse::<usize>() {
        Ok(index) => Some(index),
        Err(_) => labels.iter().position(is_called),
    };
    let Some(index) = index.filter(|index| *index < items.len()) else {
        let labels: Vec<&str> = labels.iter().flatten().map(String::as_str).collect();
        let named = if labels.is_empty() {
            String::new()
        } else {
            format!(" ({})", labels.join(", "))
        };
        let what = format!(
            "there is no `{key}.{which}`; the workload has {} of them, counted from 0{named}",
            items.len()
        );
        return Err(problem(place, what));
    };
    let item = &mut items[index];
    match (&mut item.value, rest) {
        (_, []) => {
            *item = value;
            Ok(())
        }
        (Value::Table(inner), _) => set(inner, rest, value, place, labels),
        (other, _) => {
            let what = format!("`{key}.{which}` is {}, not a table", other.in_words());
            Err(problem(place, what))
        }
    }
}

/// Returns the label of an operation: the file's, or else its kind.
fn label(item: &Node) -> Option<&str> {
    let Value::Table(table) = &item.value else {
        return None;
    };
    let named = table.get("label").or_else(|| table.get("kind"))?;
    match &named.value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

fn problem(place: &Place, problem: impl Into<String>) -> WorkloadError {
    WorkloadError::Inconsistent {
        place: place.clone(),
        problem: problem.into(),
    }
}
