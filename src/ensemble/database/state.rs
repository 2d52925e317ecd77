//! The database of one server: tree, sessions and watches together.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::wire::jute::{Acl, Id, Perms, SessionId, StatPersisted, Zxid};

use super::ConnId;
use super::acl::{AclId, AclSpec};
use super::path;
use super::settings::DatabaseSettings;
use super::tree::Tree;
use super::watches::Watches;
use super::znode::NodeId;

/// The replicated state of a server, and the watches of its own clients.
#[derive(Debug)]
pub struct Database {
    pub(super) tree: Tree,
    /// Session timeouts in ms.
    pub(super) sessions: BTreeMap<SessionId, i32>,
    pub(super) watches: Watches,
    pub(super) last_processed: Zxid,
    /// Work of the reads since [`Database::take_work`].
    pub(super) work: usize,
}

impl Database {
    /// Creates a database without any node, not even the root.
    pub(super) fn empty(settings: DatabaseSettings) -> Self {
        let tree = Tree::new(settings);
        Self {
            watches: Watches::new(tree.hasher),
            tree,
            sessions: BTreeMap::new(),
            last_processed: Zxid::ZERO,
            work: 0,
        }
    }

    /// Creates a database with the root and the system nodes (specification 9).
    #[must_use]
    pub fn new(settings: DatabaseSettings) -> Self {
        let mut database = Self::empty(settings);
        let root = database
            .tree
            .insert_root(Some(&[]), AclId::OPEN, StatPersisted::default());
        let system = database.tree.attach(
            path::SYSTEM,
            Some(&[]),
            AclId::OPEN,
            StatPersisted::default(),
            root,
        );
        // Java's snapshots list the nodes in this order.
        database.add_config_node(system);
        database.tree.attach(
            path::QUOTA,
            Some(&[]),
            AclId::OPEN,
            StatPersisted::default(),
            system,
        );
        database
    }

    /// Sets whether every node grants everything (`skipACL`).
    pub fn set_skip_acl(&mut self, skip: bool) {
        self.tree.acls.skip = skip;
    }

    fn add_config_node(&mut self, parent: NodeId) -> NodeId {
        let readable = AclSpec::List(vec![Acl {
            perms: Perms::READ,
            id: Id::new("world", "anyone"),
        }]);
        let acl = self.tree.acls.intern(&readable);
        let stat = StatPersisted {
            aversion: -1,
            ..StatPersisted::default()
        };
        self.tree.attach(path::CONFIG, Some(&[]), acl, stat, parent)
    }

    /// Sets the content of `/zookeeper/config`. This is local to the server: there is no
    /// transaction.
    ///
    /// The node's version becomes -1. Its mzxid becomes the version of the configuration, which the
    /// last line of `text` contains (specification 9, 14.1).
    pub fn set_config_node(&mut self, text: &str) {
        let id = match self.tree.find(path::CONFIG) {
            Some(id) => id,
            // Snapshots from releases before 3.5 do not contain the node.
            None => match self.tree.find(path::SYSTEM) {
                Some(system) => self.add_config_node(system),
                None => return,
            },
        };
        let version = text
            .lines()
            .rev()
            .find_map(|line| line.strip_prefix("version="))
            .and_then(|version| i64::from_str_radix(version.trim(), 16).ok())
            .unwrap_or(0);
        self.tree.put_data(id, Some(text.as_bytes()));
        let stat = &mut self.tree.nodes.node_mut(id).stat;
        stat.version = -1;
        stat.mzxid = Zxid(version);
    }

    /// The last transaction applied.
    #[must_use]
    pub const fn last_processed(&self) -> Zxid {
        self.last_processed
    }

    /// Sets the zxid of a decoded snapshot, or the start of a new epoch.
    pub const fn set_last_processed(&mut self, zxid: Zxid) {
        self.last_processed = zxid;
    }

    /// Returns the global sessions with their timeouts in ms.
    pub fn sessions(&self) -> impl Iterator<Item = (SessionId, i32)> {
        self.sessions
            .iter()
            .map(|(session, timeout_ms)| (*session, *timeout_ms))
    }

    /// Returns the session's timeout in ms, or `None` if the session does not exist.
    #[must_use]
    pub fn session_timeout(&self, session: SessionId) -> Option<i32> {
        self.sessions.get(&session).copied()
    }

    /// Counts the nodes as Java does, with the root counted twice.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.tree.nodes.len() + usize::from(self.tree.nodes.get(NodeId::ROOT).is_some())
    }

    /// Counts the watches as Java does, with a persistent watch counted twice.
    #[must_use]
    pub fn watch_count(&self) -> usize {
        self.watches.len()
    }

    /// Counts the watching connections and the watched paths. Java's `wchs` leaves out paths with
    /// child watches only; this includes them, as [`Self::watch_count`] does.
    #[must_use]
    pub fn watch_breadth(&self) -> (usize, usize) {
        self.watches.breadth()
    }

    /// Returns each connection with a path it watches, in no particular order. A path that is
    /// watched for both data and children appears twice.
    pub fn watched(&self) -> impl Iterator<Item = (ConnId, &Arc<str>)> {
        self.watches.pairs()
    }

    #[must_use]
    pub fn ephemerals_count(&self) -> usize {
        self.tree.ephemerals_count()
    }

    /// Total bytes of paths and data.
    #[must_use]
    pub const fn approximate_data_bytes(&self) -> usize {
        self.tree.bytes()
    }

    #[must_use]
    pub fn session_count(&self) -> usize {
        self.sessions.len()
    }

    /// Returns the sessions that own ephemeral nodes, sorted.
    pub fn ephemeral_owners(&self) -> impl Iterator<Item = SessionId> {
        self.tree.ephemeral_owners()
    }

    /// Returns the sorted paths of a session's ephemerals (for `dump`).
    #[must_use]
    pub fn ephemerals(&self, session: SessionId) -> Vec<Arc<str>> {
        let mut paths: Vec<Arc<str>> = self.tree.ephemerals(session).map(Arc::from).collect();
        paths.sort_unstable();
        paths
    }

    /// Ends the connection's watches. [`Self::forget_some`] removes them from memory.
    pub fn connection_closed(&mut self, conn: ConnId) {
        self.watches.forget(conn);
    }

    /// Removes at most `count` watches of closed connections from memory.
    pub fn forget_some(&mut self, count: usize) {
        self.watches.forget_some(count);
    }

    /// Whether watches of closed connections are still in memory.
    #[must_use]
    pub fn is_forgetting(&self) -> bool {
        self.watches.is_forgetting()
    }

    /// Returns the work of the reads since the last call, in units: one for each request, and one for
    /// each child, path, identity or kilobyte that they looked at.
    pub const fn take_work(&mut self) -> usize {
        std::mem::replace(&mut self.work, 0)
    }
}
