//! The kinds of operations.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::workload::OpPlan;

/// Kind of an operation.
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
    /// Flush the channel between server and leader.
    Sync,
    /// Open a fresh session on a new connection and close it again.
    Session,
}

impl OpKind {
    /// Every variant.
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

    /// The word for it in workload files, and the default label in results.
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

    /// The kind of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The kind of an operation of a plan.
    ///
    /// # Panics
    /// If its kind is not of this protocol; reading a workload makes none such.
    #[must_use]
    pub fn of(op: &OpPlan) -> Self {
        Self::of_name(&op.kind).expect("the kinds of a plan are those of its protocol")
    }
}
