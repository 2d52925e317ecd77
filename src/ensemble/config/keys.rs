//! Typed access to the properties of one file.

use std::net::{SocketAddr, ToSocketAddrs as _};

use super::properties::Property;
use super::{ConfigError, Server};

/// Keys that change what a server promises and that this server does not offer.
const NOT_OFFERED: [&str; 6] = [
    "secureClientPort",
    "sslQuorum",
    "reconfigEnabled",
    "localSessionsEnabled",
    "quorum.auth.enableSasl",
    "multiAddress.enabled",
];

/// The properties, each asked for by its key.
pub(super) struct Keys<'a> {
    pub(super) file: &'a str,
    pub(super) properties: &'a [Property],
}

impl Keys<'_> {
    /// The last line with this key, which may be written with the prefix `zookeeper.`.
    pub(super) fn find(&self, key: &str) -> Option<&Property> {
        let matches = |written: &str| {
            written == key
                || written
                    .strip_prefix("zookeeper.")
                    .is_some_and(|rest| rest == key)
        };
        self.properties
            .iter()
            .rev()
            .find(|property| matches(&property.key))
    }

    fn bad(&self, property: &Property, expected: &str) -> ConfigError {
        ConfigError::Value {
            file: self.file.to_owned(),
            line: property.line,
            key: property.key.clone(),
            value: property.value.clone(),
            expected: expected.to_owned(),
        }
    }

    /// All server lines, by id; refuses keys that promise what this server does not offer.
    pub(super) fn servers(&self) -> Result<Vec<Server>, ConfigError> {
        for key in NOT_OFFERED {
            if let Some(property) = self.find(key)
                && property.value != "false"
            {
                return Err(self.bad(property, "this server does not offer it; remove the line"));
            }
        }
        let mut servers: Vec<Server> = Vec::new();
        for property in self.properties {
            if let Some(id) = property.key.strip_prefix("server.") {
                let server = Server::parse(id, &property.value)
                    .map_err(|expected| self.bad(property, &expected))?;
                if servers.iter().any(|other| other.id == server.id) {
                    return Err(self.bad(property, "another line has the same number"));
                }
                servers.push(server);
            } else if property.key.starts_with("group.") || property.key.starts_with("weight.") {
                return Err(self.bad(property, "hierarchical quorums are not offered"));
            } else if property.key == "dynamicConfigFile" {
                return Err(self.bad(property, "put its server lines into this file instead"));
            }
        }
        servers.sort_by_key(|server| server.id);
        Ok(servers)
    }

    pub(super) fn number(&self, key: &str, min: u64, max: u64) -> Result<Option<u64>, ConfigError> {
        let Some(property) = self.find(key) else {
            return Ok(None);
        };
        match property.value.parse() {
            Ok(value) if (min..=max).contains(&value) => Ok(Some(value)),
            _ => Err(self.bad(
                property,
                &format!("expected a whole number from {min} to {max}"),
            )),
        }
    }

    pub(super) fn flag(&self, key: &str, yes: &str, no: &str) -> Result<Option<bool>, ConfigError> {
        let Some(property) = self.find(key) else {
            return Ok(None);
        };
        if property.value.eq_ignore_ascii_case(yes) {
            Ok(Some(true))
        } else if property.value.eq_ignore_ascii_case(no) {
            Ok(Some(false))
        } else {
            Err(self.bad(property, &format!("expected {yes} or {no}")))
        }
    }

    pub(super) fn session_timeouts(&self, tick_ms: u64) -> Result<(i32, i32), ConfigError> {
        let limit = |key: &str, default: u64| -> Result<i32, ConfigError> {
            let given = self
                .find(key)
                .filter(|property| property.value != "-1")
                .map(|_| self.number(key, 1, 1 << 30))
                .transpose()?
                .flatten();
            Ok(i32::try_from(given.unwrap_or(default)).unwrap_or(i32::MAX))
        };
        let min = limit("minSessionTimeout", 2 * tick_ms)?;
        let max = limit("maxSessionTimeout", 20 * tick_ms)?;
        match self
            .find("minSessionTimeout")
            .or_else(|| self.find("maxSessionTimeout"))
        {
            Some(property) if min > max => {
                let expected =
                    format!("the smallest session timeout, {min}, exceeds the largest, {max}");
                Err(self.bad(property, &expected))
            }
            _ => Ok((min, max)),
        }
    }

    pub(super) fn client_address(
        &self,
        own: Option<&Server>,
    ) -> Result<Option<SocketAddr>, ConfigError> {
        let port = self.number("clientPort", 1, 65_535)?;
        let line = own.and_then(|server| server.client.as_ref());
        let host = self.find("clientPortAddress");
        let (name, port) = match (port, line) {
            (Some(port), _) => {
                let name = host.map_or("0.0.0.0", |property| property.value.as_str());
                (name, u16::try_from(port).unwrap_or(0))
            }
            (None, Some((name, port))) => (name.as_str(), *port),
            (None, None) => {
                return Err(ConfigError::Whole {
                    file: self.file.to_owned(),
                    problem: "clientPort is missing: clients could not connect".to_owned(),
                });
            }
        };
        let found = (name, port)
            .to_socket_addrs()
            .ok()
            .and_then(|mut all| all.next());
        match (found, host) {
            (Some(address), _) => Ok(Some(address)),
            (None, Some(property)) => Err(self.bad(property, "the name has no address")),
            (None, None) => Err(ConfigError::Whole {
                file: self.file.to_owned(),
                problem: format!("the client address {name} cannot be resolved"),
            }),
        }
    }
}
