//! A watched path and its watchers.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::sync::Arc;

use super::ConnId;

/// The modes in which a connection watches a path. Several can be set (since 3.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mode(u8);

impl Mode {
    pub(super) const NONE: Self = Self(0);
    /// Fires once.
    pub(super) const STANDARD: Self = Self(1);
    /// Fires until removed.
    pub(super) const PERSISTENT: Self = Self(2);
    /// Fires until removed, for the path and everything below it.
    pub(super) const RECURSIVE: Self = Self(4);
    /// Matches every mode.
    pub(super) const ANY: Self = Self(7);

    pub(super) const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(super) const fn is_none(self) -> bool {
        self.0 == 0
    }
}

type Watcher = (ConnId, Mode);

/// Most paths have one watcher, which needs no memory of its own.
#[derive(Debug)]
enum Watchers {
    None,
    One(Watcher),
    /// Sorted by connection.
    Many(Vec<Watcher>),
}

#[derive(Debug)]
pub(super) struct Watched {
    pub(super) path: Arc<str>,
    pub(super) hash: u32,
    watchers: Watchers,
}

impl Watched {
    pub(super) fn new(path: &str, hash: u32) -> Self {
        Self {
            path: path.into(),
            hash,
            watchers: Watchers::None,
        }
    }

    fn as_slice(&self) -> &[Watcher] {
        match &self.watchers {
            Watchers::None => &[],
            Watchers::One(watcher) => std::slice::from_ref(watcher),
            Watchers::Many(list) => list,
        }
    }

    /// Returns the watchers, sorted by connection.
    pub(super) fn watchers(&self) -> impl Iterator<Item = Watcher> {
        self.as_slice().iter().copied()
    }

    /// Returns the connections with a recursive watch.
    pub(super) fn recursive(&self) -> impl Iterator<Item = ConnId> {
        self.watchers()
            .filter(|(_, modes)| modes.meets(Mode::RECURSIVE))
            .map(|(conn, _)| conn)
    }

    pub(super) fn is_unwatched(&self) -> bool {
        self.as_slice().is_empty()
    }

    fn find(&self, conn: ConnId) -> Result<usize, usize> {
        self.as_slice()
            .binary_search_by_key(&conn, |(conn, _)| *conn)
    }

    /// Returns the modes in which the connection watches the path.
    pub(super) fn modes(&self, conn: ConnId) -> Mode {
        self.find(conn)
            .map_or(Mode::NONE, |at| self.as_slice()[at].1)
    }

    /// Adds a mode. Returns the modes before.
    pub(super) fn add(&mut self, conn: ConnId, mode: Mode) -> Mode {
        match (self.find(conn), &mut self.watchers) {
            (Ok(_), Watchers::One((_, modes))) => {
                let before = *modes;
                *modes = before.with(mode);
                before
            }
            (Ok(at), Watchers::Many(list)) => {
                let before = list[at].1;
                list[at].1 = before.with(mode);
                before
            }
            (Err(at), Watchers::Many(list)) => {
                list.insert(at, (conn, mode));
                Mode::NONE
            }
            (Err(at), Watchers::One(other)) => {
                let mut list = vec![*other];
                list.insert(at, (conn, mode));
                self.watchers = Watchers::Many(list);
                Mode::NONE
            }
            (_, Watchers::None) => {
                self.watchers = Watchers::One((conn, mode));
                Mode::NONE
            }
        }
    }

    /// Removes these modes of a connection.
    pub(super) fn remove(&mut self, conn: ConnId, mode: Mode) {
        let Ok(at) = self.find(conn) else {
            return;
        };
        match &mut self.watchers {
            Watchers::None => {}
            Watchers::One((_, modes)) => {
                *modes = modes.without(mode);
                if modes.is_none() {
                    self.watchers = Watchers::None;
                }
            }
            Watchers::Many(list) => {
                list[at].1 = list[at].1.without(mode);
                if list[at].1.is_none() {
                    list.remove(at);
                    if list.len() < list.capacity() / 4 {
                        list.shrink_to(2 * list.len());
                    }
                }
            }
        }
    }

    /// Removes the standard watches. Returns the connections that no longer watch the path.
    pub(super) fn fire(&mut self) -> Vec<ConnId> {
        let mut over = Vec::new();
        match &mut self.watchers {
            Watchers::None => {}
            Watchers::One((conn, modes)) => {
                *modes = modes.without(Mode::STANDARD);
                if modes.is_none() {
                    over.push(*conn);
                    self.watchers = Watchers::None;
                }
            }
            Watchers::Many(list) => list.retain_mut(|(conn, modes)| {
                *modes = modes.without(Mode::STANDARD);
                if modes.is_none() {
                    over.push(*conn);
                }
                !modes.is_none()
            }),
        }
        over
    }
}
