//! The tree of znodes and the idempotent changes to it (specification 6.3).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashTable;

use crate::wire::jute::{ErrorCode, SessionId, Stat, StatPersisted, Zxid};

use super::acl::{AclId, AclSpec, AclTable, Rights};
use super::path;
use super::path_hash::{PathHasher, spread};
use super::settings::DatabaseSettings;
use super::slab::Slab;
use super::znode::{Lifetime, NewZnode, NodeId, Znode};

#[derive(Debug)]
pub(super) struct Creation<'a> {
    pub(super) path: &'a str,
    pub(super) data: Option<&'a [u8]>,
    pub(super) acl: &'a AclSpec,
    /// In the stored form; see [`Lifetime::decode`].
    pub(super) owner: i64,
    /// The parent's cversion after the create; -1 means the current value plus one.
    pub(super) parent_cversion: i32,
}

/// Zxid and time of the transaction that changes the tree.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) zxid: Zxid,
    /// The leader's wall clock, in ms since the epoch.
    pub(super) time_ms: i64,
}

/// The index keeps the memory of so many nodes when most nodes are deleted.
const INDEX_KEPT: usize = 4096;

/// The ephemeral nodes of a session.
#[derive(Debug, Default)]
struct Ephemerals {
    nodes: BTreeSet<NodeId>,
    /// Total length of their paths as a closeSession lists them.
    listed_bytes: usize,
}

/// How many bytes a path takes in the list of a closeSession.
pub(super) const fn listed_bytes(path: &[u8]) -> usize {
    4 + path.len()
}

#[derive(Debug)]
pub(super) struct Tree {
    pub(super) nodes: Slab<Znode>,
    /// (hash of the path, node). The stored hashes let the table grow without reading the nodes.
    index: HashTable<(u32, NodeId)>,
    pub(super) hasher: PathHasher,
    pub(super) extended_types: bool,
    pub(super) acls: AclTable,
    ephemerals: BTreeMap<SessionId, Ephemerals>,
    /// The container and TTL nodes.
    pub(super) lapsing: BTreeSet<NodeId>,
    /// Total bytes of paths and data.
    bytes: usize,
}

impl Tree {
    pub(super) fn new(settings: DatabaseSettings) -> Self {
        let hasher = PathHasher::new(settings.hash_key);
        Self {
            nodes: Slab::default(),
            index: HashTable::new(),
            hasher,
            extended_types: settings.extended_types,
            acls: AclTable::new(hasher),
            ephemerals: BTreeMap::new(),
            lapsing: BTreeSet::new(),
            bytes: 0,
        }
    }

    pub(super) fn find(&self, wanted: &str) -> Option<NodeId> {
        let wanted = path::canonical(wanted);
        self.find_hashed(wanted, self.hasher.hash(wanted))
    }

    /// Finds a node by its canonical path and the hash of that path.
    pub(super) fn find_hashed(&self, wanted: &str, hash: u32) -> Option<NodeId> {
        self.index
            .find(spread(hash), |(other, id)| {
                *other == hash && self.nodes.node(*id).raw_path() == wanted.as_bytes()
            })
            .map(|(_, id)| *id)
    }

    pub(super) fn rights(&self, id: NodeId) -> Rights {
        self.acls.rights(self.nodes.node(id).acl)
    }

    /// The node's metadata in the form that clients receive.
    pub(super) fn stat(&self, id: NodeId) -> Stat {
        let node = self.nodes.node(id);
        node.stat(self.ephemeral_owner(node.stat.ephemeral_owner))
    }

    /// The session that a stored owner names.
    pub(super) const fn ephemeral_owner(&self, stored: i64) -> Option<SessionId> {
        match self.lifetime(stored) {
            Some(Lifetime::Session(session)) => Some(session),
            _ => None,
        }
    }

    /// What ends the life of a node with this stored owner.
    pub(super) const fn lifetime(&self, stored: i64) -> Option<Lifetime> {
        Lifetime::decode(stored, self.extended_types)
    }

    /// Returns what a node with this list would grant.
    pub(super) fn rights_of(&self, acl: &AclSpec) -> Rights {
        if self.acls.skip {
            Rights::Open
        } else {
            acl.rights()
        }
    }

    /// Total bytes of paths and data.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Counts the ephemeral nodes of all sessions.
    pub(super) fn ephemerals_count(&self) -> usize {
        self.ephemerals
            .values()
            .map(|owned| owned.nodes.len())
            .sum()
    }

    /// Returns the sessions that own ephemeral nodes, sorted.
    pub(super) fn ephemeral_owners(&self) -> impl Iterator<Item = SessionId> {
        self.ephemerals.keys().copied()
    }

    /// Returns the paths of a session's ephemerals in no particular order.
    pub(super) fn ephemerals(&self, session: SessionId) -> impl Iterator<Item = &str> {
        self.ephemerals
            .get(&session)
            .into_iter()
            .flat_map(|owned| &owned.nodes)
            .map(|id| self.nodes.node(*id).path())
    }

    /// How many bytes a closeSession needs to list the session's ephemerals.
    pub(super) fn ephemerals_listed_bytes(&self, session: SessionId) -> usize {
        self.ephemerals
            .get(&session)
            .map_or(0, |owned| owned.listed_bytes)
    }

    /// Inserts the root, which must be the first node.
    pub(super) fn insert_root(
        &mut self,
        data: Option<&[u8]>,
        acl: AclId,
        stat: StatPersisted,
    ) -> NodeId {
        self.attach(path::ROOT, data, acl, stat, NodeId::ROOT)
    }

    /// Inserts a new node under an existing parent. The parent's metadata does not change.
    pub(super) fn attach(
        &mut self,
        new: &str,
        data: Option<&[u8]>,
        acl: AclId,
        stat: StatPersisted,
        parent: NodeId,
    ) -> NodeId {
        let id = self.nodes.insert(Znode::new(NewZnode {
            path: new,
            data,
            acl,
            stat,
            parent,
        }));
        self.bytes += new.len() + data.map_or(0, <[u8]>::len);
        self.own(id, stat.ephemeral_owner);
        let hash = self.hasher.hash(new);
        self.index
            .insert_unique(spread(hash), (hash, id), |(other, _)| spread(*other));
        if id != parent {
            let place = self.nodes.node_mut(parent).children.push(id);
            self.nodes.node_mut(id).place = place;
            self.count_descendants(parent, 1);
        }
        id
    }

    /// Adds `change` to the number of nodes below `from` and below each of its ancestors.
    fn count_descendants(&mut self, from: NodeId, change: i32) {
        let mut at = from;
        loop {
            let node = self.nodes.node_mut(at);
            node.descendants = node.descendants.wrapping_add_signed(change);
            if at == NodeId::ROOT {
                return;
            }
            at = node.parent;
        }
    }

    fn own(&mut self, id: NodeId, stored_owner: i64) {
        match self.lifetime(stored_owner) {
            Some(Lifetime::Session(session)) => {
                let bytes = listed_bytes(self.nodes.node(id).raw_path());
                let owned = self.ephemerals.entry(session).or_default();
                if owned.nodes.insert(id) {
                    owned.listed_bytes += bytes;
                }
            }
            Some(Lifetime::Container | Lifetime::Ttl(_)) => {
                self.lapsing.insert(id);
            }
            None => {}
        }
    }

    fn disown(&mut self, id: NodeId, path: &[u8], stored_owner: i64) {
        match self.lifetime(stored_owner) {
            Some(Lifetime::Session(session)) => {
                if let Some(owned) = self.ephemerals.get_mut(&session)
                    && owned.nodes.remove(&id)
                {
                    owned.listed_bytes -= listed_bytes(path);
                    if owned.nodes.is_empty() {
                        self.ephemerals.remove(&session);
                    }
                }
            }
            Some(Lifetime::Container | Lifetime::Ttl(_)) => {
                self.lapsing.remove(&id);
            }
            None => {}
        }
    }

    /// Removes a node and all its descendants.
    fn detach(&mut self, id: NodeId) {
        let node = self.nodes.node(id);
        let (parent, place) = (node.parent, node.place);
        let removed = i32::try_from(node.descendants).unwrap_or(i32::MAX - 1) + 1;
        if let Some(moved) = self.nodes.node_mut(parent).children.remove(place) {
            self.nodes.node_mut(moved).place = place;
        }
        self.count_descendants(parent, -removed);
        // A node with children is deleted only when a log is replayed over a fuzzy snapshot.
        let mut doomed = vec![id];
        while let Some(id) = doomed.pop() {
            let hash = self.hasher.hash_bytes(self.nodes.node(id).raw_path());
            if let Ok(entry) = self
                .index
                .find_entry(spread(hash), |(_, other)| *other == id)
            {
                entry.remove();
            }
            let Some(node) = self.nodes.remove(id) else {
                continue;
            };
            doomed.extend_from_slice(node.children.as_slice());
            self.bytes -= node.raw_path().len() + node.data_bytes();
            self.acls.release(node.acl);
            self.disown(id, node.raw_path(), node.stat.ephemeral_owner);
        }
        if self.index.capacity() > INDEX_KEPT && self.index.len() < self.index.capacity() / 8 {
            let kept = 2 * self.index.len();
            self.index.shrink_to(kept, |(hash, _)| spread(*hash));
        }
    }

    /// Applies a create. If the tree already contains a newer state, it only raises the fields of
    /// the parent that are too low.
    ///
    /// # Errors
    /// `NO_NODE` if the parent is missing, `NODE_EXISTS` if the node exists.
    pub(super) fn create(
        &mut self,
        new: &Creation<'_>,
        moment: Moment,
    ) -> Result<NodeId, ErrorCode> {
        let parent = path::parent(new.path)
            .and_then(|parent| self.find(parent))
            .ok_or(ErrorCode::NO_NODE)?;
        let stat = &mut self.nodes.node_mut(parent).stat;
        let cversion = if new.parent_cversion == -1 {
            stat.cversion.wrapping_add(1)
        } else {
            new.parent_cversion
        };
        if cversion > stat.cversion {
            stat.cversion = cversion;
            stat.pzxid = moment.zxid;
        }
        if let Some(existing) = self.find(new.path) {
            self.repair_acl(existing, new.acl, moment.zxid);
            return Err(ErrorCode::NODE_EXISTS);
        }
        let acl = self.acls.intern(new.acl);
        let stat = StatPersisted {
            czxid: moment.zxid,
            mzxid: moment.zxid,
            ctime_ms: moment.time_ms,
            mtime_ms: moment.time_ms,
            ephemeral_owner: new.owner,
            pzxid: moment.zxid,
            ..StatPersisted::default()
        };
        Ok(self.attach(new.path, new.data, acl, stat, parent))
    }

    /// Restores an ACL that a fuzzy snapshot lacks from the transaction that created the node.
    fn repair_acl(&mut self, id: NodeId, acl: &AclSpec, zxid: Zxid) {
        let node = self.nodes.node(id);
        if node.stat.czxid == zxid && node.stat.aversion == 0 && !self.acls.contains(node.acl) {
            let acl = self.acls.intern(acl);
            self.nodes.node_mut(id).acl = acl;
        }
    }

    /// Applies a delete. It raises the parent's pzxid even if the node is already gone.
    ///
    /// # Errors
    /// `NO_NODE` if the node is missing, `BAD_ARGUMENTS` for the root.
    pub(super) fn delete(&mut self, doomed: &str, zxid: Zxid) -> Result<(), ErrorCode> {
        if path::canonical(doomed) == path::ROOT {
            return Err(ErrorCode::BAD_ARGUMENTS);
        }
        let id = self.find(doomed);
        let parent = match id {
            Some(id) => Some(self.nodes.node(id).parent),
            None => path::parent(doomed).and_then(|parent| self.find(parent)),
        };
        if let Some(parent) = parent {
            let stat = &mut self.nodes.node_mut(parent).stat;
            stat.pzxid = stat.pzxid.max(zxid);
        }
        self.detach(id.ok_or(ErrorCode::NO_NODE)?);
        Ok(())
    }

    pub(super) fn put_data(&mut self, id: NodeId, data: Option<&[u8]>) {
        let node = self.nodes.node_mut(id);
        self.bytes -= node.data_bytes();
        self.bytes += data.map_or(0, <[u8]>::len);
        node.set_data(data);
    }

    /// # Errors
    /// `NO_NODE` if the node is missing.
    pub(super) fn set_data(
        &mut self,
        changed: &str,
        data: Option<&[u8]>,
        version: i32,
        moment: Moment,
    ) -> Result<NodeId, ErrorCode> {
        let id = self.find(changed).ok_or(ErrorCode::NO_NODE)?;
        self.put_data(id, data);
        let stat = &mut self.nodes.node_mut(id).stat;
        stat.mtime_ms = moment.time_ms;
        stat.mzxid = moment.zxid;
        stat.version = version;
        Ok(id)
    }

    /// # Errors
    /// `NO_NODE` if the node is missing.
    pub(super) fn set_acl(
        &mut self,
        changed: &str,
        acl: &AclSpec,
        version: i32,
    ) -> Result<NodeId, ErrorCode> {
        let id = self.find(changed).ok_or(ErrorCode::NO_NODE)?;
        let acl = self.acls.intern(acl);
        let node = self.nodes.node_mut(id);
        node.stat.aversion = version;
        let old = std::mem::replace(&mut node.acl, acl);
        self.acls.release(old);
        Ok(id)
    }

    /// Replaces an earlier state of the same node from the same snapshot.
    pub(super) fn replace(
        &mut self,
        id: NodeId,
        data: Option<&[u8]>,
        acl: AclId,
        stat: StatPersisted,
    ) {
        self.put_data(id, data);
        let node = self.nodes.node_mut(id);
        let old_acl = std::mem::replace(&mut node.acl, acl);
        let old_stat = std::mem::replace(&mut node.stat, stat);
        if old_stat.ephemeral_owner != stat.ephemeral_owner {
            let path = Box::<[u8]>::from(node.raw_path());
            self.disown(id, &path, old_stat.ephemeral_owner);
            self.own(id, stat.ephemeral_owner);
        }
        self.acls.release(old_acl);
    }

    /// Counts the nodes below this one.
    pub(super) fn descendants(&self, id: NodeId) -> usize {
        self.nodes.node(id).descendants as usize
    }
}
