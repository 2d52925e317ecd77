//! One of the two watch managers: the watchers of each path and their modes (specification 7.1,
//! 7.2).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use rustc_hash::FxBuildHasher;

use super::ConnId;
use super::path;

/// The modes in which a connection watches a path. Several can be set (since 3.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mode(u8);

impl Mode {
    /// Fires once.
    pub(super) const STANDARD: Self = Self(1);
    /// Fires until removed.
    pub(super) const PERSISTENT: Self = Self(2);
    /// Fires until removed, for the path and everything below it.
    pub(super) const RECURSIVE: Self = Self(4);
    /// Matches every mode.
    pub(super) const ANY: Self = Self(7);

    const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    const fn is_none(self) -> bool {
        self.0 == 0
    }
}

#[derive(Debug)]
struct Watched {
    path: Arc<str>,
    /// Sorted by connection.
    watchers: Vec<(ConnId, Mode)>,
}

/// Maps paths to watchers and connections to paths. The hashes are fixed; no output depends on the
/// order of the maps.
#[derive(Debug, Default)]
pub(super) struct WatchTable {
    paths: HashMap<Arc<str>, Watched, FxBuildHasher>,
    conns: HashMap<ConnId, HashSet<Arc<str>, FxBuildHasher>, FxBuildHasher>,
    /// Number of (connection, path) pairs.
    pairs: usize,
    /// Number of pairs with a recursive watch.
    recursive: usize,
}

impl WatchTable {
    /// Counts the (connection, path) pairs.
    pub(super) const fn len(&self) -> usize {
        self.pairs
    }

    /// Counts the watching connections and the watched paths.
    pub(super) fn breadth(&self) -> (usize, usize) {
        (self.conns.len(), self.paths.len())
    }

    /// Counts the watching connections and the watched paths that `other` does not contain.
    pub(super) fn breadth_beyond(&self, other: &Self) -> (usize, usize) {
        let conns = self.conns.keys().filter(|c| !other.conns.contains_key(*c));
        let paths = self.paths.keys().filter(|p| !other.paths.contains_key(*p));
        (conns.count(), paths.count())
    }

    /// Returns the (connection, path) pairs in no particular order.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (ConnId, &Arc<str>)> {
        self.conns
            .iter()
            .flat_map(|(conn, paths)| paths.iter().map(move |path| (*conn, path)))
    }

    /// Adds a watch. `shared` is an existing string that equals `path`, to save memory.
    pub(super) fn add(&mut self, path: &str, shared: Option<&Arc<str>>, conn: ConnId, mode: Mode) {
        let watched = match self.paths.get_mut(path) {
            Some(watched) => watched,
            None => {
                let key: Arc<str> = shared.map_or_else(|| path.into(), Arc::clone);
                let value = Watched {
                    path: Arc::clone(&key),
                    watchers: Vec::with_capacity(1),
                };
                self.paths.entry(key).or_insert(value)
            }
        };
        let before = match watched
            .watchers
            .binary_search_by_key(&conn, |(conn, _)| *conn)
        {
            Ok(at) => {
                let modes = &mut watched.watchers[at].1;
                let before = *modes;
                *modes = before.with(mode);
                before
            }
            Err(at) => {
                watched.watchers.insert(at, (conn, mode));
                let key = Arc::clone(&watched.path);
                self.conns.entry(conn).or_default().insert(key);
                self.pairs += 1;
                Mode(0)
            }
        };
        if mode.meets(Mode::RECURSIVE) && !before.meets(Mode::RECURSIVE) {
            self.recursive += 1;
        }
    }

    /// Whether the connection watches the path in any of these modes.
    pub(super) fn contains(&self, path: &str, conn: ConnId, mode: Mode) -> bool {
        self.paths.get(path).is_some_and(|watched| {
            watched
                .watchers
                .binary_search_by_key(&conn, |(conn, _)| *conn)
                .is_ok_and(|at| watched.watchers[at].1.meets(mode))
        })
    }

    /// Removes these modes. Returns `false` if none of them was set.
    pub(super) fn remove(&mut self, path: &str, conn: ConnId, mode: Mode) -> bool {
        let Some(watched) = self.paths.get_mut(path) else {
            return false;
        };
        let Ok(at) = watched
            .watchers
            .binary_search_by_key(&conn, |(conn, _)| *conn)
        else {
            return false;
        };
        let modes = &mut watched.watchers[at].1;
        let before = *modes;
        *modes = before.without(mode);
        if before.meets(Mode::RECURSIVE) && mode.meets(Mode::RECURSIVE) {
            self.recursive -= 1;
        }
        if modes.is_none() {
            watched.watchers.remove(at);
            if watched.watchers.is_empty() {
                self.paths.remove(path);
            }
            self.drop_pair(path, conn);
        }
        before.meets(mode)
    }

    fn drop_pair(&mut self, path: &str, conn: ConnId) {
        self.pairs -= 1;
        if let Some(paths) = self.conns.get_mut(&conn) {
            paths.remove(path);
            if paths.is_empty() {
                self.conns.remove(&conn);
            }
        }
    }

    /// Removes all watches of a connection.
    pub(super) fn forget(&mut self, conn: ConnId) {
        for path in self.conns.remove(&conn).into_iter().flatten() {
            let Some(watched) = self.paths.get_mut(&path) else {
                continue;
            };
            if let Ok(at) = watched
                .watchers
                .binary_search_by_key(&conn, |(conn, _)| *conn)
            {
                let (_, modes) = watched.watchers.remove(at);
                self.pairs -= 1;
                self.recursive -= usize::from(modes.meets(Mode::RECURSIVE));
                if watched.watchers.is_empty() {
                    self.paths.remove(&path);
                }
            }
        }
    }

    /// Appends the connections that must be notified of a change of `changed`, each once and
    /// sorted, and removes the standard watches of that path.
    pub(super) fn trigger(&mut self, changed: &str, notified: &mut Vec<ConnId>) {
        notified.clear();
        if self.pairs == 0 {
            return;
        }
        self.trigger_exact(changed, notified);
        if self.recursive == 0 {
            return;
        }
        let mut at = changed;
        while at != path::ROOT {
            let Some(parent) = path::parent(at) else {
                break;
            };
            at = parent;
            if let Some(watched) = self.paths.get(at) {
                let recursive = watched
                    .watchers
                    .iter()
                    .filter(|(_, modes)| modes.meets(Mode::RECURSIVE));
                notified.extend(recursive.map(|(conn, _)| *conn));
            }
        }
        notified.sort_unstable();
        notified.dedup();
    }

    fn trigger_exact(&mut self, changed: &str, notified: &mut Vec<ConnId>) {
        let Some(watched) = self.paths.get_mut(changed) else {
            return;
        };
        notified.extend(watched.watchers.iter().map(|(conn, _)| *conn));
        let mut over = Vec::new();
        watched.watchers.retain_mut(|(conn, modes)| {
            *modes = modes.without(Mode::STANDARD);
            if modes.is_none() {
                over.push(*conn);
            }
            !modes.is_none()
        });
        if watched.watchers.is_empty() {
            self.paths.remove(changed);
        }
        for conn in over {
            self.drop_pair(changed, conn);
        }
    }
}
