//! Decodes a snapshot's sessions, ACLs and nodes from chunks of any size (specification 15.4).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::wire::jute::{Acl, JuteError, Reader, SessionId, StatPersisted};

use super::acl::AclId;
use super::path;
use super::settings::DatabaseSettings;
use super::state::Database;
use super::znode::NodeId;

/// Limit on one record of a snapshot: a node (path, data and metadata) or an ACL list.
const MAX_RECORD_BYTES: usize = 8 << 20;

/// Why the bytes are not a valid snapshot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    #[error("the snapshot is damaged {offset} bytes after its header: {reason}; use an older one")]
    Record {
        /// Start of the record, in bytes after the file header.
        offset: u64,
        reason: JuteError,
    },
    /// A record exceeds `MAX_RECORD_BYTES`.
    #[error(
        "the snapshot is damaged {offset} bytes after its header: a record exceeds the largest possible size; use an older one"
    )]
    Oversized {
        /// Start of the record, in bytes after the file header.
        offset: u64,
    },
    #[error("the snapshot holds node {path:?} without or before its parent; use an older one")]
    Orphan { path: String },
    #[error("the snapshot holds no root node; use an older one")]
    NoRoot,
    #[error("the snapshot ends early, {offset} bytes after its header; use an older one")]
    Incomplete {
        /// Bytes that were decoded.
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

/// Decodes a snapshot incrementally.
#[derive(Debug)]
pub struct SnapshotDecoder {
    database: Database,
    stage: DecodeStage,
    /// The beginning of an incomplete record.
    pending: Vec<u8>,
    /// Total length of the decoded records, in bytes.
    offset: u64,
}

impl SnapshotDecoder {
    /// Starts directly after the file header.
    #[must_use]
    pub fn new(settings: DatabaseSettings) -> Self {
        Self {
            database: Database::empty(settings),
            stage: DecodeStage::SessionCount,
            pending: Vec::new(),
            offset: 0,
        }
    }

    /// Takes more bytes. Returns how many of them belong to the snapshot, and whether the snapshot
    /// is complete. It is complete after the `/` that terminates the nodes; before that, all bytes
    /// belong to it.
    ///
    /// # Errors
    /// If the bytes are not a valid snapshot. The decoder must not be used any more.
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
                // The pending bytes held no complete record, so the end lies in the new bytes.
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

    /// Returns the database. The caller must set its last processed zxid.
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

    /// Decodes all complete records and returns their total length.
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

    /// Decodes one record. An incomplete record changes nothing.
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
            // A fuzzy snapshot may contain a node twice; the later state replaces the earlier one.
            tree.replace(id, data, acl, stat);
        } else if path.is_empty() {
            tree.insert_root(data, acl, stat);
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

/// Reads a record count. It is not limited by the bytes at hand, which are only the first of the
/// records.
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
