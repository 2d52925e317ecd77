//! Sizes and keys. Their values can be a word, a number, a list or a table.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::ops::RangeInclusive;

use super::problems::Read;
use super::schema;
use super::section::Section;
use super::tree::{Node, Value};
use crate::workload::limits;
use crate::workload::plan::{KeyChoice, SizeChoice};

const KEYS_FORM: &str = "\"uniform\", \"sequential\", \"per_session\", \"zipf\" or { zipf = 0.99 }";

/// Exponent of `"zipf"` without a number; YCSB uses the same.
const ZIPF_EXPONENT: f64 = 0.99;

/// Reads a size, a range or a choice of sizes under `key`.
pub(super) fn size_choice(
    table: &Section<'_>,
    key: &str,
    limit: &RangeInclusive<u64>,
) -> Read<Option<SizeChoice>> {
    let Some(node) = table.find(key)? else {
        return Some(None);
    };
    let choice = match &node.value {
        Value::Integer(_) | Value::Text(_) => SizeChoice::Fixed(one_size(table, key, node, limit)?),
        Value::Table(_) => size_table(table, key, limit)?,
        Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) | Value::List(_) => {
            let expected = "a size such as 100 or \"1KiB\", a range { min = 10, max = 1000 } or a choice { one_of = [100, \"1KiB\"] }";
            return table.wrong_type(key, node, expected);
        }
    };
    Some(Some(choice))
}

fn size_table(table: &Section<'_>, key: &str, limit: &RangeInclusive<u64>) -> Read<SizeChoice> {
    let range = table.section(key, &schema::SIZE)?;
    if let Some(node) = range.find("one_of")? {
        if range.has("min") || range.has("max") {
            let problem = "has `one_of` and a range; remove one of them";
            return table.bad(key, problem);
        }
        return one_of(&range, node, limit);
    }
    let end = |name: &str| match range.find(name)? {
        Some(node) => one_size(&range, name, node, limit),
        None => table.bad(
            key,
            format!("has no `{name}`; write {{ min = 10, max = 1000 }}"),
        ),
    };
    let (min, max) = (end("min"), end("max"));
    let (min, max) = (min?, max?);
    if min > max {
        let problem = format!("has min {min} above max {max}; swap them");
        return table.bad(key, problem);
    }
    Some(SizeChoice::Uniform(min, max))
}

fn one_of(range: &Section<'_>, node: &Node, limit: &RangeInclusive<u64>) -> Read<SizeChoice> {
    let Value::List(items) = &node.value else {
        return range.wrong_type("one_of", node, "a list of sizes such as [100, \"1KiB\"]");
    };
    if items.is_empty() || items.len() > limits::SIZES {
        let problem = format!("must list 1 to {} sizes", limits::SIZES);
        return range.bad("one_of", problem);
    }
    // All sizes are read first, so that every wrong one is reported.
    let sizes: Vec<Read<u32>> = items
        .iter()
        .map(|item| one_size(range, "one_of", item, limit))
        .collect();
    Some(SizeChoice::OneOf(sizes.into_iter().collect::<Read<_>>()?))
}

fn one_size(table: &Section<'_>, key: &str, node: &Node, limit: &RangeInclusive<u64>) -> Read<u32> {
    let size = table.size_bytes(key, node, limit)?;
    Some(u32::try_from(size).unwrap_or(u32::MAX))
}

/// Reads the choice of keys under `keys`; uniform if the key is absent.
pub(super) fn key_choice(table: &Section<'_>) -> Read<KeyChoice> {
    let Some(node) = table.find("keys")? else {
        return Some(KeyChoice::Uniform);
    };
    match &node.value {
        Value::Text(text) => match text.as_str() {
            "uniform" => Some(KeyChoice::Uniform),
            "sequential" => Some(KeyChoice::Sequential),
            "per_session" => Some(KeyChoice::PerSession),
            "zipf" => Some(KeyChoice::Zipf(ZIPF_EXPONENT)),
            _ => table.wrong_type("keys", node, KEYS_FORM),
        },
        Value::Table(_) => {
            let zipf = table.section("keys", &schema::KEYS)?;
            match zipf.number("zipf", limits::ZIPF)? {
                Some(exponent) => Some(KeyChoice::Zipf(exponent)),
                None => table.wrong_type("keys", node, KEYS_FORM),
            }
        }
        _ => table.wrong_type("keys", node, KEYS_FORM),
    }
}
