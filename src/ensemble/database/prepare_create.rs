//! Prepares create, create2, createContainer and createTTL (specification 6.2, 6.4).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::borrow::Cow;

use crate::wire::jute::{
    CreateMode, CreateRequest, ErrorCode, JuteError, MAX_ENTRY_BYTES, OpCode, Perms, Reader,
    WriteJute,
};

use super::acl::AclSpec;
use super::outstanding::{NodeState, Outstanding};
use super::path;
use super::tree::listed_bytes;
use super::write_request::Context;
use super::znode::{CONTAINER, TTL_MS_MAX, ttl_owner};

/// How many bytes the paths of a session's ephemerals may take in the list of its closeSession, so that
/// the list fits into a transaction. Java has no such limit and proposes an entry that its followers
/// refuse (ZOOKEEPER-4306).
pub(super) const EPHEMERALS_LISTED_BYTES_MAX: usize = MAX_ENTRY_BYTES - 64;

/// A create request. The common open ACL is not decoded.
#[derive(Debug)]
pub(super) struct NewNode<'a> {
    op: OpCode,
    path: &'a str,
    data: Option<&'a [u8]>,
    acl: AclSpec,
    flags: i32,
    /// Milliseconds; only in createTTL.
    ttl_ms: Option<i64>,
}

impl<'a> NewNode<'a> {
    /// Reads the record of operation `op`.
    pub(super) fn decode(reader: &mut Reader<'a>, op: OpCode) -> Result<Self, JuteError> {
        Ok(Self {
            op,
            path: reader.required_string()?,
            data: reader.buffer()?,
            acl: AclSpec::decode(reader)?,
            flags: reader.i32()?,
            ttl_ms: if op == OpCode::CreateTtl {
                Some(reader.i64()?)
            } else {
                None
            },
        })
    }

    /// Converts a create that is part of a multi.
    pub(super) fn from_request(op: OpCode, request: CreateRequest<'a>) -> Self {
        Self {
            op,
            path: request.path,
            data: request.data,
            acl: AclSpec::new(request.acl),
            flags: request.flags,
            ttl_ms: request.ttl_ms,
        }
    }

    /// Returns the create mode, or an error if the flags are unknown or not allowed.
    fn mode(&self, extended_types: bool) -> Result<CreateMode, ErrorCode> {
        let mode = CreateMode::from_flags(self.flags).ok_or(ErrorCode::BAD_ARGUMENTS)?;
        if mode.is_ttl() && !extended_types {
            return Err(ErrorCode::UNIMPLEMENTED);
        }
        let possible = match self.ttl_ms {
            Some(ttl_ms) => mode.is_ttl() && (1..=TTL_MS_MAX).contains(&ttl_ms),
            None => !mode.is_ttl(),
        };
        possible.then_some(mode).ok_or(ErrorCode::BAD_ARGUMENTS)
    }

    /// Whether the session that creates the node owns it.
    ///
    /// # Errors
    /// If the flags are unknown or not allowed.
    pub(super) fn is_ephemeral(&self, extended_types: bool) -> Result<bool, ErrorCode> {
        Ok(self.mode(extended_types)?.is_ephemeral() && self.op != OpCode::CreateContainer)
    }

    /// Appends the record of a create transaction, or returns the error code of the refusal. For an
    /// ephemeral node, the caller has checked that the session exists.
    pub(super) fn prepare(
        self,
        context: Context<'_>,
        outstanding: &mut Outstanding,
        out: &mut Vec<u8>,
    ) -> Result<(), ErrorCode> {
        let extended_types = context.database.tree.extended_types;
        let mode = self.mode(extended_types)?;
        let ephemeral = self.is_ephemeral(extended_types)?;
        let parent = path::parent(self.path).ok_or(ErrorCode::BAD_ARGUMENTS)?;
        if self.path.contains('\0') || path::is_special(self.path) {
            return Err(ErrorCode::BAD_ARGUMENTS);
        }
        let auth = context.request.auth;
        let acl = self.acl.normalise(auth)?;
        let mut parent = outstanding
            .find(context.database, parent)
            .ok_or(ErrorCode::NO_NODE)?;
        parent.state.rights.check(Perms::CREATE, auth)?;
        let path: Cow<'_, str> = if mode.is_sequential() {
            format!("{}{:010}", self.path, parent.state.cversion).into()
        } else {
            self.path.into()
        };
        if !path::is_valid(&path) {
            return Err(ErrorCode::BAD_ARGUMENTS);
        }
        if outstanding.exists(context.database, &path) {
            return Err(ErrorCode::NODE_EXISTS);
        }
        let tree = &context.database.tree;
        if tree.ephemeral_owner(parent.state.owner).is_some() {
            return Err(ErrorCode::NO_CHILDREN_FOR_EPHEMERALS);
        }
        if ephemeral {
            let session = context.request.session;
            let owned = outstanding.ephemerals_listed_bytes(context.database, session);
            if owned + listed_bytes(path.as_bytes()) > EPHEMERALS_LISTED_BYTES_MAX {
                return Err(ErrorCode::QUOTA_EXCEEDED);
            }
        }
        parent.state.cversion = parent.state.cversion.wrapping_add(1);
        parent.state.children += 1;
        out.put_string(&path);
        out.put_buffer(self.data);
        acl.encode(out);
        let untyped = self.op != OpCode::CreateContainer && self.ttl_ms.is_none();
        if untyped {
            out.put_bool(ephemeral);
        }
        out.put_i32(parent.state.cversion);
        if let Some(ttl_ms) = self.ttl_ms {
            out.put_i64(ttl_ms);
        }
        let state = NodeState {
            version: 0,
            cversion: 0,
            aversion: 0,
            owner: match (self.op, self.ttl_ms) {
                (OpCode::CreateContainer, _) => CONTAINER,
                (_, Some(ttl_ms)) => ttl_owner(ttl_ms),
                _ if ephemeral => context.request.session.0,
                _ => 0,
            },
            children: 0,
            rights: context.database.tree.rights_of(&acl),
        };
        outstanding.push(context.zxid, parent);
        outstanding.push_new(context.database, context.zxid, &path, state);
        Ok(())
    }
}
