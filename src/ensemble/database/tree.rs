//! The tree of znodes and the idempotent changes of it (specification 6.3).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hashbrown::HashTable;

use crate::wire::jute::{ErrorCode, SessionId, StatPersisted, Zxid};

use super::acl::{AclId, AclSpec, AclTable, Rights};
use super::path;
use super::slab::Slab;
use super::znode::{NodeId, Znode, ephemeral_owner};

/// A create transaction.
#[derive(Debug)]
pub(super) struct Creation<'a> {
    pub(super) path: &'a str,
    pub(super) data: Option<&'a [u8]>,
    pub(super) acl: &'a AclSpec,
    /// As it is stored, see [`ephemeral_owner`].
    pub(super) owner: i64,
    /// The parent's cversion afterwards; -1 = one more than it is.
    pub(super) parent_cversion: i32,
}

/// Which transaction changes the tree.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) zxid: Zxid,
    /// The leader's wall clock.
    pub(super) time_ms: i64,
}

#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) nodes: Slab,
    /// (hash of the path, node): hashes beside the ids, so that growth need not touch the nodes.
    index: HashTable<(u32, NodeId)>,
    pub(super) acls: AclTable,
    ephemerals: BTreeMap<SessionId, BTreeSet<NodeId>>,
    /// Bytes of all paths and data.
    bytes: usize,
}

impl Tree {
    /// The node with this path.
    pub(super) fn find(&self, wanted: &str) -> Option<NodeId> {
        let wanted = path::canonical(wanted);
        self.find_hashed(wanted, path::hash(wanted))
    }

    /// The node with this canonical path, whose hash is known.
    pub(super) fn find_hashed(&self, wanted: &str, hash: u32) -> Option<NodeId> {
        self.index
            .find(path::spread(hash), |(other, id)| {
                *other == hash && *self.nodes.node(*id).path == *wanted
            })
            .map(|(_, id)| *id)
    }

    /// What a node grants.
    pub(super) fn rights(&self, id: NodeId) -> Rights {
        self.acls.rights(self.nodes.node(id).acl)
    }

    /// What a node with this list would grant.
    pub(super) fn rights_of(&self, acl: &AclSpec) -> Rights {
        if self.acls.skip {
            Rights::Open
        } else {
            acl.rights()
        }
    }

    /// Bytes of all paths and data.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Ephemeral nodes of all sessions.
    pub(super) fn ephemerals_count(&self) -> usize {
        self.ephemerals.values().map(BTreeSet::len).sum()
    }

    /// Paths of a session's ephemerals, in order.
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

    /// Takes in the root, the first of all nodes.
    pub(super) fn plant(&mut self, data: Option<&[u8]>, acl: AclId, stat: StatPersisted) -> NodeId {
        self.attach(path::ROOT, data, acl, stat, NodeId::ROOT)
    }

    /// Hangs a node that does not exist under an existing parent, whose metadata stays.
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

    /// Unhangs a node; whatever is below it goes too.
    fn detach(&mut self, id: NodeId) {
        let parent = self.nodes.node(id).parent;
        let place = self.nodes.node(id).place;
        let siblings = self.nodes.node_mut(parent);
        siblings.children.swap_remove(place);
        if let Some(moved) = siblings.children.get(place).copied() {
            siblings.sorted = false;
            self.nodes.node_mut(moved).place = place;
        }
        // Only a replay over a fuzzy snapshot deletes a node that has children.
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

    /// Applies a create. Repeated over a newer tree it only raises what is too low.
    ///
    /// # Errors
    /// `NO_NODE` without a parent, `NODE_EXISTS` if there already.
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

    /// A fuzzy snapshot may hold a node, but not yet its ACL: the transaction that made it has it.
    fn repair_acl(&mut self, id: NodeId, acl: &AclSpec, zxid: Zxid) {
        let node = self.nodes.node(id);
        if node.stat.czxid == zxid && node.stat.aversion == 0 && !self.acls.knows(node.acl) {
            let acl = self.acls.intern(acl);
            self.nodes.node_mut(id).acl = acl;
        }
    }

    /// Applies a delete; the parent's pzxid rises even if the node is gone already.
    ///
    /// # Errors
    /// `NO_NODE` if there is none, `BAD_ARGUMENTS` for the root.
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

    /// Replaces data, in place if it fits.
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

    /// Applies a setData.
    ///
    /// # Errors
    /// `NO_NODE`.
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

    /// Applies a setACL.
    ///
    /// # Errors
    /// `NO_NODE`.
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

    /// Replaces what a snapshot said before about the same path.
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

    /// Puts a node's children in the order of their names.
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

    /// How many nodes are below this one.
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
