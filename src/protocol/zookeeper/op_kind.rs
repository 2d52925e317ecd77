//! The kinds of ZooKeeper operations.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::workload::OpPlan;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OpKind {
    /// Create a new znode under the session's own directory.
    Create,
    /// Overwrite a prepared znode (any version).
    Set,
    /// Read a prepared znode.
    Get,
    /// Stat a prepared znode.
    #[default]
    Exists,
    /// List a prepared parent directory.
    List,
    /// Delete the session's oldest created znode.
    Delete,
    /// One transaction of `batch` sets.
    Multi,
    /// Flush the channel between the server and the leader.
    Sync,
    /// Open a fresh session on a new connection and close it again.
    Session,
}

impl OpKind {
    pub const ALL: [Self; 9] = [
        Self::Create,
        Self::Set,
        Self::Get,
        Self::Exists,
        Self::List,
        Self::Delete,
        Self::Multi,
        Self::Sync,
        Self::Session,
    ];

    /// The kind's name in workload files, and the default label in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Set => "set",
            Self::Get => "get",
            Self::Exists => "exists",
            Self::List => "list",
            Self::Delete => "delete",
            Self::Multi => "multi",
            Self::Sync => "sync",
            Self::Session => "session",
        }
    }

    /// Returns the kind of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Returns the kind of an operation of a plan.
    ///
    /// # Panics
    /// If the kind does not belong to this protocol. Plans that were read from a workload contain
    /// no such kind.
    #[must_use]
    pub fn of(op: &OpPlan) -> Self {
        Self::of_name(&op.kind).expect("a plan contains only kinds of its protocol")
    }
}
