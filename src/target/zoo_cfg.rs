//! Writes the `zoo.cfg` of each server that Quorate starts. The bundled server and Apache ZooKeeper since
//! 3.4.10 accept it. Pure.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt::Write;
use std::net::IpAddr;
use std::path::Path;

use crate::workload::TargetShape;

/// The ports of one server, and whether it votes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSpec {
    /// The `myid` of the server, from 1.
    pub id: u16,
    /// Address of the client port.
    pub ip: IpAddr,
    /// Address of the quorum port and the election port.
    pub peer_ip: IpAddr,
    pub client_port: u16,
    pub quorum_port: u16,
    pub election_port: u16,
    pub observer: bool,
}

/// Returns the text of the `zoo.cfg` of `servers[index]`, with its data in `data_dir` and its log in
/// `log_dir`.
///
/// A single voter without observers runs standalone and gets no server lines, because 3.4 accepts a
/// standalone server in no other form. Server lines have no `;clientPort`, because 3.4 rejects it.
#[must_use]
pub fn zoo_cfg(
    shape: &TargetShape,
    servers: &[ServerSpec],
    index: usize,
    data_dir: &Path,
    log_dir: &Path,
) -> String {
    let own = &servers[index];
    let mut text = String::new();
    let mut line = |key: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{key}={value}");
    };
    line("tickTime", &shape.tick_time_ms.to_string());
    line("initLimit", &shape.init_limit.to_string());
    line("syncLimit", &shape.sync_limit.to_string());
    line("dataDir", &escaped(data_dir));
    line("dataLogDir", &escaped(log_dir));
    line("clientPort", &own.client_port.to_string());
    line("clientPortAddress", &own.ip.to_string());
    // All sessions of the load generator come from one address. The default allows only 60 of them.
    line("maxClientCnxns", "0");
    line("forceSync", if shape.fsync { "yes" } else { "no" });
    line("admin.enableServer", "false");
    line("4lw.commands.whitelist", "*");
    if servers.len() == 1 {
        return text;
    }
    if servers.iter().filter(|server| !server.observer).count() == 1 {
        line("standaloneEnabled", "false");
    }
    if own.observer {
        line("peerType", "observer");
    }
    for server in servers {
        let host = match server.peer_ip {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        line(
            &format!("server.{}", server.id),
            &format!(
                "{host}:{}:{}{}",
                server.quorum_port,
                server.election_port,
                if server.observer { ":observer" } else { "" }
            ),
        );
    }
    text
}

/// Formats a path as a value in Java's properties syntax. The file is ISO-8859-1, so all characters that are not
/// ASCII are escaped.
fn escaped(path: &Path) -> String {
    let path = path.to_string_lossy();
    let mut escaped = String::with_capacity(path.len());
    let mut units = [0; 2];
    for c in path.chars() {
        match c {
            '\\' => escaped.push_str("\\\\"),
            ' '..='~' => escaped.push(c),
            _ => {
                for unit in c.encode_utf16(&mut units) {
                    let _ = write!(escaped, "\\u{unit:04x}");
                }
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(voters: u16, observers: u16) -> TargetShape {
        TargetShape {
            voters,
            observers,
            ..TargetShape::default()
        }
    }

    fn servers(voters: u16, observers: u16) -> Vec<ServerSpec> {
        (1..=voters + observers)
            .map(|id| ServerSpec {
                id,
                ip: "127.0.0.1".parse().unwrap(),
                peer_ip: "127.0.0.1".parse().unwrap(),
                client_port: 2_180 + id,
                quorum_port: 2_880 + id,
                election_port: 3_880 + id,
                observer: id > voters,
            })
            .collect()
    }

    fn text(voters: u16, observers: u16, index: usize) -> String {
        zoo_cfg(
            &shape(voters, observers),
            &servers(voters, observers),
            index,
            Path::new("/d/data"),
            Path::new("/d/log"),
        )
    }

    #[test]
    fn an_ensemble_lists_its_servers_in_the_syntax_of_3_4() {
        assert_eq!(
            text(3, 0, 1),
            "tickTime=2000\ninitLimit=10\nsyncLimit=5\ndataDir=/d/data\ndataLogDir=/d/log\n\
             clientPort=2182\nclientPortAddress=127.0.0.1\nmaxClientCnxns=0\nforceSync=yes\n\
             admin.enableServer=false\n4lw.commands.whitelist=*\n\
             server.1=127.0.0.1:2881:3881\nserver.2=127.0.0.1:2882:3882\nserver.3=127.0.0.1:2883:3883\n"
        );
    }

    #[test]
    fn an_observer_has_its_peer_type_and_is_marked_in_every_file() {
        let observer = text(3, 1, 3);
        assert!(observer.contains("peerType=observer\n"));
        assert!(observer.contains("server.4=127.0.0.1:2884:3884:observer\n"));
        let voter = text(3, 1, 0);
        assert!(!voter.contains("peerType"));
        assert!(voter.contains("server.4=127.0.0.1:2884:3884:observer\n"));
    }

    #[test]
    fn a_single_voter_is_standalone_unless_it_has_observers() {
        assert!(!text(1, 0, 0).contains("server."));
        let leader = text(1, 1, 0);
        assert!(leader.contains("standaloneEnabled=false\n"));
        assert!(leader.contains("server.1="));
    }

    #[test]
    fn without_fsync_force_sync_is_off_and_backslashes_are_escaped() {
        let mut shape = shape(1, 0);
        shape.fsync = false;
        let text = zoo_cfg(
            &shape,
            &servers(1, 0),
            0,
            Path::new("/a\\b"),
            Path::new("/l"),
        );
        assert!(text.contains("forceSync=no\n"));
        assert!(text.contains("dataDir=/a\\\\b\n"));
    }

    #[test]
    fn a_path_is_written_in_ascii() {
        for (path, written) in [
            ("/srv/jürgen/two words", "/srv/j\\u00fcrgen/two words"),
            ("/日/\u{1f600}", "/\\u65e5/\\ud83d\\ude00"),
            ("/tab\there\\", "/tab\\u0009here\\\\"),
        ] {
            assert_eq!(escaped(Path::new(path)), written);
        }
    }
}
