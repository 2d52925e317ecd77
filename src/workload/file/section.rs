//! One table of the file, read key by key with type, range and default.
//!
//! serde alone cannot report all problems at once, each with its line, the nearest key and
//! synonyms.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt;
use std::ops::RangeInclusive;

use super::choices::size_choice;
use super::problems::{Problems, Read};
use super::schema::{self, Shape};
use super::tree::{Node, Table, Value};
use super::units::{
    DURATION_FORM, SHORT_DURATION_FORM, SIZE_FORM, format_duration, format_duration_us,
    parse_duration_ms, parse_duration_us, parse_size_bytes,
};
use crate::workload::error::{Place, WorkloadError};
use crate::workload::plan::SizeChoice;
use crate::workload::vocabulary::Vocabulary;

static EMPTY: Table = Table::new();

/// A table of the file. A table that the file leaves out is empty.
pub struct Section<'a> {
    /// The full path with indices: `op.0`.
    path: String,
    table: &'a Table,
    place: Place,
    shape: &'static Shape,
    vocabulary: &'static dyn Vocabulary,
    problems: &'a Problems,
}

impl fmt::Debug for Section<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Section")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl<'a> Section<'a> {
    /// Makes a section of the whole document. Like every constructor here, it reports unknown keys.
    pub(super) fn root(
        file: &str,
        table: &'a Table,
        vocabulary: &'static dyn Vocabulary,
        problems: &'a Problems,
    ) -> Self {
        let place = Place::Line {
            file: file.to_owned(),
            line: 1,
        };
        let root = Self {
            path: String::new(),
            table,
            place,
            shape: &schema::ROOT,
            vocabulary,
            problems,
        };
        root.note_unknown_keys();
        root
    }

    /// Returns the table under `key`.
    pub(super) fn section(&self, key: &str, shape: &'static Shape) -> Read<Self> {
        match self.find(key)? {
            None => Some(Self {
                path: self.path_of(key),
                table: &EMPTY,
                place: self.place.clone(),
                shape,
                vocabulary: self.vocabulary,
                problems: self.problems,
            }),
            Some(node) => self.table_at(self.path_of(key), node, shape),
        }
    }

    /// Returns the tables of the list under `key` (`[[op]]`); empty if the key is absent. An entry
    /// that is no table becomes `None`.
    pub(super) fn sections(&self, key: &str, shape: &'static Shape) -> Read<Vec<Read<Self>>> {
        let path = self.path_of(key);
        let Some(node) = self.find(key)? else {
            return Some(Vec::new());
        };
        let Value::List(items) = &node.value else {
            let expected = format!("a list of tables, each written as [[{path}]]");
            return self.wrong_type(key, node, &expected);
        };
        let items = items.iter().enumerate();
        let tables = items.map(|(i, item)| self.table_at(format!("{path}.{i}"), item, shape));
        Some(tables.collect())
    }

    fn table_at(&self, path: String, node: &'a Node, shape: &'static Shape) -> Read<Self> {
        let Value::Table(table) = &node.value else {
            return self.problems.note(WorkloadError::WrongType {
                place: node.place.clone(),
                expected: format!("a table with the keys {}", shape.keys.join(", ")),
                found: node.value.in_words(),
                key: path,
            });
        };
        let section = Self {
            path,
            table,
            place: node.place.clone(),
            shape,
            vocabulary: self.vocabulary,
            problems: self.problems,
        };
        section.note_unknown_keys();
        Some(section)
    }

    fn note_unknown_keys(&self) {
        for (key, node) in self.table {
            if self.shape.keys.contains(&key.as_str()) || self.is_label(key, node) {
                continue;
            }
            let advice = schema::advice(self.shape, key, self.vocabulary);
            if let Some((shape, meant)) = advice.meant {
                if shape.path != self.shape.path {
                    self.problems.presume(schema::join(shape.path, meant));
                } else if !self.has(meant) {
                    self.settle(meant);
                }
            }
            self.problems.note::<()>(WorkloadError::UnknownKey {
                place: node.place.clone(),
                key: self.path_of(key),
                hint: advice.text,
            });
        }
    }

    /// Whether `key` is the label of an operation, which only tables in the gates may have, and not
    /// an ordinary key.
    fn is_label(&self, key: &str, node: &Node) -> bool {
        let is_table = matches!(node.value, Value::Table(_));
        is_table && *self.shape == schema::GATES && !self.shape.keys.contains(&key)
    }

    /// Returns the labels of the operations that have a table here.
    pub(super) fn tables(&self) -> impl Iterator<Item = &'a str> {
        let labels = self
            .table
            .iter()
            .filter(|(key, node)| self.is_label(key, node));
        labels.map(|(key, _)| key.as_str())
    }

    /// Returns the value under `key`, if the file has one; `None` if the key was reported already.
    pub(super) fn find(&self, key: &str) -> Read<Option<&'a Node>> {
        if self.is_settled(key) {
            return None;
        }
        Some(self.node(key))
    }

    /// Marks `key` as reported. Reading it returns `None` from now on.
    pub fn settle(&self, key: &str) {
        self.problems.settle(self.path_of(key));
    }

    /// Whether `key` was reported, or is missing because it was written in the wrong place.
    pub(super) fn is_settled(&self, key: &str) -> bool {
        let presumed = || {
            self.problems
                .is_presumed(&schema::join(self.shape.path, key))
        };
        self.problems.is_settled(&self.path_of(key)) || (!self.has(key) && presumed())
    }

    /// Returns the value under `key`, if the file has one.
    pub(super) fn node(&self, key: &str) -> Option<&'a Node> {
        self.table.get(key)
    }

    /// Whether the file has `key`.
    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Returns the full path of `key`.
    pub(super) fn path_of(&self, key: &str) -> String {
        schema::join(&self.path, key)
    }

    /// Returns where `key` was written, or the place of the table's header.
    pub(super) fn place_of(&self, key: &str) -> Place {
        self.node(key)
            .map_or_else(|| self.place.clone(), |node| node.place.clone())
    }

    /// Reports a problem with the value of `key`.
    pub fn bad<T>(&self, key: &str, problem: impl Into<String>) -> Read<T> {
        self.problems.note(WorkloadError::BadValue {
            place: self.place_of(key),
            key: self.path_of(key),
            problem: problem.into(),
        })
    }

    /// Reports a problem with several keys or a missing one. `key` determines the place.
    pub fn inconsistent<T>(&self, key: &str, problem: impl Into<String>) -> Read<T> {
        self.problems.note(WorkloadError::Inconsistent {
            place: self.place_of(key),
            problem: problem.into(),
        })
    }

    /// Reports that `key` has the wrong type.
    pub(super) fn wrong_type<T>(&self, key: &str, node: &Node, expected: &str) -> Read<T> {
        self.problems.note(WorkloadError::WrongType {
            place: node.place.clone(),
            key: self.path_of(key),
            expected: expected.to_owned(),
            found: node.value.in_words(),
        })
    }

    /// Reads the text under `key`, if the file has one.
    pub fn text(&self, key: &str) -> Read<Option<&'a str>> {
        let Some(node) = self.find(key)? else {
            return Some(None);
        };
        match &node.value {
            Value::Text(text) => Some(Some(text.as_str())),
            _ => self.wrong_type(key, node, "a string"),
        }
    }

    /// Reads the boolean under `key`.
    pub fn boolean(&self, key: &str, default: bool) -> Read<bool> {
        let Some(node) = self.find(key)? else {
            return Some(default);
        };
        match &node.value {
            Value::Boolean(value) => Some(*value),
            _ => self.wrong_type(key, node, "true or false"),
        }
    }

    /// Reads the integer under `key` and checks it against `limit`.
    pub fn integer<T: TryFrom<u64>>(
        &self,
        key: &str,
        limit: RangeInclusive<u64>,
        default: T,
    ) -> Read<T> {
        Some(self.optional_integer(key, limit)?.unwrap_or(default))
    }

    /// Reads the integer under `key`, if the file has one, and checks it against `limit`.
    pub fn optional_integer<T: TryFrom<u64>>(
        &self,
        key: &str,
        limit: RangeInclusive<u64>,
    ) -> Read<Option<T>> {
        let Some(node) = self.find(key)? else {
            return Some(None);
        };
        let Value::Integer(value) = node.value else {
            return self.wrong_type(key, node, "an integer");
        };
        let narrow = u64::try_from(value)
            .ok()
            .filter(|value| limit.contains(value));
        match narrow.and_then(|value| T::try_from(value).ok()) {
            Some(value) => Some(Some(value)),
            None => {
                let (from, to) = (limit.start(), limit.end());
                self.bad(key, format!("is {value}; it must be {from} to {to}"))
            }
        }
    }

    /// Reads a size, a range or a list of sizes under `key`, if the file has one.
    pub fn size(&self, key: &str) -> Read<Option<SizeChoice>> {
        size_choice(self, key, &self.vocabulary.size_bytes())
    }

    /// Reads a number and checks it against `limit`. Integers are numbers too.
    pub fn number(&self, key: &str, limit: RangeInclusive<f64>) -> Read<Option<f64>> {
        let Some(node) = self.find(key)? else {
            return Some(None);
        };
        let value = match &node.value {
            Value::Float(value) => *value,
            #[expect(
                clippy::cast_precision_loss,
                reason = "every limit lies far below 2^53, so what is inexact is refused"
            )]
            Value::Integer(value) => *value as f64,
            _ => return self.wrong_type(key, node, "a number"),
        };
        if limit.contains(&value) {
            return Some(Some(value));
        }
        let (from, to) = (limit.start(), limit.end());
        self.bad(key, format!("is {value}; it must be {from} to {to}"))
    }

    /// Reads a duration in milliseconds and checks it against `limit_ms`.
    pub fn duration_ms(&self, key: &str, limit_ms: RangeInclusive<u64>) -> Read<Option<u64>> {
        let Some(node) = self.find(key)? else {
            return Some(None);
        };
        let ms = match &node.value {
            Value::Text(text) => parse_duration_ms(text),
            _ => None,
        };
        let Some(ms) = ms else {
            return self.wrong_type(key, node, DURATION_FORM);
        };
        if limit_ms.contains(&ms) {
            return Some(Some(ms));
        }
        let (from, to) = (
            format_duration(*limit_ms.start()),
            format_duration(*limit_ms.end()),
        );
        self.bad(
            key,
            format!("is {}; it must be {from} to {to}", format_duration(ms)),
        )
    }

    /// Reads a short duration in microseconds and checks it against `limit_us`.
    pub(super) fn duration_us(
        &self,
        key: &str,
        limit_us: RangeInclusive<u64>,
    ) -> Read<Option<u64>> {
        let Some(node) = self.find(key)? else {
            return Some(None);
        };
        let us = match &node.value {
            Value::Text(text) => parse_duration_us(text),
            _ => None,
        };
        let Some(us) = us else {
            return self.wrong_type(key, node, SHORT_DURATION_FORM);
        };
        if limit_us.contains(&us) {
            return Some(Some(us));
        }
        let [is, from, to] = [us, *limit_us.start(), *limit_us.end()].map(format_duration_us);
        self.bad(key, format!("is {is}; it must be {from} to {to}"))
    }

    /// Reads a size in bytes and checks it against `limit`.
    pub(super) fn size_bytes(
        &self,
        key: &str,
        node: &Node,
        limit: &RangeInclusive<u64>,
    ) -> Read<u64> {
        let size = match &node.value {
            Value::Integer(value) => u64::try_from(*value).ok(),
            Value::Text(text) => match parse_size_bytes(text) {
                None => return self.wrong_type(key, node, SIZE_FORM),
                some => some,
            },
            _ => return self.wrong_type(key, node, SIZE_FORM),
        };
        match size.filter(|size| limit.contains(size)) {
            Some(size) => Some(size),
            None => {
                let (from, to) = (limit.start(), limit.end());
                let is = node.value.in_words();
                self.bad(key, format!("is {is}; it must be {from} to {to} bytes"))
            }
        }
    }
}
