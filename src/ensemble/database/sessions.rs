//! Tracks sessions: their expiry, and the server that each is connected to (specification 10).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use crate::wire::jute::{ErrorCode, SessionId};

#[derive(Debug)]
struct Session {
    timeout_ms: i32,
    /// When the session's bucket expires.
    expiry_ms: u64,
    owner: Option<u64>,
    closing: bool,
}

/// The leader's session tracker. It groups sessions in buckets of one tick. Times are milliseconds
/// of a monotonic clock.
#[derive(Debug)]
pub struct SessionTracker {
    tick_ms: u64,
    sessions: HashMap<SessionId, Session, FxBuildHasher>,
    buckets: BTreeMap<u64, BTreeSet<SessionId>>,
}

impl SessionTracker {
    /// Creates a tracker without sessions whose buckets are `tick_ms` wide (at least 1).
    #[must_use]
    pub fn new(tick_ms: u64) -> Self {
        Self {
            tick_ms: tick_ms.max(1),
            sessions: HashMap::default(),
            buckets: BTreeMap::new(),
        }
    }

    /// Tracks a session, or sets a new timeout for a tracked one.
    pub fn add(&mut self, session: SessionId, timeout_ms: i32, now_ms: u64) {
        self.sessions
            .entry(session)
            .and_modify(|known| known.timeout_ms = timeout_ms)
            .or_insert(Session {
                timeout_ms,
                expiry_ms: 0,
                owner: None,
                closing: false,
            });
        self.touch(session, now_ms);
    }

    pub fn remove(&mut self, session: SessionId) {
        if let Some(known) = self.sessions.remove(&session) {
            self.leave_bucket(known.expiry_ms, session);
        }
    }

    fn leave_bucket(&mut self, expiry_ms: u64, session: SessionId) {
        if let Some(bucket) = self.buckets.get_mut(&expiry_ms) {
            bucket.remove(&session);
            if bucket.is_empty() {
                self.buckets.remove(&expiry_ms);
            }
        }
    }

    /// Extends the session's expiry time. Returns `false` if the session is unknown or closing.
    pub fn touch(&mut self, session: SessionId, now_ms: u64) -> bool {
        let tick_ms = self.tick_ms;
        let Some(known) = self.sessions.get_mut(&session) else {
            return false;
        };
        if known.closing {
            return false;
        }
        let timeout_ms = u64::try_from(known.timeout_ms).unwrap_or(0);
        let expiry_ms = ((now_ms + timeout_ms) / tick_ms + 1) * tick_ms;
        if expiry_ms > known.expiry_ms {
            let before = std::mem::replace(&mut known.expiry_ms, expiry_ms);
            self.leave_bucket(before, session);
            self.buckets.entry(expiry_ms).or_default().insert(session);
        }
        true
    }

    /// Records that the session reconnected through `owner` with this timeout. Returns `false` if
    /// the session is unknown or closing.
    pub fn reopen(&mut self, session: SessionId, owner: u64, timeout_ms: i32, now_ms: u64) -> bool {
        match self.sessions.get_mut(&session) {
            Some(known) if !known.closing => {
                known.owner = Some(owner);
                known.timeout_ms = timeout_ms;
                self.touch(session, now_ms)
            }
            _ => false,
        }
    }

    /// Whether the session is tracked, closing or not.
    #[must_use]
    pub fn is_known(&self, session: SessionId) -> bool {
        self.sessions.contains_key(&session)
    }

    #[must_use]
    pub fn is_closing(&self, session: SessionId) -> bool {
        self.sessions
            .get(&session)
            .is_some_and(|known| known.closing)
    }

    /// Marks a session as closing after its client sent closeSession. Its later requests are
    /// refused.
    pub fn set_closing(&mut self, session: SessionId) {
        if let Some(known) = self.sessions.get_mut(&session) {
            known.closing = true;
            let expiry_ms = known.expiry_ms;
            self.leave_bucket(expiry_ms, session);
        }
    }

    /// Returns the owner: the server to which the session's client is connected.
    #[must_use]
    pub fn owner(&self, session: SessionId) -> Option<u64> {
        self.sessions.get(&session)?.owner
    }

    /// Records that the session connected through `owner`.
    pub fn set_owner(&mut self, session: SessionId, owner: u64) {
        if let Some(known) = self.sessions.get_mut(&session) {
            known.owner = Some(owner);
        }
    }

    /// Checks that a write of this session that came through `owner` may be prepared. If the
    /// session has no owner, `owner` becomes it.
    ///
    /// # Errors
    /// `SESSION_EXPIRED` if the session is unknown or closing, `SESSION_MOVED` if it has another
    /// owner.
    pub fn check(&mut self, session: SessionId, owner: u64) -> Result<(), ErrorCode> {
        let Some(known) = self.sessions.get_mut(&session) else {
            return Err(ErrorCode::SESSION_EXPIRED);
        };
        if known.closing {
            return Err(ErrorCode::SESSION_EXPIRED);
        }
        if *known.owner.get_or_insert(owner) == owner {
            Ok(())
        } else {
            Err(ErrorCode::SESSION_MOVED)
        }
    }

    /// Moves the expiry of every session by `ms`, rounded up to whole ticks: the server has not run for this
    /// time, and could not hear of sessions that were active.
    pub fn postpone(&mut self, ms: u64) {
        let by_ms = ms.div_ceil(self.tick_ms) * self.tick_ms;
        for known in self.sessions.values_mut() {
            known.expiry_ms += by_ms;
        }
        self.buckets = std::mem::take(&mut self.buckets)
            .into_iter()
            .map(|(expiry_ms, sessions)| (expiry_ms + by_ms, sessions))
            .collect();
    }

    /// Marks at most `count` expired sessions as closing and returns them, earliest first. The caller
    /// must propose a closeSession for each. They stay tracked until removed.
    pub fn expire(&mut self, now_ms: u64, count: usize) -> Vec<SessionId> {
        let mut expired = Vec::new();
        while let Some(mut bucket) = self.buckets.first_entry()
            && *bucket.key() <= now_ms
            && expired.len() < count
        {
            match bucket.get_mut().pop_first() {
                Some(session) => expired.push(session),
                None => drop(bucket.remove()),
            }
        }
        if let Some(bucket) = self.buckets.first_entry()
            && bucket.get().is_empty()
        {
            bucket.remove();
        }
        for session in &expired {
            if let Some(known) = self.sessions.get_mut(session) {
                known.closing = true;
            }
        }
        expired
    }

    /// Returns when [`Self::expire`] must be called next, at the earliest `now_ms`; `None` without
    /// sessions.
    #[must_use]
    pub fn next_deadline(&self, now_ms: u64) -> Option<u64> {
        self.buckets
            .first_key_value()
            .map(|(expiry_ms, _)| now_ms.max(*expiry_ms))
    }

    /// Counts the tracked sessions, closing ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// Returns the sessions with their timeouts in ms, sorted by id.
    #[must_use]
    pub fn timeouts(&self) -> Vec<(SessionId, i32)> {
        let mut list: Vec<(SessionId, i32)> = self
            .sessions
            .iter()
            .map(|(session, known)| (*session, known.timeout_ms))
            .collect();
        list.sort_unstable();
        list
    }

    /// Returns each bucket's expiry time and sessions (for `dump`).
    pub fn buckets(&self) -> impl Iterator<Item = (u64, impl Iterator<Item = SessionId>)> {
        self.buckets
            .iter()
            .map(|(expiry_ms, sessions)| (*expiry_ms, sessions.iter().copied()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: SessionId = SessionId(1);
    const B: SessionId = SessionId(2);

    #[test]
    fn sessions_expire_in_buckets_of_one_tick() {
        let mut tracker = SessionTracker::new(2000);
        assert_eq!(tracker.next_deadline(0), None);
        tracker.add(B, 4000, 100);
        tracker.add(A, 4000, 1999);
        // (100 + 4000) / 2000 + 1 = 3 ticks. A session created at 1999 gets the same deadline.
        assert_eq!(tracker.next_deadline(0), Some(6000));
        assert_eq!(tracker.next_deadline(7000), Some(7000));
        assert!(
            tracker.touch(A, 2000),
            "one ms later falls into the next bucket"
        );
        assert_eq!(tracker.expire(5999, usize::MAX), []);
        assert_eq!(tracker.expire(6000, usize::MAX), [B]);
        assert!(tracker.is_closing(B) && tracker.is_known(B));
        assert!(!tracker.touch(B, 6000), "too late");
        assert_eq!(tracker.expire(60_000, usize::MAX), [A]);
        assert_eq!(tracker.next_deadline(60_000), None);
        tracker.remove(A);
        assert!(!tracker.is_known(A) && !tracker.touch(A, 60_000));
        assert_eq!(tracker.timeouts(), [(B, 4000)]);
    }

    #[test]
    fn sessions_expire_in_order_of_time_then_id() {
        let mut tracker = SessionTracker::new(10);
        for id in [5, 3, 4] {
            tracker.add(SessionId(id), 100, 0);
        }
        tracker.add(SessionId(9), 10, 0);
        assert_eq!(
            tracker.expire(1000, usize::MAX),
            [9, 3, 4, 5].map(SessionId),
            "the shortest timeout first"
        );
    }

    #[test]
    fn a_stall_postpones_every_expiry() {
        let mut tracker = SessionTracker::new(10);
        tracker.add(A, 100, 0);
        tracker.add(B, 200, 0);
        tracker.postpone(1_001);
        assert_eq!(tracker.next_deadline(0), Some(110 + 1_010));
        assert!(tracker.touch(B, 1_000), "an earlier expiry changes nothing");
        assert_eq!(tracker.expire(1_119, 9), []);
        assert_eq!(tracker.expire(1_120, 9), [A]);
        assert_eq!(tracker.expire(1_220, 9), [B]);
    }

    #[test]
    fn many_sessions_expire_in_portions() {
        let mut tracker = SessionTracker::new(10);
        for id in 0..5 {
            tracker.add(SessionId(id), 100, 0);
        }
        assert_eq!(tracker.expire(1000, 2), [0, 1].map(SessionId));
        assert_eq!(
            tracker.next_deadline(1000),
            Some(1000),
            "the others are due at once"
        );
        assert_eq!(tracker.expire(1000, 3), [2, 3, 4].map(SessionId));
        assert_eq!(tracker.next_deadline(1000), None);
    }

    #[test]
    fn a_write_needs_an_open_session_and_its_owner() {
        let mut tracker = SessionTracker::new(2000);
        assert_eq!(tracker.check(A, 7), Err(ErrorCode::SESSION_EXPIRED));
        tracker.add(A, 4000, 0);
        assert_eq!(
            tracker.check(A, 7),
            Ok(()),
            "the first sender becomes the owner"
        );
        assert_eq!(tracker.owner(A), Some(7));
        assert_eq!(tracker.check(A, 8), Err(ErrorCode::SESSION_MOVED));
        tracker.set_owner(A, 8);
        assert_eq!(tracker.check(A, 8), Ok(()));
        tracker.set_closing(A);
        assert_eq!(tracker.check(A, 8), Err(ErrorCode::SESSION_EXPIRED));
        assert_eq!(
            tracker.expire(u64::MAX, usize::MAX),
            [],
            "it is already closing"
        );
    }
}
