//! Changes that were proposed and are not applied yet on the leader (specification 6.1).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::VecDeque;

use hashbrown::HashTable;

use crate::wire::jute::Zxid;

use super::acl::Rights;
use super::path;
use super::state::Database;

/// The properties of a node that preparation checks.
#[derive(Clone, Debug)]
pub(super) struct NodeState {
    pub(super) version: i32,
    pub(super) cversion: i32,
    pub(super) aversion: i32,
    /// In the stored form; see [`super::znode::ephemeral_owner`].
    pub(super) owner: i64,
    pub(super) children: usize,
    pub(super) rights: Rights,
}

/// A node in the state it has after all proposed transactions are applied.
#[derive(Clone, Debug)]
pub(super) struct Found<'a> {
    path: &'a str,
    hash: u32,
    pub(super) state: NodeState,
}

#[derive(Debug)]
pub(super) struct Change {
    zxid: Zxid,
    /// A copy of the tree's path: incrementing its reference count misses the cache and costs more.
    pub(super) path: Box<str>,
    hash: u32,
    /// Number of the previous change of the same path.
    previous: Option<u64>,
    /// `None` if the change deletes the node.
    pub(super) state: Option<NodeState>,
}

/// The outstanding changes, oldest first, with an index from each path to its newest change.
#[derive(Debug, Default)]
pub(super) struct Outstanding {
    changes: VecDeque<Change>,
    /// Number of the oldest change. Numbers are not reused.
    first: u64,
    /// (hash of the path, number of its newest change)
    newest: HashTable<(u32, u64)>,
}

impl Outstanding {
    /// Returns the changes, oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter()
    }

    /// Whether both the queue and the index are empty.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.newest.is_empty()
    }

    /// Returns the number of the next change, for [`Self::roll_back`].
    pub(super) fn mark(&self) -> u64 {
        self.first + self.changes.len() as u64
    }

    fn change(&self, number: u64) -> Option<&Change> {
        let at = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.changes.get(at)
    }

    fn newest(&self, wanted: &str, hash: u32) -> Option<u64> {
        self.newest
            .find(path::spread(hash), |(other, number)| {
                *other == hash
                    && self
                        .change(*number)
                        .is_some_and(|change| *change.path == *wanted)
            })
            .map(|(_, number)| *number)
    }

    /// Returns the node with this path, with the outstanding changes included.
    pub(super) fn find<'a>(&self, database: &Database, wanted: &'a str) -> Option<Found<'a>> {
        let wanted = path::canonical(wanted);
        let hash = path::hash(wanted);
        if !self.changes.is_empty()
            && let Some(change) = self
                .newest(wanted, hash)
                .and_then(|number| self.change(number))
        {
            return change.state.as_ref().map(|state| Found {
                path: wanted,
                hash,
                state: state.clone(),
            });
        }
        let id = database.tree.find_hashed(wanted, hash)?;
        let node = database.tree.nodes.node(id);
        Some(Found {
            path: wanted,
            hash,
            state: NodeState {
                version: node.stat.version,
                cversion: node.stat.cversion,
                aversion: node.stat.aversion,
                owner: node.stat.ephemeral_owner,
                children: node.children.len(),
                rights: database.tree.rights(id),
            },
        })
    }

    /// Whether the path exists, with the outstanding changes included.
    pub(super) fn exists(&self, database: &Database, wanted: &str) -> bool {
        let wanted = path::canonical(wanted);
        let hash = path::hash(wanted);
        match self
            .newest(wanted, hash)
            .and_then(|number| self.change(number))
        {
            Some(change) => change.state.is_some(),
            None => database.tree.find_hashed(wanted, hash).is_some(),
        }
    }

    pub(super) fn push(&mut self, zxid: Zxid, node: Found<'_>) {
        self.record(zxid, node.path, node.hash, Some(node.state));
    }

    pub(super) fn push_new(&mut self, zxid: Zxid, new: &str, state: NodeState) {
        self.record(zxid, new, path::hash(new), Some(state));
    }

    pub(super) fn push_deleted(&mut self, zxid: Zxid, path: &str) {
        let hash = path::hash(path);
        self.record(zxid, path, hash, None);
    }

    fn record(&mut self, zxid: Zxid, path: &str, hash: u32, state: Option<NodeState>) {
        let number = self.mark();
        let (changes, first) = (&self.changes, self.first);
        let slot = self.newest.find_mut(path::spread(hash), |(other, number)| {
            *other == hash && is_of(changes, first, *number, path)
        });
        let previous = match slot {
            Some((_, newest)) => Some(std::mem::replace(newest, number)),
            None => {
                self.newest
                    .insert_unique(path::spread(hash), (hash, number), |(other, _)| {
                        path::spread(*other)
                    });
                None
            }
        };
        self.changes.push_back(Change {
            zxid,
            path: path.into(),
            hash,
            previous,
            state,
        });
    }

    /// Removes all changes added since the mark.
    pub(super) fn roll_back(&mut self, mark: u64) {
        while self.mark() > mark {
            let number = self.mark() - 1;
            let Some(change) = self.changes.pop_back() else {
                return;
            };
            let spread = path::spread(change.hash);
            if let Ok(mut entry) = self
                .newest
                .find_entry(spread, |(_, other)| *other == number)
            {
                match change.previous {
                    // No transaction is applied between a mark and its roll-back, so the previous
                    // change still exists.
                    Some(previous) => entry.get_mut().1 = previous,
                    None => drop(entry.remove()),
                }
            }
        }
    }

    /// Removes the changes that the tree now contains.
    pub(super) fn applied(&mut self, zxid: Zxid) {
        while self
            .changes
            .front()
            .is_some_and(|change| change.zxid <= zxid)
        {
            let Some(change) = self.changes.pop_front() else {
                return;
            };
            let number = self.first;
            self.first += 1;
            let spread = path::spread(change.hash);
            if let Ok(entry) = self
                .newest
                .find_entry(spread, |(_, other)| *other == number)
            {
                entry.remove();
            }
        }
    }
}

fn is_of(changes: &VecDeque<Change>, first: u64, number: u64, path: &str) -> bool {
    number
        .checked_sub(first)
        .and_then(|at| usize::try_from(at).ok())
        .and_then(|at| changes.get(at))
        .is_some_and(|change| *change.path == *path)
}
