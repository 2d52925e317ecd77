//! The leader's first stage: validates a request and converts it into a transaction (specification
//! 6.1, 6.2).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use crate::wire::jute::{
    Acl, CheckVersion, DeleteRequest, ErrorCode, MAX_ENTRY_BYTES, MultiOp, MultiOps, OpCode, Perms,
    Reader, SessionId, SetDataRequest, TxnHeader, WriteJute, Zxid, begin_frame, end_frame,
};

use super::acl::AclSpec;
use super::outstanding::Outstanding;
use super::path;
use super::prepare_create::{EPHEMERALS_LISTED_BYTES_MAX, NewNode};
use super::read::malformed;
use super::state::Database;
use super::tree::listed_bytes;
use super::write_request::{Context, WriteRequest};

/// Converts requests into transactions. Each new leader starts with an empty one.
#[derive(Debug, Default)]
pub struct Preparer {
    pub(super) outstanding: Outstanding,
    /// Sessions with a proposed closeSession, and its zxid.
    closing: BTreeMap<SessionId, Zxid>,
    /// Sessions with a proposed createSession, and its zxid.
    opening: BTreeMap<SessionId, Zxid>,
}

impl Preparer {
    /// Starts without outstanding changes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends the complete entry (header and record) of transaction `zxid` to `out`.
    ///
    /// Every request yields an entry of at most [`MAX_ENTRY_BYTES`]: a refused request becomes an
    /// error transaction, which the leader proposes like any other. The caller has checked the session with the
    /// [`super::SessionTracker`]. Returns the error code of a refused request.
    pub fn prepare(
        &mut self,
        database: &Database,
        request: &WriteRequest<'_>,
        zxid: Zxid,
        out: &mut Vec<u8>,
    ) -> Option<ErrorCode> {
        let start = out.len();
        let context = Context {
            database,
            request,
            zxid,
        };
        let mut header = TxnHeader {
            session: request.session,
            cxid: request.cxid,
            zxid,
            time_ms: request.time_ms,
            op: OpCode::from_i32(request.op).unwrap_or(OpCode::Error),
        };
        header.encode(out);
        let mark = self.outstanding.mark();
        let record = self.record(context, header.op, out).and_then(|()| {
            // A learner refuses a longer proposal, and the log a longer entry.
            let fits = out.len() - start <= MAX_ENTRY_BYTES;
            fits.then_some(()).ok_or(ErrorCode::MARSHALLING)
        });
        let code = record.err()?;
        self.outstanding.roll_back(mark);
        out.truncate(start);
        header.op = OpCode::Error;
        header.encode(out);
        out.put_i32(code.0);
        Some(code)
    }

    /// Drops the outstanding changes of transactions up to `zxid`, which the database has applied.
    pub fn applied(&mut self, zxid: Zxid) {
        self.outstanding.applied(zxid);
        if !self.closing.is_empty() {
            self.closing.retain(|_, closed| *closed > zxid);
        }
        if !self.opening.is_empty() {
            self.opening.retain(|_, opened| *opened > zxid);
        }
    }

    /// Appends the record of a transaction of type `op`, or returns the error code of the refusal.
    fn record(
        &mut self,
        context: Context<'_>,
        op: OpCode,
        out: &mut Vec<u8>,
    ) -> Result<(), ErrorCode> {
        let session = context.request.session;
        let of_sessions = matches!(op, OpCode::CreateSession | OpCode::CloseSession);
        if !of_sessions && self.closing.contains_key(&session) {
            return Err(ErrorCode::SESSION_EXPIRED);
        }
        let mut reader = Reader::new(context.request.body);
        let reader = &mut reader;
        match op {
            OpCode::SetData => {
                let request = SetDataRequest::decode(reader).map_err(malformed)?;
                self.set_data(context, &request, out)
            }
            OpCode::Create | OpCode::Create2 | OpCode::CreateContainer | OpCode::CreateTtl => {
                let request = NewNode::decode(reader, op).map_err(malformed)?;
                self.create(context, request, out)
            }
            OpCode::Delete => {
                let request = DeleteRequest::decode(reader).map_err(malformed)?;
                self.delete(context, &request, out)
            }
            // Only the leader deletes like this, since no permission is checked (specification 6.2). No
            // client has the session 0.
            OpCode::DeleteContainer if session == SessionId(0) => {
                let path = reader.required_string().map_err(malformed)?;
                self.delete_lapsed(context, path, out)
            }
            OpCode::SetAcl => self.set_acl(context, reader, out),
            OpCode::Multi => self.multi(context, reader, out),
            OpCode::CreateSession => {
                let timeout_ms = reader.i32().map_err(malformed)?;
                self.closing.remove(&session);
                self.opening.insert(session, context.zxid);
                out.put_i32(timeout_ms);
                Ok(())
            }
            OpCode::CloseSession => {
                self.close_session(context, out);
                Ok(())
            }
            OpCode::Reconfig => Err(ErrorCode::RECONFIG_DISABLED),
            _ => Err(ErrorCode::UNIMPLEMENTED),
        }
    }

    fn create(
        &mut self,
        context: Context<'_>,
        new: NewNode<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ErrorCode> {
        let extended_types = context.database.tree.extended_types;
        if new.is_ephemeral(extended_types)? && !self.has_session(context) {
            return Err(ErrorCode::SESSION_EXPIRED);
        }
        new.prepare(context, &mut self.outstanding, out)
    }

    /// Whether the session will exist when this transaction is applied.
    fn has_session(&self, context: Context<'_>) -> bool {
        let session = context.request.session;
        self.opening.contains_key(&session) || context.database.sessions.contains_key(&session)
    }

    fn set_data(
        &mut self,
        context: Context<'_>,
        request: &SetDataRequest<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ErrorCode> {
        if !path::is_valid(request.path) {
            return Err(ErrorCode::BAD_ARGUMENTS);
        }
        let mut node = self
            .outstanding
            .find(context.database, request.path)
            .ok_or(ErrorCode::NO_NODE)?;
        node.state
            .rights
            .check(Perms::WRITE, context.request.auth)?;
        node.state.version = next_version(node.state.version, request.version)?;
        out.put_string(request.path);
        out.put_buffer(request.data);
        out.put_i32(node.state.version);
        self.outstanding.push(context.zxid, node);
        Ok(())
    }

    fn delete(
        &mut self,
        context: Context<'_>,
        request: &DeleteRequest<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ErrorCode> {
        let doomed = request.path;
        let parent = path::parent(doomed).ok_or(ErrorCode::BAD_ARGUMENTS)?;
        if doomed.contains('\0') || path::is_special(doomed) {
            return Err(ErrorCode::BAD_ARGUMENTS);
        }
        let mut parent = self
            .outstanding
            .find(context.database, parent)
            .ok_or(ErrorCode::NO_NODE)?;
        parent
            .state
            .rights
            .check(Perms::DELETE, context.request.auth)?;
        let node = self
            .outstanding
            .find(context.database, doomed)
            .ok_or(ErrorCode::NO_NODE)?;
        next_version(node.state.version, request.version)?;
        if node.state.children > 0 {
            return Err(ErrorCode::NOT_EMPTY);
        }
        out.put_string(doomed);
        parent.state.children = parent.state.children.saturating_sub(1);
        self.outstanding.push(context.zxid, parent);
        let owner = node.state.owner;
        self.outstanding
            .push_deleted(context.database, context.zxid, doomed, owner);
        Ok(())
    }

    /// Deletes a container or TTL node that has lapsed, unless a transaction that is not applied yet has
    /// changed it.
    fn delete_lapsed(
        &mut self,
        context: Context<'_>,
        doomed: &str,
        out: &mut Vec<u8>,
    ) -> Result<(), ErrorCode> {
        let database = context.database;
        let id = database.tree.find(doomed).ok_or(ErrorCode::NO_NODE)?;
        let node = self
            .outstanding
            .find(database, doomed)
            .ok_or(ErrorCode::NO_NODE)?;
        if node.state.children > 0 || !database.may_lapse(id) {
            return Err(ErrorCode::NOT_EMPTY);
        }
        if node.state.version != database.tree.nodes.node(id).stat.version {
            return Err(ErrorCode::BAD_VERSION);
        }
        let parent = path::parent(doomed).ok_or(ErrorCode::BAD_ARGUMENTS)?;
        let mut parent = self
            .outstanding
            .find(database, parent)
            .ok_or(ErrorCode::NO_NODE)?;
        out.put_string(doomed);
        parent.state.children = parent.state.children.saturating_sub(1);
        self.outstanding.push(context.zxid, parent);
        let owner = node.state.owner;
        self.outstanding
            .push_deleted(database, context.zxid, doomed, owner);
        Ok(())
    }

    fn set_acl(
        &mut self,
        context: Context<'_>,
        reader: &mut Reader<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ErrorCode> {
        let path = reader.required_string().map_err(malformed)?;
        let acl = Acl::decode_list(reader)
            .map_err(malformed)?
            .unwrap_or_default();
        let version = reader.i32().map_err(malformed)?;
        if !path::is_valid(path) {
            return Err(ErrorCode::BAD_ARGUMENTS);
        }
        let acl = AclSpec::new(acl).normalise(context.request.auth)?;
        let mut node = self
            .outstanding
            .find(context.database, path)
            .ok_or(ErrorCode::NO_NODE)?;
        node.state
            .rights
            .check(Perms::ADMIN, context.request.auth)?;
        node.state.aversion = next_version(node.state.aversion, version)?;
        node.state.rights = context.database.tree.rights_of(&acl);
        out.put_string(path);
        acl.encode(out);
        out.put_i32(node.state.aversion);
        self.outstanding.push(context.zxid, node);
        Ok(())
    }

    fn check(
        &self,
        context: Context<'_>,
        request: &CheckVersion<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ErrorCode> {
        if !path::is_valid(request.path) {
            return Err(ErrorCode::BAD_ARGUMENTS);
        }
        let node = self
            .outstanding
            .find(context.database, request.path)
            .ok_or(ErrorCode::NO_NODE)?;
        node.state.rights.check(Perms::READ, context.request.auth)?;
        let version = next_version(node.state.version, request.version)?;
        out.put_string(request.path);
        out.put_i32(version);
        Ok(())
    }

    /// Prepares one transaction with several parts. If a part fails, the record keeps the parts
    /// before it; the failed part and all later parts become errors. No change of the multi then
    /// stays outstanding (specification 5).
    fn multi(
        &mut self,
        context: Context<'_>,
        reader: &mut Reader<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ErrorCode> {
        let MultiOps(parts) = MultiOps::decode(reader, OpCode::Multi).map_err(malformed)?;
        let (mark, mark_bytes) = (self.outstanding.mark(), out.len());
        let mut failed = false;
        out.put_len(parts.len());
        for part in parts {
            let start = out.len();
            let op = type_of(&part);
            out.put_i32(op.code());
            let frame = begin_frame(out);
            let result = if failed {
                Err(ErrorCode::RUNTIME_INCONSISTENCY)
            } else {
                self.part(context, part, out)
            };
            if let Err(code) = result {
                out.truncate(start);
                out.put_i32(OpCode::Error.code());
                out.put_i32(4);
                out.put_i32(code.0);
                if !failed {
                    failed = true;
                    self.outstanding.roll_back(mark);
                }
            } else {
                end_frame(out, frame);
                if out.len() - mark_bytes > MAX_ENTRY_BYTES {
                    return Err(ErrorCode::MARSHALLING);
                }
            }
        }
        Ok(())
    }

    fn part(
        &mut self,
        context: Context<'_>,
        part: MultiOp<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ErrorCode> {
        match part {
            MultiOp::Create(op, request) => {
                self.create(context, NewNode::from_request(op, request), out)
            }
            MultiOp::Delete(request) => self.delete(context, &request, out),
            MultiOp::SetData(request) => self.set_data(context, &request, out),
            MultiOp::Check(request) => self.check(context, &request, out),
            // The decoder rejects reads in a multi.
            MultiOp::GetData(_) | MultiOp::GetChildren(_) => Err(ErrorCode::MARSHALLING),
        }
    }

    /// Lists all ephemerals that the session will own when this transaction is applied.
    fn close_session(&mut self, context: Context<'_>, out: &mut Vec<u8>) {
        let session = context.request.session;
        let paths = self.outstanding.ephemerals(context.database, session);
        // Creates keep the list short enough. A log or snapshot of another server may hold more: what
        // the list leaves out is deleted too, since a closed session owns nothing (see `apply`).
        let mut bytes = 0;
        let listed = paths.iter().take_while(|path| {
            bytes += listed_bytes(path.as_bytes());
            bytes <= EPHEMERALS_LISTED_BYTES_MAX
        });
        let listed = &paths[..listed.count()];
        out.put_len(listed.len());
        for doomed in listed {
            out.put_string(doomed);
        }
        for doomed in &paths {
            if let Some(mut parent) = path::parent(doomed)
                .and_then(|parent| self.outstanding.find(context.database, parent))
            {
                parent.state.children = parent.state.children.saturating_sub(1);
                self.outstanding.push(context.zxid, parent);
            }
            self.outstanding
                .push_deleted(context.database, context.zxid, doomed, session.0);
        }
        self.opening.remove(&session);
        self.closing.insert(session, context.zxid);
    }
}

const fn type_of(part: &MultiOp<'_>) -> OpCode {
    match part {
        MultiOp::Create(op, _) => *op,
        MultiOp::Delete(_) => OpCode::Delete,
        MultiOp::SetData(_) => OpCode::SetData,
        MultiOp::Check(_) => OpCode::Check,
        MultiOp::GetData(_) => OpCode::GetData,
        MultiOp::GetChildren(_) => OpCode::GetChildren,
    }
}

/// Returns the version after the change. It skips -1, which would mean "any version"
/// (ZOOKEEPER-4743).
fn next_version(current: i32, expected: i32) -> Result<i32, ErrorCode> {
    if expected != -1 && expected != current {
        return Err(ErrorCode::BAD_VERSION);
    }
    match current.wrapping_add(1) {
        -1 => Ok(0),
        next => Ok(next),
    }
}
