//! Compares the keys of a file with the table: which prevent the start, and which are logged.

use super::ConfigError;
use super::properties::Property;
use super::table::{self, Class};

/// Lines to log about a file when the server starts.
pub(super) type Notes = Vec<String>;

/// Removes the prefix `zookeeper.` from the keys. Java would make `zookeeper.zookeeper.key` of such a line, which nothing
/// reads. This server takes it for `key`, so that no demand is overlooked.
pub(super) fn strip_prefixes(file: &str, properties: &mut [Property], notes: &mut Notes) {
    for property in properties {
        if let Some(rest) = property.key.strip_prefix("zookeeper.") {
            let rest = rest.to_owned();
            notes.push(format!(
                "{file}:{}: {} is taken for {rest}; Apache ZooKeeper ignores such a line",
                property.line, property.key
            ));
            property.key = rest;
        }
    }
}

/// Returns notes for keys that are ignored, unknown, repeated or written in UTF-8.
///
/// # Errors
/// All refused keys, each with its line and the reason.
pub(super) fn review(
    file: &str,
    properties: &[Property],
    notes: &mut Notes,
) -> Result<(), ConfigError> {
    let mut refused = Vec::new();
    for (at, property) in properties.iter().enumerate() {
        let Property {
            line, key, value, ..
        } = property;
        if let Some(later) = properties[at + 1..].iter().find(|other| other.key == *key) {
            notes.push(format!(
                "{file}:{line}: {key} is given again in line {}, which counts",
                later.line
            ));
            continue;
        }
        let Some(known) = table::find(key) else {
            let hint = table::nearest(key)
                .map_or_else(String::new, |near| format!("; did you mean {near}?"));
            notes.push(format!(
                "{file}:{line}: {key} is not a key of ZooKeeper 3.9 and is ignored{hint}"
            ));
            continue;
        };
        let reason = known.reason;
        match known.class {
            Class::Honoured if property.looks_like_utf8 => notes.push(format!(
                "{file}:{line}: {key} is read as {:?}: the file is ISO-8859-1, as in Java; \
                 write \\uHHHH for characters that it does not have",
                property.shown_value()
            )),
            Class::Honoured => {}
            _ if known.is_harmless(value) => {}
            Class::Refused => refused.push(format!(
                "{file}:{line}: {key}={}: {reason}; remove the line if that is acceptable",
                property.shown_value()
            )),
            Class::Ignored => notes.push(format!("{file}:{line}: {key} is ignored: {reason}")),
        }
    }
    if refused.is_empty() {
        Ok(())
    } else {
        Err(ConfigError::Refused(refused))
    }
}
