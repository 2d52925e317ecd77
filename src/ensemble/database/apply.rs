//! Applies transactions (specification 6.3) and fires watches (7.1).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::wire::jute::{ErrorCode, JuteError, OpCode, Reader, SessionId, Txn, TxnHeader};

use super::WatchEvent;
use super::acl::AclSpec;
use super::applied::{Applied, ApplyError, ApplyResult};
use super::path;
use super::state::Database;
use super::tree::{Creation, Moment};
use super::watches::Events;
use super::znode::{CONTAINER, NodeId, ttl_owner};

impl From<&TxnHeader> for Moment {
    fn from(header: &TxnHeader) -> Self {
        Self {
            zxid: header.zxid,
            time_ms: header.time_ms,
        }
    }
}

impl Database {
    /// Applies one entry (header and record) as it was proposed or logged, and fires watches in
    /// order. Applying an entry twice has the same result as once, so a log can be replayed over a
    /// newer snapshot.
    ///
    /// # Errors
    /// If the entry is damaged. The database is then unchanged.
    pub fn apply(
        &mut self,
        entry: &[u8],
        events: &mut dyn FnMut(WatchEvent<'_>),
    ) -> Result<Applied, ApplyError> {
        let mut reader = Reader::new(entry);
        let header =
            TxnHeader::decode(&mut reader).map_err(|reason| header_error(entry, reason))?;
        let result = self
            .apply_record(&header, &mut reader, events)
            .map_err(|reason| ApplyError::Record {
                zxid: header.zxid,
                reason,
            })?;
        self.last_processed = self.last_processed.max(header.zxid);
        Ok(Applied { header, result })
    }

    fn apply_record(
        &mut self,
        header: &TxnHeader,
        reader: &mut Reader<'_>,
        events: Events<'_>,
    ) -> Result<ApplyResult, JuteError> {
        if matches!(header.op, OpCode::Create | OpCode::Create2) {
            // Do not decode the common open ACL: it is most of the record.
            let path = reader.required_string()?;
            let data = reader.buffer()?;
            let acl = AclSpec::decode(reader)?;
            let ephemeral = reader.bool()?;
            let parent_cversion = if reader.is_empty() { -1 } else { reader.i32()? };
            let creation = Creation {
                path,
                data,
                acl: &acl,
                owner: if ephemeral { header.session.0 } else { 0 },
                parent_cversion,
            };
            return Ok(self.create(&creation, header.into(), events));
        }
        let txn = Txn::decode(reader, header.op)?;
        Ok(match txn {
            Txn::Multi(parts) => ApplyResult::Multi(self.apply_parts(header, parts, events)),
            txn => self.apply_txn(header, txn, events),
        })
    }

    /// Applies all parts of a multi, or none if any part is an error (specification 5).
    fn apply_parts(
        &mut self,
        header: &TxnHeader,
        parts: Vec<(OpCode, Txn<'_>)>,
        events: Events<'_>,
    ) -> Vec<(OpCode, ApplyResult)> {
        let failed = parts
            .iter()
            .position(|(_, txn)| matches!(txn, Txn::Error(_)));
        let results = parts.into_iter().enumerate();
        results
            .map(|(at, (op, txn))| {
                let result = match (failed, txn) {
                    (None, txn) => self.apply_txn(header, txn, events),
                    (Some(failed), Txn::Error(code)) if at == failed => ApplyResult::Error(code),
                    (Some(failed), _) if at < failed => ApplyResult::Error(ErrorCode::OK),
                    _ => ApplyResult::Error(ErrorCode::RUNTIME_INCONSISTENCY),
                };
                (op, result)
            })
            .collect()
    }

    fn apply_txn(&mut self, header: &TxnHeader, txn: Txn<'_>, events: Events<'_>) -> ApplyResult {
        let (path, data, acl, owner, parent_cversion) = match txn {
            Txn::Create {
                path,
                data,
                acl,
                ephemeral,
                parent_cversion,
            } => {
                let owner = if ephemeral { header.session.0 } else { 0 };
                (path, data, acl, owner, parent_cversion)
            }
            Txn::CreateContainer {
                path,
                data,
                acl,
                parent_cversion,
            } => (path, data, acl, CONTAINER, parent_cversion),
            Txn::CreateTtl {
                path,
                data,
                acl,
                parent_cversion,
                ttl_ms,
            } => (path, data, acl, ttl_owner(ttl_ms), parent_cversion),
            other => return self.apply_change(header, other, events),
        };
        let creation = Creation {
            path,
            data,
            acl: &AclSpec::new(acl),
            owner,
            parent_cversion,
        };
        self.create(&creation, header.into(), events)
    }

    fn apply_change(
        &mut self,
        header: &TxnHeader,
        txn: Txn<'_>,
        events: Events<'_>,
    ) -> ApplyResult {
        match txn {
            Txn::Delete { path } => self.delete(path, header.into(), events),
            Txn::SetData {
                path,
                data,
                version,
            } => match self.tree.set_data(path, data, version, header.into()) {
                Ok(id) => {
                    if !self.watches.is_empty() {
                        let rights = self.tree.rights(id);
                        self.watches.changed(path::canonical(path), &rights, events);
                    }
                    self.changed(id)
                }
                Err(code) => ApplyResult::Error(code),
            },
            Txn::SetAcl { path, acl, version } => {
                match self.tree.set_acl(path, &AclSpec::new(acl), version) {
                    Ok(id) => self.changed(id),
                    Err(code) => ApplyResult::Error(code),
                }
            }
            Txn::CreateSession { timeout_ms } => {
                self.sessions.insert(header.session, timeout_ms);
                ApplyResult::Done
            }
            Txn::CloseSession { paths } => {
                self.close_session(header.session, paths, header.into(), events);
                ApplyResult::Done
            }
            Txn::Error(code) => ApplyResult::Error(code),
            // The caller handles creations, and the decoder rejects a multi inside a multi.
            Txn::Check { .. }
            | Txn::Create { .. }
            | Txn::CreateContainer { .. }
            | Txn::CreateTtl { .. }
            | Txn::Multi(_) => ApplyResult::Done,
        }
    }

    fn changed(&self, id: NodeId) -> ApplyResult {
        ApplyResult::Changed(self.tree.stat(id))
    }

    fn create(&mut self, new: &Creation<'_>, moment: Moment, events: Events<'_>) -> ApplyResult {
        let id = match self.tree.create(new, moment) {
            Ok(id) => id,
            Err(code) => return ApplyResult::Error(code),
        };
        let node = self.tree.nodes.node(id);
        let result = ApplyResult::Created {
            path: node.path().into(),
            stat: self.tree.stat(id),
        };
        if !self.watches.is_empty() {
            let parent = self.tree.nodes.node(node.parent);
            let rights = self.tree.rights(id);
            let parent_rights = self.tree.rights(node.parent);
            self.watches
                .created(new.path, parent.path(), &rights, &parent_rights, events);
        }
        result
    }

    fn delete(&mut self, doomed: &str, moment: Moment, events: Events<'_>) -> ApplyResult {
        // Read the rights of the node and its parent before the node is deleted.
        let watched = if self.watches.is_empty() {
            None
        } else {
            self.tree.find(doomed).map(|id| {
                let parent = self.tree.nodes.node(id).parent;
                (parent, self.tree.rights(id), self.tree.rights(parent))
            })
        };
        match self.tree.delete(doomed, moment.zxid) {
            Ok(()) => {
                if let Some((parent, rights, parent_rights)) = watched {
                    let parent = self.tree.nodes.node(parent).path();
                    self.watches
                        .deleted(doomed, parent, &rights, &parent_rights, events);
                }
                ApplyResult::Done
            }
            Err(code) => ApplyResult::Error(code),
        }
    }

    /// Deletes the listed paths, then the other ephemerals of the session, then the session.
    fn close_session(
        &mut self,
        session: SessionId,
        paths: Option<Vec<&str>>,
        moment: Moment,
        events: Events<'_>,
    ) {
        for path in paths.into_iter().flatten() {
            self.delete(path, moment, events);
        }
        let mut others: Vec<Box<str>> = self.tree.ephemerals(session).map(Box::from).collect();
        others.sort_unstable();
        for path in others {
            self.delete(&path, moment, events);
        }
        self.sessions.remove(&session);
    }
}

/// Returns a record error with the zxid if only the transaction type is unknown, otherwise a header
/// error.
fn header_error(entry: &[u8], reason: JuteError) -> ApplyError {
    let mut reader = Reader::new(entry);
    let zxid = reader.bytes(12).and_then(|_| reader.i64());
    match (zxid, reason) {
        (Ok(zxid), JuteError::Value { .. }) => ApplyError::Record {
            zxid: crate::wire::jute::Zxid(zxid),
            reason,
        },
        _ => ApplyError::Header(reason),
    }
}
