//! What a server is among the others, which decides whether sessions attach to it.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// What a server is at the moment, in its own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It orders the writes.
    Leader,
    /// It votes on them.
    Follower,
    /// It learns them without a vote.
    Observer,
    /// It is alone.
    Standalone,
    /// It serves, but does not say as what.
    Unknown,
}

impl Role {
    /// The word for it in results and in what servers say of themselves.
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

    /// The same; `None` if it is not known.
    #[must_use]
    pub fn word(self) -> Option<&'static str> {
        (self != Self::Unknown).then(|| self.name())
    }
}
