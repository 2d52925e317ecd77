//! Redraws lines in the same place of a terminal.
//!
//! This does not use `indicatif`, which pads every line to the width of the terminal, so that lines break when
//! the terminal is resized. `indicatif` also leaves the cursor at the end of the last line, where a shell prompt
//! or `^C` would appear. Here every line ends with a line break, and the cursor stays on the empty line below.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use console::measure_text_width;

/// The lines on the screen. Each method returns the bytes to write as one string, because several writes could
/// flicker.
#[derive(Debug, Default)]
pub(super) struct Canvas {
    /// Width in columns of each line on the screen.
    drawn: Vec<usize>,
}

impl Canvas {
    /// Replaces the lines on the screen by `lines`. None of them may be wider than `columns`, the width of the
    /// terminal.
    pub(super) fn draw(&mut self, lines: &[String], columns: usize) -> String {
        let mut out = self.back(columns);
        for line in lines {
            out.push_str(line);
            // The rest of the line is cleared after the text. Clearing the line first would flicker.
            out.push_str("\x1b[K\r\n");
        }
        out.push_str("\x1b[J");
        self.drawn = lines.iter().map(|line| measure_text_width(line)).collect();
        out
    }

    /// Removes the lines from the screen.
    pub(super) fn clear(&mut self, columns: usize) -> String {
        if self.drawn.is_empty() {
            return String::new();
        }
        let mut out = self.back(columns);
        out.push_str("\x1b[J");
        self.drawn.clear();
        out
    }

    /// Moves the cursor to the beginning of the first line. If the terminal became narrower, it has wrapped
    /// lines, which then take more rows.
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
    fn new_lines_replace_the_old_ones_and_lines_above_stay() {
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
    fn the_echo_of_an_interrupt_disappears_with_the_next_drawing() {
        let mut parser = Parser::new(6, 20, 0);
        let mut canvas = Canvas::default();
        parser.process(canvas.draw(&lines(&["a", "b"]), 20).as_bytes());
        parser.process(b"^C");
        assert_eq!(shown(&parser), ["a", "b", "^C"], "on a line of its own");
        parser.process(canvas.draw(&lines(&["a", "b"]), 20).as_bytes());
        assert_eq!(shown(&parser), ["a", "b"]);
    }

    #[test]
    fn the_screen_scrolls_when_the_lines_do_not_fit_below() {
        let mut parser = Parser::new(4, 20, 0);
        let mut canvas = Canvas::default();
        parser.process(b"1\r\n2\r\n3\r\n");
        for text in ["a", "b"] {
            parser.process(canvas.draw(&lines(&[text, text]), 20).as_bytes());
        }
        assert_eq!(shown(&parser), ["3", "b", "b"]);
    }

    #[test]
    fn lines_that_a_narrower_terminal_has_wrapped_are_replaced_entirely() {
        let mut canvas = Canvas::default();
        canvas.draw(&lines(&["0123456789", "abc"]), 20);
        // A terminal that becomes 5 columns wide wraps the first line into two rows.
        let mut parser = Parser::new(6, 5, 0);
        parser.process(b"above\r\n0123456789\r\nabc\r\n");
        parser.process(canvas.draw(&lines(&["new"]), 5).as_bytes());
        assert_eq!(shown(&parser), ["above", "new"]);
    }

    #[test]
    fn colour_codes_do_not_count_as_columns() {
        let mut canvas = Canvas::default();
        canvas.draw(&lines(&["\x1b[2mabc\x1b[0m"]), 20);
        assert_eq!(canvas.drawn, [3]);
    }
}
