//! One server of the ensemble under load, whoever started it.

use std::net::SocketAddr;

use super::answers::Srvr;
use crate::workload::Role;

/// A server that sessions may attach to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// As the user, or the deployment, calls it: `host:port`.
    pub name: String,
    /// Where it was reached.
    pub address: SocketAddr,
    /// Whether it only observes, where known.
    pub observer: Option<bool>,
    /// What it was when last asked.
    pub role: Role,
    /// Its version, as it says itself.
    pub version: Option<String>,
}

impl Member {
    /// One that answered `srvr`.
    #[must_use]
    pub fn answered(name: String, address: SocketAddr, srvr: Srvr) -> Self {
        Self {
            name,
            address,
            observer: match srvr.role {
                Role::Observer => Some(true),
                Role::Leader | Role::Follower | Role::Standalone => Some(false),
                Role::Unknown => None,
            },
            role: srvr.role,
            version: srvr.version,
        }
    }
}
