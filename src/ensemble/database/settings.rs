//! What a database is built with.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// Settings that stay the same for the life of a database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DatabaseSettings {
    /// Whether there are TTL nodes (`extendedTypesEnabled`). Without it, a stored owner that looks like
    /// that of one is a session of server 255.
    pub extended_types: bool,
    /// Key of the hash of paths. A server draws it at random, so that clients cannot choose paths
    /// whose hashes are equal.
    pub hash_key: [u64; 2],
}
