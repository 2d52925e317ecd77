//! Overrides (`--set load.rate=2000`): laid over the parsed file before anything is checked, so that
//! they obey the same rules and their errors read the same.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::problems::Problems;
use super::tree::{Node, Table, Value, parse_override};
use crate::workload::error::{Place, WorkloadError};

/// The keys that say how operations arrive: setting one replaces what the file says with another.
const ARRIVAL: [&str; 3] = ["rate", "in_flight", "phase"];

/// Parts of the longest key: `op.0.size.min`.
const DEPTH: usize = 4;

/// Lays all overrides over the file, in order: the last one wins. One that leads nowhere is noted and
/// changes nothing.
pub(super) fn apply(root: &mut Table, overrides: &[String], problems: &Problems) {
    for text in overrides {
        if let Err(problem) = apply_one(root, text) {
            // What it was meant to set is not missing.
            let key = text.split('=').next().unwrap_or_default();
            problems.presume(key.trim().to_owned());
            problems.note::<()>(problem);
        }
    }
}

fn apply_one(root: &mut Table, text: &str) -> Result<(), WorkloadError> {
    let place = Place::Override(text.to_owned());
    let (key, value) = text.split_once('=').ok_or_else(|| {
        problem(
            &place,
            "an override has the form key=value, for instance load.rate=2000",
        )
    })?;
    let path: Vec<&str> = key.trim().split('.').map(str::trim).collect();
    if path.iter().any(|part| part.is_empty()) {
        let what = "the key before = has an empty part; write for instance load.rate=2000";
        return Err(problem(&place, what));
    }
    if path.len() > DEPTH {
        let what = format!("no key has more than {DEPTH} parts; write for instance op.0.weight=3");
        return Err(problem(&place, what));
    }
    let node = parse_override(value, &place)?;
    if let ["load", arrival, ..] = path.as_slice() {
        replace_arrival(root, arrival);
    }
    set(root, &path, node, &place)
}

/// `--set load.in_flight=4` turns an open loop into a closed one: the file's other arrival goes. Two
/// overrides that contradict each other stay and are refused later.
fn replace_arrival(root: &mut Table, key: &str) {
    if !ARRIVAL.contains(&key) {
        return;
    }
    let Some(Value::Table(load)) = root.get_mut("load").map(|node| &mut node.value) else {
        return;
    };
    let closed = key == "in_flight";
    load.retain(|other, node| {
        let rival = other != key && ARRIVAL.contains(&other.as_str());
        let useless = closed && other == "in_flight_cap";
        !(rival || useless) || matches!(node.place, Place::Override(_))
    });
}

fn set(table: &mut Table, path: &[&str], value: Node, place: &Place) -> Result<(), WorkloadError> {
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
    match &mut next.value {
        Value::Table(inner) => set(inner, rest, value, place),
        Value::List(items) => set_in_list(items, key, rest, value, place),
        // A range or a choice may replace a plain value: op.set.size.min=10 over size = 100.
        _ if rest.len() == 1 && matches!(*key, "size" | "keys") => {
            let inner = Table::from([(rest[0].to_owned(), value)]);
            next.value = Value::Table(inner);
            next.place = place.clone();
            Ok(())
        }
        other => {
            let what = format!("`{key}` is {} and has no keys of its own", other.in_words());
            Err(problem(place, what))
        }
    }
}

fn set_in_list(
    items: &mut [Node],
    key: &str,
    path: &[&str],
    value: Node,
    place: &Place,
) -> Result<(), WorkloadError> {
    let [which, rest @ ..] = path else {
        return Ok(());
    };
    let index = match which.parse::<usize>() {
        Ok(index) => (index < items.len()).then_some(index),
        Err(_) => items.iter().position(|item| label(item) == Some(which)),
    };
    let Some(index) = index else {
        let labels: Vec<&str> = items.iter().filter_map(label).collect();
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
        (Value::Table(inner), _) => set(inner, rest, value, place),
        (other, _) => {
            let what = format!("`{key}.{which}` is {}, not a table", other.in_words());
            Err(problem(place, what))
        }
    }
}

/// The label of an operation, which is its kind unless the file says otherwise.
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
