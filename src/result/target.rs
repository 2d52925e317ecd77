//! The target, as a result describes it.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What was measured, as it describes itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// As asked: `bundled`, `zk://h1:2181,h2:2181`.
    pub spec: String,
    /// Version as the servers say it; several ones are joined with a comma.
    pub server_version: Option<String>,
    /// Address of the leader when the load started.
    pub leader: Option<String>,
    /// Directory that a local target keeps its data in.
    pub data_on: Option<String>,
    /// From the start of a local target's first process until its last server served, milliseconds.
    #[serde(default)]
    pub start_ms: Option<f64>,
    /// The members.
    pub servers: Vec<Server>,
}

/// One member of the ensemble.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Server {
    /// `host:port` of its client port.
    pub address: String,
    /// `voter` or `observer`, where known.
    pub role: Option<String>,
    /// Version as it says itself.
    pub version: Option<String>,
    /// `leader`, `follower`, `observer`, `standalone` when the load started.
    pub mode: Option<String>,
    /// Resident memory of a local server before any load, bytes.
    #[serde(default)]
    pub rss_start_bytes: Option<u64>,
    /// Resident memory of a local server after the last run, bytes.
    #[serde(default)]
    pub rss_end_bytes: Option<u64>,
    /// Those of its own counters (as it names them, without a prefix that all have) that changed between the first and the
    /// last run; empty where it offers none.
    #[serde(default)]
    pub counters: BTreeMap<String, CounterChange>,
}

/// A counter of a server, as it says itself.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CounterChange {
    /// Before the first run.
    pub before: f64,
    /// After the last run.
    pub after: f64,
}

impl Target {
    /// Whether Quorate started the servers itself, on this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        !self.spec.starts_with("zk://")
    }

    /// Whether all servers are known to share the machine with the driver.
    #[must_use]
    pub fn shares_machine(&self) -> bool {
        let loopback = |address: &str| {
            address.starts_with("127.")
                || address.starts_with("localhost:")
                || address.starts_with("[::1]")
        };
        self.is_local()
            || (!self.servers.is_empty() && self.servers.iter().all(|s| loopback(&s.address)))
    }
}
