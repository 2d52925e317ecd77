//! The role of a server in its ensemble, which decides whether sessions attach to it.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// The role that a server reports at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Orders the writes.
    Leader,
    /// Votes on the writes.
    Follower,
    /// Receives the writes without a vote.
    Observer,
    /// Is the only server.
    Standalone,
    /// Serves and does not report its role.
    Unknown,
}

impl Role {
    /// The word in results and in the reports of servers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Leader => "leader",
            Self::Follower => "follower",
            Self::Observer => "observer",
            Self::Standalone => "standalone",
            Self::Unknown => "unknown",
        }
    }

    /// Returns [`Role::name`]; `None` if the role is not known.
    #[must_use]
    pub fn word(self) -> Option<&'static str> {
        (self != Self::Unknown).then(|| self.name())
    }
}
