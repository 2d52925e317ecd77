//! The table of the faults: for each figure a row per fault, so that faults stand side by side.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::group::{GapKind, Group, Spread};
use crate::report::human::{MISSING, duration_us};

/// Heads of the columns after the name.
pub(crate) const HEADS: [&str; 5] = ["median", "95 % interval", "least", "most", "runs"];

/// A row of the table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GapLine {
    pub kind: GapKind,
    /// The fault in words.
    pub fault: String,
    pub cells: [String; 5],
    /// The median in milliseconds.
    pub median_ms: Option<f64>,
}

/// Returns the rows, figure by figure. A figure that no fault has is left out.
pub(crate) fn lines(groups: &[Group]) -> Vec<GapLine> {
    let mut lines = Vec::new();
    for kind in GapKind::ALL {
        for group in groups.iter().filter(|group| kind.applies_to(group)) {
            let spread = group.spread(kind);
            if spread.values.is_empty() {
                continue;
            }
            lines.push(GapLine {
                kind,
                fault: group.short(),
                cells: cells(&spread),
                median_ms: spread.median.map(|median| median.ms),
            });
        }
    }
    lines
}

fn cells(spread: &Spread) -> [String; 5] {
    let words = |length: Option<super::Length>| {
        length.map_or_else(|| MISSING.to_owned(), super::Length::words)
    };
    let interval = spread.interval_ms.map_or_else(
        || MISSING.to_owned(),
        |(low, high)| {
            format!(
                "{} \u{2013} {}",
                duration_us(low * 1_000.0),
                duration_us(high * 1_000.0)
            )
        },
    );
    let runs = match spread.missing {
        0 => spread.values.len().to_string(),
        missing => format!(
            "{} of {}",
            spread.values.len(),
            spread.values.len() + missing
        ),
    };
    [
        words(spread.median),
        interval,
        words(spread.least()),
        words(spread.most()),
        runs,
    ]
}
