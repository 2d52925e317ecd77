//! The state of a server that the words report.

use super::configuration::Configuration;
use super::connection::Connection;
use super::dump::{Ephemerals, Sessions};
use super::environment::Environment;
use super::metrics::Metrics;
use super::statistics::Statistics;
use super::watches::{WatchSummary, Watched};

/// Sizes of all files in the two directories of a server, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct DirSizes {
    pub data: u64,
    pub log: u64,
}

/// A server that answers words.
///
/// Some methods are expensive: they walk over all sessions, watches or files. So a word calls only the
/// methods whose results it prints, and only after the whitelist has allowed it.
pub trait Source {
    /// Whether the server serves clients. It does not during an election and before it is
    /// synchronised.
    fn is_serving(&self) -> bool;
    fn statistics(&self) -> Statistics;
    fn metrics(&self) -> Metrics;
    fn connections(&self) -> Vec<Connection>;
    fn sessions(&self) -> Sessions;
    fn ephemerals(&self) -> Vec<Ephemerals>;
    fn watch_summary(&self) -> WatchSummary;
    fn watched(&self) -> Vec<Watched>;
    fn configuration(&self) -> Configuration;
    /// `None` if a directory cannot be read.
    fn dir_sizes(&self) -> Option<DirSizes>;
    fn environment(&self) -> Environment;
    /// Sets the figures of every connection to zero.
    fn reset_connections(&mut self);
    /// Sets the figures of the server to zero.
    fn reset_statistics(&mut self);
}
