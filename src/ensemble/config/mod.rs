//! The configuration of a server: `zoo.cfg`, the dynamic file that it may name, and `myid` (specification 14.1, 16.1).
//!
//! Every key is honoured, refused, or ignored with a line in the log, as [`KEYS`] defines.

mod client_address;
mod error;
mod keys;
mod load;
mod printed;
mod properties;
mod review;
mod server_line;
mod table;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

pub use error::ConfigError;
pub use load::Files;
pub use server_line::Server;
pub use table::{Class, KEYS, Key};

use super::storage::{Compression, DataDirs, DiskOptions, RecoverOptions};

/// A server's configuration with every default filled in.
#[derive(Clone, Debug)]
pub struct Config {
    server_id: i64,
    servers: Vec<Server>,
    version: i64,
    data_dir: PathBuf,
    data_log_dir: Option<PathBuf>,
    client_address: SocketAddr,
    client_backlog: Option<i32>,
    tick_time_ms: u64,
    init_limit: u64,
    sync_limit: u64,
    session_timeouts_ms: (i32, i32),
    max_client_connections: u32,
    max_connections: u32,
    outstanding_limit: u64,
    max_frame_bytes: u64,
    snap_count: u64,
    snapshots_retained: usize,
    purge_interval_hours: u64,
    fsync: bool,
    skip_acl: bool,
    leader_serves: bool,
    listen_on_all: bool,
    extended_types: bool,
    container_check_ms: u64,
    containers_per_minute: u64,
    container_never_used_ms: i64,
    compression: Option<Compression>,
    log_bytes: u64,
    trust_empty: bool,
    allow_gaps: bool,
    whitelist: Vec<String>,
    super_digest: Option<String>,
    notes: Vec<String>,
}

impl Config {
    /// Returns the lines to log at the start: about keys that are ignored, unknown or ambiguous.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Returns `myid`. A standalone server without this file has the number of its server line, or 1.
    #[must_use]
    pub const fn server_id(&self) -> i64 {
        self.server_id
    }

    /// Returns all servers of the ensemble, sorted by id. A standalone server has none.
    pub fn servers(&self) -> impl Iterator<Item = &Server> {
        self.servers.iter()
    }

    /// Whether this is a server without an ensemble.
    #[must_use]
    pub fn is_standalone(&self) -> bool {
        self.servers.is_empty()
    }

    /// Returns the version of the list of servers, from the name of the dynamic file, or 0.
    #[must_use]
    pub const fn version(&self) -> i64 {
        self.version
    }

    /// Returns the address on which the server listens for clients.
    #[must_use]
    pub const fn client_address(&self) -> SocketAddr {
        self.client_address
    }

    /// Returns `clientPortListenBacklog`: most connections of clients that wait to be accepted.
    #[must_use]
    pub const fn client_backlog(&self) -> Option<i32> {
        self.client_backlog
    }

    /// Returns `host:port` of this server's election port. The first message on an election port carries it.
    #[must_use]
    pub fn election_address_text(&self) -> String {
        self.own()
            .map_or_else(String::new, Server::election_address)
    }

    /// Returns this server's own line, or `None` if it is standalone.
    fn own(&self) -> Option<&Server> {
        self.servers
            .iter()
            .find(|server| server.id == self.server_id)
    }

    /// Whether the quorum and election ports are opened on all addresses.
    #[must_use]
    pub const fn listens_on_all(&self) -> bool {
        self.listen_on_all
    }

    #[must_use]
    pub const fn tick_time_ms(&self) -> u64 {
        self.tick_time_ms
    }

    /// Returns `initLimit`, ticks.
    #[must_use]
    pub const fn init_limit(&self) -> u64 {
        self.init_limit
    }

    /// Returns `syncLimit`, ticks.
    #[must_use]
    pub const fn sync_limit(&self) -> u64 {
        self.sync_limit
    }

    /// Returns the smallest and the largest session timeout.
    #[must_use]
    pub const fn session_timeouts_ms(&self) -> (i32, i32) {
        self.session_timeouts_ms
    }

    /// Returns `maxClientCnxns`: most clients with the same address. 0 is no limit.
    #[must_use]
    pub const fn max_client_connections(&self) -> u32 {
        self.max_client_connections
    }

    /// Returns `maxCnxns`: most clients. 0 is no limit.
    #[must_use]
    pub const fn max_connections(&self) -> u32 {
        self.max_connections
    }

    /// Returns this server's share of `globalOutstandingLimit`.
    #[must_use]
    pub fn outstanding_limit(&self) -> usize {
        let voters = self.servers.iter().filter(|server| !server.observer);
        let voters = voters.count() as u64;
        let parts = if voters > 2 { voters - 1 } else { 1 };
        usize::try_from(self.outstanding_limit / parts).unwrap_or(usize::MAX)
    }

    /// Returns `jute.maxbuffer`: the largest request of a client.
    #[must_use]
    pub fn max_frame_bytes(&self) -> usize {
        usize::try_from(self.max_frame_bytes).unwrap_or(usize::MAX)
    }

    /// Returns `snapCount`: most transactions between snapshots.
    #[must_use]
    pub const fn snap_count(&self) -> u64 {
        self.snap_count
    }

    /// Returns how many snapshots a purge keeps, or `None` if nothing is purged.
    #[must_use]
    pub const fn purge_retains(&self) -> Option<usize> {
        if self.purge_interval_hours == 0 {
            None
        } else {
            Some(self.snapshots_retained)
        }
    }

    /// Returns the digest of the super user, if there is one.
    #[must_use]
    pub fn super_digest(&self) -> Option<String> {
        self.super_digest.clone()
    }

    /// Whether every check of an ACL succeeds.
    #[must_use]
    pub const fn skips_acl(&self) -> bool {
        self.skip_acl
    }

    /// Whether a leader serves clients.
    #[must_use]
    pub const fn leader_serves(&self) -> bool {
        self.leader_serves
    }

    /// Whether there are TTL nodes.
    #[must_use]
    pub const fn extended_types(&self) -> bool {
        self.extended_types
    }

    /// Returns `znode.container.checkIntervalMs`.
    #[must_use]
    pub const fn container_check_ms(&self) -> u64 {
        self.container_check_ms
    }

    /// Returns `znode.container.maxPerMinute`.
    #[must_use]
    pub const fn containers_per_minute(&self) -> u64 {
        self.containers_per_minute
    }

    /// Returns `znode.container.maxNeverUsedIntervalMs`. 0 is never.
    #[must_use]
    pub const fn container_never_used_ms(&self) -> i64 {
        self.container_never_used_ms
    }

    /// Returns the four-letter words that the server answers.
    #[must_use]
    pub fn whitelist(&self) -> &[String] {
        &self.whitelist
    }

    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Returns the folders of snapshots and of the log.
    #[must_use]
    pub fn data_dirs(&self) -> DataDirs {
        DataDirs::new(&self.data_dir, self.data_log_dir.as_deref()).compressing(self.compression)
    }

    /// Returns the options for writing the disk.
    #[must_use]
    pub fn disk_options(&self) -> DiskOptions {
        DiskOptions {
            fsync: self.fsync,
            log_bytes: self.log_bytes,
            ..DiskOptions::default()
        }
    }

    /// Returns the options for reading the disk at the start.
    #[must_use]
    pub fn recover_options(&self) -> RecoverOptions {
        RecoverOptions {
            quorum: !self.is_standalone(),
            trust_empty: self.trust_empty,
            allow_gaps: self.allow_gaps,
            ..RecoverOptions::default()
        }
    }
}
