//! The address at which the live figures are served.

use std::fmt;
use std::str::FromStr;

/// The host if only a port is given. Other machines can read the figures only if the user names another host.
const LOOPBACK: &str = "127.0.0.1";

/// `HOST:PORT`, `:PORT` or `PORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct ListenAddress {
    host: String,
    port: u16,
}

/// The text is not an address.
#[derive(Debug, thiserror::Error)]
#[error("expected PORT, :PORT or HOST:PORT, with a port of at most 65535")]
pub(in crate::cli) struct NoAddress;

impl FromStr for ListenAddress {
    type Err = NoAddress;

    fn from_str(text: &str) -> Result<Self, NoAddress> {
        let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
        // An IPv6 address contains colons, so it needs brackets.
        let inner = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        if inner.is_none() && host.contains(':') {
            return Err(NoAddress);
        }
        let host = inner.unwrap_or(host);
        Ok(Self {
            host: if host.is_empty() { LOOPBACK } else { host }.to_owned(),
            port: port.parse().map_err(|_not_a_port| NoAddress)?,
        })
    }
}

impl ListenAddress {
    /// Returns host and port in the form that the standard library resolves.
    pub(super) fn host_and_port(&self) -> (&str, u16) {
        (&self.host, self.port)
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_without_a_host_is_on_the_loopback_address() {
        for (text, address) in [
            ("9100", "127.0.0.1:9100"),
            (":9100", "127.0.0.1:9100"),
            ("0.0.0.0:9100", "0.0.0.0:9100"),
            ("bench-1:0", "bench-1:0"),
            ("[::1]:9100", "[::1]:9100"),
        ] {
            let parsed: ListenAddress = text.parse().unwrap();
            assert_eq!(parsed.to_string(), address);
        }
    }

    #[test]
    fn malformed_addresses_are_rejected() {
        for text in [
            "",
            ":",
            "host",
            "host:",
            "host:port",
            "1:70000",
            "::1:9100",
            "-1",
        ] {
            assert!(text.parse::<ListenAddress>().is_err(), "{text:?}");
        }
    }
}
