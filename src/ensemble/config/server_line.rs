//! A `server.N` line (specification 14.1).

use std::borrow::Cow;

/// One server of an ensemble.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    pub id: i64,
    /// Host of the quorum and election ports, without brackets.
    pub host: String,
    /// Port on which the leader accepts learners.
    pub quorum_port: u16,
    pub election_port: u16,
    /// Whether the server is an observer.
    pub observer: bool,
    /// Host, without brackets, and port for clients, if the line has them.
    pub client: Option<(String, u16)>,
}

const SHAPE: &str = "expected host:quorumPort:electionPort[:observer][;[clientHost:]clientPort]";

impl Server {
    /// Reads the value of the line `server.<id>`. The error describes the expected value.
    pub(super) fn parse(id: &str, value: &str) -> Result<Self, String> {
        let id: i64 = id
            .parse()
            .ok()
            .filter(|id| (0..=255).contains(id))
            .ok_or("expected server.N with N from 0 to 255")?;
        if value.contains('|') {
            return Err("a server has one address here; remove the others".to_owned());
        }
        let (server, client) = match value.split_once(';') {
            Some((server, client)) => (server, Some(client)),
            None => (value, None),
        };
        let (host, rest) = split_host(server.trim()).ok_or(SHAPE)?;
        let mut parts = rest.split(':');
        let mut port = || parts.next().and_then(|text| text.trim().parse().ok());
        let (Some(quorum_port), Some(election_port)) = (port(), port()) else {
            return Err(SHAPE.to_owned());
        };
        if quorum_port == election_port {
            return Err("the quorum port and the election port must differ".to_owned());
        }
        let observer = match parts.next().map(|role| role.trim().to_ascii_lowercase()) {
            None => false,
            Some(role) if role == "participant" => false,
            Some(role) if role == "observer" => true,
            Some(_) => return Err("the role is participant or observer".to_owned()),
        };
        if parts.next().is_some() {
            return Err(SHAPE.to_owned());
        }
        let client = match client {
            None => None,
            Some(text) => {
                let (host, port) = match split_host(text.trim()) {
                    Some((host, port)) => (host, port),
                    None => ("0.0.0.0", text.trim()),
                };
                Some((host.to_owned(), port.parse().map_err(|_not_a_port| SHAPE)?))
            }
        };
        Ok(Self {
            id,
            host: host.to_owned(),
            quorum_port,
            election_port,
            observer,
            client,
        })
    }

    /// Returns the line for the configuration text. `parse` can read it.
    #[must_use]
    pub fn line(&self) -> String {
        let role = self.role();
        let Self {
            id,
            quorum_port,
            election_port,
            ..
        } = self;
        let mut line = format!(
            "server.{id}={}:{quorum_port}:{election_port}:{role}",
            bracketed(&self.host)
        );
        if let Some((host, port)) = &self.client {
            line.push_str(&format!(";{}:{port}", bracketed(host)));
        }
        line
    }

    pub(super) const fn role(&self) -> &'static str {
        if self.observer {
            "observer"
        } else {
            "participant"
        }
    }

    /// Returns `host:electionPort`.
    #[must_use]
    pub fn election_address(&self) -> String {
        format!("{}:{}", bracketed(&self.host), self.election_port)
    }
}

/// Formats a host for use before `:port`: an IPv6 address gets brackets.
fn bracketed(host: &str) -> Cow<'_, str> {
    if host.contains(':') {
        format!("[{host}]").into()
    } else {
        host.into()
    }
}

/// Splits `host:rest` or `[v6]:rest`.
fn split_host(text: &str) -> Option<(&str, &str)> {
    let (host, rest) = match text.strip_prefix('[') {
        Some(inner) => inner.split_once("]:")?,
        None => text.split_once(':')?,
    };
    (!host.is_empty()).then_some((host, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printed_line_is_read_back() {
        for value in [
            "10.0.0.1:2888:3888",
            "zk-1.example.org:2888:3888:observer",
            "[::1]:2888:3888;[::1]:2181",
            "[2001:db8::7]:2888:3888:observer;[::]:2181",
            "h:2888:3888;2181",
            "h:2888:3888:participant;client.example.org:2181",
        ] {
            let server = Server::parse("7", value).expect(value);
            let line = server.line();
            let (key, printed) = line.split_once('=').expect("key=value");
            let id = key.strip_prefix("server.").expect("server.N");
            assert_eq!(Server::parse(id, printed).as_ref(), Ok(&server), "{line}");
        }
    }

    #[test]
    fn all_shapes_are_read() {
        let plain = Server::parse("1", "10.0.0.1:2888:3888").expect("plain");
        assert_eq!(plain.line(), "server.1=10.0.0.1:2888:3888:participant");
        let full = Server::parse("2", "[::1]:2888:3888:OBSERVER;2181").expect("full");
        assert!(full.observer);
        assert_eq!(
            (full.host.as_str(), full.client),
            ("::1", Some(("0.0.0.0".to_owned(), 2181)))
        );
        for bad in [
            "h:1",
            "h:1:1",
            "h:a:2",
            "h:1:2:boss",
            ":1:2",
            "h:1:2:observer:x",
            "h:1:2;x",
            "h:1:2|i:1:2",
        ] {
            assert!(Server::parse("1", bad).is_err(), "{bad}");
        }
        assert!(Server::parse("x", "h:1:2").is_err());
    }
}
