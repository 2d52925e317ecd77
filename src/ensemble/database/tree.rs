//! The tree of znodes and the idempotent changes to it (specification 6.3).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hashbrown::HashTable;

use crate::wire::jute::{ErrorCode, SessionId, StatPersisted, Zxid};

use super::acl::{AclId, AclSpec, AclTable, Rights};
use super::path;
use super::slab::Slab;
use super::znode::{NodeId, Znode, ephemeral_owner};

#[derive(Debug)]
pub(super) struct Creation<'a> {
    pub(super) path: &'a str,
    pub(super) data: Option<&'a [u8]>,
    pub(super) acl: &'a AclSpec,
    /// In the stored form; see [`ephemeral_owner`].
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

#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) nodes: Slab,
    /// (hash of the path, node). The stored hashes let the table grow without reading the nodes.
    index: HashTable<(u32, NodeId)>,
    pub(super) acls: AclTable,
    ephemerals: BTreeMap<SessionId, BTreeSet<NodeId>>,
    /// Total bytes of paths and data.
    bytes: usize,
}

impl Tree {
    pub(super) fn find(&self, wanted: &str) -> Option<NodeId> {
        let wanted = path::canonical(wanted);
        self.find_hashed(wanted, path::hash(wanted))
    }

    /// Finds a node by its canonical path and the hash of that path.
    pub(super) fn find_hashed(&self, wanted: &str, hash: u32) -> Option<NodeId> {
        self.index
            .find(path::spread(hash), |(other, id)| {
                *other == hash && *self.nodes.node(*id).path == *wanted
            })
            .map(|(_, id)| *id)
    }

    pub(super) fn rights(&self, id: NodeId) -> Rights {
        self.acls.rights(self.nodes.node(id).acl)
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
        self.ephemerals.values().map(BTreeSet::len).sum()
    }

    /// Returns the sessions that own ephemeral nodes, sorted.
    pub(super) fn ephemeral_owners(&self) -> impl Iterator<Item = SessionId> {
        self.ephemerals.keys().copied()
    }

    /// Returns the sorted paths of a session's ephemerals.
    pub(super) fn ephemerals(&self, session: SessionId) -> Vec<Arc<str>> {
        let mut paths: Vec<Arc<str>> = self
            .ephemerals
            .get(&session)
            .into_iter()
            .flatten()
            .map(|id| Arc::clone(&self.nodes.node(*id).path))
            .collect();
        paths.sort_unstable();
        paths
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
        let place = self.nodes.get(parent).map_or(0, |node| node.children.len());
        let id = self.nodes.insert(Znode {
            path: new.into(),
            data: data.map(<[u8]>::to_vec),
            acl,
            parent,
            place,
            stat,
            children: Vec::new(),
            sorted: true,
        });
        self.bytes += new.len() + data.map_or(0, <[u8]>::len);
        if let Some(session) = ephemeral_owner(stat.ephemeral_owner) {
            self.ephemerals.entry(session).or_default().insert(id);
        }
        let hash = path::hash(new);
        self.index
            .insert_unique(path::spread(hash), (hash, id), |(other, _)| {
                path::spread(*other)
            });
        if id != parent {
            let before = self.nodes.node(parent).children.last().copied();
            let in_order = before.is_none_or(|last| *self.nodes.node(last).path < *new);
            let parent = self.nodes.node_mut(parent);
            parent.children.push(id);
            parent.sorted &= in_order;
        }
        id
    }

    /// Removes a node and all its descendants.
    fn detach(&mut self, id: NodeId) {
        let parent = self.nodes.node(id).parent;
        let place = self.nodes.node(id).place;
        let siblings = self.nodes.node_mut(parent);
        siblings.children.swap_remove(place);
        if let Some(moved) = siblings.children.get(place).copied() {
            siblings.sorted = false;
            self.nodes.node_mut(moved).place = place;
        }
        // A node with children is deleted only when a log is replayed over a fuzzy snapshot.
        let mut doomed = vec![id];
        while let Some(id) = doomed.pop() {
            let hash = path::hash(&self.nodes.node(id).path);
            if let Ok(entry) = self
                .index
                .find_entry(path::spread(hash), |(_, other)| *other == id)
            {
                entry.remove();
            }
            let Some(node) = self.nodes.remove(id) else {
                continue;
            };
            doomed.extend_from_slice(&node.children);
            self.bytes -= node.path.len() + node.data_bytes();
            self.acls.release(node.acl);
            self.disown(id, node.stat.ephemeral_owner);
        }
    }

    fn disown(&mut self, id: NodeId, owner: i64) {
        if let Some(session) = ephemeral_owner(owner)
            && let Some(nodes) = self.ephemerals.get_mut(&session)
        {
            nodes.remove(&id);
            if nodes.is_empty() {
                self.ephemerals.remove(&session);
            }
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

    /// Replaces the data, in place if the new value fits.
    pub(super) fn put_data(&mut self, id: NodeId, data: Option<&[u8]>) {
        let node = self.nodes.node_mut(id);
        self.bytes -= node.data_bytes();
        self.bytes += data.map_or(0, <[u8]>::len);
        match (&mut node.data, data) {
            // A short value must not keep the memory of a long one.
            (Some(old), Some(new))
                if new.len() <= old.capacity() && old.capacity() <= 2 * new.len() + 64 =>
            {
                old.clear();
                old.extend_from_slice(new);
            }
            (slot, data) => *slot = data.map(<[u8]>::to_vec),
        }
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
        self.acls.release(old_acl);
        self.disown(id, old_stat.ephemeral_owner);
        if let Some(session) = ephemeral_owner(stat.ephemeral_owner) {
            self.ephemerals.entry(session).or_default().insert(id);
        }
    }

    /// Sorts a node's children by name.
    pub(super) fn sort_children(&mut self, id: NodeId) {
        if self.nodes.node(id).sorted {
            return;
        }
        let mut children = std::mem::take(&mut self.nodes.node_mut(id).children);
        children.sort_by(|a, b| self.nodes.node(*a).path.cmp(&self.nodes.node(*b).path));
        for (place, child) in children.iter().enumerate() {
            self.nodes.node_mut(*child).place = place;
        }
        let node = self.nodes.node_mut(id);
        node.children = children;
        node.sorted = true;
    }

    /// Counts the nodes below this one.
    pub(super) fn descendants(&self, id: NodeId) -> usize {
        let mut count = 0;
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            let children = &self.nodes.node(id).children;
            count += children.len();
            open.extend_from_slice(children);
        }
        count
    }
}
