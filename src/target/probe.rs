//! Finds the servers of an ensemble that is already running, with their roles and versions.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::thread;
use std::time::Duration;

use super::answers::parse_srvr;
use super::member::Member;
use super::spec::HostPort;
use crate::protocol::zookeeper::{AdminClient, ClientError, four_letter};
use crate::workload::Role;

/// Timeout for one answer of a server.
const TIMEOUT: Duration = Duration::from_secs(3);

/// No server of a target can be used.
#[derive(Debug, thiserror::Error)]
#[error(
    "none of the servers of {target} can be used: {}. Check the addresses, and that the ensemble has a quorum",
    tried.join("; ")
)]
pub struct ProbeError {
    pub target: String,
    /// One description per server of the request and its outcome.
    pub tried: Vec<String>,
}

/// The outcome of a probe.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Probe {
    /// Servers that can be used.
    pub members: Vec<Member>,
    /// For each other server, a description of the request and its outcome.
    pub missing: Vec<String>,
}

/// Probes all servers at the same time.
///
/// # Errors
/// If no server can be used.
pub fn probe(target: &str, servers: &[HostPort]) -> Result<Probe, ProbeError> {
    let answers: Vec<Result<Member, String>> = thread::scope(|scope| {
        let asking: Vec<_> = servers
            .iter()
            .map(|server| scope.spawn(move || look(server)))
            .collect();
        asking
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|_panic| Err("the probe failed".to_owned()))
            })
            .collect()
    });
    let mut found = Probe::default();
    for answer in answers {
        match answer {
            Ok(member) => found.members.push(member),
            Err(problem) => found.missing.push(problem),
        }
    }
    if found.members.is_empty() {
        return Err(ProbeError {
            target: target.to_owned(),
            tried: found.missing,
        });
    }
    Ok(found)
}

/// Updates the role and the version of a member. Without an answer they stay unchanged.
pub(super) fn refresh(member: &mut Member) {
    if let Some(srvr) = four_letter(member.address, "srvr", TIMEOUT)
        .ok()
        .and_then(|answer| parse_srvr(&answer))
    {
        member.role = srvr.role;
        member.version = srvr.version.or(member.version.take());
    }
}

fn look(server: &HostPort) -> Result<Member, String> {
    let addresses: Vec<SocketAddr> = (server.host.as_str(), server.port)
        .to_socket_addrs()
        .map_err(|e| format!("{server}: the name does not resolve ({e})"))?
        .collect();
    let mut problems = Vec::new();
    for address in addresses {
        match look_at(server, address) {
            Ok(member) => return Ok(member),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() {
        problems.push("the name has no address".to_owned());
    }
    Err(format!("{server}: {}", problems.join(", ")))
}

fn look_at(server: &HostPort, address: SocketAddr) -> Result<Member, String> {
    let shown = if address.ip().to_string() == server.host {
        String::new()
    } else {
        format!(" at {address}")
    };
    let answer = four_letter(address, "srvr", TIMEOUT)
        .map_err(|e| format!("asked `srvr`{shown}: {}", reason(&e)))?;
    if let Some(srvr) = parse_srvr(&answer) {
        return Ok(Member::answered(server.to_string(), address, srvr));
    }
    if answer.contains("not in the whitelist") || answer.is_empty() {
        // The server refuses four-letter words, so only a session shows whether it serves.
        return handshake(server, address).map_err(|problem| {
            format!("asked `srvr`{shown}, which it does not answer, and {problem}")
        });
    }
    Err(format!(
        "asked `srvr`{shown}: {}",
        answer.lines().next().unwrap_or("an empty answer").trim()
    ))
}

/// Opens and closes a session. This works with servers that refuse four-letter words.
fn handshake(server: &HostPort, address: SocketAddr) -> Result<Member, String> {
    AdminClient::connect(&[address], TIMEOUT)
        .and_then(AdminClient::close)
        .map_err(|error| format!("tried to open a session: {error}"))?;
    Ok(Member {
        proxy: None,
        name: server.to_string(),
        address,
        observer: None,
        role: Role::Unknown,
        version: None,
    })
}

fn reason(error: &ClientError) -> String {
    let ClientError::Word { source, .. } = error else {
        return error.to_string();
    };
    match source.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => {
            format!("no answer within {} s", TIMEOUT.as_secs())
        }
        _ => source.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    fn host(port: u16) -> HostPort {
        HostPort {
            host: "127.0.0.1".into(),
            port,
        }
    }

    /// Returns a port that no process listens on.
    fn closed_port() -> u16 {
        TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port()
    }

    fn answering(answer: &'static str) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut word = [0; 4];
            stream.read_exact(&mut word).unwrap();
            assert_eq!(&word, b"srvr");
            stream.write_all(answer.as_bytes()).unwrap();
        });
        port
    }

    #[test]
    fn if_no_server_answers_the_error_names_every_address_and_request() {
        let (a, b) = (closed_port(), closed_port());
        let error = probe("zk://x", &[host(a), host(b)])
            .unwrap_err()
            .to_string();
        assert!(error.contains("none of the servers of zk://x"), "{error}");
        for port in [a, b] {
            assert!(
                error.contains(&format!(
                    "127.0.0.1:{port}: asked `srvr`: connection refused"
                )),
                "{error}"
            );
        }
    }

    #[test]
    fn one_serving_server_is_enough_and_the_other_is_reported_as_missing() {
        let serving = answering("Zookeeper version: 3.9.5-abc, built\nMode: leader\n");
        let electing = answering("This ZooKeeper instance is not currently serving requests\n");
        let found = probe("zk://x", &[host(serving), host(electing)]).unwrap();
        assert_eq!(found.members.len(), 1);
        assert_eq!(found.members[0].role, Role::Leader);
        assert_eq!(found.members[0].observer, Some(false));
        assert_eq!(found.members[0].version.as_deref(), Some("3.9.5"));
        assert!(
            found.missing[0].contains("not currently serving"),
            "{found:?}"
        );
    }
}
