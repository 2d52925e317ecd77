//! Combines both watch managers and decides which connections receive which event (specification
//! 7).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::wire::jute::{EventType, Id, Perms};

use super::acl::Rights;
use super::path_hash::PathHasher;
use super::watch_table::WatchTable;
use super::watched::Mode;
use super::{Caller, ConnId, WatchEvent};

/// Size of a block that makes glibc join the small blocks that were freed (128 KiB are mapped apart).
const LARGE_BLOCK: usize = 96 << 10;

/// Receives the events in order.
pub(super) type Events<'a> = &'a mut dyn FnMut(WatchEvent<'_>);

/// The watches of this server's client connections.
#[derive(Debug)]
pub(super) struct Watches {
    /// Set by getData and exists.
    pub(super) data: WatchTable,
    /// Set by getChildren.
    pub(super) child: WatchTable,
    /// The identities of each connection when it last set a watch. An event is sent only if they
    /// hold READ.
    auth: BTreeMap<ConnId, Vec<Id>>,
    notified: Vec<ConnId>,
    notified_of_children: Vec<ConnId>,
}

impl Watches {
    pub(super) fn new(hasher: PathHasher) -> Self {
        Self {
            data: WatchTable::new(hasher),
            child: WatchTable::new(hasher),
            auth: BTreeMap::new(),
            notified: Vec::new(),
            notified_of_children: Vec::new(),
        }
    }

    /// Counts the (connection, path) pairs in both managers.
    pub(super) const fn len(&self) -> usize {
        self.data.len() + self.child.len()
    }

    /// Counts the connections and paths that are in at least one manager.
    pub(super) fn breadth(&self) -> (usize, usize) {
        let (conns, paths) = self.data.breadth();
        let (more_conns, more_paths) = self.child.breadth_beyond(&self.data);
        (conns + more_conns, paths + more_paths)
    }

    /// Returns the (connection, path) pairs of both managers, in no particular order.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (ConnId, &Arc<str>)> {
        self.data.pairs().chain(self.child.pairs())
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Stores the identities of a connection that sets a watch.
    pub(super) fn store_identities(&mut self, caller: &Caller<'_>) {
        let known = self.auth.get(&caller.conn).map_or(&[][..], Vec::as_slice);
        if known != caller.auth {
            self.auth.insert(caller.conn, caller.auth.to_vec());
        }
    }

    /// Removes at most `count` watches of closed connections from memory.
    pub(super) fn forget_some(&mut self, count: usize) {
        if !self.is_forgetting() {
            return;
        }
        let done = self.data.forget_some(count);
        self.child.forget_some(count - done);
        // The allocator of glibc sets small blocks aside when they are freed, and joins all of them when
        // a large one is requested: a stall of 90 ms after a million watches. This request makes it do so
        // after each portion, and it then returns the memory to the system, too.
        drop(std::hint::black_box(Vec::<u8>::with_capacity(LARGE_BLOCK)));
    }

    /// Whether watches of closed connections are still in memory.
    pub(super) fn is_forgetting(&self) -> bool {
        self.data.is_forgetting() || self.child.is_forgetting()
    }

    /// Ends all watches of a connection. [`Self::forget_some`] removes them from memory.
    pub(super) fn forget(&mut self, conn: ConnId) {
        self.data.forget(conn);
        self.child.forget(conn);
        self.auth.remove(&conn);
    }

    /// Adds a persistent watch to both managers, or a recursive one to the data manager only,
    /// because recursive watches receive no child events (since 3.9).
    pub(super) fn add_persistent(&mut self, path: &str, conn: ConnId, recursive: bool) {
        if recursive {
            self.data.add(path, conn, Mode::RECURSIVE);
        } else {
            self.data.add(path, conn, Mode::PERSISTENT);
            self.child.add(path, conn, Mode::PERSISTENT);
        }
    }

    /// Fires for a created node.
    pub(super) fn created(
        &mut self,
        path: &str,
        parent: &str,
        rights: &Rights,
        parent_rights: &Rights,
        events: Events<'_>,
    ) {
        self.data.trigger(path, &mut self.notified);
        self.notify(EventType::NodeCreated, path, rights, events);
        self.child.trigger(parent, &mut self.notified);
        self.notify(
            EventType::NodeChildrenChanged,
            parent,
            parent_rights,
            events,
        );
    }

    /// Fires for a deleted node. `rights` is the ACL that the node had.
    pub(super) fn deleted(
        &mut self,
        path: &str,
        parent: &str,
        rights: &Rights,
        parent_rights: &Rights,
        events: Events<'_>,
    ) {
        self.data.trigger(path, &mut self.notified);
        self.notify(EventType::NodeDeleted, path, rights, events);
        self.child.trigger(path, &mut self.notified_of_children);
        // A connection notified through its data watch is not notified again through its child
        // watch.
        let already_notified = &self.notified;
        self.notified_of_children
            .retain(|conn| already_notified.binary_search(conn).is_err());
        std::mem::swap(&mut self.notified, &mut self.notified_of_children);
        self.notify(EventType::NodeDeleted, path, rights, events);
        self.child.trigger(parent, &mut self.notified);
        self.notify(
            EventType::NodeChildrenChanged,
            parent,
            parent_rights,
            events,
        );
    }

    /// Fires for changed data.
    pub(super) fn changed(&mut self, path: &str, rights: &Rights, events: Events<'_>) {
        self.data.trigger(path, &mut self.notified);
        self.notify(EventType::NodeDataChanged, path, rights, events);
    }

    fn notify(&self, kind: EventType, path: &str, rights: &Rights, events: Events<'_>) {
        for conn in &self.notified {
            let auth = self.auth.get(conn).map_or(&[][..], Vec::as_slice);
            if rights.check(Perms::READ, auth).is_ok() {
                events(WatchEvent {
                    conn: *conn,
                    kind,
                    path,
                });
            }
        }
    }
}
