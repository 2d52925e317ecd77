//! What is measured, as the user names it: `bundled`, `zookeeper[:DIR]` or `zk://host:port,...[/chroot]`.
//! Pure.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::data_dir::{expand_tilde, with_tilde};
use crate::protocol::zookeeper::ConnectString;

/// Servers that a live target may name.
const SERVERS_MAX: usize = 1_000;
/// What a target may look like; every error ends with it.
const ALLOWED: &str = "a target is `bundled`, `zookeeper` (or `zookeeper:DIR` for a certain installation), \
or `zk://host:port,host:port[/chroot]` for an ensemble that is already running";

/// What is measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetSpec {
    /// The bundled reference ensemble, started for the run.
    Bundled,
    /// A local Apache ZooKeeper, started for the run.
    ZooKeeper {
        /// Folder of the installation; `None` = the usual places.
        home: Option<PathBuf>,
    },
    /// An ensemble that is already running.
    Live {
        /// Its servers, in the order given.
        servers: Vec<HostPort>,
        /// Everything happens below this path; empty or `/a/b`.
        chroot: String,
    },
}

/// A server's address as the user wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort {
    /// Name or address; an IPv6 address without its brackets.
    pub host: String,
    /// Client port.
    pub port: u16,
}

/// A target that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetSpecError {
    /// None of the known forms.
    #[error("unknown target `{spec}`: {ALLOWED}")]
    Unknown { spec: String },
    /// A live target whose server list or chroot is malformed.
    #[error("target `{spec}`: {problem}; {ALLOWED}")]
    Malformed {
        spec: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl TargetSpec {
    /// Whether Quorate starts the servers itself, on this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        !matches!(self, Self::Live { .. })
    }
}

impl FromStr for TargetSpec {
    type Err = TargetSpecError;

    fn from_str(spec: &str) -> Result<Self, TargetSpecError> {
        let malformed = |problem: String| TargetSpecError::Malformed {
            spec: spec.to_owned(),
            problem,
        };
        match spec {
            "bundled" => Ok(Self::Bundled),
            "zookeeper" => Ok(Self::ZooKeeper { home: None }),
            _ => {
                if let Some(dir) = spec.strip_prefix("zookeeper:") {
                    if dir.is_empty() {
                        return Err(malformed("no folder after `zookeeper:`".to_owned()));
                    }
                    Ok(Self::ZooKeeper {
                        home: Some(expand_tilde(dir)),
                    })
                } else if let Some(rest) = spec.strip_prefix("zk://") {
                    live(rest).map_err(malformed)
                } else {
                    Err(TargetSpecError::Unknown {
                        spec: spec.to_owned(),
                    })
                }
            }
        }
    }
}

impl fmt::Display for TargetSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bundled => f.write_str("bundled"),
            Self::ZooKeeper { home: None } => f.write_str("zookeeper"),
            Self::ZooKeeper { home: Some(home) } => write!(f, "zookeeper:{}", with_tilde(home)),
            Self::Live { servers, chroot } => {
                f.write_str("zk://")?;
                for (index, server) in servers.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    write!(f, "{comma}{server}")?;
                }
                f.write_str(chroot)
            }
        }
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Splits a list of targets at its commas; a comma inside `zk://h1,h2` belongs to that target, since
/// what follows it is not a target by itself.
///
/// # Errors
/// If one of them is malformed.
pub fn split_targets(list: &str) -> Result<Vec<TargetSpec>, TargetSpecError> {
    let mut parts: Vec<String> = Vec::new();
    for part in list.split(',') {
        let starts = part == "bundled"
            || part == "zookeeper"
            || part.starts_with("zookeeper:")
            || part.starts_with("zk://");
        match parts.last_mut() {
            Some(last) if !starts && last.starts_with("zk://") => {
                last.push(',');
                last.push_str(part);
            }
            _ => parts.push(part.to_owned()),
        }
    }
    parts.iter().map(|part| part.parse()).collect()
}

fn live(rest: &str) -> Result<TargetSpec, String> {
    if rest.is_empty() || rest.starts_with('/') {
        return Err("no server after `zk://`".to_owned());
    }
    let text = rest.trim_end_matches('/');
    let parsed = ConnectString::parse(text).map_err(|error| error.to_string())?;
    if parsed.hosts.len() > SERVERS_MAX {
        return Err(format!("more than {SERVERS_MAX} servers"));
    }
    for (host, port) in &parsed.hosts {
        if host.contains(':') && !text.contains(&format!("[{host}]")) {
            return Err(format!(
                "`{host}:{port}`: write an IPv6 address in brackets, `[::1]:2181`"
            ));
        }
        if host.contains(|c: char| c.is_whitespace() || c == '@' || c == '\0') {
            return Err(format!("`{host}` is not the name of a host"));
        }
    }
    let chroot = parsed.chroot;
    if chroot.split('/').any(|part| part == "." || part == "..") || chroot.contains('\0') {
        return Err(format!("`{chroot}` is not a path that a znode can have"));
    }
    Ok(TargetSpec::Live {
        servers: parsed
            .hosts
            .into_iter()
            .map(|(host, port)| HostPort { host, port })
            .collect(),
        chroot,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(spec: &str) -> String {
        match spec.parse::<TargetSpec>() {
            Ok(target) => target.to_string(),
            Err(error) => panic!("{spec}: {error}"),
        }
    }

    fn problem(spec: &str) -> String {
        spec.parse::<TargetSpec>().unwrap_err().to_string()
    }

    #[test]
    fn every_form_is_read_and_written_back() {
        assert_eq!(shown("bundled"), "bundled");
        assert_eq!(shown("zookeeper"), "zookeeper");
        assert_eq!(shown("zookeeper:/opt/zk"), "zookeeper:/opt/zk");
        assert_eq!(shown("zk://a"), "zk://a:2181");
        assert_eq!(shown("zk://a:1,b:2/x/y/"), "zk://a:1,b:2/x/y");
        assert_eq!(shown("zk://[::1]:5,[::2]"), "zk://[::1]:5,[::2]:2181");
        assert_eq!(shown("zk://a/"), "zk://a:2181");
    }

    #[test]
    fn what_is_wrong_is_named_and_what_is_allowed_is_said() {
        for (spec, named) in [
            ("bundle", "unknown target `bundle`"),
            ("zk:/a", "unknown target `zk:/a`"),
            ("", "unknown target ``"),
            ("zk://", "no server after `zk://`"),
            ("zk://a,,b", "names no host"),
            ("zk://a:0", "no valid port in \"a:0\""),
            ("zk://a:99999", "ports are 1 to 65535"),
            ("zk://::1", "in brackets"),
            ("zk://[::1", "names no host"),
            ("zk://:2181", "names no host"),
            ("zk://a//b", "invalid chroot"),
            ("zk://a/x/../y", "not a path"),
            ("zookeeper:", "no folder"),
        ] {
            let text = problem(spec);
            assert!(text.contains(named), "{spec}: {text}");
            assert!(
                text.contains("`zk://host:port,host:port[/chroot]`"),
                "{text}"
            );
        }
    }

    #[test]
    fn a_list_of_targets_keeps_the_commas_of_a_live_one() {
        let targets = split_targets("bundled,zk://a:1,b:2/c,zookeeper:/x,zookeeper").unwrap();
        let shown: Vec<String> = targets.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            ["bundled", "zk://a:1,b:2/c", "zookeeper:/x", "zookeeper"]
        );
        assert!(split_targets("bundled,zokeeper").is_err());
    }
}
