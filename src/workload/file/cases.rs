//! The `[[case]]` tables: named groups of settings, and searches for a capacity.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::time::Duration;

use super::axes::has_list;
use super::overrides::Setting;
use super::problems::Read;
use super::schema;
use super::section::Section;
use super::tree::{Node, Table, Value};
use super::units::DURATION_FORM;
use crate::workload::error::Place;
use crate::workload::experiment::SearchPlan;
use crate::workload::limits;

/// First rate of a search if the file gives none, in operations per second.
const FROM_PER_S: f64 = 1_000.0;
const PRECISION: f64 = 0.05;
const SEARCH_RUNS: u32 = 40;

/// A named variant of the workload.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) name: String,
    /// Where its name was written.
    pub(super) place: Place,
    pub(super) settings: Vec<Setting>,
    pub(super) search: Option<SearchPlan>,
}

/// Reads the cases. Empty if the file has none.
pub(super) fn read(root: &Section<'_>) -> Read<Vec<Case>> {
    let tables = root.sections("case", &schema::CASE)?;
    if tables.len() > limits::CASES {
        return root.bad("case", format!("lists more than {} cases", limits::CASES));
    }
    // All cases are read first, so that every problem is reported.
    let cases: Vec<Read<Case>> = tables
        .iter()
        .map(|table| read_one(table.as_ref()?))
        .collect();
    let cases: Vec<Case> = cases.into_iter().collect::<Read<_>>()?;
    for (index, case) in cases.iter().enumerate() {
        if cases[..index].iter().any(|other| other.name == case.name)
            && let Some(Some(table)) = tables.get(index)
        {
            let problem = format!("two cases are called {:?}; rename one of them", case.name);
            return table.inconsistent("name", problem);
        }
    }
    Some(cases)
}

fn read_one(table: &Section<'_>) -> Read<Case> {
    let name = read_name(table);
    let settings = read_settings(table);
    let search = match table.has("search") {
        true => table
            .section("search", &schema::SEARCH)
            .and_then(|search| read_search(&search))
            .map(Some),
        false => Some(None),
    };
    Some(Case {
        name: name?,
        place: table.place_of("name"),
        settings: settings?,
        search: search?,
    })
}

fn read_name(table: &Section<'_>) -> Read<String> {
    let Some(name) = table.text("name")? else {
        let problem = "this case has no name; add name = \"lone writer\"";
        return table.inconsistent("name", problem);
    };
    let is_plain = name.chars().all(|c| !c.is_control());
    let has_word = name.contains(|c: char| c.is_ascii_alphanumeric());
    if name.chars().count() > limits::CASE_CHARS || !is_plain || !has_word {
        let problem = format!(
            "is {name:?}; use 1 to {} characters, at least one of them a letter or a digit",
            limits::CASE_CHARS
        );
        return table.bad("name", problem);
    }
    Some(name.to_owned())
}

/// Reads the table of the settings. Its keys are those of `--set`.
fn read_settings(table: &Section<'_>) -> Read<Vec<Setting>> {
    let Some(node) = table.find("set")? else {
        return Some(Vec::new());
    };
    let Value::Table(entries) = &node.value else {
        let expected = "a table of keys and values, such as { \"load.sessions\" = 1 }";
        return table.wrong_type("set", node, expected);
    };
    let mut settings = Vec::new();
    flatten(entries, "", &mut settings);
    for Setting { key, node } in &settings {
        if has_list(node) {
            let problem = format!(
                "gives `{key}` a list; a case sets one value: move the list to the key itself, or write one case per value"
            );
            return table.bad("set", problem);
        }
        let top = key.split('.').next().unwrap_or_default();
        if matches!(
            top,
            "name" | "why" | "protocol" | "seed" | "experiment" | "case" | "figure"
        ) || key == "load.repeats"
        {
            let problem = format!(
                "sets `{key}`, which all cells share; set a key of target, prepare, load, op or gates"
            );
            return table.bad("set", problem);
        }
    }
    Some(settings)
}

/// Adds all settings of a table. `{ load.sessions = 1 }` without quotes is a table in a table.
fn flatten(table: &Table, path: &str, settings: &mut Vec<Setting>) {
    for (key, node) in table {
        let full = schema::join(path, key);
        match &node.value {
            Value::Table(inner) if has_tables_below(&full) => flatten(inner, &full, settings),
            _ => settings.push(Setting {
                node: marked(node),
                key: full,
            }),
        }
    }
}

/// Whether the key at `path` is a table of the file, and not a value that has the form of a table.
fn has_tables_below(path: &str) -> bool {
    let parts: Vec<&str> = path.split('.').collect();
    matches!(
        parts.as_slice(),
        [_] | ["op" | "gates" | "fault", _] | ["load", "phase"] | ["load", "phase", _]
    )
}

/// Returns the value with the place of a case.
fn marked(node: &Node) -> Node {
    let place = match &node.place {
        Place::Line { file, line } => Place::Case {
            file: file.clone(),
            line: *line,
        },
        other => other.clone(),
    };
    let value = match &node.value {
        Value::Table(table) => {
            let entries = table
                .iter()
                .map(|(key, inner)| (key.clone(), marked(inner)));
            Value::Table(entries.collect())
        }
        Value::List(items) => Value::List(items.iter().map(marked).collect()),
        other => other.clone(),
    };
    Node { value, place }
}

fn read_search(table: &Section<'_>) -> Read<SearchPlan> {
    let p50_ms = limit_ms(table, "p50");
    let p90_ms = limit_ms(table, "p90");
    let p99_ms = limit_ms(table, "p99");
    let p999_ms = limit_ms(table, "p999");
    let error_ratio = table.number("errors", limits::RATIO);
    let from_per_s = table.number("from", limits::RATE_PER_S);
    let up_to_per_s = table.number("up_to", limits::RATE_PER_S);
    let precision = table.number("precision", limits::PRECISION);
    let runs_max = table.integer("max_runs", limits::SEARCH_RUNS, SEARCH_RUNS);
    let search = SearchPlan {
        p50_ms: p50_ms?,
        p90_ms: p90_ms?,
        p99_ms: p99_ms?,
        p999_ms: p999_ms?,
        error_ratio: error_ratio?,
        from_per_s: from_per_s?.unwrap_or(FROM_PER_S),
        up_to_per_s: up_to_per_s?.unwrap_or(*limits::RATE_PER_S.end()),
        precision: precision?.unwrap_or(PRECISION),
        runs_max: runs_max?,
    };
    if search.from_per_s > search.up_to_per_s {
        let problem = format!(
            "is {}, above `up_to` = {}; lower it",
            search.from_per_s, search.up_to_per_s
        );
        return table.bad("from", problem);
    }
    Some(search)
}

/// Reads a limit of a response time in milliseconds. It may be shorter than one.
fn limit_ms(table: &Section<'_>, key: &str) -> Read<Option<f64>> {
    let Some(node) = table.find(key)? else {
        return Some(None);
    };
    let time = match &node.value {
        Value::Text(text) => humantime::parse_duration(text.trim()).ok(),
        _ => None,
    };
    let Some(time) = time else {
        let expected = DURATION_FORM.replace("; nothing finer than 1ms", ", us");
        return table.wrong_type(key, node, &expected);
    };
    let ms = Duration::as_secs_f64(&time) * 1_000.0;
    if limits::GATE_MS.contains(&ms) {
        return Some(Some(ms));
    }
    let problem = format!("is {ms} ms; it must be 1us to 1h");
    table.bad(key, problem)
}
