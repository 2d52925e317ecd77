//! Reads a snapshot's sessions, ACLs and nodes from bytes in any cut (specification 15.4).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::wire::jute::{Acl, JuteError, Reader, SessionId, StatPersisted};

use super::acl::AclId;
use super::path;
use super::state::Database;
use super::znode::NodeId;

/// No record of a snapshot is longer: path, data and metadata, or one ACL list.
const MAX_RECORD_BYTES: usize = 8 << 20;

/// Why bytes are no snapshot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// A record cannot be read.
    #[error("the snapshot is damaged {offset} bytes after its header: {reason}; use an older one")]
    Record {
        /// Where the record begins, counted from the end of the file header.
        offset: u64,
        /// What is wrong with it.
        reason: JuteError,
    },
    /// A record does not end.
    #[error(
        "the snapshot is damaged {offset} bytes after its header: a record is longer than any can be; use an older one"
    )]
    Oversized {
        /// Where the record begins.
        offset: u64,
    },
    /// A node without a parent.
    #[error("the snapshot holds node {path:?} without or before its parent; use an older one")]
    Orphan { path: String },
    /// No root.
    #[error("the snapshot holds no root node; use an older one")]
    NoRoot,
    /// The bytes ended before the snapshot did.
    #[error("the snapshot ends early, {offset} bytes after its header; use an older one")]
    Incomplete {
        /// How many bytes were understood.
        offset: u64,
    },
}

#[derive(Clone, Copy, Debug)]
enum DecodeStage {
    SessionCount,
    Sessions(u32),
    AclCount,
    Acls(u32),
    Nodes,
    Done,
}

/// A snapshot being read.
#[derive(Debug)]
pub struct SnapshotDecoder {
    database: Database,
    stage: DecodeStage,
    /// The beginning of a record whose end has not come yet.
    pending: Vec<u8>,
    /// Bytes of all complete records.
    offset: u64,
}

impl Default for SnapshotDecoder {
    fn default() -> Self {
        Self::new()
    }
}

impl SnapshotDecoder {
    /// Starts right behind the file header.
    #[must_use]
    pub fn new() -> Self {
        Self {
            database: Database::default(),
            stage: DecodeStage::SessionCount,
            pending: Vec::new(),
            offset: 0,
        }
    }

    /// Takes more bytes. Returns how many of them belong to the snapshot, which are all until it
    /// is done, and whether it is: right behind the `/` that ends the nodes.
    ///
    /// # Errors
    /// If the bytes are no snapshot; the decoder is of no use then.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(usize, bool), SnapshotError> {
        if matches!(self.stage, DecodeStage::Done) {
            return Ok((0, true));
        }
        if self.pending.is_empty() {
            let used = self.decode(bytes)?;
            if matches!(self.stage, DecodeStage::Done) {
                return Ok((used, true));
            }
            self.pending.extend_from_slice(&bytes[used..]);
        } else {
            let before = self.pending.len();
            self.pending.extend_from_slice(bytes);
            let all = std::mem::take(&mut self.pending);
            let used = self.decode(&all)?;
            if matches!(self.stage, DecodeStage::Done) {
                // What was pending did not complete a record, so the end is among the new bytes.
                return Ok((used.saturating_sub(before), true));
            }
            self.pending = all;
            self.pending.drain(..used);
        }
        if self.pending.len() > MAX_RECORD_BYTES {
            return Err(SnapshotError::Oversized {
                offset: self.offset,
            });
        }
        Ok((bytes.len(), false))
    }

    /// The database; its last processed zxid is for the caller to set.
    ///
    /// # Errors
    /// If the snapshot is not complete.
    pub fn finish(mut self) -> Result<Database, SnapshotError> {
        if !matches!(self.stage, DecodeStage::Done) {
            return Err(SnapshotError::Incomplete {
                offset: self.offset,
            });
        }
        if self.database.tree.nodes.get(NodeId::ROOT).is_none() {
            return Err(SnapshotError::NoRoot);
        }
        self.database.tree.acls.purge();
        Ok(self.database)
    }

    /// Decodes all complete records and returns their length.
    fn decode(&mut self, bytes: &[u8]) -> Result<usize, SnapshotError> {
        let mut used = 0;
        while !matches!(self.stage, DecodeStage::Done) {
            let mut reader = Reader::new(&bytes[used..]);
            match self.record(&mut reader)? {
                Ok(()) => {
                    used += reader.position();
                    self.offset += reader.position() as u64;
                }
                Err(JuteError::Truncated) => break,
                Err(reason) => {
                    return Err(SnapshotError::Record {
                        offset: self.offset,
                        reason,
                    });
                }
            }
        }
        Ok(used)
    }

    /// Decodes one record; changes nothing if it is incomplete.
    fn record(&mut self, reader: &mut Reader<'_>) -> Result<Result<(), JuteError>, SnapshotError> {
        match self.stage {
            DecodeStage::SessionCount => Ok(count(reader).map(|count| {
                self.stage = sessions_left(count);
            })),
            DecodeStage::Sessions(left) => Ok(session(reader).map(|(session, timeout_ms)| {
                self.database.sessions.insert(session, timeout_ms);
                self.stage = sessions_left(left - 1);
            })),
            DecodeStage::AclCount => Ok(count(reader).map(|count| {
                self.stage = acls_left(count);
            })),
            DecodeStage::Acls(left) => Ok(acl(reader).map(|(id, list)| {
                self.database.tree.acls.load(id, &list);
                self.stage = acls_left(left - 1);
            })),
            DecodeStage::Nodes => self.node(reader),
            DecodeStage::Done => Ok(Ok(())),
        }
    }

    fn node(&mut self, reader: &mut Reader<'_>) -> Result<Result<(), JuteError>, SnapshotError> {
        let path = match reader.required_string() {
            Ok(path::ROOT) => {
                self.stage = DecodeStage::Done;
                return Ok(Ok(()));
            }
            Ok(path) => path,
            Err(error) => return Ok(Err(error)),
        };
        let (data, acl, stat) = match content(reader) {
            Ok(content) => content,
            Err(error) => return Ok(Err(error)),
        };
        let tree = &mut self.database.tree;
        tree.acls.retain(acl);
        if tree.nodes.get(NodeId::ROOT).is_some()
            && let Some(id) = tree.find(path)
        {
            // A fuzzy snapshot may hold a node twice: the later state counts.
            tree.replace(id, data, acl, stat);
        } else if path.is_empty() {
            tree.plant(data, acl, stat);
        } else {
            let parent = path::parent(path)
                .and_then(|parent| tree.find(parent))
                .ok_or_else(|| SnapshotError::Orphan {
                    path: path.to_owned(),
                })?;
            tree.attach(path, data, acl, stat, parent);
        }
        Ok(Ok(()))
    }
}

const fn sessions_left(count: u32) -> DecodeStage {
    if count == 0 {
        DecodeStage::AclCount
    } else {
        DecodeStage::Sessions(count)
    }
}

const fn acls_left(count: u32) -> DecodeStage {
    if count == 0 {
        DecodeStage::Nodes
    } else {
        DecodeStage::Acls(count)
    }
}

/// How many records follow; not limited by the bytes at hand, which are only the first of them.
fn count(reader: &mut Reader<'_>) -> Result<u32, JuteError> {
    let count = reader.i32()?;
    u32::try_from(count).map_err(|_negative| JuteError::Length(count))
}

fn session(reader: &mut Reader<'_>) -> Result<(SessionId, i32), JuteError> {
    Ok((SessionId(reader.i64()?), reader.i32()?))
}

fn acl(reader: &mut Reader<'_>) -> Result<(AclId, Vec<Acl>), JuteError> {
    let id = AclId(reader.i64()?);
    Ok((id, Acl::decode_list(reader)?.unwrap_or_default()))
}

type Content<'a> = (Option<&'a [u8]>, AclId, StatPersisted);

fn content<'a>(reader: &mut Reader<'a>) -> Result<Content<'a>, JuteError> {
    let data = reader.buffer()?;
    let acl = AclId(reader.i64()?);
    Ok((data, acl, StatPersisted::decode(reader)?))
}
