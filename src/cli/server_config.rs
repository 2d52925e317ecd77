//! The settings of a `zoo.cfg` that the verbs of `quorate server` need: the data folder, which has the pid file,
//! and the client address.

use std::env;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use crate::ensemble::config::{Config, ConfigError};

/// Default of `$ZOOCFG`.
const FILE: &str = "zoo.cfg";
/// Default of `$ZOOCFGDIR`.
const DIR: &str = "conf";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServerConfig {
    pub(super) path: PathBuf,
    pub(super) data_dir: PathBuf,
    /// Address for clients on this machine.
    pub(super) client: SocketAddr,
}

/// Returns the path of the configuration by the rules of ZooKeeper's script. The default is
/// `$ZOOCFGDIR/$ZOOCFG`. A bare file name that does not exist in the working directory is in `$ZOOCFGDIR`. Any
/// other path is used unchanged.
pub(super) fn config_path(given: Option<&Path>) -> PathBuf {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    let dir = set("ZOOCFGDIR").map_or_else(|| PathBuf::from(DIR), PathBuf::from);
    resolved(
        given,
        &dir,
        Path::new(&set("ZOOCFG").unwrap_or_else(|| FILE.into())),
    )
}

fn resolved(given: Option<&Path>, dir: &Path, default: &Path) -> PathBuf {
    match given {
        None => dir.join(default),
        Some(given) if given.components().count() == 1 && !given.exists() => dir.join(given),
        Some(given) => given.to_owned(),
    }
}

impl ServerConfig {
    /// Reads the configuration file `path`.
    ///
    /// # Errors
    /// If it is not a valid configuration of a server.
    pub(super) fn load(path: &Path) -> Result<Self, ConfigError> {
        let config = Config::load(path)?;
        Ok(Self {
            path: path.to_owned(),
            data_dir: config.data_dir().to_owned(),
            client: reachable(config.client_address()),
        })
    }

    /// Returns the path of the pid file.
    pub(super) fn pid_file(&self) -> PathBuf {
        self.data_dir.join("zookeeper_server.pid")
    }
}

/// Replaces an address that stands for all addresses by loopback.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_file_name_is_in_the_configuration_folder() {
        let of = |given: Option<&str>| {
            resolved(given.map(Path::new), Path::new("/c"), Path::new("zoo.cfg"))
        };
        assert_eq!(of(None), Path::new("/c/zoo.cfg"));
        assert_eq!(of(Some("other.cfg")), Path::new("/c/other.cfg"));
        assert_eq!(of(Some("./other.cfg")), Path::new("./other.cfg"));
        assert_eq!(of(Some("/x/y.cfg")), Path::new("/x/y.cfg"));
    }

    #[test]
    fn the_data_folder_and_the_client_address_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("zoo.cfg");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            ServerConfig::load(&path)
        };
        let config =
            read("# x\ndataDir = /d\nclientPort=2182\nclientPortAddress=127.0.0.9\n").unwrap();
        assert_eq!(config.pid_file(), Path::new("/d/zookeeper_server.pid"));
        assert_eq!(config.client, "127.0.0.9:2182".parse().unwrap());
        let any = read("dataDir=/d\nclientPort=2182\nclientPortAddress=0.0.0.0\n").unwrap();
        assert_eq!(any.client, "127.0.0.1:2182".parse().unwrap());
        let error = read("clientPort=1\n").unwrap_err().to_string();
        assert!(error.contains("dataDir"), "{error}");
    }
}
