//! Container and TTL nodes that the leader deletes by itself (specification 6.7).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::ops::Bound;

use super::state::Database;
use super::znode::{Lifetime, NodeId, Znode};

/// One step of a walk over all container and TTL nodes.
#[derive(Clone, Copy, Debug)]
pub struct LapsedSearch {
    /// [`Lapsed::next`] of the step before; `None` begins a walk.
    pub after: Option<u32>,
    /// Most nodes to look at.
    pub nodes_max: usize,
    /// Most nodes to find.
    pub found_max: usize,
    /// The wall clock, ms since 1970.
    pub time_ms: i64,
    /// After how many ms a container that never had a child lapses; 0 is never.
    pub never_used_ms: i64,
}

/// What a step has found.
#[derive(Debug, PartialEq, Eq)]
pub struct Lapsed {
    /// The nodes to delete.
    pub paths: Vec<Box<str>>,
    /// Where the next step goes on; `None` at the end of the walk.
    pub next: Option<u32>,
}

impl Database {
    /// Finds container and TTL nodes that have lapsed: they have no children, and had some (containers) or
    /// did not change for their time to live.
    #[must_use]
    pub fn find_lapsed(&self, search: LapsedSearch) -> Lapsed {
        let after = search.after.map_or(Bound::Unbounded, |slot| {
            Bound::Excluded(super::slab::Slot(slot))
        });
        let mut paths = Vec::new();
        let mut looked_at = 0;
        for id in self.tree.lapsing.range((after, Bound::Unbounded)) {
            looked_at += 1;
            let node = self.tree.nodes.node(*id);
            if self.has_lapsed(node, search) {
                paths.push(node.path().into());
            }
            if looked_at == search.nodes_max || paths.len() == search.found_max {
                let next = Some(id.0);
                return Lapsed { paths, next };
            }
        }
        Lapsed { paths, next: None }
    }

    fn has_lapsed(&self, node: &Znode, search: LapsedSearch) -> bool {
        if node.children.len() > 0 {
            return false;
        }
        let unchanged_ms = search.time_ms.saturating_sub(node.stat.mtime_ms);
        match self.tree.lifetime(node.stat.ephemeral_owner) {
            Some(Lifetime::Container) if node.stat.cversion > 0 => true,
            Some(Lifetime::Container) => {
                search.never_used_ms > 0 && unchanged_ms > search.never_used_ms
            }
            Some(Lifetime::Ttl(ttl_ms)) => ttl_ms > 0 && unchanged_ms > ttl_ms,
            Some(Lifetime::Session(_)) | None => false,
        }
    }

    /// Whether `id` is a container or TTL node without children, as far as this server has applied.
    pub(super) fn may_lapse(&self, id: NodeId) -> bool {
        self.tree.lapsing.contains(&id) && self.tree.nodes.node(id).children.len() == 0
    }
}
