//! The axes of an experiment: the keys of a file that hold a list of values.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::problems::Problems;
use super::schema::join;
use super::tree::{Node, Table, Value};
use crate::workload::error::{Place, WorkloadError};
use crate::workload::experiment::Axis;
use crate::workload::limits;

/// Keys whose value is a list of tables, and of the sections that are not part of a plan.
const LISTS_OF_TABLES: [&str; 3] = ["op", "load.phase", "fault"];
/// Keys whose value is a table. A list there is a mistake, which the reader of the table reports.
const TABLES: [&str; 4] = ["target", "prepare", "load", "gates"];
/// Name of the key of inline tables whose value is a list.
const CHOICE: &str = "one_of";

/// Keys that every cell must share, and the reason with what to do.
const FIXED: &[(&str, &str)] = &[
    ("name", "it names the experiment; give one name"),
    ("why", "it describes the experiment; write one text"),
    (
        "protocol",
        "it decides which keys the file may have; write one file for each protocol",
    ),
    (
        "seed",
        "every round has random choices of its own; set `experiment.rounds`",
    ),
    (
        "load.repeats",
        "`experiment.rounds` says how often every cell runs; set that",
    ),
    (
        "op.kind",
        "every cell needs the same operations in its results; list the weights instead, or write a [[case]] for each kind",
    ),
    (
        "op.label",
        "it names the operation in all results; give one label",
    ),
];

/// A key that holds a list.
#[derive(Clone, Debug)]
pub(super) struct FoundAxis {
    pub(super) key: String,
    path: Vec<Step>,
    items: Vec<Node>,
    pub(super) place: Place,
}

/// A step from a value to a value in it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

/// Where a table is in the file.
#[derive(Clone, Debug, Default)]
struct Location {
    path: Vec<Step>,
    /// The path as the user writes it in `--set`: `op.set`.
    shown: String,
    /// The path without indices and labels: `op`.
    shape: String,
}

impl Location {
    fn key(&self, key: &str) -> Self {
        let mut path = self.path.clone();
        path.push(Step::Key(key.to_owned()));
        Self {
            path,
            shown: join(&self.shown, key),
            shape: join(&self.shape, key),
        }
    }

    fn item(&self, index: usize, name: &str) -> Self {
        let mut path = self.path.clone();
        path.push(Step::Index(index));
        Self {
            path,
            shown: join(&self.shown, name),
            shape: self.shape.clone(),
        }
    }
}

/// Returns the axes in the order of the file, followed by those of overrides in the order of their keys.
/// A list over a key that every cell must share is reported and is no axis.
pub(super) fn find(root: &Table, problems: &Problems) -> Vec<FoundAxis> {
    let mut found = Vec::new();
    walk(root, &Location::default(), problems, &mut found);
    found.sort_by_key(|axis| match axis.place {
        Place::Line { line, .. } | Place::Case { line, .. } => line,
        Place::Override(_) => u32::MAX,
    });
    found
}

fn walk(table: &Table, at: &Location, problems: &Problems, found: &mut Vec<FoundAxis>) {
    for (key, node) in table {
        let at = at.key(key);
        match &node.value {
            Value::Table(inner) => walk(inner, &at, problems, found),
            Value::List(items) if LISTS_OF_TABLES.contains(&at.shape.as_str()) => {
                for (index, item) in items.iter().enumerate() {
                    let Value::Table(inner) = &item.value else {
                        continue;
                    };
                    // An override names only operations by a word.
                    let name = match at.shape.as_str() {
                        "op" => name_of(items, index),
                        _ => index.to_string(),
                    };
                    walk(inner, &at.item(index, &name), problems, found);
                }
            }
            Value::List(_) if TABLES.contains(&at.shape.as_str()) || key == CHOICE => {}
            Value::List(items) => found.extend(axis(&at, node, items, problems)),
            _ => {}
        }
    }
}

/// Returns what an override calls an operation: its label or its kind if no other has it, otherwise its
/// index.
fn name_of(items: &[Node], index: usize) -> String {
    let called = |node: &Node| {
        let Value::Table(table) = &node.value else {
            return None;
        };
        let named = table.get("label").or_else(|| table.get("kind"))?;
        match &named.value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        }
    };
    let name = called(&items[index]);
    let shared = items.iter().filter(|item| called(item) == name).count() > 1;
    name.filter(|_| !shared)
        .unwrap_or_else(|| index.to_string())
}

fn axis(at: &Location, node: &Node, items: &[Node], problems: &Problems) -> Option<FoundAxis> {
    let key = at.shown.clone();
    let refuse = |problem: String| {
        problems.note(WorkloadError::BadValue {
            place: node.place.clone(),
            key: key.clone(),
            problem,
        })
    };
    if let Some((_, why)) = FIXED.iter().find(|(fixed, _)| *fixed == at.shape) {
        return refuse(format!("cannot hold a list: {why}"));
    }
    if at.shape.starts_with("gates.") {
        return refuse(
            "cannot hold a list: a gate judges a run and changes none; give one limit".to_owned(),
        );
    }
    if items.is_empty() || items.len() > limits::AXIS_VALUES {
        return refuse(format!(
            "must list 1 to {} values, but it lists {}",
            limits::AXIS_VALUES,
            items.len()
        ));
    }
    let mut values: Vec<String> = Vec::new();
    for item in items {
        if matches!(item.value, Value::List(_)) {
            return refuse(
                "lists a list; every value of an axis is one value of the key".to_owned(),
            );
        }
        let value = in_file(&item.value);
        if values.contains(&value) {
            return refuse(format!(
                "lists {value} twice; remove one: `experiment.rounds` repeats runs"
            ));
        }
        values.push(value);
    }
    Some(FoundAxis {
        key,
        path: at.path.clone(),
        items: items.to_vec(),
        place: node.place.clone(),
    })
}

impl FoundAxis {
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn to_axis(&self) -> Axis {
        Axis {
            key: self.key.clone(),
            values: self.items.iter().map(|item| shown(&item.value)).collect(),
        }
    }

    /// Replaces the list by its value at `index`. A list that a case has replaced stays replaced.
    pub(super) fn put(&self, root: &mut Table, index: usize) {
        if let Some(node) = self.node(root)
            && matches!(node.value, Value::List(_))
        {
            *node = self.items[index].clone();
        }
    }

    /// Returns the value of the key in `root` as text; `None` if the key is absent.
    pub(super) fn value_in(&self, root: &Table) -> Option<String> {
        let mut root = root.clone();
        self.node(&mut root).map(|node| shown(&node.value))
    }

    fn node<'a>(&self, root: &'a mut Table) -> Option<&'a mut Node> {
        let Some((Step::Key(first), rest)) = self.path.split_first() else {
            return None;
        };
        let mut node = root.get_mut(first)?;
        for step in rest {
            node = match (&mut node.value, step) {
                (Value::Table(table), Step::Key(key)) => table.get_mut(key)?,
                (Value::List(items), Step::Index(index)) => items.get_mut(*index)?,
                _ => return None,
            };
        }
        Some(node)
    }
}

/// Whether the value is or contains a list other than a choice of sizes.
pub(super) fn has_list(node: &Node) -> bool {
    match &node.value {
        Value::List(_) => true,
        Value::Table(table) => table
            .iter()
            .any(|(key, inner)| key != CHOICE && has_list(inner)),
        _ => false,
    }
}

/// Formats a value for people: a string without quotes.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        other => in_file(other),
    }
}

/// Formats a value as in a file.
fn in_file(value: &Value) -> String {
    match value {
        Value::Text(text) => toml::Value::String(text.clone()).to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Float(value) => value.to_string(),
        Value::Boolean(value) => value.to_string(),
        Value::Datetime(value) => value.clone(),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(|item| in_file(&item.value)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Table(table) => {
            let entries: Vec<String> = table
                .iter()
                .map(|(key, node)| format!("{key} = {}", in_file(&node.value)))
                .collect();
            format!("{{ {} }}", entries.join(", "))
        }
    }
}
