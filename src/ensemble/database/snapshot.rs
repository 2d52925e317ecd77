//! Writes the database in the snapshot format, at once or in slices (specification 15.4).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::wire::jute::{WriteJute, Zxid};

use super::path;
use super::state::Database;
use super::znode::{NodeId, Znode};

/// A node that is left out counts as so many bytes: looking at it takes time, too.
const SKIP_BYTES: usize = 16;

/// Writes a snapshot in slices while transactions continue to be applied.
///
/// The snapshot is fuzzy: it contains every node that existed at the beginning and was not deleted
/// before the cursor reached it, possibly in a later state. A server that loads it must apply all
/// transactions after [`SnapshotCursor::zxid`].
#[derive(Clone, Debug)]
pub struct SnapshotCursor {
    zxid: Zxid,
    stage: CursorStage,
    /// Ids of the nodes still to write; the next one is last. If an id was freed and reused, its
    /// new node has a czxid above `zxid` and is left out, so a parent always precedes its children.
    open: Vec<NodeId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CursorStage {
    Sessions,
    Nodes,
    Done,
}

impl SnapshotCursor {
    /// The last transaction applied before the snapshot began.
    #[must_use]
    pub const fn zxid(&self) -> Zxid {
        self.zxid
    }

    /// Appends more nodes, until about `bytes_max` more bytes are written. Returns `true` when the
    /// snapshot is complete.
    pub fn step(&mut self, database: &Database, out: &mut Vec<u8>, bytes_max: usize) -> bool {
        if self.stage == CursorStage::Sessions {
            database.encode_sessions(out);
            database.tree.acls.encode(out);
            self.stage = CursorStage::Nodes;
        }
        let end = out.len().saturating_add(bytes_max);
        let mut skipped = 0;
        while self.stage == CursorStage::Nodes
            && out.len().saturating_add(skipped * SKIP_BYTES) < end
        {
            let Some(id) = self.open.pop() else {
                out.put_string(path::ROOT);
                self.stage = CursorStage::Done;
                break;
            };
            let node = database.tree.nodes.get(id);
            let Some(node) = node.filter(|node| node.stat.czxid <= self.zxid) else {
                skipped += 1;
                continue;
            };
            encode_node(node, out);
            self.open.extend(node.children.iter().rev());
        }
        self.stage == CursorStage::Done
    }
}

impl Database {
    /// Begins a snapshot that is written in slices while transactions continue to be applied.
    #[must_use]
    pub fn snapshot_cursor(&self) -> SnapshotCursor {
        SnapshotCursor {
            zxid: self.last_processed,
            stage: CursorStage::Sessions,
            open: vec![NodeId::ROOT],
        }
    }

    /// Appends sessions, ACLs, nodes and the terminator. The file header and the seals are not
    /// included.
    pub fn encode_snapshot(&self, out: &mut Vec<u8>) {
        let mut cursor = SnapshotCursor {
            // Nothing changes during the call, so no node is excluded as too new.
            zxid: Zxid(i64::MAX),
            ..self.snapshot_cursor()
        };
        let done = cursor.step(self, out, usize::MAX);
        debug_assert!(done, "one step without a limit completes the snapshot");
    }

    fn encode_sessions(&self, out: &mut Vec<u8>) {
        out.put_len(self.sessions.len());
        for (session, timeout_ms) in &self.sessions {
            out.put_i64(session.0);
            out.put_i32(*timeout_ms);
        }
    }
}

fn encode_node(node: &Znode, out: &mut Vec<u8>) {
    // The snapshot format names the root by the empty string; "/" terminates the nodes.
    out.put_string(if node.path() == path::ROOT {
        ""
    } else {
        node.path()
    });
    out.put_buffer(node.data());
    out.put_i64(node.acl.0);
    node.stat.encode(out);
}
