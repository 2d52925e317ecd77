//! Stores the nodes in fixed-size chunks, so that a growing tree does not move its nodes.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::znode::{NodeId, Znode};

const CHUNK_BITS: u32 = 9;
const CHUNK: usize = 1 << CHUNK_BITS;

/// Returns the chunk of a node and its index in the chunk.
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

    pub(super) fn insert(&mut self, node: Znode) -> NodeId {
        self.live += 1;
        if let Some(id) = self.free.pop() {
            let (chunk, place) = split(id);
            self.chunks[chunk][place] = Some(node);
            return id;
        }
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            // The first chunk starts small, so that a small tree uses little memory.
            let capacity = if self.chunks.is_empty() { 8 } else { CHUNK };
            self.chunks.push(Vec::with_capacity(capacity));
        }
        let chunk = self.chunks.len() - 1;
        let place = self.chunks[chunk].len();
        self.chunks[chunk].push(Some(node));
        let id = (chunk << CHUNK_BITS) | place;
        NodeId(u32::try_from(id).expect("four billion nodes do not fit in memory"))
    }

    /// Removes the node and frees its id for reuse.
    pub(super) fn remove(&mut self, id: NodeId) -> Option<Znode> {
        let (chunk, place) = split(id);
        let node = self.chunks.get_mut(chunk)?.get_mut(place)?.take()?;
        self.live -= 1;
        self.free.push(id);
        Some(node)
    }

    /// Returns the node if the id is in use.
    pub(super) fn get(&self, id: NodeId) -> Option<&Znode> {
        let (chunk, place) = split(id);
        self.chunks.get(chunk)?.get(place)?.as_ref()
    }

    /// Returns a node that must exist.
    ///
    /// # Panics
    /// If the id is not in use, which means that the tree is inconsistent.
    pub(super) fn node(&self, id: NodeId) -> &Znode {
        self.get(id).expect("every id in the tree is in use")
    }

    /// Like [`Self::node`], for changes.
    pub(super) fn node_mut(&mut self, id: NodeId) -> &mut Znode {
        let (chunk, place) = split(id);
        self.chunks[chunk][place]
            .as_mut()
            .expect("every id in the tree is in use")
    }
}
