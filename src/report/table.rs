//! A table of a text report: aligned columns without rules, and lines between the rows that ignore
//! the columns.
//!
//! `comfy-table` aligns and breaks cells. Its cells cannot span columns, so a line across the table
//! is a row with a placeholder, which is replaced at the end.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Row, presets};

use super::wrap::WIDTH;

/// Placeholder in the first column for a line across the table. It is a private-use character, so
/// no text contains it.
const MARK: char = '\u{e000}';
/// Blanks between two columns.
const GAP: u16 = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    /// For names and words. A name that is too long for the terminal is broken.
    Left,
    /// For figures, which are never broken.
    Right,
}

/// A table that is built row by row.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<Align>,
    rows: Vec<Vec<String>>,
    /// The lines across the table, in the order of their placeholders.
    lines: Vec<Line>,
}

/// A line across the table.
#[derive(Debug)]
struct Line {
    /// Index of the column at whose left edge it begins.
    column: usize,
    text: String,
}

impl Table {
    /// Creates a table with the first row `head`.
    pub(crate) fn new<'a>(columns: impl IntoIterator<Item = (Align, &'a str)>) -> Self {
        let (columns, head) = columns
            .into_iter()
            .map(|(align, head)| (align, head.to_owned()))
            .unzip();
        Self {
            columns,
            rows: vec![head],
            lines: Vec::new(),
        }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Adds a line that begins at the left edge of the table. It may contain line breaks.
    pub(crate) fn line(&mut self, text: impl Into<String>) {
        self.line_from(0, text);
    }

    /// Adds a line that begins at the left edge of `column`.
    pub(crate) fn line_from(&mut self, column: usize, text: impl Into<String>) {
        self.rows.push(vec![MARK.to_string()]);
        self.lines.push(Line {
            column,
            text: text.into(),
        });
    }

    /// Returns the text with a final line break.
    pub(crate) fn render(self) -> String {
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING);
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(u16::try_from(WIDTH).unwrap_or(u16::MAX));
        for cells in self.rows {
            table.add_row(Row::from(cells));
        }
        for (index, (column, align)) in table.column_iter_mut().zip(&self.columns).enumerate() {
            column.set_padding((if index == 0 { 0 } else { GAP }, 0));
            if *align == Align::Right {
                column.set_cell_alignment(CellAlignment::Right);
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        let edges = edges(&table);
        let mut lines = self.lines.into_iter();
        let mut text = String::new();
        for row in table.lines() {
            let row = row.trim_end();
            if row.starts_with(MARK)
                && let Some(line) = lines.next()
            {
                let edge = edges.get(line.column).copied().unwrap_or_default();
                text.extend(std::iter::repeat_n(' ', edge));
                text.push_str(line.text.trim_end());
            } else {
                text.push_str(row);
            }
            text.push('\n');
        }
        text
    }
}

/// Returns the left edges of the columns, for a table without broken cells.
fn edges(table: &comfy_table::Table) -> Vec<usize> {
    let mut edge = 0;
    let mut edges = Vec::new();
    for width in table.column_max_content_widths() {
        edges.push(edge);
        edge += usize::from(width) + usize::from(GAP);
    }
    edges
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells<const N: usize>(cells: [&str; N]) -> [String; N] {
        cells.map(str::to_owned)
    }

    #[test]
    fn figures_are_right_aligned_and_lines_ignore_the_columns() {
        let mut table = Table::new([
            (Align::Left, ""),
            (Align::Right, "p50"),
            (Align::Left, "verdict"),
        ]);
        table.line("set: a line that is wider than the table");
        table.row(cells(["  response", "1.27 µs", "slower"]));
        table.line_from(2, "(2.00 % to 3.00 %)");
        table.row(cells(["  late", "9 µs", ""]));
        assert_eq!(
            table.render(),
            "                p50  verdict\n\
             set: a line that is wider than the table\n  \
             response  1.27 µs  slower\n                     \
             (2.00 % to 3.00 %)\n  \
             late         9 µs\n"
        );
    }

    #[test]
    fn long_names_are_broken_and_figures_are_not() {
        let mut table = Table::new([(Align::Left, "server"), (Align::Right, "per second")]);
        let name = "zookeeper-0.zookeeper-headless.a-rather-long-namespace.svc.cluster.local:2181, follower";
        table.row(cells([name, "1,234,567"]));
        table.line("next");
        let text = table.render();
        assert!(
            text.lines().all(|line| line.chars().count() <= WIDTH),
            "{text}"
        );
        assert!(text.contains("1,234,567\n"), "{text}");
        assert!(text.contains("follower\nnext\n"), "{text}");
    }
}
