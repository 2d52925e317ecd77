//! Where the nodes live: fixed-size chunks, so that a large tree grows without being moved.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::znode::{NodeId, Znode};

const CHUNK_BITS: u32 = 9;
const CHUNK: usize = 1 << CHUNK_BITS;

/// The chunk of a node, and its place in the chunk.
const fn split(id: NodeId) -> (usize, usize) {
    let place = id.0 as usize;
    (place >> CHUNK_BITS, place & (CHUNK - 1))
}

#[derive(Debug, Default)]
pub(super) struct Slab {
    chunks: Vec<Vec<Option<Znode>>>,
    free: Vec<NodeId>,
    live: usize,
}

impl Slab {
    pub(super) const fn len(&self) -> usize {
        self.live
    }

    /// Takes the node in.
    pub(super) fn insert(&mut self, node: Znode) -> NodeId {
        self.live += 1;
        if let Some(id) = self.free.pop() {
            let (chunk, place) = split(id);
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
    pub(super) fn remove(&mut self, id: NodeId) -> Option<Znode> {
        let (chunk, place) = split(id);
        let node = self.chunks.get_mut(chunk)?.get_mut(place)?.take()?;
        self.live -= 1;
        self.free.push(id);
        Some(node)
    }

    /// The node, if the id is still in use.
    pub(super) fn get(&self, id: NodeId) -> Option<&Znode> {
        let (chunk, place) = split(id);
        self.chunks.get(chunk)?.get(place)?.as_ref()
    }

    /// A node that is known to be alive.
    ///
    /// # Panics
    /// If it is not: the tree is broken.
    pub(super) fn node(&self, id: NodeId) -> &Znode {
        self.get(id).expect("ids in the tree are alive")
    }

    /// As [`Self::node`].
    pub(super) fn node_mut(&mut self, id: NodeId) -> &mut Znode {
        let (chunk, place) = split(id);
        self.chunks[chunk][place]
            .as_mut()
            .expect("ids in the tree are alive")
    }
}
