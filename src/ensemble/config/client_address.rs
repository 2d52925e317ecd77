//! The address for clients, which a file can give in two places.

use std::net::{SocketAddr, ToSocketAddrs as _};

use super::keys::Keys;
use super::{ConfigError, Server};

impl Keys<'_> {
    /// Returns the address on which this server listens for clients: the client part of its own line, or `clientPort` and
    /// `clientPortAddress`.
    ///
    /// # Errors
    /// If there is neither, or the two contradict each other. A `clientPort` without an address agrees with every
    /// address of the line.
    pub(super) fn client_address(&self, own: Option<&Server>) -> Result<SocketAddr, ConfigError> {
        let port = self.number("clientPort", 1, 65_535)?;
        let port = port.and_then(|port| u16::try_from(port).ok());
        let host = self.find("clientPortAddress");
        if let (None, Some(host)) = (port, host) {
            return Err(self.bad(host, "clientPort is missing"));
        }
        let fixed = match (port, host) {
            (None, _) => None,
            (Some(port), None) => Some(SocketAddr::from(([0, 0, 0, 0], port))),
            (Some(port), Some(host)) => Some(
                resolve(&host.value, port)
                    .ok_or_else(|| self.bad(host, "the name has no address"))?,
            ),
        };
        let line = own.and_then(|own| Some((own, own.client.as_ref()?)));
        let Some((own, (name, line_port))) = line else {
            return fixed
                .ok_or_else(|| self.whole("clientPort is missing: clients could not connect"));
        };
        let of_line = resolve(name, *line_port).ok_or_else(|| {
            self.whole(&format!(
                "the client address {name} of server.{} has no IP address",
                own.id
            ))
        })?;
        let contradicts = |fixed: SocketAddr| {
            let any = fixed.ip().is_unspecified();
            fixed.port() != of_line.port() || (!any && fixed.ip() != of_line.ip())
        };
        match fixed {
            Some(fixed) if contradicts(fixed) => {
                let at_fault = if fixed.port() == of_line.port() {
                    host
                } else {
                    self.find("clientPort")
                };
                let expected = format!(
                    "the line server.{} says {of_line}; make both equal, or remove one",
                    own.id
                );
                Err(match at_fault {
                    Some(property) => self.bad(property, &expected),
                    None => self.whole(&expected),
                })
            }
            _ => Ok(of_line),
        }
    }
}

fn resolve(name: &str, port: u16) -> Option<SocketAddr> {
    (name, port).to_socket_addrs().ok()?.next()
}
