//! Makes a configuration from the bytes of a `zoo.cfg` and fills in the defaults.

use std::path::Path;

use super::keys::Keys;
use super::properties::{Property, parse};
use super::review::{Notes, review, strip_prefixes};
use super::{Compression, Config, ConfigError, Server};

/// Default of `globalOutstandingLimit`, as in Java.
const OUTSTANDING_DEFAULT: u64 = 1_000;
/// Default of `jute.maxbuffer`, which is also its largest value.
const FRAME_BYTES_MAX: u64 = 0xf_ffff;
/// With extended types the highest byte 0xff of an owner stands for a TTL node, so no server may have the id 255.
const EXTENDED_ID_MAX: i64 = 254;

/// The files beside `zoo.cfg` that a configuration is made from.
pub trait Files {
    /// Returns the bytes of a file.
    ///
    /// # Errors
    /// If it cannot be read.
    fn read(&self, path: &Path) -> Result<Vec<u8>, ConfigError>;
}

#[derive(Clone, Copy, Debug)]
struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> Result<Vec<u8>, ConfigError> {
        std::fs::read(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })
    }
}

/// The servers that a configuration lists.
struct Membership {
    servers: Vec<Server>,
    /// From the name of the dynamic file, or 0.
    version: i64,
}

impl Config {
    /// Reads a configuration file, the file that its `dynamicConfigFile` names and, for a member of an ensemble,
    /// `myid` in its data directory.
    ///
    /// # Errors
    /// If the file cannot be read or is refused. The error has the file, the line, the key and what is expected.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let bytes = Disk.read(path)?;
        Self::from_bytes(&path.display().to_string(), &bytes, &Disk)
    }

    /// Reads a configuration from the bytes of a file; other files come from `files`.
    ///
    /// # Errors
    /// As [`Self::load`].
    #[expect(clippy::too_many_lines, reason = "one line for each key")]
    pub fn from_bytes(file: &str, bytes: &[u8], files: &impl Files) -> Result<Self, ConfigError> {
        let mut notes = Notes::new();
        let properties = properties(file, bytes, &mut notes)?;
        review(file, &properties, &mut notes)?;
        let keys = Keys {
            file,
            properties: &properties,
        };
        let Membership { servers, version } = membership(&keys, files, &mut notes)?;
        let data_dir = keys
            .path("dataDir")?
            .ok_or_else(|| keys.whole("dataDir is missing: say where data goes"))?;
        let standalone_enabled = keys
            .flag("standaloneEnabled", "true", "false")?
            .unwrap_or(true);
        let voters = servers.iter().filter(|server| !server.observer).count();
        if voters == 0 && (!servers.is_empty() || !standalone_enabled) {
            return Err(keys.whole("an ensemble needs a voter: add its server line"));
        }
        let standalone = voters <= 1 && standalone_enabled;
        if standalone && servers.len() > 1 {
            return Err(keys.whole(
                "observers need an ensemble: with one voter, standaloneEnabled=false makes one",
            ));
        }
        let limit = |key: &str| match keys.number(key, 1, 1 << 20)? {
            Some(limit) => Ok(limit),
            None if standalone => Ok(10),
            None => Err(keys.whole(&format!("{key} is missing: an ensemble needs it"))),
        };
        let (init_limit, sync_limit) = (limit("initLimit")?, limit("syncLimit")?);
        let server_id = if standalone {
            servers.first().map_or(1, |server| server.id)
        } else {
            let id = my_id(&data_dir, files)?;
            if !servers.iter().any(|server| server.id == id) {
                return Err(keys.whole(&format!("myid is {id}, but there is no line server.{id}")));
            }
            id
        };
        let own = servers.iter().find(|server| server.id == server_id);
        check_role(&keys, own)?;
        check_election(&keys)?;
        let extended_types = keys
            .flag("extendedTypesEnabled", "true", "false")?
            .unwrap_or(false);
        if extended_types && server_id > EXTENDED_ID_MAX {
            return Err(keys.whole(&format!(
                "extendedTypesEnabled=true: server {server_id} is not possible, {EXTENDED_ID_MAX} is the highest number"
            )));
        }
        let skip_acl = keys.flag("skipACL", "yes", "no")?.unwrap_or(false);
        if skip_acl {
            notes.push(format!(
                "{file}: skipACL=yes: every check of an ACL succeeds"
            ));
        }
        let snapshots_retained = keys.number("autopurge.snapRetainCount", 0, 1 << 20)?;
        if let Some(count @ 0..3) = snapshots_retained {
            notes.push(format!(
                "{file}: autopurge.snapRetainCount={count} is taken for 3, the smallest number"
            ));
        }
        let tick_time_ms = keys.number("tickTime", 1, 1 << 30)?.unwrap_or(3000);
        Ok(Self {
            client_address: keys.client_address(own)?,
            client_backlog: keys
                .number_or_unset("clientPortListenBacklog", 1, 1 << 16)?
                .and_then(|length| i32::try_from(length).ok()),
            session_timeouts_ms: keys.session_timeouts(tick_time_ms)?,
            max_client_connections: connections(&keys, "maxClientCnxns", 60)?,
            max_connections: connections(&keys, "maxCnxns", 0)?,
            outstanding_limit: keys
                .number("globalOutstandingLimit", 1, 1 << 30)?
                .unwrap_or(OUTSTANDING_DEFAULT),
            max_frame_bytes: keys
                .number("jute.maxbuffer", 64, FRAME_BYTES_MAX)?
                .unwrap_or(FRAME_BYTES_MAX),
            snap_count: keys.number("snapCount", 2, 1 << 40)?.unwrap_or(100_000),
            snapshots_retained: snapshots_retained
                .map_or(3, |count| usize::try_from(count).unwrap_or(3).max(3)),
            purge_interval_hours: keys
                .number("autopurge.purgeInterval", 0, 1 << 20)?
                .unwrap_or(0),
            fsync: keys.flag("forceSync", "yes", "no")?.unwrap_or(true),
            skip_acl,
            leader_serves: keys.flag("leaderServes", "yes", "no")?.unwrap_or(true),
            listen_on_all: keys
                .flag("quorumListenOnAllIPs", "true", "false")?
                .unwrap_or(false),
            extended_types,
            container_check_ms: keys
                .number("znode.container.checkIntervalMs", 1, 1 << 40)?
                .unwrap_or(60_000),
            containers_per_minute: keys
                .number("znode.container.maxPerMinute", 1, 1 << 30)?
                .unwrap_or(10_000),
            container_never_used_ms: keys
                .number("znode.container.maxNeverUsedIntervalMs", 0, 1 << 40)?
                .and_then(|ms| i64::try_from(ms).ok())
                .unwrap_or(0),
            compression: compression(&keys)?,
            log_bytes: keys
                .number("preAllocSize", 0, 1 << 21)?
                .map_or(16 << 20, |kib| kib << 10),
            trust_empty: keys
                .flag("snapshot.trust.empty", "true", "false")?
                .unwrap_or(false),
            allow_gaps: keys
                .flag("test.allowDiscontinuousProposals", "true", "false")?
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
            data_log_dir: keys.path("dataLogDir")?,
            server_id,
            servers: if standalone { Vec::new() } else { servers },
            version,
            data_dir,
            tick_time_ms,
            init_limit,
            sync_limit,
            notes,
        })
    }
}

fn properties(file: &str, bytes: &[u8], notes: &mut Notes) -> Result<Vec<Property>, ConfigError> {
    let mut properties = parse(bytes).map_err(|malformed| ConfigError::Escape {
        file: file.to_owned(),
        line: malformed.line,
    })?;
    strip_prefixes(file, &mut properties, notes);
    Ok(properties)
}

/// Returns the servers of the file itself, or those of the file that `dynamicConfigFile` names.
fn membership(
    keys: &Keys<'_>,
    files: &impl Files,
    notes: &mut Notes,
) -> Result<Membership, ConfigError> {
    let servers = keys.servers()?;
    let Some(named) = keys.find("dynamicConfigFile") else {
        return Ok(Membership {
            servers,
            version: 0,
        });
    };
    let own = |property: &&Property| property.key.starts_with("server.");
    if let Some(property) = keys.properties.iter().find(own) {
        return Err(keys.bad(
            property,
            "server lines belong in the dynamicConfigFile if there is one",
        ));
    }
    let path = Path::new(&named.value);
    let file = path.display().to_string();
    let properties = properties(&file, &files.read(path)?, notes)?;
    let keys = Keys {
        file: &file,
        properties: &properties,
    };
    let other = |property: &&Property| {
        let key = &property.key;
        !["server.", "group.", "weight."]
            .iter()
            .any(|front| key.starts_with(front))
    };
    if let Some(property) = properties.iter().find(other) {
        return Err(keys.bad(
            property,
            "this file may hold only server lines; the version belongs in its name",
        ));
    }
    review(&file, &properties, notes)?;
    Ok(Membership {
        servers: keys.servers()?,
        version: version_of(&named.value),
    })
}

/// Returns the version in the name of a dynamic file, `zoo.cfg.dynamic.<hexadecimal>`, or 0 if there is none.
fn version_of(name: &str) -> i64 {
    name.rsplit_once('.')
        .and_then(|(_, version)| i64::from_str_radix(version, 16).ok())
        .unwrap_or(0)
}

/// Returns the number in the first line of `myid`.
fn my_id(data_dir: &Path, files: &impl Files) -> Result<i64, ConfigError> {
    let path = data_dir.join("myid");
    let bytes = files.read(&path)?;
    let first = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let first = String::from_utf8_lossy(first).trim().to_owned();
    first.parse().map_err(|_not_a_number| ConfigError::Whole {
        file: path.display().to_string(),
        problem: format!("{first:?} is no server id: write this server's number into it"),
    })
}

/// Checks that `peerType` agrees with the server's own line. Java uses the line and warns.
fn check_role(keys: &Keys<'_>, own: Option<&Server>) -> Result<(), ConfigError> {
    let Some(property) = keys.find("peerType") else {
        return Ok(());
    };
    let says_observer = match property.value.to_ascii_lowercase().as_str() {
        "observer" => true,
        "participant" => false,
        _ => return Err(keys.bad(property, "expected participant or observer")),
    };
    match own {
        Some(own) if own.observer != says_observer => {
            let expected = format!(
                "the line server.{} says {}; make both equal, or remove this one",
                own.id,
                own.role()
            );
            Err(keys.bad(property, &expected))
        }
        None if says_observer => {
            Err(keys.bad(property, "a server without server lines observes nobody"))
        }
        _ => Ok(()),
    }
}

/// Checks that `electionAlg` is that of Fast Leader Election, or missing.
fn check_election(keys: &Keys<'_>) -> Result<(), ConfigError> {
    match keys.find("electionAlg") {
        Some(property) if property.value != "3" => Err(keys.bad(property, "only 3 is possible")),
        _ => Ok(()),
    }
}

/// Reads how snapshots are compressed. Java takes any other value for none.
fn compression(keys: &Keys<'_>) -> Result<Option<Compression>, ConfigError> {
    let Some(property) = keys.find("snapshot.compression.method") else {
        return Ok(None);
    };
    match property.value.to_ascii_lowercase().as_str() {
        "" => Ok(None),
        "gz" => Ok(Some(Compression::Gzip)),
        "snappy" => Ok(Some(Compression::Snappy)),
        _ => Err(keys.bad(property, "expected gz, snappy or nothing")),
    }
}

/// Reads a limit of connections. 0 and below are no limit.
fn connections(keys: &Keys<'_>, key: &str, default: u32) -> Result<u32, ConfigError> {
    let limit = match keys.find(key) {
        Some(property) if property.value == "-1" => Some(0),
        _ => keys.number(key, 0, 1 << 30)?,
    };
    Ok(limit.map_or(default, |limit| u32::try_from(limit).unwrap_or(u32::MAX)))
}
