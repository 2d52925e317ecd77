//! `wchs`, `wchc` and `wchp`: sessions and the paths that they watch.
//!
//! Apache ZooKeeper leaves out the watches on children here, though its `mntr` counts them. These
//! words print all watches.

use std::fmt::{Display, Write as _};
use std::sync::Arc;

use crate::wire::jute::SessionId;

/// What `wchs` prints.
#[derive(Clone, Copy, Debug, Default)]
pub struct WatchSummary {
    /// Number of connections that have a watch.
    pub connections: usize,
    /// Number of paths that have a watch.
    pub paths: usize,
    pub total: usize,
}

/// A path and a session that watches it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Watched {
    pub session: SessionId,
    pub path: Arc<str>,
}

pub(super) fn summary(watches: WatchSummary) -> String {
    let WatchSummary {
        connections,
        paths,
        total,
    } = watches;
    format!("{connections} connections watching {paths} paths\nTotal watches:{total}\n")
}

/// Prints each session with the paths that it watches.
pub(super) fn by_session(mut watched: Vec<Watched>) -> String {
    watched.sort_unstable();
    grouped(watched.into_iter().map(|one| (one.session, one.path)))
}

/// Prints each path with the sessions that watch it.
pub(super) fn by_path(mut watched: Vec<Watched>) -> String {
    watched.sort_unstable_by(|a, b| (&a.path, a.session).cmp(&(&b.path, b.session)));
    grouped(watched.into_iter().map(|one| (one.path, one.session)))
}

/// Prints each key of the sorted `pairs` on a line of its own and its values, without repetition,
/// indented below it.
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

    fn watched() -> Vec<Watched> {
        [(2, "/b"), (1, "/b"), (-1, "/a"), (1, "/a"), (1, "/b")]
            .map(|(session, path)| Watched {
                session: SessionId(session),
                path: path.into(),
            })
            .into()
    }

    #[test]
    fn each_pair_is_printed_once_in_the_layout_of_java() {
        assert_eq!(
            by_session(watched()),
            "0xffffffffffffffff\n\t/a\n0x1\n\t/a\n\t/b\n0x2\n\t/b\n\n"
        );
        assert_eq!(
            by_path(watched()),
            "/a\n\t0xffffffffffffffff\n\t0x1\n/b\n\t0x1\n\t0x2\n\n"
        );
        assert_eq!(by_session(Vec::new()), "\n");
    }
}
