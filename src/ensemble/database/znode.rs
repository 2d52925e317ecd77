//! A znode and the encoding of its owner field (specification 6.3).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::wire::jute::{SessionId, Stat, StatPersisted};

use super::acl::AclId;
use super::slab::Slot;

/// Index of a znode in the slab.
pub(super) type NodeId = Slot;

/// A tree of millions of nodes lies in memory, so a node is as small as it can be: see
/// `a_node_is_small`.
#[derive(Debug)]
pub(super) struct Znode {
    /// The path, then the data: one allocation takes less memory than two.
    content: Box<[u8]>,
    /// Length of the path. [`NULL_DATA`] is set if the data is null.
    path_bytes: u32,
    pub(super) acl: AclId,
    /// The root is its own parent.
    pub(super) parent: NodeId,
    /// Index of this node in the parent's `children`.
    pub(super) place: u32,
    /// Number of nodes below this one.
    pub(super) descendants: u32,
    pub(super) stat: StatPersisted,
    pub(super) children: Children,
}

/// Marks null data, which clients can distinguish from empty data. No path is so long.
const NULL_DATA: u32 = 1 << 31;

/// What a node is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct NewZnode<'a> {
    pub(super) path: &'a str,
    pub(super) data: Option<&'a [u8]>,
    pub(super) acl: AclId,
    pub(super) stat: StatPersisted,
    pub(super) parent: NodeId,
}

/// Joins path and data. Returns them with the value of `path_bytes`.
fn join(path: &[u8], data: Option<&[u8]>) -> (Box<[u8]>, u32) {
    let length = u32::try_from(path.len()).unwrap_or(NULL_DATA);
    assert!(length < NULL_DATA, "a path is shorter than a frame");
    match data {
        Some(data) => ([path, data].concat().into(), length),
        None => (path.into(), length | NULL_DATA),
    }
}

impl Znode {
    /// Creates a node without children. It has no place among the parent's children yet.
    pub(super) fn new(new: NewZnode<'_>) -> Self {
        let (content, path_bytes) = join(new.path.as_bytes(), new.data);
        Self {
            content,
            path_bytes,
            acl: new.acl,
            parent: new.parent,
            place: 0,
            descendants: 0,
            stat: new.stat,
            children: Children::default(),
        }
    }

    const fn path_len(&self) -> usize {
        (self.path_bytes & !NULL_DATA) as usize
    }

    /// The path as bytes, which need not be checked again to compare or copy them.
    pub(super) fn raw_path(&self) -> &[u8] {
        &self.content[..self.path_len()]
    }

    pub(super) fn path(&self) -> &str {
        std::str::from_utf8(self.raw_path()).expect("it was a string")
    }

    /// `None` is null.
    pub(super) fn data(&self) -> Option<&[u8]> {
        (self.path_bytes & NULL_DATA == 0).then(|| &self.content[self.path_len()..])
    }

    /// Replaces the data, in place if the new value has the same length.
    pub(super) fn set_data(&mut self, data: Option<&[u8]>) {
        let length = self.path_len();
        match data {
            Some(new) if self.data().is_some_and(|old| old.len() == new.len()) => {
                self.content[length..].copy_from_slice(new);
            }
            _ => (self.content, self.path_bytes) = join(&self.content[..length], data),
        }
    }

    /// Length of the data; 0 for null.
    pub(super) fn data_bytes(&self) -> usize {
        self.content.len() - self.path_len()
    }

    /// The metadata in the form that clients receive. `ephemeral` is the session that owns the node.
    pub(super) fn stat(&self, ephemeral: Option<SessionId>) -> Stat {
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
            ephemeral_owner: ephemeral.map_or(0, |session| session.0),
            data_length: signed(self.data_bytes()),
            num_children: children,
            pzxid: self.stat.pzxid,
        }
    }
}

/// The children of a node in no particular order. Most nodes have none, and then no memory is used.
#[derive(Debug, Default)]
#[expect(
    clippy::box_collection,
    reason = "a vector has three words, and most nodes have no children"
)]
pub(super) struct Children(Option<Box<Vec<NodeId>>>);

impl Children {
    pub(super) fn as_slice(&self) -> &[NodeId] {
        self.0.as_ref().map_or(&[], |list| list.as_slice())
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, NodeId> {
        self.as_slice().iter()
    }

    pub(super) fn len(&self) -> usize {
        self.as_slice().len()
    }

    /// Appends a child and returns its place.
    pub(super) fn push(&mut self, child: NodeId) -> u32 {
        let list = self.0.get_or_insert_default();
        list.push(child);
        u32::try_from(list.len() - 1).expect("there are fewer nodes")
    }

    /// Removes the child at `place`. Returns the child that takes its place, if any.
    pub(super) fn remove(&mut self, place: u32) -> Option<NodeId> {
        let list = self.0.as_mut()?;
        list.swap_remove(place as usize);
        let moved = list.get(place as usize).copied();
        if list.is_empty() {
            self.0 = None;
        } else if list.len() < list.capacity() / 4 {
            list.shrink_to(2 * list.len());
        }
        moved
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
    (TTL_MARK << 40).cast_signed() | (ttl_ms & TTL_MS_MAX)
}

/// The longest time to live, ms.
pub(super) const TTL_MS_MAX: i64 = 0xff_ffff_ffff;

/// What ends the life of a node that is not persistent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lifetime {
    Session(SessionId),
    /// It lasts until its last child is gone.
    Container,
    /// It lasts until it has no children and has not changed for so many ms.
    Ttl(i64),
}

impl Lifetime {
    /// Decodes a stored owner; `None` is that of a persistent node. TTL nodes exist only with extended
    /// types. Without them, their mark is a session of server 255 (ZOOKEEPER-2901).
    pub(super) const fn decode(stored: i64, extended_types: bool) -> Option<Self> {
        if stored == 0 {
            return None;
        }
        if stored == CONTAINER {
            return Some(Self::Container);
        }
        if extended_types && stored.cast_unsigned() >> 40 == TTL_MARK {
            return Some(Self::Ttl(stored & TTL_MS_MAX));
        }
        Some(Self::Session(SessionId(stored)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_small() {
        assert_eq!(size_of::<Option<Znode>>(), 112);
    }

    #[test]
    fn data_changes_and_the_path_stays() {
        let mut node = Znode::new(NewZnode {
            path: "/a/name",
            data: None,
            acl: AclId::OPEN,
            stat: StatPersisted::default(),
            parent: NodeId::ROOT,
        });
        for data in [
            None,
            Some(&b""[..]),
            Some(b"one"),
            Some(b"two"),
            Some(b"longer"),
            None,
        ] {
            node.set_data(data);
            assert_eq!((node.path(), node.data()), ("/a/name", data));
            assert_eq!(node.data_bytes(), data.map_or(0, <[u8]>::len));
        }
    }
}
