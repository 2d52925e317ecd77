//! YAML as keeper-bench reads it: a key may occur several times in a mapping, and every occurrence counts.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use saphyr_parser::{Event, Parser};

use super::ImportError;

/// Maximum depth of a file.
const DEPTH_MAX: usize = 64;

/// A value with the line at which it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) value: Value,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Scalar(String),
    List(Vec<Node>),
    /// In the order of the file, with repeated keys.
    Map(Vec<(String, Node)>),
}

impl Node {
    /// Returns the values of all occurrences of `key`.
    pub(super) fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a Self> {
        let entries: &[(String, Self)] = match &self.value {
            Value::Map(entries) => entries,
            Value::Scalar(_) | Value::List(_) => &[],
        };
        entries
            .iter()
            .filter(move |(name, _)| name == key)
            .map(|(_, node)| node)
    }

    /// Returns the value of the first occurrence of `key`.
    pub(super) fn get<'a>(&'a self, key: &'a str) -> Option<&'a Self> {
        self.all(key).next()
    }

    pub(super) fn scalar(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(text) => Some(text),
            Value::List(_) | Value::Map(_) => None,
        }
    }

    /// Returns the keys and values of a mapping; nothing for other values.
    pub(super) fn entries(&self) -> &[(String, Self)] {
        match &self.value {
            Value::Map(entries) => entries,
            Value::Scalar(_) | Value::List(_) => &[],
        }
    }
}

/// Reads the first document of `text`.
///
/// # Errors
/// If it is not YAML, uses aliases, or is nested too deeply.
pub(super) fn parse(name: &str, text: &str) -> Result<Node, ImportError> {
    let mut events = Parser::new_from_str(text);
    let root = node(name, &mut events, 0)?;
    Ok(root.unwrap_or(Node {
        line: 1,
        value: Value::Map(Vec::new()),
    }))
}

/// Reads the next node. Returns `None` at the end of a collection or of the document.
fn node(
    name: &str,
    events: &mut Parser<'_, saphyr_parser::StrInput<'_>>,
    depth: usize,
) -> Result<Option<Node>, ImportError> {
    let syntax = |line: usize, problem: String| ImportError::Syntax {
        name: name.to_owned(),
        line,
        problem,
    };
    loop {
        let Some(event) = events.next() else {
            return Ok(None);
        };
        let (event, span) =
            event.map_err(|error| syntax(error.marker().line(), error.info().to_owned()))?;
        let line = span.start.line();
        if depth > DEPTH_MAX {
            return Err(syntax(line, format!("more than {DEPTH_MAX} levels")));
        }
        let value = match event {
            Event::Scalar(text, ..) => Value::Scalar(text.into_owned()),
            Event::SequenceStart(..) => {
                let mut list = Vec::new();
                while let Some(item) = node(name, events, depth + 1)? {
                    list.push(item);
                }
                Value::List(list)
            }
            Event::MappingStart(..) => {
                let mut entries = Vec::new();
                while let Some(key) = node(name, events, depth + 1)? {
                    let Value::Scalar(text) = key.value else {
                        return Err(syntax(key.line, "a key is not a word".to_owned()));
                    };
                    let Some(value) = node(name, events, depth + 1)? else {
                        return Err(syntax(key.line, format!("`{text}` has no value")));
                    };
                    entries.push((text, value));
                }
                Value::Map(entries)
            }
            Event::Alias(_) => {
                return Err(syntax(
                    line,
                    "aliases (`*name`) are not supported".to_owned(),
                ));
            }
            Event::SequenceEnd | Event::MappingEnd | Event::DocumentEnd | Event::StreamEnd => {
                return Ok(None);
            }
            Event::Nothing | Event::StreamStart | Event::DocumentStart(_) => continue,
        };
        return Ok(Some(Node { line, value }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_keys_are_kept_in_order() {
        let root = parse("f", "a:\n  n: 1\n  n: [2, 3]\nb: x\n").unwrap();
        let a = root.get("a").unwrap();
        let all: Vec<&Node> = a.all("n").collect();
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].scalar(), Some("1"));
        assert_eq!(all[1].line, 3);
        assert_eq!(root.get("b").unwrap().scalar(), Some("x"));
    }

    #[test]
    fn errors_name_the_line() {
        let error = parse("f.yaml", "a: 1\nb: [1,\n").unwrap_err().to_string();
        assert!(error.starts_with("f.yaml, line "), "{error}");
        let error = parse("f.yaml", "a: &x 1\nb: *x\n").unwrap_err().to_string();
        assert!(
            error.contains("line 2") && error.contains("aliases"),
            "{error}"
        );
        let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
        assert!(parse("f", &deep).is_err());
    }
}
