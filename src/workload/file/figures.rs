//! The `[[figure]]` tables: what the report of an experiment draws.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use super::axes;
use super::nearest::nearest;
use super::problems::Read;
use super::schema;
use super::section::Section;
use super::tree::{Table, Value};
use crate::workload::experiment::{Axis, FigureKind, FigurePlan};
use crate::workload::limits;

/// The axes that a figure may name.
pub(super) struct KnownAxes<'a> {
    pub(super) axes: &'a [Axis],
    /// Keys that are axes of the file and to which the command line gives other values, with the value if
    /// it is only one.
    pub(super) changed: &'a BTreeMap<String, Option<String>>,
}

/// Reads the figures. A figure along an axis that the command line removed is left out.
pub(super) fn read(root: &Section<'_>, known: &KnownAxes<'_>) -> Read<Vec<FigurePlan>> {
    let tables = root.sections("figure", &schema::FIGURE)?;
    if tables.len() > limits::FIGURES {
        let problem = format!("lists more than {} figures", limits::FIGURES);
        return root.bad("figure", problem);
    }
    let figures: Vec<Read<Option<FigurePlan>>> = tables
        .iter()
        .map(|table| read_one(table.as_ref()?, known))
        .collect();
    let figures: Vec<Option<FigurePlan>> = figures.into_iter().collect::<Read<_>>()?;
    Some(figures.into_iter().flatten().collect())
}

/// A key that a figure names.
enum Named {
    Axis(String),
    Removed,
}

fn read_one(table: &Section<'_>, known: &KnownAxes<'_>) -> Read<Option<FigurePlan>> {
    let kind = read_kind(table);
    let x = read_axis(table, "x", known, kind);
    let series = read_axis(table, "series", known, None);
    let only = read_only(table, known);
    let title = read_title(table);
    let kind = kind?;
    let x = match (x?, kind) {
        (Some(Named::Axis(x)), _) => x,
        (Some(Named::Removed), _) => return Some(None),
        (None, FigureKind::Curve) => FigurePlan::OFFERED.to_owned(),
        (None, FigureKind::Failover) => FigurePlan::TARGET.to_owned(),
        (None, _) => {
            let problem = format!(
                "this figure has no `x`; add x = \"KEY\" with one of {}",
                names(known)
            );
            return table.inconsistent("x", problem);
        }
    };
    let series = match series? {
        Some(Named::Axis(series)) if series == x => {
            let problem = format!("is {series:?}, like `x`; name another axis or remove it");
            return table.bad("series", problem);
        }
        Some(Named::Axis(series)) => Some(series),
        Some(Named::Removed) | None => None,
    };
    Some(only?.map(|only| FigurePlan {
        kind,
        x,
        series,
        only,
        title: title.flatten(),
    }))
}

fn read_kind(table: &Section<'_>) -> Read<FigureKind> {
    let all = FigureKind::ALL.map(FigureKind::name);
    let Some(text) = table.text("kind")? else {
        let problem = format!(
            "this figure has no `kind`; add one of {}",
            all.map(|name| format!("{name:?}")).join(", ")
        );
        return table.inconsistent("kind", problem);
    };
    let kind = FigureKind::ALL.into_iter().find(|kind| kind.name() == text);
    kind.or_else(|| {
        let names = all.join(", ");
        table.bad("kind", format!("is {text:?}; it must be one of {names}"))
    })
}

/// Reads the key of an axis.
fn read_axis(
    table: &Section<'_>,
    key: &str,
    known: &KnownAxes<'_>,
    kind: Option<FigureKind>,
) -> Read<Option<Named>> {
    let Some(name) = table.text(key)? else {
        return Some(None);
    };
    if name == FigurePlan::OFFERED && key == "x" {
        return match kind {
            Some(FigureKind::Curve) => Some(Some(Named::Axis(name.to_owned()))),
            Some(_) => {
                let problem = "is \"offered\", which only a figure of the kind \"curve\" can have; name an axis";
                table.bad(key, problem)
            }
            None => None,
        };
    }
    if name == FigurePlan::TARGET || known.axes.iter().any(|axis| axis.key == name) {
        return Some(Some(Named::Axis(name.to_owned())));
    }
    if known.changed.contains_key(name) {
        return Some(Some(Named::Removed));
    }
    unknown(table, key, name, known)
}

fn unknown<T>(table: &Section<'_>, key: &str, name: &str, known: &KnownAxes<'_>) -> Read<T> {
    let keys = known.axes.iter().map(|axis| axis.key.as_str());
    let hint =
        nearest(keys, name).map_or_else(String::new, |near| format!("; did you mean {near:?}?"));
    let problem = format!(
        "names {name:?}, which is no axis; an axis is a key that holds a list, and this file has {}{hint}",
        names(known)
    );
    table.bad(key, problem)
}

fn names(known: &KnownAxes<'_>) -> String {
    let keys = known.axes.iter().map(|axis| axis.key.as_str());
    keys.chain([FigurePlan::TARGET])
        .collect::<Vec<_>>()
        .join(", ")
}

/// Reads the filter. `None` inside if the command line removed the value that it selects.
fn read_only(table: &Section<'_>, known: &KnownAxes<'_>) -> Read<Option<BTreeMap<String, String>>> {
    let Some(node) = table.find("only")? else {
        return Some(Some(BTreeMap::new()));
    };
    let Value::Table(entries) = &node.value else {
        let expected = "a table of axes and values, such as { case = \"saturation\" }";
        return table.wrong_type("only", node, expected);
    };
    let mut only = BTreeMap::new();
    flatten(entries, "", &mut only);
    let mut left = BTreeMap::new();
    for (key, value) in only {
        let axis = known.axes.iter().find(|axis| axis.key == key);
        match axis {
            Some(axis) if axis.values.contains(&value) => _ = left.insert(key, value),
            _ if known.changed.contains_key(&key) => {
                if known.changed.get(&key) != Some(&Some(value)) {
                    return Some(None);
                }
            }
            None => return unknown(table, "only", &key, known),
            Some(axis) => {
                let problem = format!(
                    "selects {key} = {value:?}, but the values of `{key}` are {}",
                    axis.values.join(", ")
                );
                return table.bad("only", problem);
            }
        }
    }
    Some(Some(left))
}

fn flatten(table: &Table, path: &str, only: &mut BTreeMap<String, String>) {
    for (key, node) in table {
        let full = schema::join(path, key);
        match &node.value {
            Value::Table(inner) => flatten(inner, &full, only),
            value => _ = only.insert(full, axes::shown(value)),
        }
    }
}

fn read_title(table: &Section<'_>) -> Read<Option<String>> {
    let Some(title) = table.text("title")? else {
        return Some(None);
    };
    if title.chars().count() > limits::TITLE_CHARS {
        let problem = format!(
            "has more than {} characters; shorten it",
            limits::TITLE_CHARS
        );
        return table.bad("title", problem);
    }
    Some(Some(title.to_owned()))
}
