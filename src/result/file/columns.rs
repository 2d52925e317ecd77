//! A column of numbers as one text: `12,7,-,3`. A dash is a missing number.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt::Display;
use std::str::FromStr;

/// The text of a column.
pub(super) type Column = String;

const MISSING: &str = "-";

pub(super) fn text<T: Display>(values: impl Iterator<Item = Option<T>>) -> Column {
    let texts: Vec<String> = values
        .map(|value| value.map_or_else(|| MISSING.to_owned(), |value| value.to_string()))
        .collect();
    texts.join(",")
}

/// Reads a column in which numbers may be missing. `place` names it in an error.
pub(super) fn read<T: FromStr<Err: Display>>(
    column: &str,
    place: &str,
) -> Result<Vec<Option<T>>, String> {
    if column.is_empty() {
        return Ok(Vec::new());
    }
    let number = |text: &str| {
        if text == MISSING {
            return Ok(None);
        }
        let number = text.parse().map(Some);
        number.map_err(|error| format!("{place}: {text:?} is not a number of this column: {error}"))
    };
    column.split(',').map(number).collect()
}

/// Reads a column in which no number may be missing.
pub(super) fn read_all<T: FromStr<Err: Display>>(
    column: &str,
    place: &str,
) -> Result<Vec<T>, String> {
    let values: Option<Vec<T>> = read(column, place)?.into_iter().collect();
    values.ok_or_else(|| format!("{place}: a number is missing in {column:?}"))
}

/// Returns the rows of two columns.
pub(super) fn zipped<A, B>(
    one: Vec<A>,
    other: Vec<B>,
    place: &str,
) -> Result<impl Iterator<Item = (A, B)> + use<A, B>, String> {
    if one.len() != other.len() {
        return Err(format!(
            "{place}: a column has {} numbers and another one {}",
            one.len(),
            other.len()
        ));
    }
    Ok(one.into_iter().zip(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_reads_as_it_was_written() {
        let values = [Some(-3_i64), None, Some(12)];
        let column = text(values.into_iter());
        assert_eq!(column, "-3,-,12");
        assert_eq!(read::<i64>(&column, "x").unwrap(), values);
        assert_eq!(read::<i64>("", "x").unwrap(), []);
    }

    #[test]
    fn a_faulty_column_is_an_error_that_names_it() {
        let error = |result: Result<Vec<u32>, String>| result.unwrap_err();
        assert!(error(read_all("1,-", "gaps")).starts_with("gaps: a number is missing"));
        assert!(error(read_all("1,,2", "gaps")).contains("\"\" is not a number"));
        assert!(error(read_all("-3", "gaps")).contains("\"-3\" is not a number"));
        let uneven = zipped(vec![1], vec![1, 2], "gaps").err().unwrap();
        assert_eq!(uneven, "gaps: a column has 1 numbers and another one 2");
    }
}
