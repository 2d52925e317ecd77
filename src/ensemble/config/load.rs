//! From the text of a `zoo.cfg` to a configuration with every default filled in.

use std::path::{Path, PathBuf};

use super::keys::Keys;
use super::properties::parse;
use super::{Config, ConfigError};

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
}

fn to_u32(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
