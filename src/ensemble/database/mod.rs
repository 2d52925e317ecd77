//! The replicated database of a server: tree, ACLs, watches, sessions, preparation and snapshots.
//!
//! Implements specification sections 5-10 and 15.4. The leader's [`Preparer`] converts requests
//! into transactions. The [`Database`] of every server applies them in zxid order and answers
//! reads. Both are pure. A hash table with a keyed hash finds nodes by path; no reply depends on
//! its order.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod acl;
mod acl_list;
mod applied;
mod apply;
mod authenticate;
mod lapsed;
mod leaving;
mod outstanding;
mod path;
mod path_hash;
mod prepare;
mod prepare_create;
mod read;
mod read_watches;
mod rights;
mod sessions;
mod settings;
mod slab;
mod snapshot;
mod snapshot_decoder;
mod state;
mod tree;
mod watch_table;
mod watched;
mod watches;
mod write_request;
mod znode;

#[cfg(test)]
pub(crate) mod tests;

pub use applied::{Applied, ApplyError, ApplyResult};
pub use authenticate::authenticate;
pub use lapsed::{Lapsed, LapsedSearch};
pub use prepare::Preparer;
pub use sessions::SessionTracker;
pub use settings::DatabaseSettings;
pub use snapshot::SnapshotCursor;
pub use snapshot_decoder::{SnapshotDecoder, SnapshotError};
pub use state::Database;
pub use write_request::WriteRequest;

use crate::wire::jute::{EventType, Id, SessionId};

/// A client connection of this server. Numbers are not reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// Watches belong to this connection.
    pub conn: ConnId,
    pub session: SessionId,
    pub auth: &'a [Id],
}

/// A watch notification to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatchEvent<'a> {
    pub conn: ConnId,
    pub kind: EventType,
    pub path: &'a str,
}
