//! `zoo.cfg` and `myid`, read as they are (specification 16.1, 14.1).

mod properties;
mod server_line;

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};

use properties::{Property, parse};
pub use server_line::Server;

use super::storage::{DataDirs, DiskOptions, RecoverOptions};

/// Why a configuration does not make a server.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A value is not what its key needs.
    #[error("{file}:{line}: {key}={value}: {expected}")]
    Value {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The key.
        key: String,
        /// The value as written.
        value: String,
        /// What it should be.
        expected: String,
    },
    /// Something is missing or does not fit together.
    #[error("{file}: {problem}")]
    Whole {
        /// The file.
        file: String,
        /// What, and what to do.
        problem: String,
    },
}

/// A server's configuration with every default filled in.
#[derive(Clone, Debug)]
pub struct Config {
    server_id: i64,
    servers: Vec<Server>,
    data_dir: PathBuf,
    data_log_dir: Option<PathBuf>,
    client_address: Option<SocketAddr>,
    tick_time_ms: u64,
    init_limit: u64,
    sync_limit: u64,
    session_timeouts_ms: (i32, i32),
    max_client_connections: u32,
    snap_count: u64,
    snapshots_retained: usize,
    purge_interval_hours: u64,
    fsync: bool,
    log_bytes: u64,
    trust_empty: bool,
    whitelist: Vec<String>,
    super_digest: Option<String>,
}

/// Keys that change what a server promises and that this server does not offer.
const NOT_OFFERED: [&str; 6] = [
    "secureClientPort",
    "sslQuorum",
    "reconfigEnabled",
    "localSessionsEnabled",
    "quorum.auth.enableSasl",
    "multiAddress.enabled",
];

impl Config {
    /// Reads a configuration file and, for a member of an ensemble, `myid` in its data directory.
    ///
    /// # Errors
    /// Names the file, the line and the key, and says what is expected.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let read = |path: &Path| {
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
                path: path.to_owned(),
                source,
            })
        };
        let text = read(path)?;
        Self::from_text(&path.display().to_string(), &text, |data_dir| {
            let path = data_dir.join("myid");
            let text = read(&path)?;
            let first = text.lines().next().unwrap_or_default().trim().to_owned();
            first.parse().map_err(|_not_a_number| ConfigError::Whole {
                file: path.display().to_string(),
                problem: format!("{first:?} is no server id: write this server's number into it"),
            })
        })
    }

    /// The same from text; `my_id` reads `myid` of a data directory.
    ///
    /// # Errors
    /// As [`Self::load`].
    #[expect(clippy::too_many_lines, reason = "one line for each key")]
    pub fn from_text(
        file: &str,
        text: &str,
        my_id: impl FnOnce(&Path) -> Result<i64, ConfigError>,
    ) -> Result<Self, ConfigError> {
        let properties = parse(text);
        let keys = Keys {
            file,
            properties: &properties,
        };
        let whole = |problem: &str| ConfigError::Whole {
            file: file.to_owned(),
            problem: problem.to_owned(),
        };
        let servers = keys.servers()?;
        let data_dir = keys
            .find("dataDir")
            .map(|property| PathBuf::from(&property.value));
        let data_dir = data_dir.ok_or_else(|| whole("dataDir is missing: say where data goes"))?;
        let voters = servers.iter().filter(|server| !server.observer).count();
        if !servers.is_empty() && voters == 0 {
            return Err(whole("there are observers but no voters"));
        }
        let standalone = servers.len() <= 1;
        let limit = |key: &str| -> Result<u64, ConfigError> {
            match keys.number(key, 1, 1 << 20)? {
                Some(limit) => Ok(limit),
                None if standalone => Ok(10),
                None => Err(whole(&format!("{key} is missing: an ensemble needs it"))),
            }
        };
        let (init_limit, sync_limit) = (limit("initLimit")?, limit("syncLimit")?);
        let server_id = if standalone {
            servers.first().map_or(1, |server| server.id)
        } else {
            let id = my_id(&data_dir)?;
            if !servers.iter().any(|server| server.id == id) {
                return Err(whole(&format!(
                    "myid is {id}, but there is no line server.{id}"
                )));
            }
            id
        };
        let tick_time_ms = keys.number("tickTime", 1, 1 << 30)?.unwrap_or(3000);
        let own = servers.iter().find(|server| server.id == server_id);
        Ok(Self {
            client_address: keys.client_address(own)?,
            session_timeouts_ms: keys.session_timeouts(tick_time_ms)?,
            max_client_connections: keys
                .number("maxClientCnxns", 0, 1 << 30)?
                .map_or(60, to_u32),
            snap_count: keys.number("snapCount", 2, 1 << 40)?.unwrap_or(100_000),
            snapshots_retained: keys
                .number("autopurge.snapRetainCount", 1, 1 << 20)?
                .map_or(3, |count| usize::try_from(count).unwrap_or(3).max(3)),
            purge_interval_hours: keys
                .number("autopurge.purgeInterval", 0, 1 << 20)?
                .unwrap_or(0),
            fsync: keys.flag("forceSync", "yes", "no")?.unwrap_or(true),
            log_bytes: keys
                .number("preAllocSize", 0, 1 << 21)?
                .map_or(16 << 20, |kib| kib << 10),
            trust_empty: keys
                .flag("snapshot.trust.empty", "true", "false")?
                .unwrap_or(false),
            whitelist: keys
                .find("4lw.commands.whitelist")
                .map_or("srvr", |property| &property.value)
                .split(',')
                .map(|word| word.trim().to_owned())
                .collect(),
            super_digest: keys
                .find("DigestAuthenticationProvider.superDigest")
                .map(|property| property.value.clone()),
            data_log_dir: keys
                .find("dataLogDir")
                .map(|property| PathBuf::from(&property.value)),
            server_id,
            servers: if standalone { Vec::new() } else { servers },
            data_dir,
            tick_time_ms,
            init_limit,
            sync_limit,
        })
    }

    /// Our own id: `myid`, or 1 when alone.
    #[must_use]
    pub const fn server_id(&self) -> i64 {
        self.server_id
    }

    /// All servers of the ensemble; none when alone.
    pub fn servers(&self) -> impl Iterator<Item = &Server> {
        self.servers.iter()
    }

    /// No ensemble?
    #[must_use]
    pub fn is_standalone(&self) -> bool {
        self.servers.is_empty()
    }

    /// Where clients connect.
    #[must_use]
    pub const fn client_address(&self) -> Option<SocketAddr> {
        self.client_address
    }

    /// Our line, `host:port`, as the first message on an election port carries it.
    #[must_use]
    pub fn election_address_text(&self) -> String {
        let own = self
            .servers
            .iter()
            .find(|server| server.id == self.server_id);
        own.map_or_else(String::new, |server| server.election_address())
    }

    /// `tickTime`, ms.
    #[must_use]
    pub const fn tick_time_ms(&self) -> u64 {
        self.tick_time_ms
    }

    /// `initLimit`, ticks.
    #[must_use]
    pub const fn init_limit(&self) -> u64 {
        self.init_limit
    }

    /// `syncLimit`, ticks.
    #[must_use]
    pub const fn sync_limit(&self) -> u64 {
        self.sync_limit
    }

    /// Smallest and largest session timeout, ms.
    #[must_use]
    pub const fn session_timeouts_ms(&self) -> (i32, i32) {
        self.session_timeouts_ms
    }

    /// `maxClientCnxns` per host; 0 = unlimited.
    #[must_use]
    pub const fn max_client_connections(&self) -> u32 {
        self.max_client_connections
    }

    /// Transactions between snapshots.
    #[must_use]
    pub const fn snap_count(&self) -> u64 {
        self.snap_count
    }

    /// Snapshots that a purge keeps, if purging is on (`autopurge.purgeInterval`).
    #[must_use]
    pub const fn purge_retains(&self) -> Option<usize> {
        if self.purge_interval_hours == 0 {
            None
        } else {
            Some(self.snapshots_retained)
        }
    }

    /// Digest of the super user, if one is configured.
    #[must_use]
    pub fn super_digest(&self) -> Option<String> {
        self.super_digest.clone()
    }

    /// Four-letter words that are answered.
    #[must_use]
    pub fn whitelist(&self) -> &[String] {
        &self.whitelist
    }

    /// `dataDir` as written.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Where what lies.
    #[must_use]
    pub fn data_dirs(&self) -> DataDirs {
        DataDirs::new(&self.data_dir, self.data_log_dir.as_deref())
    }

    /// How the disk is written.
    #[must_use]
    pub fn disk_options(&self) -> DiskOptions {
        DiskOptions {
            fsync: self.fsync,
            log_bytes: self.log_bytes,
            ..DiskOptions::default()
        }
    }

    /// How the disk is read at the start.
    #[must_use]
    pub fn recover_options(&self) -> RecoverOptions {
        RecoverOptions {
            quorum: !self.is_standalone(),
            trust_empty: self.trust_empty,
            ..RecoverOptions::default()
        }
    }

    /// Configuration text (specification 14.1).
    #[must_use]
    pub fn config_text(&self) -> String {
        let mut text = String::new();
        for server in &self.servers {
            text.push_str(&server.line());
            text.push('\n');
        }
        text + "version=0"
    }

    /// What the word `conf` prints, key by key.
    #[must_use]
    pub fn rendered(&self) -> BTreeMap<&'static str, String> {
        let dirs = self.data_dirs();
        let port = self
            .client_address
            .map_or(-1, |address| i32::from(address.port()));
        let mut all = BTreeMap::from([
            ("clientPort", port.to_string()),
            ("dataDir", dirs.snapshots().display().to_string()),
            ("dataLogDir", dirs.logs().display().to_string()),
            ("tickTime", self.tick_time_ms.to_string()),
            ("maxClientCnxns", self.max_client_connections.to_string()),
            ("minSessionTimeout", self.session_timeouts_ms.0.to_string()),
            ("maxSessionTimeout", self.session_timeouts_ms.1.to_string()),
            ("serverId", self.server_id.to_string()),
        ]);
        if let Some(own) = self
            .servers
            .iter()
            .find(|server| server.id == self.server_id)
        {
            all.extend([
                ("initLimit", self.init_limit.to_string()),
                ("syncLimit", self.sync_limit.to_string()),
                ("electionAlg", "3".to_owned()),
                ("electionPort", own.election_port.to_string()),
                ("quorumPort", own.quorum_port.to_string()),
                ("peerType", i32::from(own.observer).to_string()),
            ]);
        }
        all
    }
}

fn to_u32(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// Typed access to the properties of one file.
struct Keys<'a> {
    file: &'a str,
    properties: &'a [Property],
}

impl Keys<'_> {
    /// The last line with this key, which may be written with the prefix `zookeeper.`.
    fn find(&self, key: &str) -> Option<&Property> {
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
    fn servers(&self) -> Result<Vec<Server>, ConfigError> {
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

    fn number(&self, key: &str, min: u64, max: u64) -> Result<Option<u64>, ConfigError> {
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

    fn flag(&self, key: &str, yes: &str, no: &str) -> Result<Option<bool>, ConfigError> {
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

    fn session_timeouts(&self, tick_ms: u64) -> Result<(i32, i32), ConfigError> {
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

    fn client_address(&self, own: Option<&Server>) -> Result<Option<SocketAddr>, ConfigError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: &str = "tickTime=2000\ninitLimit=5\nsyncLimit=2\ndataDir=/d/zookeeper\n\
        dataLogDir=/d/log\nclientPort=2181\nclientPortAddress=127.0.0.181\n#maxClientCnxns=60\n\
        server.1=127.0.0.171:2888:3888\nserver.2=127.0.0.181:2888:3888\n\
        server.3=127.0.0.85:2888:3888\n";

    fn load(text: &str) -> Result<Config, String> {
        Config::from_text("zoo.cfg", text, |_| Ok(2)).map_err(|error| error.to_string())
    }

    #[test]
    fn the_seed_deployment_is_read_as_it_is() {
        let config = load(SEED).expect("the seed's own file");
        assert_eq!((config.server_id(), config.servers().count()), (2, 3));
        assert_eq!(config.client_address(), "127.0.0.181:2181".parse().ok());
        assert_eq!(config.session_timeouts_ms(), (4000, 40_000));
        assert_eq!(config.max_client_connections(), 60);
        assert_eq!(config.election_address_text(), "127.0.0.181:3888");
        assert!(
            config
                .config_text()
                .starts_with("server.1=127.0.0.171:2888:3888:participant\n")
        );
        assert!(config.config_text().ends_with("version=0"));
    }

    #[test]
    fn errors_name_file_line_and_key() {
        let cases = [
            (
                "tickTime=2000",
                "zoo.cfg:1: tickTime=two: expected a whole number from 1 to",
            ),
            (
                "syncLimit=2\n",
                "zoo.cfg: syncLimit is missing: an ensemble needs it",
            ),
            ("dataDir=/d/zookeeper\n", "zoo.cfg: dataDir is missing"),
            (
                "server.2=127.0.0.181:2888:3888\n",
                "zoo.cfg: myid is 2, but there is no line server.2",
            ),
        ];
        for (cut, expected) in cases {
            let put = if cut.starts_with("tick") {
                "tickTime=two"
            } else {
                ""
            };
            let error = load(&SEED.replace(cut, put)).expect_err(cut);
            assert!(error.starts_with(expected), "{error}");
        }
        let error =
            load(&format!("{SEED}server.4=127.0.0.1:2888\n")).expect_err("no election port");
        assert!(
            error.starts_with("zoo.cfg:12: server.4=127.0.0.1:2888: expected"),
            "{error}"
        );
        let error = load(&format!("{SEED}sslQuorum=true\n")).expect_err("not offered");
        assert!(error.contains("does not offer"), "{error}");
        let error = load(&format!("{SEED}minSessionTimeout=50000\n")).expect_err("min > max");
        assert!(error.contains("exceeds"), "{error}");
    }

    #[test]
    fn one_server_is_standalone() {
        let config = load("dataDir=/d\nclientPort=2181\n").expect("the smallest file");
        assert!(config.is_standalone());
        assert_eq!((config.server_id(), config.tick_time_ms()), (1, 3000));
    }
}
