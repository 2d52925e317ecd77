//! The plot of a comparison as data for the script of its page. The script reads the rows that the picture is
//! painted from.

use serde::Serialize;

use super::forest::{Forest, LANE};
use super::forest_row::{Dot, Row};
use crate::report::draw::Frame;
use crate::report::figure_data::{rounded, sides};

/// The rows of a forest plot.
#[derive(Debug, Serialize)]
pub(in crate::report) struct ForestData {
    rows: Vec<RowData>,
}

#[derive(Debug, Serialize)]
struct RowData {
    name: String,
    /// Names and values.
    facts: Vec<(&'static str, String)>,
    /// Left, right, top and bottom on a wide screen, in pixels of the picture. The bar is in the middle.
    wide: [f64; 4],
    /// The same on a narrow screen.
    narrow: [f64; 4],
    dots: Vec<DotData>,
}

#[derive(Debug, Serialize)]
struct DotData {
    /// The place on the axis, from 0 at the left to 1 at the right.
    at: f64,
    /// Distance from the bar, in pixels downwards.
    below: f64,
    text: String,
}

impl ForestData {
    /// `frames` are those of the rows on a wide and on a narrow screen.
    pub(in crate::report) fn new(forest: &Forest, frames: &[Vec<Frame>; 2]) -> Self {
        let [wide, narrow] = frames;
        let rows = forest.rows.iter().zip(wide.iter().zip(narrow));
        Self {
            rows: rows
                .map(|(row, (wide, narrow))| RowData {
                    name: row.name.clone(),
                    facts: row.facts.clone(),
                    wide: sides(*wide),
                    narrow: sides(*narrow),
                    dots: dots(forest, row),
                })
                .collect(),
        }
    }
}

fn dots(forest: &Forest, row: &Row) -> Vec<DotData> {
    let data = |dot: &Dot, below: f64| DotData {
        at: rounded(forest.share(dot.speed)),
        below,
        text: dot.words.clone(),
    };
    let above = row.base_dots.iter().map(|dot| data(dot, -LANE));
    above
        .chain(row.dots.iter().map(|dot| data(dot, LANE)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{compared, side_of};
    use super::*;

    #[test]
    fn every_dot_is_on_the_axis_and_says_its_values() {
        let forest = Forest::new(&compared(&side_of(7, 10), &side_of(7, 5)));
        let frame = Frame {
            left: 0.0,
            right: 100.0,
            top: 0.0,
            bottom: 26.0,
        };
        let frames = vec![frame; forest.rows.len()];
        let data = ForestData::new(&forest, &[frames.clone(), frames]);
        let row = &data.rows[0];
        assert_eq!(row.name, "set: throughput");
        assert_eq!(row.facts[2], ("candidate is", "2.00x faster".to_owned()));
        assert_eq!(row.dots.len(), 7);
        for (dot, round) in row.dots.iter().zip(1..) {
            assert!((0.5..1.0).contains(&dot.at), "{dot:?}");
            let begin = format!("round {round}: base ");
            assert!(dot.text.starts_with(&begin), "{dot:?}");
            assert!(dot.text.ends_with(", 2.00x faster"), "{dot:?}");
        }
    }
}
