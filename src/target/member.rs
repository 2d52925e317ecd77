//! One server of the ensemble under load.

use std::net::SocketAddr;

use super::answers::Srvr;
use crate::workload::Role;

/// A server that sessions may attach to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// `host:port`, as the user or the deployment names the server.
    pub name: String,
    /// Address of the client port.
    pub address: SocketAddr,
    /// Address of the proxy for the client port, if sessions are to connect through it.
    pub proxy: Option<SocketAddr>,
    /// Whether the server is an observer. `None` if unknown.
    pub observer: Option<bool>,
    /// Role in its last answer.
    pub role: Role,
    /// Version in its answer.
    pub version: Option<String>,
}

impl Member {
    /// Creates a member from its answer to `srvr`.
    #[must_use]
    pub fn answered(name: String, address: SocketAddr, srvr: Srvr) -> Self {
        Self {
            name,
            address,
            proxy: None,
            observer: match srvr.role {
                Role::Observer => Some(true),
                Role::Leader | Role::Follower | Role::Standalone => Some(false),
                Role::Unknown => None,
            },
            role: srvr.role,
            version: srvr.version,
        }
    }

    /// Returns the address to which sessions connect.
    #[must_use]
    pub fn session_address(&self) -> SocketAddr {
        self.proxy.unwrap_or(self.address)
    }
}
