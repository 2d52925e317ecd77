//! One of the two watch managers: who watches which path, and how (specification 7.1, 7.2).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use rustc_hash::FxBuildHasher;

use super::ConnId;
use super::path;

/// How a path is watched; a connection may watch in several ways at once (since 3.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mode(u8);

impl Mode {
    /// Once.
    pub(super) const STANDARD: Self = Self(1);
    /// Until removed.
    pub(super) const PERSISTENT: Self = Self(2);
    /// Until removed, and everything below too.
    pub(super) const RECURSIVE: Self = Self(4);
    /// However.
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
    /// In the order of the connections.
    watchers: Vec<(ConnId, Mode)>,
}

/// Who watches which path. Hashes are fixed and their order is never seen.
#[derive(Debug, Default)]
pub(super) struct WatchTable {
    paths: HashMap<Arc<str>, Watched, FxBuildHasher>,
    conns: HashMap<ConnId, HashSet<Arc<str>, FxBuildHasher>, FxBuildHasher>,
    /// Pairs of connection and path.
    pairs: usize,
    /// Those of them that are recursive.
    recursive: usize,
}

impl WatchTable {
    /// Pairs of connection and path.
    pub(super) const fn len(&self) -> usize {
        self.pairs
    }

    /// Connections that watch and paths that are watched.
    pub(super) fn breadth(&self) -> (usize, usize) {
        (self.conns.len(), self.paths.len())
    }

    /// Those of them that the other table does not have.
    pub(super) fn breadth_beyond(&self, other: &Self) -> (usize, usize) {
        let conns = self.conns.keys().filter(|c| !other.conns.contains_key(*c));
        let paths = self.paths.keys().filter(|p| !other.paths.contains_key(*p));
        (conns.count(), paths.count())
    }

    /// Who watches which path, in no order.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (ConnId, &Arc<str>)> {
        self.conns
            .iter()
            .flat_map(|(conn, paths)| paths.iter().map(move |path| (*conn, path)))
    }

    /// Watches a path; `shared` is an equal string if there is one already.
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

    /// Does the connection watch the path in any of these modes?
    pub(super) fn contains(&self, path: &str, conn: ConnId, mode: Mode) -> bool {
        self.paths.get(path).is_some_and(|watched| {
            watched
                .watchers
                .binary_search_by_key(&conn, |(conn, _)| *conn)
                .is_ok_and(|at| watched.watchers[at].1.meets(mode))
        })
    }

    /// Ends these modes; `false` if there were none of them.
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

    /// Ends all watches of a connection.
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

    /// Collects whom an event at `changed` concerns, each once and in the order of the
    /// connections, and ends the standard watches of that path.
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
