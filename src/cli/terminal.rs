//! What the terminal can do: width, colours, whether it is one; and wrapping text to it.

use std::env;
use std::io::{self, IsTerminal};

/// Width where nobody says.
const DEFAULT_WIDTH: usize = 80;
/// Narrower is not worth wrapping for.
const WIDTH_MIN: usize = 20;

/// What standard error leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terminal {
    /// Whether it is a terminal.
    pub(super) is_terminal: bool,
    /// Whether colours are wanted.
    pub(super) colour: bool,
}

impl Terminal {
    /// That of standard error.
    pub(super) fn of_stderr() -> Self {
        let is_terminal = io::stderr().is_terminal();
        let set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            is_terminal,
            colour: is_terminal && !dumb && !set("NO_COLOR"),
        }
    }

    /// Columns; asked each time, since windows change.
    pub(super) fn width(self) -> usize {
        if !self.is_terminal {
            return usize::MAX;
        }
        rustix::termios::tcgetwinsize(io::stderr())
            .ok()
            .map(|size| usize::from(size.ws_col))
            .filter(|&columns| columns >= WIDTH_MIN)
            .unwrap_or(DEFAULT_WIDTH)
    }

    /// `text` in the terminal's colour number `code`, where colours are wanted.
    pub(super) fn paint(self, code: u8, text: &str) -> String {
        if self.colour {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// Breaks every line of `text` between words so that none is wider than `width`, unless a single
/// word is.
pub(super) fn wrap(text: &str, width: usize) -> String {
    let mut out = String::with_capacity(text.len());
    for (index, line) in text.lines().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        let indent: String = line.chars().take_while(|c| *c == ' ').collect();
        let mut column = 0;
        for word in line.split(' ').filter(|word| !word.is_empty()) {
            let length = word.chars().count();
            if column == 0 {
                out.push_str(&indent);
                column = indent.len();
            } else if column + 1 + length > width {
                out.push('\n');
                out.push_str(&indent);
                column = indent.len();
            } else {
                out.push(' ');
                column += 1;
            }
            out.push_str(word);
            column += length;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_whole_and_lines_keep_their_indent() {
        assert_eq!(wrap("aa bb cc", 5), "aa bb\ncc");
        assert_eq!(wrap("  aa bb cc", 7), "  aa bb\n  cc");
        assert_eq!(wrap("aaaaaaaaaa b", 4), "aaaaaaaaaa\nb");
        assert_eq!(wrap("a\n  b", 80), "a\n  b");
        assert_eq!(wrap("aa bb", usize::MAX), "aa bb");
    }
}
