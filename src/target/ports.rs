//! Free TCP ports on the loopback address.
//!
//! Ports are taken from below the kernel's ephemeral range. A port inside that range could become the local
//! port of an outgoing connection before a slowly starting server binds it. The ports stay bound until
//! the servers start.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};

/// Lowest port that is tried. Many services have fixed ports below it.
const LOWEST: u16 = 10_000;
/// Minimum size of the search range below the ephemeral range.
const SPAN_MIN: u16 = 1_000;

/// Ports that are bound, so that no other process can take them, until this value is dropped.
#[derive(Debug)]
pub(super) struct Reserved {
    listeners: Vec<TcpListener>,
    ports: Vec<u16>,
}

impl Reserved {
    /// Reserves `count` ports. The search begins at an offset that depends on `start`, so that parallel
    /// searches with different values seldom collide.
    ///
    /// # Errors
    /// If there are not enough free ports.
    pub(super) fn take(count: usize, start: u32) -> io::Result<Self> {
        let mut reserved = Self {
            listeners: Vec::with_capacity(count),
            ports: Vec::with_capacity(count),
        };
        let (low, high) = range(fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok());
        let span = u32::from(high - low);
        for step in 0..span {
            if reserved.ports.len() == count {
                return Ok(reserved);
            }
            let offset = (start % span + step) % span;
            let port = low + u16::try_from(offset).unwrap_or(0);
            if let Ok(listener) = TcpListener::bind(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)) {
                reserved.listeners.push(listener);
                reserved.ports.push(port);
            }
        }
        // The range has too few free ports. Take the rest from the kernel's ephemeral range.
        while reserved.ports.len() < count {
            let listener = TcpListener::bind(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0))?;
            reserved.ports.push(listener.local_addr()?.port());
            reserved.listeners.push(listener);
        }
        Ok(reserved)
    }

    #[must_use]
    pub(super) fn ports(&self) -> &[u16] {
        &self.ports
    }

    /// Frees the ports for the servers.
    pub(super) fn release(self) {
        drop(self.listeners);
    }
}

/// Returns the range to search. `ephemeral` is the text of `ip_local_port_range`.
fn range(ephemeral: Option<String>) -> (u16, u16) {
    let first = ephemeral
        .and_then(|text| text.split_whitespace().next()?.parse::<u16>().ok())
        .unwrap_or(32_768);
    if first >= LOWEST + SPAN_MIN {
        (LOWEST, first)
    } else {
        (LOWEST, u16::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_ports_are_distinct_and_bound_until_released() {
        let reserved = Reserved::take(9, 4_711).unwrap();
        let mut ports = reserved.ports().to_vec();
        for &port in &ports {
            assert!(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err());
        }
        let other = Reserved::take(9, 4_711).unwrap();
        assert!(other.ports().iter().all(|port| !ports.contains(port)));
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 9);
        let port = ports[0];
        reserved.release();
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    }

    #[test]
    fn the_range_ends_where_the_ephemeral_range_begins() {
        assert_eq!(range(Some("32768\t60999\n".into())), (LOWEST, 32_768));
        assert_eq!(range(Some("1024 65535".into())), (LOWEST, u16::MAX));
        assert_eq!(range(None), (LOWEST, 32_768));
    }
}
