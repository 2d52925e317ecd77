//! Values of keys that only the plan's protocol defines.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::plan::SizeChoice;

/// The values of a table's keys that belong to the protocol, by key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Values(BTreeMap<String, Value>);

/// A value of a key that belongs to a protocol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    Boolean(bool),
    Integer(u64),
    Text(String),
    /// A choice of sizes in bytes.
    Size(SizeChoice),
    /// The key has no value and no default.
    Unset,
}

impl Values {
    pub fn set(&mut self, key: &str, value: impl Into<Value>) {
        self.0.insert(key.to_owned(), value.into());
    }

    /// Returns the values with `key` set.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.set(key, value);
        self
    }

    /// Returns the value of `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// Whether `key` is set and true.
    #[must_use]
    pub fn boolean(&self, key: &str) -> bool {
        self.get(key) == Some(&Value::Boolean(true))
    }

    /// Returns the integer under `key`.
    #[must_use]
    pub fn integer(&self, key: &str) -> Option<u64> {
        match self.get(key)? {
            Value::Integer(value) => Some(*value),
            _ => None,
        }
    }

    /// Returns the text under `key`.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.get(key)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the choice of sizes under `key`.
    #[must_use]
    pub fn size(&self, key: &str) -> Option<&SizeChoice> {
        match self.get(key)? {
            Value::Size(size) => Some(size),
            _ => None,
        }
    }

    /// Returns keys and values by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Integer(value)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Integer(u64::from(value))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<SizeChoice> for Value {
    fn from(size: SizeChoice) -> Self {
        Self::Size(size)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Unset, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_another_type_reads_as_none() {
        let values = Values::default().with("a", 1_u64).with("b", true);
        assert_eq!((values.integer("a"), values.integer("b")), (Some(1), None));
        assert_eq!((values.boolean("a"), values.boolean("b")), (false, true));
        assert_eq!((values.text("a"), values.size("c")), (None, None));
    }
}
