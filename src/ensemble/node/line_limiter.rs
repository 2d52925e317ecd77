//! Limits how often lines of one kind are logged.

use std::collections::BTreeMap;

/// Shortest time between two lines of a kind, ms.
const QUIET_MS: u64 = 1_000;

/// Kinds of which a line was written during the last [`QUIET_MS`]. Kinds are constants of the program, so
/// there are few.
#[derive(Debug, Default)]
pub(super) struct LineLimiter {
    kinds: BTreeMap<&'static str, Kind>,
}

#[derive(Debug)]
struct Kind {
    /// When the last line of this kind was written.
    written_ms: u64,
    /// Lines held back since then, and the last of them.
    held_back: u64,
    last: String,
}

impl LineLimiter {
    /// Returns the line if it may be written now. Otherwise counts it.
    pub(super) fn admit(
        &mut self,
        now_ms: u64,
        kind: &'static str,
        line: String,
    ) -> Option<String> {
        if let Some(known) = self.kinds.get_mut(kind) {
            known.held_back += 1;
            known.last = line;
            return None;
        }
        let new = Kind {
            written_ms: now_ms,
            held_back: 0,
            last: String::new(),
        };
        self.kinds.insert(kind, new);
        Some(line)
    }

    /// Returns one line for each kind with lines that were held back, once [`QUIET_MS`] have passed since
    /// its last line: the newest of them, with their number. Forgets kinds without such lines.
    pub(super) fn due(&mut self, now_ms: u64) -> Vec<String> {
        let mut lines = Vec::new();
        self.kinds.retain(|_, kind| {
            if now_ms < kind.written_ms.saturating_add(QUIET_MS) {
                return true;
            }
            let held_back = std::mem::take(&mut kind.held_back);
            if held_back > 0 {
                lines.push(format!("{} ({held_back} more)", kind.last));
                kind.written_ms = now_ms;
            }
            held_back > 0
        });
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_lines_of_a_kind_become_one_a_second() {
        let mut limiter = LineLimiter::default();
        let first = limiter.admit(5, "a", "line 0".to_owned());
        assert_eq!(first.as_deref(), Some("line 0"));
        for now_ms in 5..905 {
            assert_eq!(limiter.admit(now_ms, "a", format!("line {now_ms}")), None);
            assert!(limiter.due(now_ms).is_empty());
        }
        let other = limiter.admit(905, "b", "other".to_owned());
        assert_eq!(other.as_deref(), Some("other"), "another kind");
        assert_eq!(limiter.due(1_005), ["line 904 (900 more)"]);
        assert_eq!(limiter.admit(1_500, "a", "late".to_owned()), None);
        assert_eq!(limiter.due(2_005), ["late (1 more)"]);
        assert!(limiter.due(3_005).is_empty());
        assert!(limiter.kinds.is_empty(), "quiet kinds are forgotten");
    }
}
