//! One of the two watch managers: the watchers of each path and their modes (specification 7.1,
//! 7.2).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::sync::Arc;

use hashbrown::{HashMap, HashSet, HashTable};
use rustc_hash::FxBuildHasher;

use super::ConnId;
use super::leaving::Leaving;
use super::path_hash::{PathHasher, spread};
use super::slab::{Slab, Slot};
use super::watched::{Mode, Watched};

/// The paths that a connection watches.
pub(super) type PathSet = HashSet<Slot, FxBuildHasher>;

/// The index keeps the memory of so many paths when most watches are gone.
const INDEX_KEPT: usize = 4096;

/// Maps paths to watchers and connections to paths. No output depends on the order of the maps.
#[derive(Debug)]
pub(super) struct WatchTable {
    watched: Slab<Watched>,
    /// (hash of the path, its slot in `watched`)
    index: HashTable<(u32, Slot)>,
    hasher: PathHasher,
    /// The server numbers the slots and connections, so their hash needs no key.
    conns: HashMap<ConnId, PathSet, FxBuildHasher>,
    /// Closed connections whose watches are not removed yet.
    leaving: Leaving,
    /// Number of (connection, path) pairs of open connections.
    pairs: usize,
    /// Number of pairs with a recursive watch, those of closed connections included.
    recursive: usize,
}

impl WatchTable {
    pub(super) fn new(hasher: PathHasher) -> Self {
        Self {
            watched: Slab::default(),
            index: HashTable::new(),
            hasher,
            conns: HashMap::default(),
            leaving: Leaving::default(),
            pairs: 0,
            recursive: 0,
        }
    }

    /// Counts the (connection, path) pairs.
    pub(super) const fn len(&self) -> usize {
        self.pairs
    }

    /// Counts the watching connections and the watched paths.
    pub(super) fn breadth(&self) -> (usize, usize) {
        (self.conns.len(), self.watched.len())
    }

    /// Counts the watching connections and the watched paths that `other` does not contain.
    pub(super) fn breadth_beyond(&self, other: &Self) -> (usize, usize) {
        let conns = self.conns.keys().filter(|c| !other.conns.contains_key(*c));
        let paths = self.index.iter().filter(|(hash, slot)| {
            let path = &self.watched.node(*slot).path;
            other.find_hashed(path, *hash).is_none()
        });
        (conns.count(), paths.count())
    }

    /// Returns the (connection, path) pairs in no particular order.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (ConnId, &Arc<str>)> {
        let paths_of = |(conn, paths)| {
            let paths: &PathSet = paths;
            let conn: &ConnId = conn;
            paths
                .iter()
                .map(|slot| (*conn, &self.watched.node(*slot).path))
        };
        self.conns.iter().flat_map(paths_of)
    }

    fn find(&self, path: &str) -> Option<Slot> {
        self.find_hashed(path, self.hasher.hash(path))
    }

    fn find_hashed(&self, path: &str, hash: u32) -> Option<Slot> {
        self.index
            .find(spread(hash), |(other, slot)| {
                *other == hash && *self.watched.node(*slot).path == *path
            })
            .map(|(_, slot)| *slot)
    }

    fn find_or_add(&mut self, path: &str) -> Slot {
        let hash = self.hasher.hash(path);
        if let Some(slot) = self.find_hashed(path, hash) {
            return slot;
        }
        let slot = self.watched.insert(Watched::new(path, hash));
        self.index
            .insert_unique(spread(hash), (hash, slot), |(hash, _)| spread(*hash));
        slot
    }

    pub(super) fn add(&mut self, path: &str, conn: ConnId, mode: Mode) {
        let slot = self.find_or_add(path);
        let before = self.watched.node_mut(slot).add(conn, mode);
        if before.is_none() {
            self.conns.entry(conn).or_default().insert(slot);
            self.pairs += 1;
        }
        if mode.meets(Mode::RECURSIVE) && !before.meets(Mode::RECURSIVE) {
            self.recursive += 1;
        }
    }

    /// Whether the connection watches the path in any of these modes.
    pub(super) fn contains(&self, path: &str, conn: ConnId, mode: Mode) -> bool {
        self.find(path)
            .is_some_and(|slot| self.watched.node(slot).modes(conn).meets(mode))
    }

    /// Removes these modes. Returns `false` if none of them was set.
    pub(super) fn remove(&mut self, path: &str, conn: ConnId, mode: Mode) -> bool {
        let Some(slot) = self.find(path) else {
            return false;
        };
        let watched = self.watched.node_mut(slot);
        let before = watched.modes(conn);
        watched.remove(conn, mode);
        let left = watched.modes(conn);
        if before.meets(Mode::RECURSIVE) && !left.meets(Mode::RECURSIVE) {
            self.recursive -= 1;
        }
        if !before.is_none() && left.is_none() {
            self.drop_pair(slot, conn);
            self.drop_unwatched(slot);
        }
        before.meets(mode)
    }

    /// Takes a path off the list of a connection.
    fn drop_pair(&mut self, slot: Slot, conn: ConnId) {
        // The watches of a closed connection are no longer counted.
        if let Some(paths) = self.conns.get_mut(&conn) {
            self.pairs -= 1;
            paths.remove(&slot);
            if paths.is_empty() {
                self.conns.remove(&conn);
            }
        }
    }

    /// Drops a path that nobody watches, and returns memory when most of the table is empty.
    fn drop_unwatched(&mut self, slot: Slot) {
        let watched = self.watched.node(slot);
        if !watched.is_unwatched() {
            return;
        }
        let hash = watched.hash;
        if let Ok(entry) = self
            .index
            .find_entry(spread(hash), |(_, other)| *other == slot)
        {
            entry.remove();
        }
        self.watched.remove(slot);
        if self.index.capacity() > INDEX_KEPT && self.index.len() < self.index.capacity() / 8 {
            let kept = 2 * self.index.len();
            self.index.shrink_to(kept, |(hash, _)| spread(*hash));
        }
    }

    /// Ends all watches of a closed connection. [`Self::forget_some`] removes them from memory.
    pub(super) fn forget(&mut self, conn: ConnId) {
        if let Some(paths) = self.conns.remove(&conn) {
            self.pairs -= paths.len();
            self.leaving.add(conn, paths);
        }
    }

    /// Removes at most `count` watches of closed connections from memory. Returns how many it tried.
    pub(super) fn forget_some(&mut self, count: usize) -> usize {
        for done in 0..count {
            let Some((conn, slot)) = self.leaving.next() else {
                return done;
            };
            // The slot may hold another path by now; connections are not numbered twice.
            let Some(watched) = self.watched.get_mut(slot) else {
                continue;
            };
            let before = watched.modes(conn);
            if !before.is_none() {
                watched.remove(conn, Mode::ANY);
                self.recursive -= usize::from(before.meets(Mode::RECURSIVE));
                self.drop_unwatched(slot);
            }
        }
        count
    }

    /// Whether watches of closed connections are still in memory.
    pub(super) fn is_forgetting(&self) -> bool {
        !self.leaving.is_empty()
    }

    /// Appends the connections that must be notified of a change of `changed`, each once and
    /// sorted, and removes the standard watches of that path.
    pub(super) fn trigger(&mut self, changed: &str, notified: &mut Vec<ConnId>) {
        notified.clear();
        if self.pairs == 0 {
            return;
        }
        self.trigger_exact(changed, notified);
        if self.recursive > 0 {
            self.hasher.ancestors(changed, |ancestor, hash| {
                if let Some(slot) = self.find_hashed(ancestor, hash) {
                    notified.extend(self.watched.node(slot).recursive());
                }
            });
            notified.sort_unstable();
            notified.dedup();
        }
        if self.is_forgetting() {
            notified.retain(|conn| self.conns.contains_key(conn) || !self.leaving.contains(*conn));
        }
    }

    fn trigger_exact(&mut self, changed: &str, notified: &mut Vec<ConnId>) {
        let Some(slot) = self.find(changed) else {
            return;
        };
        let watched = self.watched.node_mut(slot);
        notified.extend(watched.watchers().map(|(conn, _)| conn));
        for conn in watched.fire() {
            self.drop_pair(slot, conn);
        }
        self.drop_unwatched(slot);
    }
}
