//! `wchs`, `wchc` and `wchp`: who watches what.
//!
//! Java leaves out the watches on children; these tell of all, as `mntr` does.

use std::fmt::Write as _;
use std::sync::Arc;

/// What `wchs` sums up.
#[derive(Clone, Copy, Debug, Default)]
pub struct WatchSummary {
    /// Connections that watch.
    pub connections: usize,
    /// Paths that are watched.
    pub paths: usize,
    /// Watches.
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
    pairs.dedup();
    let mut text = String::new();
    for of_one in pairs.chunk_by(|a, b| a.0 == b.0) {
        for (at, (session, path)) in of_one.iter().enumerate() {
            if at == 0 {
                let _infallible = writeln!(text, "0x{session:x}");
            }
            let _infallible = writeln!(text, "\t{path}");
        }
    }
    text.push('\n');
    text
}

/// Each path and the sessions that watch it.
pub(super) fn by_path(mut pairs: Vec<(i64, Arc<str>)>) -> String {
    pairs.sort_unstable_by(|a, b| (&a.1, a.0).cmp(&(&b.1, b.0)));
    pairs.dedup();
    let mut text = String::new();
    for of_one in pairs.chunk_by(|a, b| a.1 == b.1) {
        for (at, (session, path)) in of_one.iter().enumerate() {
            if at == 0 {
                let _infallible = writeln!(text, "{path}");
            }
            let _infallible = writeln!(text, "\t0x{session:x}");
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
