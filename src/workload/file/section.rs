//! One table of the file, read key by key with type, range and default.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::ops::RangeInclusive;

use super::schema::{self, Shape};
use super::tree::{Node, Table, Value};
use super::units::{
    DURATION_FORM, SIZE_FORM, format_duration, parse_duration_ms, parse_size_bytes,
};
use crate::workload::error::{Place, WorkloadError};

type Read<T> = Result<T, WorkloadError>;

static EMPTY: Table = Table::new();

/// A table of the file; one that the file leaves out reads as empty.
pub(super) struct Section<'a> {
    /// Full path, with indices: `op.0`.
    path: String,
    table: &'a Table,
    place: Place,
}

impl<'a> Section<'a> {
    /// The whole document.
    ///
    /// # Errors
    /// On an unknown key, as in every constructor here.
    pub(super) fn root(file: &str, table: &'a Table) -> Read<Self> {
        let place = Place::Line {
            file: file.to_owned(),
            line: 1,
        };
        Self::checked(String::new(), table, place, &schema::ROOT)
    }

    /// The table under `key`.
    pub(super) fn section(&self, key: &str, shape: &Shape) -> Read<Self> {
        match self.node(key) {
            None => Ok(Self {
                path: self.path_of(key),
                table: &EMPTY,
                place: self.place.clone(),
            }),
            Some(node) => self.table_at(self.path_of(key), node, shape),
        }
    }

    /// The tables of the list under `key` (`[[op]]`), empty if the key is absent.
    pub(super) fn sections(&self, key: &str, shape: &Shape) -> Read<Vec<Self>> {
        let path = self.path_of(key);
        let Some(node) = self.node(key) else {
            return Ok(Vec::new());
        };
        let Value::List(items) = &node.value else {
            let expected = format!("a list of tables, each written as [[{path}]]");
            return Err(self.wrong_type(key, node, &expected));
        };
        let items = items.iter().enumerate();
        let tables = items.map(|(i, item)| self.table_at(format!("{path}.{i}"), item, shape));
        tables.collect()
    }

    fn table_at(&self, path: String, node: &'a Node, shape: &Shape) -> Read<Self> {
        match &node.value {
            Value::Table(table) => Self::checked(path, table, node.place.clone(), shape),
            other => Err(WorkloadError::WrongType {
                place: node.place.clone(),
                expected: format!("a table with the keys {}", shape.keys.join(", ")),
                found: other.in_words(),
                key: path,
            }),
        }
    }

    fn checked(path: String, table: &'a Table, place: Place, shape: &Shape) -> Read<Self> {
        let unknown = table
            .iter()
            .filter(|(key, _)| !shape.keys.contains(&key.as_str()));
        let first = unknown.min_by_key(|(_, node)| match &node.place {
            Place::Line { line, .. } => *line,
            Place::Override(_) => u32::MAX,
        });
        match first {
            None => Ok(Self { path, table, place }),
            Some((key, node)) => Err(WorkloadError::UnknownKey {
                place: node.place.clone(),
                key: schema::join(&path, key),
                hint: schema::hint(shape, key),
            }),
        }
    }

    /// The value under `key`, if the file has one.
    pub(super) fn node(&self, key: &str) -> Option<&'a Node> {
        self.table.get(key)
    }

    /// Whether the file has `key`.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// The full path of `key`.
    pub(super) fn path_of(&self, key: &str) -> String {
        schema::join(&self.path, key)
    }

    /// Where `key` was written, or else the table's header.
    pub(super) fn place_of(&self, key: &str) -> Place {
        self.node(key)
            .map_or_else(|| self.place.clone(), |node| node.place.clone())
    }

    /// An error about the value of `key`.
    pub(super) fn bad(&self, key: &str, problem: impl Into<String>) -> WorkloadError {
        WorkloadError::BadValue {
            place: self.place_of(key),
            key: self.path_of(key),
            problem: problem.into(),
        }
    }

    /// An error about several keys, or a missing one; `key` says where.
    pub(super) fn inconsistent(&self, key: &str, problem: impl Into<String>) -> WorkloadError {
        WorkloadError::Inconsistent {
            place: self.place_of(key),
            problem: problem.into(),
        }
    }

    /// An error about the type of `key`.
    pub(super) fn wrong_type(&self, key: &str, node: &Node, expected: &str) -> WorkloadError {
        WorkloadError::WrongType {
            place: node.place.clone(),
            key: self.path_of(key),
            expected: expected.to_owned(),
            found: node.value.in_words(),
        }
    }

    pub(super) fn text(&self, key: &str) -> Read<Option<&'a str>> {
        self.node(key).map_or(Ok(None), |node| match &node.value {
            Value::Text(text) => Ok(Some(text.as_str())),
            _ => Err(self.wrong_type(key, node, "a string")),
        })
    }

    pub(super) fn boolean(&self, key: &str, default: bool) -> Read<bool> {
        self.node(key)
            .map_or(Ok(default), |node| match &node.value {
                Value::Boolean(value) => Ok(*value),
                _ => Err(self.wrong_type(key, node, "true or false")),
            })
    }

    pub(super) fn integer<T: TryFrom<u64>>(
        &self,
        key: &str,
        limit: RangeInclusive<u64>,
        default: T,
    ) -> Read<T> {
        Ok(self.optional_integer(key, limit)?.unwrap_or(default))
    }

    pub(super) fn optional_integer<T: TryFrom<u64>>(
        &self,
        key: &str,
        limit: RangeInclusive<u64>,
    ) -> Read<Option<T>> {
        let Some(node) = self.node(key) else {
            return Ok(None);
        };
        let Value::Integer(value) = node.value else {
            return Err(self.wrong_type(key, node, "an integer"));
        };
        let narrow = u64::try_from(value)
            .ok()
            .filter(|value| limit.contains(value));
        match narrow.and_then(|value| T::try_from(value).ok()) {
            Some(value) => Ok(Some(value)),
            None => {
                let (from, to) = (limit.start(), limit.end());
                Err(self.bad(key, format!("is {value}; it must be {from} to {to}")))
            }
        }
    }

    /// A number within `limit`; integers are numbers too.
    pub(super) fn number(&self, key: &str, limit: RangeInclusive<f64>) -> Read<Option<f64>> {
        let Some(node) = self.node(key) else {
            return Ok(None);
        };
        let value = match &node.value {
            Value::Float(value) => *value,
            #[expect(
                clippy::cast_precision_loss,
                reason = "every limit lies far below 2^53, so what is inexact is refused"
            )]
            Value::Integer(value) => *value as f64,
            _ => return Err(self.wrong_type(key, node, "a number")),
        };
        if limit.contains(&value) {
            return Ok(Some(value));
        }
        let (from, to) = (limit.start(), limit.end());
        Err(self.bad(key, format!("is {value}; it must be {from} to {to}")))
    }

    /// A duration in milliseconds within `limit_ms`.
    pub(super) fn duration_ms(
        &self,
        key: &str,
        limit_ms: RangeInclusive<u64>,
    ) -> Read<Option<u64>> {
        let Some(node) = self.node(key) else {
            return Ok(None);
        };
        let ms = match &node.value {
            Value::Text(text) => parse_duration_ms(text),
            _ => None,
        };
        let ms = ms.ok_or_else(|| self.wrong_type(key, node, DURATION_FORM))?;
        if limit_ms.contains(&ms) {
            return Ok(Some(ms));
        }
        let (from, to) = (
            format_duration(*limit_ms.start()),
            format_duration(*limit_ms.end()),
        );
        Err(self.bad(
            key,
            format!("is {}; it must be {from} to {to}", format_duration(ms)),
        ))
    }

    /// A size in bytes within `limit`.
    pub(super) fn size_bytes(
        &self,
        key: &str,
        node: &Node,
        limit: &RangeInclusive<u64>,
    ) -> Read<u64> {
        let size = match &node.value {
            Value::Integer(value) => u64::try_from(*value).ok(),
            Value::Text(text) => match parse_size_bytes(text) {
                None => return Err(self.wrong_type(key, node, SIZE_FORM)),
                some => some,
            },
            _ => return Err(self.wrong_type(key, node, SIZE_FORM)),
        };
        match size.filter(|size| limit.contains(size)) {
            Some(size) => Ok(size),
            None => {
                let (from, to) = (limit.start(), limit.end());
                let is = node.value.in_words();
                Err(self.bad(key, format!("is {is}; it must be {from} to {to} bytes")))
            }
        }
    }
}
