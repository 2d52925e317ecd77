//! How long a server waits before it follows a leader again that it could not follow.
//!
//! The servers that follow this leader answer each vote with it. Without a pause the server would elect it
//! again at once, and fail again. It still takes part in an election among servers that look for a leader.

use super::learner::Learner;
use crate::wire::jute::PeerId;

/// Pause after the second failure in succession, ms. It doubles with each further one.
const PAUSE_MIN_MS: u64 = 200;
/// Longest pause, ms.
const PAUSE_MAX_MS: u64 = 8_000;
/// Shortest pause when only the next election can help, ms.
const OUTDATED_MIN_MS: u64 = 3_000;

#[derive(Debug, Default)]
pub(super) struct Retry {
    /// Attempts in succession that ended before the server served.
    failures: u32,
    avoid: Option<(PeerId, u64)>,
}

impl Retry {
    /// Takes into account how an attempt to follow a leader has ended.
    pub(super) fn ended(&mut self, learner: &Learner, now_ms: u64) {
        if learner.is_serving() {
            *self = Self::default();
            return;
        }
        self.failures += 1;
        let doublings = self.failures.saturating_sub(2).min(10);
        let mut pause_ms = match self.failures {
            1 => 0,
            _ => (PAUSE_MIN_MS << doublings).min(PAUSE_MAX_MS),
        };
        if learner.is_outdated() {
            pause_ms = pause_ms.max(OUTDATED_MIN_MS);
        }
        self.avoid = Some((learner.leader, now_ms + pause_ms));
    }

    /// Returns the leader that is not followed, and until when, in monotonic ms.
    pub(super) fn avoided(&self, now_ms: u64) -> Option<(PeerId, u64)> {
        self.avoid.filter(|(_, until_ms)| *until_ms > now_ms)
    }
}
