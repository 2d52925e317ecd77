//! The acknowledged sets of prepared znodes.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::wire::jute::Stat;

/// Znodes per page. A page is allocated with the first set of one of its znodes.
const PAGE: usize = 1_024;

/// The acknowledged sets, by the number of the znode.
#[derive(Debug, Default)]
pub(super) struct Sets {
    pages: Vec<Option<Box<[Znode]>>>,
    writes: u64,
}

/// The acknowledged sets of one znode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Znode {
    count: u32,
    lowest_version: i32,
    highest_version: i32,
    highest_zxid: i64,
}

impl Sets {
    /// Notes an acknowledged set, whose reply had this metadata.
    pub(super) fn acknowledge(&mut self, znode: u64, stat: &Stat) {
        let Ok(index) = usize::try_from(znode) else {
            return;
        };
        self.writes += 1;
        self.znode(index).add(&Znode {
            count: 1,
            lowest_version: stat.version,
            highest_version: stat.version,
            highest_zxid: stat.mzxid.0,
        });
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.writes += other.writes;
        for (index, znode) in other.iter() {
            self.znode(index).add(znode);
        }
    }

    /// Returns the number of acknowledged sets.
    pub(super) fn writes(&self) -> u64 {
        self.writes
    }

    /// Returns the znodes that were set, with their numbers, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Znode)> {
        let pages = self.pages.iter().enumerate();
        let znodes = pages.flat_map(|(page, znodes)| {
            let znodes = znodes.iter().flat_map(|znodes| znodes.iter());
            (page * PAGE..).zip(znodes)
        });
        znodes.filter(|(_, znode)| znode.count > 0)
    }

    fn znode(&mut self, index: usize) -> &mut Znode {
        let page = index / PAGE;
        if self.pages.len() <= page {
            self.pages.resize_with(page + 1, || None);
        }
        let znodes =
            self.pages[page].get_or_insert_with(|| vec![Znode::default(); PAGE].into_boxed_slice());
        &mut znodes[index % PAGE]
    }
}

impl Znode {
    fn add(&mut self, other: &Self) {
        if self.count == 0 {
            *self = *other;
            return;
        }
        self.count = self.count.saturating_add(other.count);
        self.lowest_version = self.lowest_version.min(other.lowest_version);
        self.highest_version = self.highest_version.max(other.highest_version);
        self.highest_zxid = self.highest_zxid.max(other.highest_zxid);
    }

    /// Returns how many of the acknowledged sets are lost for certain, given the znode's metadata after
    /// the run; `None` if the znode does not exist.
    ///
    /// Every set has its own version, so the versions from the lowest acknowledged one to the last one
    /// are at least as many as the acknowledged sets. If they are fewer, a version was given twice.
    pub(super) fn lost(&self, found: Option<&Stat>) -> u64 {
        let Some(stat) = found else {
            return u64::from(self.count);
        };
        let versions = i64::from(stat.version) - i64::from(self.lowest_version) + 1;
        let missing = i64::from(self.count) - versions.max(0);
        let is_older = stat.version < self.highest_version || stat.mzxid.0 < self.highest_zxid;
        u64::try_from(missing).unwrap_or(0).max(u64::from(is_older))
    }

    /// Describes what the acknowledged sets promise: `3 sets up to version 7 were acknowledged`.
    pub(super) fn in_words(&self) -> String {
        format!(
            "{} sets up to version {} (zxid 0x{:x}) were acknowledged",
            self.count, self.highest_version, self.highest_zxid
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::jute::Zxid;

    fn stat(version: i32, zxid: i64) -> Stat {
        Stat {
            czxid: Zxid(1),
            mzxid: Zxid(zxid),
            ctime_ms: 0,
            mtime_ms: 0,
            version,
            cversion: 0,
            aversion: 0,
            ephemeral_owner: 0,
            data_length: 0,
            num_children: 0,
            pzxid: Zxid(1),
        }
    }

    fn sets(versions: &[(i32, i64)]) -> Znode {
        let mut sets = Sets::default();
        for (version, zxid) in versions {
            sets.acknowledge(5_000, &stat(*version, *zxid));
        }
        let (index, znode) = sets.iter().next().unwrap();
        assert_eq!(index, 5_000);
        *znode
    }

    #[test]
    fn a_znode_that_has_all_versions_lost_nothing() {
        let znode = sets(&[(4, 40), (6, 60), (5, 50)]);
        assert_eq!(znode.lost(Some(&stat(6, 60))), 0);
        // A set without a reply was applied too.
        assert_eq!(znode.lost(Some(&stat(9, 90))), 0);
    }

    #[test]
    fn missing_versions_an_older_zxid_and_a_missing_znode_are_losses() {
        let znode = sets(&[(4, 40), (6, 60), (5, 50)]);
        assert_eq!(znode.lost(Some(&stat(5, 50))), 1);
        assert_eq!(znode.lost(Some(&stat(2, 20))), 3);
        assert_eq!(znode.lost(None), 3);
        assert_eq!(znode.lost(Some(&stat(6, 55))), 1);
    }

    #[test]
    fn a_version_that_was_given_twice_is_a_loss() {
        let znode = sets(&[(4, 40), (5, 50), (5, 70), (6, 80)]);
        assert_eq!(znode.lost(Some(&stat(6, 80))), 1);
    }

    #[test]
    fn the_ledgers_of_two_threads_add_up() {
        let mut one = Sets::default();
        one.acknowledge(7, &stat(1, 10));
        one.acknowledge(7, &stat(3, 30));
        let mut other = Sets::default();
        other.acknowledge(7, &stat(2, 20));
        other.acknowledge(2_000, &stat(1, 40));
        one.merge(&other);
        assert_eq!(one.writes(), 4);
        let merged: Vec<(usize, u32)> = one.iter().map(|(at, znode)| (at, znode.count)).collect();
        assert_eq!(merged, [(7, 3), (2_000, 1)]);
    }
}
