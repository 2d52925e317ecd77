//! Sizes and keys: the two values of a workload file that can be a word, a number, a list or a table.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::schema;
use super::section::Section;
use super::tree::{Node, Value};
use crate::workload::error::WorkloadError;
use crate::workload::limits;
use crate::workload::plan::{KeyChoice, SizeChoice};

const KEYS_FORM: &str = "\"uniform\", \"sequential\", \"per_session\", \"zipf\" or { zipf = 0.99 }";

/// Exponent of plain `"zipf"`, the one YCSB made customary.
const ZIPF_EXPONENT: f64 = 0.99;

/// A size, a range or a list of sizes under `key`.
pub(super) fn size_choice(
    table: &Section<'_>,
    key: &str,
) -> Result<Option<SizeChoice>, WorkloadError> {
    let Some(node) = table.node(key) else {
        return Ok(None);
    };
    let choice = match &node.value {
        Value::Integer(_) | Value::Text(_) => SizeChoice::Fixed(one_size(table, key, node)?),
        Value::Table(_) => size_range(table, key)?,
        Value::List(items) => {
            if items.is_empty() || items.len() > limits::SIZES {
                let problem = format!("must list 1 to {} sizes", limits::SIZES);
                return Err(table.bad(key, problem));
            }
            let sizes = items.iter().map(|item| one_size(table, key, item));
            SizeChoice::OneOf(sizes.collect::<Result<_, _>>()?)
        }
        Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => {
            let expected = "a size such as 100 or \"1KiB\", a range { min = 10, max = 1000 } or a list [100, \"1KiB\"]";
            return Err(table.wrong_type(key, node, expected));
        }
    };
    Ok(Some(choice))
}

fn size_range(table: &Section<'_>, key: &str) -> Result<SizeChoice, WorkloadError> {
    let range = table.section(key, &schema::SIZE)?;
    let end = |name: &str| match range.node(name) {
        Some(node) => one_size(&range, name, node),
        None => Err(table.bad(
            key,
            format!("has no `{name}`; write {{ min = 10, max = 1000 }}"),
        )),
    };
    let (min, max) = (end("min")?, end("max")?);
    if min > max {
        let problem = format!("has min {min} above max {max}; swap them");
        return Err(table.bad(key, problem));
    }
    Ok(SizeChoice::Uniform(min, max))
}

fn one_size(table: &Section<'_>, key: &str, node: &Node) -> Result<u32, WorkloadError> {
    let size = table.size_bytes(key, node, &limits::SIZE_BYTES)?;
    Ok(u32::try_from(size).unwrap_or(u32::MAX))
}

/// The choice of keys under `keys`, uniform if absent.
pub(super) fn key_choice(table: &Section<'_>) -> Result<KeyChoice, WorkloadError> {
    let Some(node) = table.node("keys") else {
        return Ok(KeyChoice::Uniform);
    };
    match &node.value {
        Value::Text(text) => match text.as_str() {
            "uniform" => Ok(KeyChoice::Uniform),
            "sequential" => Ok(KeyChoice::Sequential),
            "per_session" => Ok(KeyChoice::PerSession),
            "zipf" => Ok(KeyChoice::Zipf(ZIPF_EXPONENT)),
            _ => Err(table.wrong_type("keys", node, KEYS_FORM)),
        },
        Value::Table(_) => {
            let zipf = table.section("keys", &schema::KEYS)?;
            let exponent = zipf.number("zipf", limits::ZIPF)?;
            let exponent = exponent.ok_or_else(|| table.wrong_type("keys", node, KEYS_FORM))?;
            Ok(KeyChoice::Zipf(exponent))
        }
        _ => Err(table.wrong_type("keys", node, KEYS_FORM)),
    }
}
