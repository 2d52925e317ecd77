//! Lines that are drawn over and over in the same place of a terminal.
//!
//! Not `indicatif`: it pads every line to the edge of the terminal and lets the terminal wrap there, so that a
//! resize tears the lines apart, and it leaves the cursor behind the last one, where a shell prompt or `^C`
//! would follow. Here every line ends itself, and the cursor waits on an empty line below.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use console::measure_text_width;

/// What is on the screen. Its methods return what is to be written there, in one piece: a terminal that shows
/// it at once does not flicker.
#[derive(Debug, Default)]
pub(super) struct Canvas {
    /// Columns of each line that is on the screen.
    drawn: Vec<usize>,
}

impl Canvas {
    /// Draws `lines` in place of those drawn before; none of them may be wider than the terminal, which has
    /// `columns`.
    pub(super) fn draw(&mut self, lines: &[String], columns: usize) -> String {
        let mut out = self.back(columns);
        for line in lines {
            out.push_str(line);
            // Clear the rest of the line only afterwards: cleared before, it would flicker.
            out.push_str("\x1b[K\r\n");
        }
        out.push_str("\x1b[J");
        self.drawn = lines.iter().map(|line| measure_text_width(line)).collect();
        out
    }

    /// Removes the lines.
    pub(super) fn clear(&mut self, columns: usize) -> String {
        if self.drawn.is_empty() {
            return String::new();
        }
        let mut out = self.back(columns);
        out.push_str("\x1b[J");
        self.drawn.clear();
        out
    }

    /// Moves the cursor to the beginning of the first line. A terminal that became narrower has wrapped the
    /// lines that were too wide for it.
    fn back(&self, columns: usize) -> String {
        let columns = columns.max(1);
        let rows: usize = self
            .drawn
            .iter()
            .map(|width| width.div_ceil(columns).max(1))
            .sum();
        match rows {
            0 => "\r".to_owned(),
            rows => format!("\r\x1b[{rows}A"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vt100::Parser;

    fn lines(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn shown(parser: &Parser) -> Vec<String> {
        let (_, columns) = parser.screen().size();
        let rows = parser.screen().rows(0, columns);
        let mut rows: Vec<String> = rows.map(|row| row.trim_end().to_owned()).collect();
        while rows.last().is_some_and(String::is_empty) {
            rows.pop();
        }
        rows
    }

    #[test]
    fn it_draws_over_itself_and_leaves_what_is_above() {
        let mut parser = Parser::new(6, 20, 0);
        let mut canvas = Canvas::default();
        parser.process(b"before\r\n");
        parser.process(canvas.draw(&lines(&["one line", "two"]), 20).as_bytes());
        assert_eq!(shown(&parser), ["before", "one line", "two"]);
        assert_eq!(parser.screen().cursor_position(), (3, 0));
        parser.process(canvas.draw(&lines(&["1", "2", "3"]), 20).as_bytes());
        assert_eq!(shown(&parser), ["before", "1", "2", "3"]);
        parser.process(canvas.draw(&lines(&["x"]), 20).as_bytes());
        assert_eq!(shown(&parser), ["before", "x"]);
        parser.process(canvas.clear(20).as_bytes());
        assert_eq!(shown(&parser), ["before"]);
        assert_eq!(parser.screen().cursor_position(), (1, 0));
        assert_eq!(canvas.clear(20), "", "nothing is left to clear");
    }

    #[test]
    fn what_an_interrupt_echoes_disappears_with_the_next_drawing() {
        let mut parser = Parser::new(6, 20, 0);
        let mut canvas = Canvas::default();
        parser.process(canvas.draw(&lines(&["a", "b"]), 20).as_bytes());
        parser.process(b"^C");
        assert_eq!(shown(&parser), ["a", "b", "^C"], "on a line of its own");
        parser.process(canvas.draw(&lines(&["a", "b"]), 20).as_bytes());
        assert_eq!(shown(&parser), ["a", "b"]);
    }

    #[test]
    fn it_scrolls_at_the_bottom_of_the_screen() {
        let mut parser = Parser::new(4, 20, 0);
        let mut canvas = Canvas::default();
        parser.process(b"1\r\n2\r\n3\r\n");
        for text in ["a", "b"] {
            parser.process(canvas.draw(&lines(&[text, text]), 20).as_bytes());
        }
        assert_eq!(shown(&parser), ["3", "b", "b"]);
    }

    #[test]
    fn a_narrower_terminal_has_wrapped_what_was_drawn() {
        let mut canvas = Canvas::default();
        canvas.draw(&lines(&["0123456789", "abc"]), 20);
        // As a terminal does that became 5 columns wide: two rows for the first line, one for the second.
        let mut parser = Parser::new(6, 5, 0);
        parser.process(b"above\r\n0123456789\r\nabc\r\n");
        parser.process(canvas.draw(&lines(&["new"]), 5).as_bytes());
        assert_eq!(shown(&parser), ["above", "new"]);
    }

    #[test]
    fn colours_take_no_columns() {
        let mut canvas = Canvas::default();
        canvas.draw(&lines(&["\x1b[2mabc\x1b[0m"]), 20);
        assert_eq!(canvas.drawn, [3]);
    }
}
