//! The newest committed transactions. The leader synchronises learners from them without a snapshot.

use std::collections::VecDeque;

use crate::wire::jute::Zxid;

/// The same number as in Java (`commitLogCount`).
const ENTRIES_MAX: usize = 500;
/// Limits the memory that entries with large data take.
const BYTES_MAX: usize = 8 << 20;
/// How many entries a call removes at least, if too many are here.
const FORGET_MAX: usize = 16;

/// A contiguous run of committed entries, oldest first.
#[derive(Debug, Default)]
pub(crate) struct History {
    entries: VecDeque<(Zxid, Box<[u8]>)>,
    bytes: usize,
    /// Keeps more entries than usual: all after this one, within [`Self::retained_bytes_max`].
    retained_after: Option<Zxid>,
    retained_bytes_max: usize,
    /// The newest entry that was removed because of the limits.
    forgotten: Zxid,
}

/// How a learner is synchronised (specification 13.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SyncPlan {
    /// Send the entries from this index on.
    Diff { from: usize },
    /// Cut the learner's log to this zxid, then send the entries from this index on.
    Trunc { to: Zxid, from: usize },
    /// Send the whole tree.
    Snap,
}

impl History {
    /// Appends the newest committed entry and removes the oldest entries beyond the limits.
    pub(crate) fn push(&mut self, zxid: Zxid, entry: Box<[u8]>) {
        let added = entry.len();
        self.bytes += added;
        self.entries.push_back((zxid, entry));
        // When much was retained, it is removed over many calls.
        let (mut removed, mut count) = (0, 0);
        while self.exceeds_limits() && (removed < added || count < FORGET_MAX) {
            let Some((zxid, oldest)) = self.entries.pop_front() else {
                break;
            };
            self.forgotten = zxid;
            self.bytes -= oldest.len();
            removed += oldest.len();
            count += 1;
        }
    }

    fn exceeds_limits(&self) -> bool {
        let oldest = self.entries.front().map(|(zxid, _)| *zxid);
        if oldest > self.retained_after && self.retained_after.is_some() {
            self.bytes > self.retained_bytes_max
        } else {
            self.entries.len() > ENTRIES_MAX || self.bytes > BYTES_MAX
        }
    }

    /// Keeps all entries after `oldest`, up to `bytes_max`. `None` ends this.
    pub(crate) fn retain_after(&mut self, oldest: Option<Zxid>, bytes_max: usize) {
        self.retained_after = oldest;
        self.retained_bytes_max = bytes_max.max(BYTES_MAX);
    }

    /// Whether all entries after this one that were ever here still are.
    pub(crate) fn reaches_back_to(&self, zxid: Zxid) -> bool {
        self.forgotten <= zxid
    }

    /// Removes all entries, because the tree was replaced.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.bytes = 0;
        self.forgotten = Zxid::ZERO;
    }

    /// Returns a zxid that is smaller than the entry at this index and not smaller than the one before,
    /// or `None` if there is no entry at this index.
    pub(crate) fn before(&self, index: usize) -> Option<Zxid> {
        self.entries.get(index).map(|(zxid, _)| Zxid(zxid.0 - 1))
    }

    /// Returns the entries after this one.
    pub(crate) fn after(&self, sent: Zxid) -> impl Iterator<Item = (Zxid, &[u8])> {
        let index = self.entries.partition_point(|(zxid, _)| *zxid <= sent);
        self.entries
            .range(index..)
            .map(|(zxid, entry)| (*zxid, &**entry))
    }

    /// Chooses how to synchronise a learner whose last logged zxid is `p`, where `last` is our last
    /// processed zxid (specification 13.4).
    pub(crate) fn plan(&self, p: Zxid, last: Zxid) -> SyncPlan {
        let len = self.entries.len();
        let (min, max) = match (self.entries.front(), self.entries.back()) {
            (Some((min, _)), Some((max, _))) => (*min, *max),
            _ => (last, last),
        };
        if p == last {
            return SyncPlan::Diff { from: len };
        }
        if p > max && p.counter() != 0 {
            // No entry has counter 0. Java would cut such a log behind the entry after that zxid.
            return match max.counter() {
                0 => SyncPlan::Snap,
                _ => SyncPlan::Trunc { to: max, from: len },
            };
        }
        if p < min || p > max || len == 0 {
            return SyncPlan::Snap;
        }
        let at = self.entries.partition_point(|(zxid, _)| *zxid < p);
        match self.entries.get(at) {
            Some((zxid, _)) if *zxid == p => SyncPlan::Diff { from: at + 1 },
            _ if p.counter() == 0 => SyncPlan::Diff { from: at },
            // Java sends a snapshot unless the entry after `p` has the epoch of `p`. Checking the entry
            // before `p` is enough: two logs with entries of the same epoch agree up to the shorter one.
            Some(_) if at > 0 && self.entries[at - 1].0.epoch() == p.epoch() => SyncPlan::Trunc {
                to: self.entries[at - 1].0,
                from: at,
            },
            _ => SyncPlan::Snap,
        }
    }

    pub(crate) fn newest(&self) -> Option<Zxid> {
        self.entries.back().map(|(zxid, _)| *zxid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(zxids: &[(i64, u32)]) -> History {
        let mut history = History::default();
        for (epoch, counter) in zxids {
            history.push(Zxid::new(*epoch, *counter), Box::new([0; 10]));
        }
        history
    }

    /// Specification 13.4, row by row.
    #[test]
    fn the_plan_follows_the_table() {
        let history = history(&[(1, 5), (1, 6), (1, 9), (2, 1), (2, 2)]);
        let last = Zxid::new(2, 2);
        let cases = [
            ((2, 2), SyncPlan::Diff { from: 5 }),
            ((2, 1), SyncPlan::Diff { from: 4 }),
            ((1, 5), SyncPlan::Diff { from: 1 }),
            ((2, 7), SyncPlan::Trunc { to: last, from: 5 }),
            (
                (1, 7),
                SyncPlan::Trunc {
                    to: Zxid::new(1, 6),
                    from: 2,
                },
            ),
            ((2, 0), SyncPlan::Diff { from: 3 }),
            (
                (1, 12),
                SyncPlan::Trunc {
                    to: Zxid::new(1, 9),
                    from: 3,
                },
            ),
            ((1, 4), SyncPlan::Snap),
            ((3, 0), SyncPlan::Snap),
        ];
        for ((epoch, counter), expected) in cases {
            assert_eq!(
                history.plan(Zxid::new(epoch, counter), last),
                expected,
                "{epoch},{counter}"
            );
        }
    }

    #[test]
    fn a_log_is_not_cut_to_the_start_of_an_epoch() {
        let last = Zxid::new(3, 0); // from a snapshot, without entries after it
        let plan = History::default().plan(Zxid::new(3, 5), last);
        assert_eq!(plan, SyncPlan::Snap);
    }

    #[test]
    fn the_history_keeps_its_limits() {
        let mut history = History::default();
        for counter in 0..2000 {
            history.push(Zxid::new(1, counter), vec![0; 100_000].into());
        }
        assert!(history.bytes <= BYTES_MAX);
        assert_eq!(history.newest(), Some(Zxid::new(1, 1999)));
    }

    #[test]
    fn what_a_stream_needs_is_kept_up_to_a_limit() {
        let mut history = History::default();
        let zxid = |counter| Zxid::new(1, counter);
        history.push(zxid(1), Box::new([0; 10]));
        history.retain_after(Some(zxid(1)), 20 << 20);
        for counter in 2..=10_000 {
            history.push(zxid(counter), Box::new([0; 1000]));
        }
        assert!(history.reaches_back_to(zxid(1)) && !history.reaches_back_to(Zxid::ZERO));
        assert_eq!(history.after(zxid(1)).count(), 9_999);
        assert_eq!(history.after(zxid(9_999)).count(), 1);
        for counter in 10_001..=30_000 {
            history.push(zxid(counter), Box::new([0; 1000]));
        }
        assert!(!history.reaches_back_to(zxid(1)), "beyond the limit");
        assert!(history.bytes <= 20 << 20);
        history.retain_after(None, 0);
        for counter in 30_001..=32_000 {
            history.push(zxid(counter), Box::new([0; 1000]));
        }
        assert_eq!(history.entries.len(), ENTRIES_MAX);
    }
}
