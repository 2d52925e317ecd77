//! A znode and the encoding of its owner field (specification 6.3).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::sync::Arc;

use crate::wire::jute::{SessionId, Stat, StatPersisted};

use super::acl::AclId;

/// Index of a znode in the slab. It is reused after the znode is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NodeId(pub(super) u32);

impl NodeId {
    /// The first node inserted into a slab.
    pub(super) const ROOT: Self = Self(0);
}

#[derive(Debug)]
pub(super) struct Znode {
    pub(super) path: Arc<str>,
    /// `None` is null. Clients can distinguish it from empty data.
    pub(super) data: Option<Vec<u8>>,
    pub(super) acl: AclId,
    /// The root is its own parent.
    pub(super) parent: NodeId,
    /// Index of this node in the parent's `children`.
    pub(super) place: usize,
    pub(super) stat: StatPersisted,
    pub(super) children: Vec<NodeId>,
    /// Whether `children` is sorted by name.
    pub(super) sorted: bool,
}

impl Znode {
    /// The last component of the path.
    pub(super) fn name(&self) -> &str {
        self.path.rfind('/').map_or("", |at| &self.path[at + 1..])
    }

    /// Length of the data; 0 for null.
    pub(super) fn data_bytes(&self) -> usize {
        self.data.as_ref().map_or(0, Vec::len)
    }

    /// The metadata in the form that clients receive.
    pub(super) fn stat(&self) -> Stat {
        let children = signed(self.children.len());
        Stat {
            czxid: self.stat.czxid,
            mzxid: self.stat.mzxid,
            ctime_ms: self.stat.ctime_ms,
            mtime_ms: self.stat.mtime_ms,
            version: self.stat.version,
            // Clients see the number of creations and deletions. Only creations are stored;
            // deletions follow from the number of children.
            cversion: self.stat.cversion.wrapping_mul(2).wrapping_sub(children),
            aversion: self.stat.aversion,
            ephemeral_owner: ephemeral_owner(self.stat.ephemeral_owner).map_or(0, |s| s.0),
            data_length: signed(self.data_bytes()),
            num_children: children,
            pzxid: self.stat.pzxid,
        }
    }
}

/// Lengths on the wire have 31 bits.
fn signed(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}

/// Stored owner of a container node.
pub(super) const CONTAINER: i64 = i64::MIN;
const TTL_MARK: u64 = 0x00ff_0000;

/// Stored owner of a node with a time to live.
pub(super) const fn ttl_owner(ttl_ms: i64) -> i64 {
    ((TTL_MARK << 40) | (ttl_ms.cast_unsigned() & 0xff_ffff_ffff)).cast_signed()
}

/// The session that a stored owner names; `None` for persistent, container and TTL nodes.
pub(super) const fn ephemeral_owner(stored: i64) -> Option<SessionId> {
    if stored == 0 || stored == CONTAINER || stored.cast_unsigned() >> 40 == TTL_MARK {
        None
    } else {
        Some(SessionId(stored))
    }
}
