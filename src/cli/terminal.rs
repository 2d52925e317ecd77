//! What the terminal can do: size, colours, whether it is one; and wrapping text to it.

use std::env;
use std::io::{self, IsTerminal};

use console::{Term, is_dumb};

/// The size of a terminal that does not tell it.
const DEFAULT_SIZE: Size = Size {
    columns: 80,
    rows: 24,
};
/// Text is not wrapped to less.
const WIDTH_MIN: usize = 20;

/// Size of a terminal in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) columns: usize,
    pub(super) rows: usize,
}

/// What standard error leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terminal {
    is_terminal: bool,
    /// Whether lines can be drawn over.
    pub(super) can_redraw: bool,
    /// Whether colours are wanted.
    colour: bool,
}

impl Terminal {
    /// That of standard error.
    pub(super) fn of_stderr() -> Self {
        let is_terminal = io::stderr().is_terminal();
        let set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
        let can_redraw = is_terminal && !is_dumb();
        Self {
            is_terminal,
            can_redraw,
            colour: can_redraw && !set("NO_COLOR"),
        }
    }

    /// Asked each time, since windows change.
    pub(super) fn size(self) -> Size {
        Term::stderr()
            .size_checked()
            .filter(|(rows, columns)| *rows > 0 && *columns > 0)
            .map_or(DEFAULT_SIZE, |(rows, columns)| Size {
                columns: columns.into(),
                rows: rows.into(),
            })
    }

    /// Columns to wrap text to.
    pub(super) fn width(self) -> usize {
        if self.is_terminal {
            self.size().columns.max(WIDTH_MIN)
        } else {
            usize::MAX
        }
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
