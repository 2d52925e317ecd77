//! Keys and values of axes in words.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::layout::FAULT;
use crate::workload::{Axis, FigurePlan};

/// `voters` for `target.voters`, `read ratio` for `load.read_ratio`.
pub(super) fn noun(key: &str) -> String {
    let last = key.rsplit('.').next().unwrap_or(key);
    last.replace('_', " ")
}

/// A value with its noun: `3 voters`, `1 observer`, `read ratio 0.9`; cases and targets stand alone.
pub(super) fn value_words(key: &str, value: &str) -> String {
    if [Axis::CASE, FigurePlan::TARGET, FAULT].contains(&key) {
        return value.to_owned();
    }
    let noun = noun(key);
    if !counts(key) || value.parse::<u64>().is_err() {
        return format!("{noun} {value}");
    }
    let one = noun.strip_suffix('s').unwrap_or(&noun);
    format!("{value} {}", if value == "1" { one } else { &noun })
}

/// `3 to 5 voters`, `read ratio 0 to 0.9`, `lone writer to saturation`.
pub(super) fn from_to(key: &str, from: &str, to: &str) -> String {
    if counts(key) {
        format!("{from} to {}", value_words(key, to))
    } else {
        format!("{} to {to}", value_words(key, from))
    }
}

/// Whether the values of a key are numbers of things, whose noun follows them.
fn counts(key: &str) -> bool {
    key.rsplit('.')
        .next()
        .is_some_and(|last| last.ends_with('s'))
        && key != Axis::CASE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_their_noun_in_the_right_place() {
        let cases = [
            ("target.voters", "3", "3 voters"),
            ("target.observers", "1", "1 observer"),
            ("load.read_ratio", "0.9", "read ratio 0.9"),
            ("op.set.size", "1 KiB", "size 1 KiB"),
            ("case", "lone writer", "lone writer"),
            ("target", "bundled", "bundled"),
        ];
        for (key, value, words) in cases {
            assert_eq!(value_words(key, value), words);
        }
        assert_eq!(from_to("target.voters", "3", "5"), "3 to 5 voters");
        assert_eq!(from_to("load.read_ratio", "0", "1"), "read ratio 0 to 1");
    }
}
