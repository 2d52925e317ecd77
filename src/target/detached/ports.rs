//! The ports of the servers of a detached ensemble.

use std::net::{IpAddr, Ipv4Addr, TcpListener};

use super::{DetachedConfig, DetachedError};
use crate::target::zoo_cfg::ServerSpec;

/// Distance between the client, quorum and election ports of a server. The ports of one kind are consecutive.
pub(super) const PORT_STEP: u16 = 100;

/// Returns the ports of the servers. Checks that all of them are free.
pub(super) fn servers(config: &DetachedConfig<'_>) -> Result<Vec<ServerSpec>, DetachedError> {
    let count = config.shape.voters + config.shape.observers;
    let no_room = || DetachedError::NoRoom {
        base_port: config.base_port,
        servers: usize::from(count),
    };
    if count > PORT_STEP {
        return Err(no_room());
    }
    let mut specs = Vec::with_capacity(usize::from(count));
    for id in 1..=count {
        let port = |kind: u16| {
            config
                .base_port
                .checked_add(kind * PORT_STEP + id - 1)
                .ok_or_else(no_room)
        };
        let spec = ServerSpec {
            id,
            ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            peer_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            client_port: port(0)?,
            quorum_port: port(1)?,
            election_port: port(2)?,
            observer: id > config.shape.voters,
        };
        for port in [spec.client_port, spec.quorum_port, spec.election_port] {
            TcpListener::bind((Ipv4Addr::LOCALHOST, port))
                .map_err(|source| DetachedError::PortTaken { port, source })?;
        }
        specs.push(spec);
    }
    Ok(specs)
}
