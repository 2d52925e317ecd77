//! Changes that were proposed and are not applied yet on the leader (specification 6.1).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::{BTreeMap, VecDeque};

use hashbrown::HashTable;

use crate::wire::jute::{SessionId, Zxid};

use super::acl::Rights;
use super::path;
use super::path_hash::spread;
use super::state::Database;
use super::tree::listed_bytes;

/// The properties of a node that preparation checks.
#[derive(Clone, Debug)]
pub(super) struct NodeState {
    pub(super) version: i32,
    pub(super) cversion: i32,
    pub(super) aversion: i32,
    /// In the stored form; see [`super::znode::Lifetime::decode`].
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
    /// The session whose ephemerals this change creates or deletes.
    ephemeral: Option<SessionId>,
    /// `None` if the change deletes the node.
    state: Option<NodeState>,
}

/// What the outstanding changes do to the ephemerals of a session.
#[derive(Debug, Default)]
struct SessionChanges {
    /// Numbers of the changes that create ephemerals, oldest first.
    created: VecDeque<u64>,
    created_bytes: usize,
    deleted: usize,
    deleted_bytes: usize,
}

/// The outstanding changes, oldest first, with an index from each path to its newest change.
#[derive(Debug, Default)]
pub(super) struct Outstanding {
    changes: VecDeque<Change>,
    /// Number of the oldest change. Numbers are not reused.
    first: u64,
    /// (hash of the path, number of its newest change)
    newest: HashTable<(u32, u64)>,
    /// By session, so that closing one does not read the changes of the others.
    sessions: BTreeMap<SessionId, SessionChanges>,
}

impl Outstanding {
    /// Whether both the queue and the index are empty.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.newest.is_empty() && self.sessions.is_empty()
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
            .find(spread(hash), |(other, number)| {
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
        let hash = database.tree.hasher.hash(wanted);
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
        let hash = database.tree.hasher.hash(wanted);
        match self
            .newest(wanted, hash)
            .and_then(|number| self.change(number))
        {
            Some(change) => change.state.is_some(),
            None => database.tree.find_hashed(wanted, hash).is_some(),
        }
    }

    /// Returns the paths of the ephemerals that the session will own when all proposed transactions
    /// are applied, sorted.
    pub(super) fn ephemerals(&self, database: &Database, session: SessionId) -> Vec<Box<str>> {
        let owns_still = |path: &str| match self.newest(path, database.tree.hasher.hash(path)) {
            Some(number) => self
                .change(number)
                .and_then(|change| change.state.as_ref())
                .is_some_and(|state| database.tree.ephemeral_owner(state.owner) == Some(session)),
            None => true,
        };
        let created = self.sessions.get(&session).into_iter();
        let created = created
            .flat_map(|changes| &changes.created)
            .filter_map(|number| self.change(*number))
            .map(|change| &*change.path);
        let mut paths: Vec<Box<str>> = database
            .tree
            .ephemerals(session)
            .chain(created)
            .filter(|path| owns_still(path))
            .map(Box::from)
            .collect();
        paths.sort_unstable();
        paths.dedup();
        paths
    }

    /// How many bytes a closeSession will need to list the session's ephemerals.
    pub(super) fn ephemerals_listed_bytes(&self, database: &Database, session: SessionId) -> usize {
        let applied = database.tree.ephemerals_listed_bytes(session);
        self.sessions.get(&session).map_or(applied, |changes| {
            (applied + changes.created_bytes).saturating_sub(changes.deleted_bytes)
        })
    }

    pub(super) fn push(&mut self, zxid: Zxid, node: Found<'_>) {
        self.record(zxid, node.path, node.hash, None, Some(node.state));
    }

    /// Records a new node. `owner` is the session that owns it.
    pub(super) fn push_new(
        &mut self,
        database: &Database,
        zxid: Zxid,
        new: &str,
        state: NodeState,
    ) {
        let owner = database.tree.ephemeral_owner(state.owner);
        let hash = database.tree.hasher.hash(new);
        if let Some(session) = owner {
            let number = self.mark();
            let changes = self.sessions.entry(session).or_default();
            changes.created.push_back(number);
            changes.created_bytes += listed_bytes(new.as_bytes());
        }
        self.record(zxid, new, hash, owner, Some(state));
    }

    /// Records that a node is deleted. `stored_owner` is the owner that it had.
    pub(super) fn push_deleted(
        &mut self,
        database: &Database,
        zxid: Zxid,
        path: &str,
        stored_owner: i64,
    ) {
        let owner = database.tree.ephemeral_owner(stored_owner);
        let path = path::canonical(path);
        let hash = database.tree.hasher.hash(path);
        if let Some(session) = owner {
            let changes = self.sessions.entry(session).or_default();
            changes.deleted += 1;
            changes.deleted_bytes += listed_bytes(path.as_bytes());
        }
        self.record(zxid, path, hash, owner, None);
    }

    /// Forgets what a change did to the ephemerals of a session. `pop` takes its number off the list
    /// of creations, from the end where the change stands.
    fn forget_ephemeral(
        &mut self,
        change: &Change,
        pop: impl FnOnce(&mut VecDeque<u64>) -> Option<u64>,
    ) {
        let Some(session) = change.ephemeral else {
            return;
        };
        let Some(changes) = self.sessions.get_mut(&session) else {
            return;
        };
        let bytes = listed_bytes(change.path.as_bytes());
        if change.state.is_some() {
            let _number = pop(&mut changes.created);
            changes.created_bytes -= bytes;
        } else {
            changes.deleted -= 1;
            changes.deleted_bytes -= bytes;
        }
        if changes.created.is_empty() && changes.deleted == 0 {
            self.sessions.remove(&session);
        }
    }

    fn record(
        &mut self,
        zxid: Zxid,
        path: &str,
        hash: u32,
        ephemeral: Option<SessionId>,
        state: Option<NodeState>,
    ) {
        let number = self.mark();
        let (changes, first) = (&self.changes, self.first);
        let slot = self.newest.find_mut(spread(hash), |(other, number)| {
            *other == hash && is_of(changes, first, *number, path)
        });
        let previous = match slot {
            Some((_, newest)) => Some(std::mem::replace(newest, number)),
            None => {
                self.newest
                    .insert_unique(spread(hash), (hash, number), |(other, _)| spread(*other));
                None
            }
        };
        self.changes.push_back(Change {
            zxid,
            path: path.into(),
            hash,
            previous,
            ephemeral,
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
            self.forget_ephemeral(&change, VecDeque::pop_back);
            if let Ok(mut entry) = self
                .newest
                .find_entry(spread(change.hash), |(_, other)| *other == number)
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
            self.forget_ephemeral(&change, VecDeque::pop_front);
            if let Ok(entry) = self
                .newest
                .find_entry(spread(change.hash), |(_, other)| *other == number)
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
