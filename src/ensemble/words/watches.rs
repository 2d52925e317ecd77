//! `wchs`, `wchc` and `wchp`: who watches what.
//!
//! Java leaves out the watches on children; these tell of all, as `mntr` does.

use std::fmt::{Display, Write as _};
use std::sync::Arc;

use crate::wire::jute::SessionId;

/// What `wchs` sums up.
#[derive(Clone, Copy, Debug, Default)]
pub struct WatchSummary {
    /// Connections that watch.
    pub connections: usize,
    /// Paths that are watched.
    pub paths: usize,
    pub total: usize,
}

pub(super) fn summary(watches: WatchSummary) -> String {
    let WatchSummary {
        connections,
        paths,
        total,
    } = watches;
    format!("{connections} connections watching {paths} paths\nTotal watches:{total}\n")
}

/// Each session and what it watches.
pub(super) fn by_session(mut pairs: Vec<(i64, Arc<str>)>) -> String {
    pairs.sort_unstable();
    grouped(pairs.into_iter().map(|(id, path)| (SessionId(id), path)))
}

/// Each path and the sessions that watch it.
pub(super) fn by_path(mut pairs: Vec<(i64, Arc<str>)>) -> String {
    pairs.sort_unstable_by(|a, b| (&a.1, a.0).cmp(&(&b.1, b.0)));
    grouped(pairs.into_iter().map(|(id, path)| (path, SessionId(id))))
}

/// Each key of the sorted `pairs` on a line of its own, its values indented below it, each once.
fn grouped<K: Display + PartialEq, V: Display + PartialEq>(
    pairs: impl Iterator<Item = (K, V)>,
) -> String {
    let mut pairs: Vec<_> = pairs.collect();
    pairs.dedup();
    let mut text = String::new();
    for of_one in pairs.chunk_by(|a, b| a.0 == b.0) {
        let _infallible = writeln!(text, "{}", of_one[0].0);
        for (_, value) in of_one {
            let _infallible = writeln!(text, "\t{value}");
        }
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs() -> Vec<(i64, Arc<str>)> {
        [(2, "/b"), (1, "/b"), (-1, "/a"), (1, "/a"), (1, "/b")]
            .map(|(session, path)| (session, path.into()))
            .into()
    }

    #[test]
    fn the_layout_is_javas_and_what_comes_twice_is_told_once() {
        assert_eq!(
            by_session(pairs()),
            "0xffffffffffffffff\n\t/a\n0x1\n\t/a\n\t/b\n0x2\n\t/b\n\n"
        );
        assert_eq!(
            by_path(pairs()),
            "/a\n\t0xffffffffffffffff\n\t0x1\n/b\n\t0x1\n\t0x2\n\n"
        );
        assert_eq!(by_session(Vec::new()), "\n");
    }
}
