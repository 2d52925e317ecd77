//! A parsed TOML document in which every value has the place where it was written.
//!
//! The tree of the `toml` crate borrows the text and cannot say whether a value came from the file
//! or from an override. This tree owns its strings, so that overrides can be added to it and an
//! error still names the origin of the value.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use crate::workload::error::{Place, WorkloadError};

pub(super) type Table = BTreeMap<String, Node>;

/// A value and where it was written.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) place: Place,
}

/// A TOML value. Integers have room for every unsigned 64-bit seed.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    Integer(i128),
    Float(f64),
    Boolean(bool),
    Datetime(String),
    List(Vec<Node>),
    Table(Table),
}

impl Value {
    /// Returns the value in words for error messages: `the string "x"`.
    pub(super) fn in_words(&self) -> String {
        match self {
            Self::Text(text) => {
                let shown: String = text.chars().take(40).collect();
                let dots = if shown.len() < text.len() { "..." } else { "" };
                format!("the string {shown:?}{dots}")
            }
            Self::Integer(value) => format!("the integer {value}"),
            Self::Float(value) => format!("the number {value}"),
            Self::Boolean(value) => format!("the boolean {value}"),
            Self::Datetime(value) => format!("the date {value}"),
            Self::List(_) => "a list".to_owned(),
            Self::Table(_) => "a table".to_owned(),
        }
    }
}

/// Maximum number of syntax errors that are reported. A file that is not TOML has one in each line.
const SYNTAX_ERRORS_MAX: usize = 10;

/// Parses a whole file.
///
/// # Errors
/// If the text is not TOML, with all syntax errors.
pub(super) fn parse(file: &str, text: &str) -> Result<Table, WorkloadError> {
    let lines = Lines { file, text };
    let (document, errors) = DeTable::parse_recoverable(text);
    match WorkloadError::of(syntax_problems(&lines, &errors)) {
        Some(error) => Err(error),
        None => convert_table(document.get_ref(), &|offset| lines.place(offset)),
    }
}

/// Returns the first error of each line, because others in the same line often follow from it.
fn syntax_problems(lines: &Lines<'_>, errors: &[toml::de::Error]) -> Vec<WorkloadError> {
    let offset = |error: &toml::de::Error| error.span().map_or(0, |span| span.start);
    let mut sorted: Vec<&toml::de::Error> = errors.iter().collect();
    sorted.sort_by_key(|error| offset(error));
    // An unclosed list extends to the end of the file and makes every line in it wrong.
    let end = lines.text.trim_end().len();
    let swallowed = sorted
        .iter()
        .any(|error| offset(error) >= end && error.message().starts_with("unclosed"));
    let most = if swallowed { 1 } else { SYNTAX_ERRORS_MAX };
    let mut problems: Vec<WorkloadError> = Vec::new();
    for error in sorted {
        let place = lines.place(offset(error));
        if problems.len() < most && problems.last().and_then(WorkloadError::place) != Some(&place) {
            problems.push(WorkloadError::Syntax {
                place,
                problem: one_line(error.message()),
            });
        }
    }
    problems
}

/// Parses the value of an override. Text that is not TOML becomes a string, so that
/// `load.duration=10s` needs no quotes.
pub(super) fn parse_override(text: &str, place: &Place) -> Result<Node, WorkloadError> {
    let text = text.trim();
    match DeValue::parse(text) {
        Ok(value) => convert(value.get_ref(), place.clone(), &|_| place.clone()),
        Err(_) => Ok(Node {
            value: Value::Text(text.to_owned()),
            place: place.clone(),
        }),
    }
}

/// Converts byte offsets to places.
struct Lines<'a> {
    file: &'a str,
    text: &'a str,
}

impl Lines<'_> {
    fn place(&self, offset: usize) -> Place {
        let before = self.text.as_bytes().iter().take(offset);
        let breaks = before.filter(|byte| **byte == b'\n').count();
        Place::Line {
            file: self.file.to_owned(),
            line: u32::try_from(breaks).unwrap_or(u32::MAX).saturating_add(1),
        }
    }
}

fn convert_table(
    table: &DeTable<'_>,
    place_of: &dyn Fn(usize) -> Place,
) -> Result<Table, WorkloadError> {
    let mut entries = Table::new();
    for (key, value) in table {
        let node = convert(value.get_ref(), place_of(key.span().start), place_of)?;
        entries.insert(key.get_ref().to_string(), node);
    }
    Ok(entries)
}

fn convert(
    value: &DeValue<'_>,
    place: Place,
    place_of: &dyn Fn(usize) -> Place,
) -> Result<Node, WorkloadError> {
    let value = match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(integer) => {
            match i128::from_str_radix(integer.as_str(), integer.radix()) {
                Ok(value) => Value::Integer(value),
                Err(_) => return Err(not_a_number(place, integer.as_str())),
            }
        }
        DeValue::Float(float) => match float.as_str().parse() {
            Ok(value) => Value::Float(value),
            Err(_) => return Err(not_a_number(place, float.as_str())),
        },
        DeValue::Boolean(value) => Value::Boolean(*value),
        DeValue::Datetime(value) => Value::Datetime(value.to_string()),
        DeValue::Array(items) => {
            let mut nodes = Vec::with_capacity(items.len());
            for item in items.iter() {
                let at = place_of(item.span().start);
                nodes.push(convert(item.get_ref(), at, place_of)?);
            }
            Value::List(nodes)
        }
        DeValue::Table(table) => Value::Table(convert_table(table, place_of)?),
    };
    Ok(Node { value, place })
}

fn not_a_number(place: Place, text: &str) -> WorkloadError {
    WorkloadError::Syntax {
        place,
        problem: format!("{text} is not a number that can be represented"),
    }
}

fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_point_at_keys_headers_and_items() {
        let text = "a = 1\n\n[t]\nb = [\n  2,\n  3,\n]\n[[o]]\nk = 1\n[[o]]\nk = 2\n";
        let root = parse("f.toml", text).unwrap();
        let line = |node: &Node| node.place.to_string();
        assert_eq!(line(&root["a"]), "f.toml:1");
        assert_eq!(line(&root["t"]), "f.toml:3");
        let Value::Table(t) = &root["t"].value else {
            panic!("t is a table")
        };
        assert_eq!(line(&t["b"]), "f.toml:4");
        let Value::List(items) = &t["b"].value else {
            panic!("b is a list")
        };
        assert_eq!(line(&items[1]), "f.toml:6");
        let Value::List(ops) = &root["o"].value else {
            panic!("o is a list")
        };
        assert_eq!(line(&ops[1]), "f.toml:10");
    }

    #[test]
    fn syntax_errors_name_the_line_on_one_line() {
        let error = parse("f.toml", "a = 1\nb = \n").unwrap_err().to_string();
        assert!(error.starts_with("f.toml:2: not valid TOML: "), "{error}");
        assert!(!error.contains('\n'));
        let twice = parse("f.toml", "a = 1\na = 2\n").unwrap_err().to_string();
        assert!(
            twice.starts_with("f.toml:2: not valid TOML: duplicate key"),
            "{twice}"
        );
    }

    #[test]
    fn the_value_of_an_override_is_toml_or_a_string() {
        let place = Place::Override("k=v".to_owned());
        let words = |text: &str| parse_override(text, &place).unwrap().value.in_words();
        assert_eq!(words("2000"), "the integer 2000");
        assert_eq!(words("10s"), "the string \"10s\"");
        assert_eq!(words("true"), "the boolean true");
        assert_eq!(words("{zipf=0.9}"), "a table");
        assert_eq!(
            words("18446744073709551615"),
            "the integer 18446744073709551615"
        );
    }
}
