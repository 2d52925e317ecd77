//! Both watch managers, and which event goes to whom (specification 7).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::wire::jute::{EventType, Id, Perms};

use super::acl::Rights;
use super::watch_table::{Mode, WatchTable};
use super::{Caller, ConnId, WatchEvent};

/// Takes events as they come.
pub(super) type Events<'a> = &'a mut dyn FnMut(WatchEvent<'_>);

/// The watches of this server's connections.
#[derive(Debug, Default)]
pub(super) struct Watches {
    /// Left by getData and exists.
    pub(super) data: WatchTable,
    /// Left by getChildren.
    pub(super) child: WatchTable,
    /// The identities that a connection had when it watched last: an event needs READ.
    auth: BTreeMap<ConnId, Vec<Id>>,
    notified: Vec<ConnId>,
    notified_of_children: Vec<ConnId>,
}

impl Watches {
    /// Pairs of connection and path, in both managers.
    pub(super) const fn len(&self) -> usize {
        self.data.len() + self.child.len()
    }

    /// Connections that watch, and paths that are watched, in either manager.
    pub(super) fn breadth(&self) -> (usize, usize) {
        let (conns, paths) = self.data.breadth();
        let (more_conns, more_paths) = self.child.breadth_beyond(&self.data);
        (conns + more_conns, paths + more_paths)
    }

    /// Who watches which path, in no order.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (ConnId, &Arc<str>)> {
        self.data.pairs().chain(self.child.pairs())
    }

    /// Whether there are no watches.
    pub(super) const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Remembers whose watches these are.
    pub(super) fn know(&mut self, caller: &Caller<'_>) {
        let known = self.auth.get(&caller.conn).map_or(&[][..], Vec::as_slice);
        if known != caller.auth {
            self.auth.insert(caller.conn, caller.auth.to_vec());
        }
    }

    /// Ends all watches of a connection.
    pub(super) fn forget(&mut self, conn: ConnId) {
        self.data.forget(conn);
        self.child.forget(conn);
        self.auth.remove(&conn);
    }

    /// Adds a persistent watch: to both managers, a recursive one to that of data only, because
    /// it gets no events of children (since 3.9).
    pub(super) fn add_persistent(&mut self, path: &str, conn: ConnId, recursive: bool) {
        if recursive {
            self.data.add(path, None, conn, Mode::RECURSIVE);
        } else {
            self.data.add(path, None, conn, Mode::PERSISTENT);
            self.child.add(path, None, conn, Mode::PERSISTENT);
        }
    }

    /// A node was created; the rights are the node's and the parent's.
    pub(super) fn created(
        &mut self,
        path: &str,
        parent: &str,
        rights: [&Rights; 2],
        events: Events<'_>,
    ) {
        self.data.trigger(path, &mut self.notified);
        self.notify(EventType::NodeCreated, path, rights[0], events);
        self.child.trigger(parent, &mut self.notified);
        self.notify(EventType::NodeChildrenChanged, parent, rights[1], events);
    }

    /// A node was deleted; the rights are those that the node had, and the parent's.
    pub(super) fn deleted(
        &mut self,
        path: &str,
        parent: &str,
        rights: [&Rights; 2],
        events: Events<'_>,
    ) {
        self.data.trigger(path, &mut self.notified);
        self.notify(EventType::NodeDeleted, path, rights[0], events);
        self.child.trigger(path, &mut self.notified_of_children);
        // Whoever heard of it through its data watch does not hear of it again.
        let heard = &self.notified;
        self.notified_of_children
            .retain(|conn| heard.binary_search(conn).is_err());
        std::mem::swap(&mut self.notified, &mut self.notified_of_children);
        self.notify(EventType::NodeDeleted, path, rights[0], events);
        self.child.trigger(parent, &mut self.notified);
        self.notify(EventType::NodeChildrenChanged, parent, rights[1], events);
    }

    /// A node's data was set.
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
