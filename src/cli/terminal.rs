//! The capabilities of the terminal, and wrapping of text to its width.

use std::env;
use std::io::{self, IsTerminal};

use console::{Term, is_dumb};

/// The size of a terminal whose size is unknown.
const DEFAULT_SIZE: Size = Size {
    columns: 80,
    rows: 24,
};
/// Minimum width of wrapped text.
const WIDTH_MIN: usize = 20;

/// Size of a terminal in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) columns: usize,
    pub(super) rows: usize,
}

/// The capabilities of standard error, which may be a terminal, a file or a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terminal {
    is_terminal: bool,
    /// Whether lines can be redrawn in place.
    pub(super) can_redraw: bool,
    colour: bool,
}

impl Terminal {
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

    /// Returns the current size, which changes when the user resizes the window.
    pub(super) fn size(self) -> Size {
        Term::stderr()
            .size_checked()
            .filter(|(rows, columns)| *rows > 0 && *columns > 0)
            .map_or(DEFAULT_SIZE, |(rows, columns)| Size {
                columns: columns.into(),
                rows: rows.into(),
            })
    }

    /// Returns the width to wrap text to. Text is not wrapped if standard error is no terminal.
    pub(super) fn width(self) -> usize {
        if self.is_terminal {
            self.size().columns.max(WIDTH_MIN)
        } else {
            usize::MAX
        }
    }

    /// Returns `text` with the ANSI colour `code`, or unchanged if colours are off.
    pub(super) fn paint(self, code: u8, text: &str) -> String {
        if self.colour {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// Wraps the lines of `text` between words to at most `width` columns. A wider word gets a line of its own.
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
    fn text_wraps_between_words_and_keeps_its_indent() {
        assert_eq!(wrap("aa bb cc", 5), "aa bb\ncc");
        assert_eq!(wrap("  aa bb cc", 7), "  aa bb\n  cc");
        assert_eq!(wrap("aaaaaaaaaa b", 4), "aaaaaaaaaa\nb");
        assert_eq!(wrap("a\n  b", 80), "a\n  b");
        assert_eq!(wrap("aa bb", usize::MAX), "aa bb");
    }
}
