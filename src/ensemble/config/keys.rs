//! Typed access to the honoured keys of one file.

use std::path::PathBuf;

use super::properties::Property;
use super::table::{self, Class};
use super::{ConfigError, Server};

/// The properties of a file, after the review.
pub(super) struct Keys<'a> {
    pub(super) file: &'a str,
    pub(super) properties: &'a [Property],
}

impl Keys<'_> {
    /// Returns the line with this key, the last one if there are several.
    pub(super) fn find(&self, key: &str) -> Option<&Property> {
        debug_assert_eq!(
            table::find(key).map(|known| known.class),
            Some(Class::Honoured),
            "the table must say that {key} is honoured"
        );
        self.properties
            .iter()
            .rev()
            .find(|property| property.key == key)
    }

    pub(super) fn bad(&self, property: &Property, expected: &str) -> ConfigError {
        ConfigError::Value {
            file: self.file.to_owned(),
            line: property.line,
            key: property.key.clone(),
            value: property.shown_value().to_owned(),
            expected: expected.to_owned(),
        }
    }

    pub(super) fn whole(&self, problem: &str) -> ConfigError {
        ConfigError::Whole {
            file: self.file.to_owned(),
            problem: problem.to_owned(),
        }
    }

    /// Returns all server lines, sorted by id.
    pub(super) fn servers(&self) -> Result<Vec<Server>, ConfigError> {
        let mut servers: Vec<Server> = Vec::new();
        for property in self.properties {
            let Some(id) = property.key.strip_prefix("server.") else {
                continue;
            };
            let server = Server::parse(id, &property.value)
                .map_err(|expected| self.bad(property, &expected))?;
            if servers.iter().any(|other| other.id == server.id) {
                return Err(self.bad(property, "another line has the same number"));
            }
            servers.push(server);
        }
        servers.sort_by_key(|server| server.id);
        Ok(servers)
    }

    /// Reads a whole number within bounds, decimal or, as Java's system properties may be, hexadecimal.
    pub(super) fn number(&self, key: &str, min: u64, max: u64) -> Result<Option<u64>, ConfigError> {
        let Some(property) = self.find(key) else {
            return Ok(None);
        };
        let parsed = match property.value.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => property.value.parse(),
        };
        match parsed {
            Ok(value) if (min..=max).contains(&value) => Ok(Some(value)),
            _ => Err(self.bad(
                property,
                &format!("expected a whole number from {min} to {max}"),
            )),
        }
    }

    /// Reads the path of a folder or a file.
    pub(super) fn path(&self, key: &str) -> Result<Option<PathBuf>, ConfigError> {
        match self.find(key) {
            Some(property) if property.value.is_empty() => {
                Err(self.bad(property, "expected a path"))
            }
            found => Ok(found.map(|property| PathBuf::from(&property.value))),
        }
    }

    /// Reads a number. Returns `None` if the line is missing or the value is -1.
    pub(super) fn number_or_unset(
        &self,
        key: &str,
        min: u64,
        max: u64,
    ) -> Result<Option<u64>, ConfigError> {
        match self.find(key) {
            Some(property) if property.value == "-1" => Ok(None),
            _ => self.number(key, min, max),
        }
    }

    pub(super) fn flag(&self, key: &str, yes: &str, no: &str) -> Result<Option<bool>, ConfigError> {
        let Some(property) = self.find(key) else {
            return Ok(None);
        };
        if property.value.eq_ignore_ascii_case(yes) {
            Ok(Some(true))
        } else if property.value.eq_ignore_ascii_case(no) {
            Ok(Some(false))
        } else {
            Err(self.bad(property, &format!("expected {yes} or {no}")))
        }
    }

    /// Returns the smallest and the largest session timeout, ms.
    pub(super) fn session_timeouts(&self, tick_ms: u64) -> Result<(i32, i32), ConfigError> {
        let limit = |key: &str, default: u64| -> Result<i32, ConfigError> {
            let given = self.number_or_unset(key, 1, 1 << 30)?;
            Ok(i32::try_from(given.unwrap_or(default)).unwrap_or(i32::MAX))
        };
        let min = limit("minSessionTimeout", 2 * tick_ms)?;
        let max = limit("maxSessionTimeout", 20 * tick_ms)?;
        match self
            .find("minSessionTimeout")
            .or_else(|| self.find("maxSessionTimeout"))
        {
            Some(property) if min > max => {
                let expected =
                    format!("the smallest session timeout, {min}, exceeds the largest, {max}");
                Err(self.bad(property, &expected))
            }
            _ => Ok((min, max)),
        }
    }
}
