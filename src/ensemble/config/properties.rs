//! Java's properties syntax: `key=value`, `key: value`, `key value`, comments, continuations.

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Property {
    pub(super) line: usize,
    pub(super) key: String,
    pub(super) value: String,
}

/// All properties of a text, in order.
pub(super) fn parse(text: &str) -> Vec<Property> {
    let mut properties = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        let mut logical = line.trim_start().to_owned();
        if logical.is_empty() || logical.starts_with(['#', '!']) {
            continue;
        }
        while ends_in_continuation(&logical) {
            logical.pop();
            match lines.next() {
                Some((_, next)) => logical.push_str(next.trim_start()),
                None => break,
            }
        }
        let (key, value) = split(&logical);
        properties.push(Property {
            line: at + 1,
            key,
            value: value.trim_end().to_owned(),
        });
    }
    properties
}

/// An odd number of backslashes at the end.
fn ends_in_continuation(line: &str) -> bool {
    line.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}

fn split(line: &str) -> (String, String) {
    let mut key = String::new();
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.peek().copied() {
        if c == '=' || c == ':' || c.is_whitespace() {
            break;
        }
        chars.next();
        key.push(if c == '\\' { unescape(&mut chars) } else { c });
    }
    while chars.next_if(|c| c.is_whitespace()).is_some() {}
    if chars.next_if(|c| *c == '=' || *c == ':').is_some() {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
    }
    let mut value = String::new();
    while let Some(c) = chars.next() {
        value.push(if c == '\\' { unescape(&mut chars) } else { c });
    }
    (key, value)
}

fn unescape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> char {
    match chars.next() {
        Some('n') => '\n',
        Some('t') => '\t',
        Some('r') => '\r',
        Some('u') => {
            let code = (0..4).try_fold(0, |code, _| {
                chars
                    .next_if(char::is_ascii_hexdigit)?
                    .to_digit(16)
                    .map(|digit| code * 16 + digit)
            });
            code.and_then(char::from_u32)
                .unwrap_or(char::REPLACEMENT_CHARACTER)
        }
        Some(other) => other,
        None => '\\',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_syntax_of_java_is_understood() {
        let text =
            "# a comment\n ! another\n\na=1\n b : two words \nc\\=d = x\\u0041\\\n   y\ne f\n";
        let read: Vec<(usize, String, String)> = parse(text)
            .into_iter()
            .map(|p| (p.line, p.key, p.value))
            .collect();
        let expected = [
            (4, "a", "1"),
            (5, "b", "two words"),
            (6, "c=d", "xAy"),
            (8, "e", "f"),
        ];
        let expected: Vec<(usize, String, String)> = expected
            .iter()
            .map(|(l, k, v)| (*l, (*k).to_owned(), (*v).to_owned()))
            .collect();
        assert_eq!(read, expected);
    }
}
