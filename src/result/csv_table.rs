//! A CSV table in memory. The `csv` crate quotes the cells; lines end with a line feed.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// Rows of cells. Every row has as many cells as the first.
#[derive(Debug)]
pub struct CsvTable {
    writer: csv::Writer<Vec<u8>>,
}

impl CsvTable {
    /// Creates a table with the first row `head`.
    #[must_use]
    pub fn new<T: AsRef<str>>(head: impl IntoIterator<Item = T>) -> Self {
        let mut table = Self {
            writer: csv::Writer::from_writer(Vec::new()),
        };
        table.row(head);
        table
    }

    /// Adds a row. Pass an empty cell for a missing figure.
    ///
    /// # Panics
    ///
    /// If the row has another number of cells than the first row, which is a bug of the caller.
    pub fn row<T: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = T>) {
        let cells = cells.into_iter().map(|cell| cell.as_ref().to_owned());
        self.writer
            .write_record(cells.map(String::into_bytes))
            .expect("writing to memory does not fail, and the row has all cells");
    }

    #[must_use]
    pub fn into_text(self) -> String {
        let bytes = self
            .writer
            .into_inner()
            .expect("flushing to memory does not fail");
        String::from_utf8(bytes).expect("cells are UTF-8")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_if_necessary() {
        let mut table = CsvTable::new(["op", "count"]);
        table.row(["set, \"small\"", "1"]);
        table.row(["two\nlines", ""]);
        table.row(["plain", "2"]);
        assert_eq!(
            table.into_text(),
            "op,count\n\"set, \"\"small\"\"\",1\n\"two\nlines\",\nplain,2\n"
        );
    }
}
