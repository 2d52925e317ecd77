//! The syntax of `java.util.Properties`, in which `zoo.cfg` is written.
//!
//! A file is ISO-8859-1: each byte is one character. Other characters are written `\uHHHH`. Lines end with
//! LF, CR or CRLF. Only space, tab and form feed are white space.

/// One `key=value` of a file. Key and value are trimmed, as ZooKeeper trims them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Property {
    /// The line on which it begins, from 1.
    pub(super) line: usize,
    pub(super) key: String,
    pub(super) value: String,
    /// Whether the value has bytes that would be other characters in UTF-8.
    pub(super) looks_like_utf8: bool,
}

impl Property {
    /// Returns the value for a message, without secrets.
    pub(super) fn shown_value(&self) -> &str {
        let key = self.key.to_ascii_lowercase();
        let secret = ["password", "passwd", "superdigest"];
        if secret.iter().any(|word| key.contains(word)) && !key.ends_with("path") {
            "(hidden)"
        } else {
            &self.value
        }
    }
}

/// A `\u` without four hexadecimal digits behind it, for which Java refuses the whole file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MalformedEscape {
    pub(super) line: usize,
}

/// Reads all properties of a file, in order. A key may come more than once; in Java the last one counts.
pub(super) fn parse(bytes: &[u8]) -> Result<Vec<Property>, MalformedEscape> {
    let mut properties = parse_untrimmed(bytes)?;
    for Property { key, value, .. } in &mut properties {
        *key = trim(key);
        *value = trim(value);
    }
    Ok(properties)
}

/// Reads all properties of a file in the way of `java.util.Properties`.
fn parse_untrimmed(bytes: &[u8]) -> Result<Vec<Property>, MalformedEscape> {
    let mut properties = Vec::new();
    let mut lines = natural_lines(bytes).into_iter().enumerate().peekable();
    while let Some((at, first)) = lines.next() {
        let first = trim_start(first);
        if first.is_empty() || first.starts_with(b"#") || first.starts_with(b"!") {
            continue;
        }
        let mut logical = first.to_vec();
        while ends_in_continuation(&logical) {
            logical.pop();
            if logical.is_empty() {
                break; // a backslash alone does not continue: the next line begins anew
            }
            let Some((_, next)) = lines.next() else {
                break;
            };
            logical.extend_from_slice(trim_start(next));
        }
        if logical.is_empty() && lines.peek().is_some() {
            continue;
        }
        let line = at + 1;
        let (key, value) = split(&logical);
        let text = |raw| unescape(raw).ok_or(MalformedEscape { line });
        properties.push(Property {
            line,
            key: text(key)?,
            value: text(value)?,
            looks_like_utf8: !value.is_ascii() && std::str::from_utf8(value).is_ok(),
        });
    }
    Ok(properties)
}

/// Returns the lines of a file without their ends.
fn natural_lines(bytes: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    let mut rest = bytes;
    while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
        lines.push(&rest[..end]);
        let width = if rest[end..].starts_with(b"\r\n") {
            2
        } else {
            1
        };
        rest = &rest[end + width..];
    }
    if !rest.is_empty() {
        lines.push(rest);
    }
    lines
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\x0c')
}

fn trim_start(line: &[u8]) -> &[u8] {
    let spaces = line.iter().take_while(|byte| is_space(**byte)).count();
    &line[spaces..]
}

/// Java's `String.trim`: removes everything up to U+0020 from both ends.
fn trim(text: &str) -> String {
    text.trim_matches(|c| c <= ' ').to_owned()
}

/// Whether a line ends with an odd number of backslashes.
fn ends_in_continuation(line: &[u8]) -> bool {
    line.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// Splits a logical line at the first `=`, `:` or white space that is not escaped.
fn split(line: &[u8]) -> (&[u8], &[u8]) {
    let mut escaped = false;
    let mut end = line.len();
    for (at, byte) in line.iter().enumerate() {
        if !escaped && (is_space(*byte) || matches!(byte, b'=' | b':')) {
            end = at;
            break;
        }
        escaped = *byte == b'\\' && !escaped;
    }
    let (key, rest) = line.split_at(end);
    let rest = trim_start(rest);
    let value = match rest.first() {
        Some(b'=' | b':') => trim_start(&rest[1..]),
        _ => rest,
    };
    (key, value)
}

/// Replaces escapes. Returns `None` if a `\u` is malformed.
fn unescape(raw: &[u8]) -> Option<String> {
    // UTF-16, since a character beyond U+FFFF is written as two escapes.
    let mut units: Vec<u16> = Vec::with_capacity(raw.len());
    let mut bytes = raw.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            units.push(u16::from(byte));
            continue;
        }
        let Some(byte) = bytes.next() else {
            break;
        };
        units.push(match byte {
            b't' => 0x09,
            b'n' => 0x0a,
            b'f' => 0x0c,
            b'r' => 0x0d,
            b'u' => {
                let mut unit = 0;
                for _ in 0..4 {
                    let digit = char::from(bytes.next()?).to_digit(16)?;
                    unit = unit * 16 + u16::try_from(digit).ok()?;
                }
                unit
            }
            other => u16::from(other),
        });
    }
    Some(String::from_utf16_lossy(&units))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn read(text: &[u8]) -> Vec<(usize, String, String)> {
        parse(text)
            .expect("well formed")
            .into_iter()
            .map(|p| (p.line, p.key, p.value))
            .collect()
    }

    fn pair(text: &[u8]) -> (String, String) {
        let mut all = read(text);
        assert_eq!(all.len(), 1, "{all:?}");
        let (_, key, value) = all.remove(0);
        (key, value)
    }

    fn owned(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn keys_values_comments_and_continuations_are_told_apart() {
        let text =
            b"# a comment\n ! another\n\na=1\n b : two words \nc\\=d = x\\u0041\\\n   y\ne f\n";
        let expected = [
            (4, "a", "1"),
            (5, "b", "two words"),
            (6, "c=d", "xAy"),
            (8, "e", "f"),
        ];
        let expected: Vec<(usize, String, String)> = expected
            .iter()
            .map(|(line, key, value)| (*line, (*key).to_owned(), (*value).to_owned()))
            .collect();
        assert_eq!(read(text), expected);
    }

    #[test]
    fn every_separator_of_java_separates() {
        for text in [
            "k=v", "k:v", "k v", "k\tv", "k\x0cv", "k = v", "k  :  v", "  k=v", "\x0ck v ",
        ] {
            assert_eq!(pair(text.as_bytes()), owned("k", "v"), "{text:?}");
        }
        assert_eq!(pair(b"k==v"), owned("k", "=v"));
        assert_eq!(pair(b"k : = v"), owned("k", "= v"));
        assert_eq!(pair(b"k"), owned("k", ""));
        assert_eq!(pair(b"k="), owned("k", ""));
        assert_eq!(pair(b"a\\ b\\:c=v"), owned("a b:c", "v"));
    }

    #[test]
    fn only_three_characters_are_white_space_in_front() {
        // U+00A0 is white space in Unicode, and a part of the key in Java.
        assert_eq!(pair(b"\xa0k=v"), owned("\u{a0}k", "v"));
        assert_eq!(pair(b"k\x0b=v"), owned("k", "v"), "trimmed by ZooKeeper");
    }

    #[test]
    fn lines_end_with_lf_cr_or_crlf() {
        let lines: Vec<usize> = read(b"a=1\r\nb=2\rc=3\n\nd=4")
            .iter()
            .map(|(line, ..)| *line)
            .collect();
        assert_eq!(lines, [1, 2, 3, 5]);
    }

    #[test]
    fn a_comment_is_not_continued_and_a_continuation_is_no_comment() {
        assert_eq!(pair(b"# c \\\nk=v"), owned("k", "v"));
        assert_eq!(pair(b"k=v\\\n  # w"), owned("k", "v# w"));
        assert_eq!(pair(b"k=v\\\\"), owned("k", "v\\"));
        assert_eq!(pair(b"k=v\\"), owned("k", "v"));
        assert_eq!(read(b"k=v\\\n\nl=w").len(), 2, "an empty line ends it");
        assert_eq!(
            read(b"\\\n# c\nk=v").len(),
            1,
            "a comment behind a backslash alone"
        );
    }

    /// `java_properties.txt` has random files and the result of `java.util.Properties.load` of Java 17. A line is the
    /// bytes of the file in hexadecimal, a tab, and each key and value in hexadecimal UTF-16, sorted by key, or
    /// MALFORMED.
    #[test]
    fn random_files_are_read_as_java_read_them() {
        let byte = |pair: &[u8]| {
            let pair = std::str::from_utf8(pair).expect("ASCII");
            u8::from_str_radix(pair, 16).expect("hexadecimal")
        };
        let hexadecimal = |text: &str| -> String {
            text.encode_utf16()
                .map(|unit| format!("{unit:04x}"))
                .collect()
        };
        for line in include_str!("java_properties.txt").lines() {
            let (file, expected) = line.split_once('\t').expect("two columns");
            let bytes: Vec<u8> = file.as_bytes().chunks(2).map(byte).collect();
            let found = parse_untrimmed(&bytes).map_or("MALFORMED".to_owned(), |properties| {
                let map: BTreeMap<String, String> = properties
                    .iter()
                    .map(|p| (hexadecimal(&p.key), hexadecimal(&p.value)))
                    .collect();
                let pairs: Vec<String> = map.iter().map(|(k, v)| format!("{k}={v}")).collect();
                format!("{{{}}}", pairs.join(", "))
            });
            assert_eq!(found, expected, "{:?}", String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn a_byte_is_a_character_of_latin_1() {
        assert_eq!(pair(b"k=\xe9"), owned("k", "\u{e9}"));
        assert_eq!(pair("k=é".as_bytes()), owned("k", "\u{c3}\u{a9}"));
        assert!(parse("k=é".as_bytes()).expect("read")[0].looks_like_utf8);
        assert!(!parse(b"k=\xe9").expect("read")[0].looks_like_utf8);
    }

    #[test]
    fn escapes_are_replaced_as_java_replaces_them() {
        assert_eq!(
            pair(b"k=a\\tb\\nc\\fd\\re\\qf\\\\g"),
            owned("k", "a\tb\nc\x0cd\reqf\\g")
        );
        assert_eq!(pair(b"k=\\u00FC\\ud83d\\udE00"), owned("k", "ü\u{1f600}"));
        assert_eq!(pair(b"\\u006b=v"), owned("k", "v"));
        for malformed in ["k=\\u12", "k=\\u12g4", "\\ux=v"] {
            let text = format!("a=1\n{malformed}");
            assert_eq!(
                parse(text.as_bytes()),
                Err(MalformedEscape { line: 2 }),
                "{malformed}"
            );
        }
    }
}
