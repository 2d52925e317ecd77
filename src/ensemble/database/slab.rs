//! Where the nodes live: fixed-size chunks, so that a large tree grows without being moved.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::node::Node;

const CHUNK_BITS: u32 = 9;
const CHUNK: usize = 1 << CHUNK_BITS;

/// Place of a node; used again after the node is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NodeId(u32);

impl NodeId {
    /// The first node put into a slab.
    pub(super) const ROOT: Self = Self(0);

    const fn split(self) -> (usize, usize) {
        let place = self.0 as usize;
        (place >> CHUNK_BITS, place & (CHUNK - 1))
    }
}

/// The nodes by id.
#[derive(Debug, Default)]
pub(super) struct Slab {
    chunks: Vec<Vec<Option<Node>>>,
    free: Vec<NodeId>,
    live: usize,
}

impl Slab {
    /// Nodes alive.
    pub(super) const fn len(&self) -> usize {
        self.live
    }

    /// Takes the node in.
    pub(super) fn insert(&mut self, node: Node) -> NodeId {
        self.live += 1;
        if let Some(id) = self.free.pop() {
            let (chunk, place) = id.split();
            self.chunks[chunk][place] = Some(node);
            return id;
        }
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            // The first chunk grows by itself: a small tree shall stay small in memory.
            let capacity = if self.chunks.is_empty() { 8 } else { CHUNK };
            self.chunks.push(Vec::with_capacity(capacity));
        }
        let chunk = self.chunks.len() - 1;
        let place = self.chunks[chunk].len();
        self.chunks[chunk].push(Some(node));
        let id = (chunk << CHUNK_BITS) | place;
        NodeId(u32::try_from(id).expect("memory ends long before four billion nodes"))
    }

    /// Gives the node back.
    pub(super) fn remove(&mut self, id: NodeId) -> Option<Node> {
        let (chunk, place) = id.split();
        let node = self.chunks.get_mut(chunk)?.get_mut(place)?.take()?;
        self.live -= 1;
        self.free.push(id);
        Some(node)
    }

    /// The node, if the id is still in use.
    pub(super) fn get(&self, id: NodeId) -> Option<&Node> {
        let (chunk, place) = id.split();
        self.chunks.get(chunk)?.get(place)?.as_ref()
    }

    /// A node that is known to be alive.
    ///
    /// # Panics
    /// If it is not: the tree is broken.
    pub(super) fn node(&self, id: NodeId) -> &Node {
        self.get(id).expect("ids in the tree are alive")
    }

    /// As [`Self::node`].
    pub(super) fn node_mut(&mut self, id: NodeId) -> &mut Node {
        let (chunk, place) = id.split();
        self.chunks[chunk][place]
            .as_mut()
            .expect("ids in the tree are alive")
    }
}
