//! `zoo.cfg` and `myid`, read as they are (specification 16.1, 14.1).

mod error;
mod keys;
mod load;
mod properties;
mod server_line;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

pub use error::ConfigError;
pub use server_line::Server;

use super::storage::{DataDirs, DiskOptions, RecoverOptions};

/// A server's configuration with every default filled in.
#[derive(Clone, Debug)]
pub struct Config {
    server_id: i64,
    servers: Vec<Server>,
    data_dir: PathBuf,
    data_log_dir: Option<PathBuf>,
    client_address: Option<SocketAddr>,
    tick_time_ms: u64,
    init_limit: u64,
    sync_limit: u64,
    session_timeouts_ms: (i32, i32),
    max_client_connections: u32,
    snap_count: u64,
    snapshots_retained: usize,
    purge_interval_hours: u64,
    fsync: bool,
    log_bytes: u64,
    trust_empty: bool,
    whitelist: Vec<String>,
    super_digest: Option<String>,
}

impl Config {
    /// Our own id: `myid`, or 1 when alone.
    #[must_use]
    pub const fn server_id(&self) -> i64 {
        self.server_id
    }

    /// All servers of the ensemble; none when alone.
    pub fn servers(&self) -> impl Iterator<Item = &Server> {
        self.servers.iter()
    }

    /// No ensemble?
    #[must_use]
    pub fn is_standalone(&self) -> bool {
        self.servers.is_empty()
    }

    /// Where clients connect.
    #[must_use]
    pub const fn client_address(&self) -> Option<SocketAddr> {
        self.client_address
    }

    /// Our line, `host:port`, as the first message on an election port carries it.
    #[must_use]
    pub fn election_address_text(&self) -> String {
        self.own()
            .map_or_else(String::new, Server::election_address)
    }

    /// Our own line; none when alone.
    fn own(&self) -> Option<&Server> {
        self.servers
            .iter()
            .find(|server| server.id == self.server_id)
    }

    /// `tickTime`, ms.
    #[must_use]
    pub const fn tick_time_ms(&self) -> u64 {
        self.tick_time_ms
    }

    /// `initLimit`, ticks.
    #[must_use]
    pub const fn init_limit(&self) -> u64 {
        self.init_limit
    }

    /// `syncLimit`, ticks.
    #[must_use]
    pub const fn sync_limit(&self) -> u64 {
        self.sync_limit
    }

    /// Smallest and largest session timeout, ms.
    #[must_use]
    pub const fn session_timeouts_ms(&self) -> (i32, i32) {
        self.session_timeouts_ms
    }

    /// `maxClientCnxns` per host; 0 = unlimited.
    #[must_use]
    pub const fn max_client_connections(&self) -> u32 {
        self.max_client_connections
    }

    /// Transactions between snapshots.
    #[must_use]
    pub const fn snap_count(&self) -> u64 {
        self.snap_count
    }

    /// Snapshots that a purge keeps, if purging is on (`autopurge.purgeInterval`).
    #[must_use]
    pub const fn purge_retains(&self) -> Option<usize> {
        if self.purge_interval_hours == 0 {
            None
        } else {
            Some(self.snapshots_retained)
        }
    }

    /// Digest of the super user, if one is configured.
    #[must_use]
    pub fn super_digest(&self) -> Option<String> {
        self.super_digest.clone()
    }

    /// Four-letter words that are answered.
    #[must_use]
    pub fn whitelist(&self) -> &[String] {
        &self.whitelist
    }

    /// `dataDir` as written.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Where what lies.
    #[must_use]
    pub fn data_dirs(&self) -> DataDirs {
        DataDirs::new(&self.data_dir, self.data_log_dir.as_deref())
    }

    /// How the disk is written.
    #[must_use]
    pub fn disk_options(&self) -> DiskOptions {
        DiskOptions {
            fsync: self.fsync,
            log_bytes: self.log_bytes,
            ..DiskOptions::default()
        }
    }

    /// How the disk is read at the start.
    #[must_use]
    pub fn recover_options(&self) -> RecoverOptions {
        RecoverOptions {
            quorum: !self.is_standalone(),
            trust_empty: self.trust_empty,
            ..RecoverOptions::default()
        }
    }

    /// Configuration text (specification 14.1).
    #[must_use]
    pub fn config_text(&self) -> String {
        let mut text = String::new();
        for server in &self.servers {
            text.push_str(&server.line());
            text.push('\n');
        }
        text + "version=0"
    }

    /// What the word `conf` prints, key by key.
    #[must_use]
    pub fn rendered(&self) -> BTreeMap<&'static str, String> {
        let dirs = self.data_dirs();
        let port = self
            .client_address
            .map_or(-1, |address| i32::from(address.port()));
        let mut all = BTreeMap::from([
            ("clientPort", port.to_string()),
            ("dataDir", dirs.snapshots().display().to_string()),
            ("dataLogDir", dirs.logs().display().to_string()),
            ("tickTime", self.tick_time_ms.to_string()),
            ("maxClientCnxns", self.max_client_connections.to_string()),
            ("minSessionTimeout", self.session_timeouts_ms.0.to_string()),
            ("maxSessionTimeout", self.session_timeouts_ms.1.to_string()),
            ("serverId", self.server_id.to_string()),
        ]);
        if let Some(own) = self.own() {
            all.extend([
                ("initLimit", self.init_limit.to_string()),
                ("syncLimit", self.sync_limit.to_string()),
                ("electionAlg", "3".to_owned()),
                ("electionPort", own.election_port.to_string()),
                ("quorumPort", own.quorum_port.to_string()),
                ("peerType", i32::from(own.observer).to_string()),
            ]);
        }
        all
    }
}
