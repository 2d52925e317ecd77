//! The target in a result.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The target that was measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// As given by the user: `bundled`, `zk://h1:2181,h2:2181`.
    pub spec: String,
    /// Version that the servers report. Different versions are joined with a comma.
    pub server_version: Option<String>,
    /// Address of the leader when the load started.
    pub leader: Option<String>,
    /// Data directory of a local target.
    pub data_on: Option<String>,
    /// From the start of a local target's first process until its last server served, in
    /// milliseconds.
    #[serde(default)]
    pub start_ms: Option<f64>,
    /// Which connections of a local target went through proxies. `None` if all were direct.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxied: Option<Proxied>,
    pub servers: Vec<Server>,
    /// The CPU quota of each server of a local target during the load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_quota: Option<CpuQuota>,
    /// Cores to which the driver was bound. Empty if it was not bound.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub driver_cores: Vec<u32>,
}

/// A CPU quota of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CpuQuota {
    /// Share of one core.
    pub share: f64,
    /// A server that has used its share of a period waits for the next one. In milliseconds.
    pub period_ms: f64,
}

/// Which connections went through proxies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proxied {
    /// Those between servers.
    pub servers: bool,
    /// Those of the sessions.
    pub clients: bool,
}

/// A member of the ensemble.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Server {
    /// `host:port` of the client port.
    pub address: String,
    /// `voter` or `observer`, if known.
    pub role: Option<String>,
    /// Version that the server reports.
    pub version: Option<String>,
    /// `leader`, `follower`, `observer` or `standalone` when the load started.
    pub mode: Option<String>,
    /// Resident memory of a local server before any load, in bytes.
    #[serde(default)]
    pub rss_start_bytes: Option<u64>,
    /// Resident memory of a local server after the last run, in bytes.
    #[serde(default)]
    pub rss_end_bytes: Option<u64>,
    /// The server's own counters that changed between the first and the last run, under its own
    /// names without their common prefix. Empty if the server has no counters.
    #[serde(default)]
    pub counters: BTreeMap<String, CounterChange>,
    /// Cores to which a local server was bound. Empty if it was not bound.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cores: Vec<u32>,
}

/// Two readings of a counter of a server.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CounterChange {
    /// Before the first run.
    pub before: f64,
    /// After the last run.
    pub after: f64,
}

impl Target {
    /// Whether Quorate started the servers on this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        !self.spec.starts_with("zk://")
    }

    /// Whether all servers are known to run on the driver's machine.
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
