//! The watches of closed connections, which are removed from memory bit by bit.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::VecDeque;

use hashbrown::hash_set::IntoIter;

use super::ConnId;
use super::slab::Slot;
use super::watch_table::PathSet;

/// Closed connections with the watched paths that still list them, in the order in which they closed.
#[derive(Debug, Default)]
pub(super) struct Leaving {
    conns: VecDeque<(ConnId, IntoIter<Slot>)>,
}

impl Leaving {
    pub(super) fn add(&mut self, conn: ConnId, paths: PathSet) {
        self.conns.push_back((conn, paths.into_iter()));
    }

    /// Takes one path of the connection that closed first.
    pub(super) fn next(&mut self) -> Option<(ConnId, Slot)> {
        while let Some((conn, paths)) = self.conns.front_mut() {
            if let Some(slot) = paths.next() {
                return Some((*conn, slot));
            }
            self.conns.pop_front();
        }
        None
    }

    pub(super) fn contains(&self, conn: ConnId) -> bool {
        self.conns.iter().any(|(leaving, _)| *leaving == conn)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.conns.is_empty()
    }
}
