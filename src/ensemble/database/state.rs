//! The database of one server: tree, sessions and watches together.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::wire::jute::{Acl, Id, Perms, SessionId, StatPersisted, Zxid};

use super::ConnId;
use super::acl::{AclId, AclSpec};
use super::path;
use super::tree::Tree;
use super::watches::Watches;
use super::znode::NodeId;

/// Everything that the servers of an ensemble agree on, and this server's watches.
#[derive(Debug, Default)]
pub struct Database {
    pub(super) tree: Tree,
    /// Timeouts in ms.
    pub(super) sessions: BTreeMap<SessionId, i32>,
    pub(super) watches: Watches,
    pub(super) last_processed: Zxid,
}

impl Database {
    /// A fresh database: the root and the system nodes (specification 9).
    #[must_use]
    pub fn new() -> Self {
        let mut database = Self::default();
        let root = database
            .tree
            .plant(Some(&[]), AclId::OPEN, StatPersisted::default());
        let system = database.tree.attach(
            path::SYSTEM,
            Some(&[]),
            AclId::OPEN,
            StatPersisted::default(),
            root,
        );
        // This order is that of Java's snapshots.
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

    /// Makes every node grant everything (`skipACL`), until told otherwise.
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

    /// Sets the content of `/zookeeper/config`: local to this server, no transaction.
    ///
    /// Its version becomes -1 and its mzxid the configuration's own version, which the text's last
    /// line names (specification 9, 14.1).
    pub fn set_config_node(&mut self, text: &str) {
        let id = match self.tree.find(path::CONFIG) {
            Some(id) => id,
            // Snapshots from before 3.5 do not have it.
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

    /// Says which transaction a decoded snapshot stands for, or where a new epoch begins.
    pub const fn set_last_processed(&mut self, zxid: Zxid) {
        self.last_processed = zxid;
    }

    /// The global sessions with their timeouts in ms.
    pub fn sessions(&self) -> impl Iterator<Item = (SessionId, i32)> {
        self.sessions
            .iter()
            .map(|(session, timeout_ms)| (*session, *timeout_ms))
    }

    /// A session's timeout in ms, if it exists.
    #[must_use]
    pub fn session_timeout(&self, session: SessionId) -> Option<i32> {
        self.sessions.get(&session).copied()
    }

    /// Nodes as Java counts them: the root twice.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.tree.nodes.len() + usize::from(self.tree.nodes.get(NodeId::ROOT).is_some())
    }

    /// Watches as Java counts them: a persistent one twice.
    #[must_use]
    pub fn watch_count(&self) -> usize {
        self.watches.len()
    }

    /// Connections that watch, and paths that are watched. Java's `wchs` leaves out those that are
    /// watched for their children alone; this counts what [`Self::watch_count`] counts.
    #[must_use]
    pub fn watch_breadth(&self) -> (usize, usize) {
        self.watches.breadth()
    }

    /// Who watches which path, in no order; twice if for its data and for its children.
    pub fn watched(&self) -> impl Iterator<Item = (ConnId, &Arc<str>)> {
        self.watches.pairs()
    }

    /// Ephemeral nodes.
    #[must_use]
    pub fn ephemerals_count(&self) -> usize {
        self.tree.ephemerals_count()
    }

    /// Bytes of all paths and data.
    #[must_use]
    pub const fn approximate_data_bytes(&self) -> usize {
        self.tree.bytes()
    }

    /// Paths of a session's ephemerals, in order (for `dump`).
    #[must_use]
    pub fn ephemerals(&self, session: SessionId) -> Vec<Arc<str>> {
        self.tree.ephemerals(session)
    }

    /// Drops what the connection watches.
    pub fn connection_closed(&mut self, conn: ConnId) {
        self.watches.forget(conn);
    }
}
