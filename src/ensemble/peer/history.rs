//! The newest committed transactions, kept to bring a learner up to date without a snapshot.

use std::collections::VecDeque;

use crate::wire::jute::Zxid;

/// As many as Java keeps (`commitLogCount`).
const ENTRIES_MAX: usize = 500;
/// But not more than this, so that large nodes do not fill the memory.
const BYTES_MAX: usize = 8 << 20;

/// A contiguous run of committed entries, oldest first.
#[derive(Debug, Default)]
pub(crate) struct History {
    entries: VecDeque<(Zxid, Box<[u8]>)>,
    bytes: usize,
}

/// How a learner is brought up to date (specification 13.4).
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
    /// Appends the newest committed entry and forgets the oldest beyond the bounds.
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

    /// Forgets everything: the tree was replaced.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.bytes = 0;
    }

    /// The entries from this index on.
    pub(crate) fn from(&self, index: usize) -> impl Iterator<Item = (Zxid, &[u8])> {
        self.entries
            .range(index..)
            .map(|(zxid, entry)| (*zxid, &**entry))
    }

    /// How a learner whose last logged zxid is `p` is brought to `last`, our last processed zxid:
    /// the table and walk of specification 13.4.
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
            // Java wants the entry behind `p` to be of p's epoch and sends a snapshot otherwise. The
            // entry before it is enough: logs that share an epoch share its prefix.
            Some(_) if at > 0 && self.entries[at - 1].0.epoch() == p.epoch() => SyncPlan::Trunc {
                to: self.entries[at - 1].0,
                from: at,
            },
            _ => SyncPlan::Snap,
        }
    }

    /// The newest zxid, if any.
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
    fn it_stays_bounded() {
        let mut history = History::default();
        for counter in 0..2000 {
            history.push(Zxid::new(1, counter), vec![0; 100_000].into());
        }
        assert!(history.bytes <= BYTES_MAX);
        assert_eq!(history.newest(), Some(Zxid::new(1, 1999)));
    }
}
