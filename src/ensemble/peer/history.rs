//! The newest committed transactions. The leader synchronises learners from them without a snapshot.

use std::collections::VecDeque;

use crate::wire::jute::Zxid;

/// The same number as in Java (`commitLogCount`).
const ENTRIES_MAX: usize = 500;
/// Limits the memory that entries with large data take.
const BYTES_MAX: usize = 8 << 20;

/// A contiguous run of committed entries, oldest first.
#[derive(Debug, Default)]
pub(crate) struct History {
    entries: VecDeque<(Zxid, Box<[u8]>)>,
    bytes: usize,
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
        self.bytes += entry.len();
        self.entries.push_back((zxid, entry));
        while self.entries.len() > ENTRIES_MAX || self.bytes > BYTES_MAX {
            let Some((_, oldest)) = self.entries.pop_front() else {
                break;
            };
            self.bytes -= oldest.len();
        }
    }

    /// Removes all entries, because the tree was replaced.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.bytes = 0;
    }

    /// Returns the entries from this index on.
    pub(crate) fn from(&self, index: usize) -> impl Iterator<Item = (Zxid, &[u8])> {
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
            return SyncPlan::Trunc { to: max, from: len };
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
    fn the_history_keeps_its_limits() {
        let mut history = History::default();
        for counter in 0..2000 {
            history.push(Zxid::new(1, counter), vec![0; 100_000].into());
        }
        assert!(history.bytes <= BYTES_MAX);
        assert_eq!(history.newest(), Some(Zxid::new(1, 1999)));
    }
}
