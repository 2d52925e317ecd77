//! The target as the user names it: `bundled`, `zookeeper[:DIR]` or `zk://host:port,...[/chroot]`. Pure.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::data_dir::{expand_tilde, with_tilde};
use crate::protocol::zookeeper::ConnectString;

/// Maximum number of servers of a live target.
const SERVERS_MAX: usize = 1_000;
/// The allowed forms of a target. Every error message ends with this text.
const ALLOWED: &str = "a target is `bundled`, `zookeeper` (or `zookeeper:DIR` for a certain installation), \
or `zk://host:port,host:port[/chroot]` for an ensemble that is already running";

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetSpec {
    /// The bundled reference ensemble, started for the run.
    Bundled,
    /// A local Apache ZooKeeper, started for the run.
    ZooKeeper {
        /// Installation folder. `None` selects the usual places.
        home: Option<PathBuf>,
    },
    /// An ensemble that is already running.
    Live {
        /// The servers in the order of the user's list.
        servers: Vec<HostPort>,
        /// All znodes of the load are below this path. Empty, or a path such as `/a/b`.
        chroot: String,
    },
}

/// A server's address as the user wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort {
    /// Name or address; an IPv6 address without its brackets.
    pub host: String,
    pub port: u16,
}

/// The text of a target is malformed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetSpecError {
    /// The text has none of the known forms.
    #[error("unknown target `{spec}`: {ALLOWED}")]
    Unknown { spec: String },
    /// A live target whose server list or chroot is malformed.
    #[error("target `{spec}`: {problem}; {ALLOWED}")]
    Malformed { spec: String, problem: String },
}

impl TargetSpec {
    /// Whether Quorate starts the servers on this machine.
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

/// Splits a list of targets at its commas. A comma inside `zk://h1,h2` does not separate targets: the text
/// after it does not begin like a target.
///
/// # Errors
/// If a target is malformed.
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
    fn every_form_of_a_target_is_parsed_and_formatted() {
        assert_eq!(shown("bundled"), "bundled");
        assert_eq!(shown("zookeeper"), "zookeeper");
        assert_eq!(shown("zookeeper:/opt/zk"), "zookeeper:/opt/zk");
        assert_eq!(shown("zk://a"), "zk://a:2181");
        assert_eq!(shown("zk://a:1,b:2/x/y/"), "zk://a:1,b:2/x/y");
        assert_eq!(shown("zk://[::1]:5,[::2]"), "zk://[::1]:5,[::2]:2181");
        assert_eq!(shown("zk://a/"), "zk://a:2181");
    }

    #[test]
    fn errors_name_the_problem_and_the_allowed_forms() {
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
    fn a_comma_inside_a_live_target_does_not_separate_targets() {
        let targets = split_targets("bundled,zk://a:1,b:2/c,zookeeper:/x,zookeeper").unwrap();
        let shown: Vec<String> = targets.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            ["bundled", "zk://a:1,b:2/c", "zookeeper:/x", "zookeeper"]
        );
        assert!(split_targets("bundled,zokeeper").is_err());
    }
}
