//! A write request before it becomes a transaction.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::wire::jute::{Id, SessionId, Zxid};

use super::state::Database;

/// A write that a client sent to this server or to a learner.
#[derive(Clone, Copy, Debug)]
pub struct WriteRequest<'a> {
    pub session: SessionId,
    /// The client's xid.
    pub cxid: i32,
    /// Operation code; may be unknown.
    pub op: i32,
    /// The request record.
    pub body: &'a [u8],
    /// The client's identities.
    pub auth: &'a [Id],
    /// The leader's wall clock, ms since the epoch.
    pub time_ms: i64,
}

/// The data that validation reads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    pub(super) database: &'a Database,
    pub(super) request: &'a WriteRequest<'a>,
    pub(super) zxid: Zxid,
}
