//! A write on its way to become a transaction.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::wire::jute::{Id, SessionId, Zxid};

use super::state::Database;

/// A write as a client sent it, directly or through a learner.
#[derive(Clone, Copy, Debug)]
pub struct WriteRequest<'a> {
    /// The session that asks.
    pub session: SessionId,
    /// The client's xid.
    pub cxid: i32,
    /// The operation code; it may be unknown.
    pub op: i32,
    /// The request record.
    pub body: &'a [u8],
    /// The asker's identities.
    pub auth: &'a [Id],
    /// The leader's wall clock, ms since the epoch.
    pub time_ms: i64,
}

/// What validation works with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    pub(super) database: &'a Database,
    pub(super) request: &'a WriteRequest<'a>,
    pub(super) zxid: Zxid,
}
