//! Where each server is to listen.

use std::net::{IpAddr, Ipv4Addr, TcpListener};

use super::{StandingError, StandingOrder};
use crate::experiment::zoo_cfg::Place;

/// Ports of the same kind lie next to each other, and the kinds this far apart.
pub(super) const PORT_STEP: u16 = 100;

/// The servers that are asked for; every port is free at the moment.
pub(super) fn places(order: &StandingOrder<'_>) -> Result<Vec<Place>, StandingError> {
    let count = order.shape.voters + order.shape.observers;
    let no_room = || StandingError::NoRoom {
        base_port: order.base_port,
        servers: usize::from(count),
    };
    if count > PORT_STEP {
        return Err(no_room());
    }
    let mut places = Vec::with_capacity(usize::from(count));
    for id in 1..=count {
        let port = |kind: u16| {
            order
                .base_port
                .checked_add(kind * PORT_STEP + id - 1)
                .ok_or_else(no_room)
        };
        let place = Place {
            id,
            ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            client_port: port(0)?,
            quorum_port: port(1)?,
            election_port: port(2)?,
            observer: id > order.shape.voters,
        };
        for port in [place.client_port, place.quorum_port, place.election_port] {
            TcpListener::bind((Ipv4Addr::LOCALHOST, port))
                .map_err(|source| StandingError::PortTaken { port, source })?;
        }
        places.push(place);
    }
    Ok(places)
}
