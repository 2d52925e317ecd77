//! The directories and file names of a server (specification 15.1).

use std::fs;
use std::path::{Path, PathBuf};

use crate::wire::jute::Zxid;

use super::StorageError;
use super::compression::Compression;

/// Subdirectory for this format version.
const VERSION_DIR: &str = "version-2";
const LOG_PREFIX: &str = "log.";
const SNAPSHOT_PREFIX: &str = "snapshot.";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataDirs {
    data: PathBuf,
    snapshots: PathBuf,
    logs: PathBuf,
    /// Of the snapshots that are written. Those of all kinds are read.
    compression: Option<Compression>,
}

/// A transaction log file, identified by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFile {
    /// The zxid of its first entry.
    pub first: Zxid,
    pub path: PathBuf,
}

/// A snapshot file, identified by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotFile {
    /// The last transaction that the snapshot certainly contains.
    pub zxid: Zxid,
    pub path: PathBuf,
    /// By the end of the name; `None` if the file is not compressed.
    pub compression: Option<Compression>,
}

impl DataDirs {
    /// Takes `dataDir` and, if logs have their own directory, `dataLogDir` from zoo.cfg.
    #[must_use]
    pub fn new(data_dir: &Path, data_log_dir: Option<&Path>) -> Self {
        Self {
            data: data_dir.to_owned(),
            snapshots: data_dir.join(VERSION_DIR),
            logs: data_log_dir.unwrap_or(data_dir).join(VERSION_DIR),
            compression: None,
        }
    }

    /// Sets how new snapshots are compressed.
    #[must_use]
    pub fn compressing(self, compression: Option<Compression>) -> Self {
        Self {
            compression,
            ..self
        }
    }

    /// How new snapshots are compressed.
    #[must_use]
    pub const fn compression(&self) -> Option<Compression> {
        self.compression
    }

    /// Creates the missing directories.
    ///
    /// # Errors
    /// If a directory cannot be created, or if logs or snapshots lie in the other's directory.
    pub fn create(&self) -> Result<(), StorageError> {
        for dir in [&self.snapshots, &self.logs] {
            fs::create_dir_all(dir).map_err(StorageError::io("create the directory", dir))?;
        }
        if self.snapshots == self.logs {
            return Ok(());
        }
        for (dir, prefix, kind) in [
            (&self.snapshots, LOG_PREFIX, "transaction log"),
            (&self.logs, SNAPSHOT_PREFIX, "snapshot"),
        ] {
            if names(dir)?.iter().any(|name| name.starts_with(prefix)) {
                return Err(StorageError::Misplaced {
                    dir: dir.clone(),
                    kind,
                });
            }
        }
        Ok(())
    }

    /// The data directory itself, which contains `myid` and `initialize`.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The directory for snapshots and epoch files.
    #[must_use]
    pub fn snapshots(&self) -> &Path {
        &self.snapshots
    }

    /// The directory for transaction logs.
    #[must_use]
    pub fn logs(&self) -> &Path {
        &self.logs
    }

    /// Path of the log whose first entry is `first`.
    #[must_use]
    pub fn log_path(&self, first: Zxid) -> PathBuf {
        self.logs.join(format!("{LOG_PREFIX}{:x}", first.0))
    }

    /// Path of a new snapshot of `zxid`.
    #[must_use]
    pub fn snapshot_path(&self, zxid: Zxid) -> PathBuf {
        let suffix = self.compression.map_or("", Compression::suffix);
        self.snapshots
            .join(format!("{SNAPSHOT_PREFIX}{:x}{suffix}", zxid.0))
    }

    /// Lists the transaction logs, oldest first.
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub fn list_logs(&self) -> Result<Vec<LogFile>, StorageError> {
        let mut logs: Vec<_> = names(&self.logs)?
            .iter()
            .filter_map(|name| {
                let first = parse_zxid(name.strip_prefix(LOG_PREFIX)?)?;
                let path = self.logs.join(name);
                Some(LogFile { first, path })
            })
            .collect();
        logs.sort_by_key(|log| log.first);
        Ok(logs)
    }

    /// Lists the snapshots, oldest first.
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub fn list_snapshots(&self) -> Result<Vec<SnapshotFile>, StorageError> {
        let mut snapshots: Vec<_> = names(&self.snapshots)?
            .iter()
            .filter_map(|name| {
                let suffix = name.strip_prefix(SNAPSHOT_PREFIX)?;
                let compressed = Compression::of_name(suffix);
                let zxid = compressed.map_or(suffix, |(zxid, _)| zxid);
                Some(SnapshotFile {
                    zxid: parse_zxid(zxid)?,
                    path: self.snapshots.join(name),
                    compression: compressed.map(|(_, compression)| compression),
                })
            })
            .collect();
        snapshots.sort_by_key(|snapshot| snapshot.zxid);
        Ok(snapshots)
    }

    /// Returns the total bytes in the snapshot directory and in the log directory, for `conf` and
    /// `dirs`. Files that are deleted during the call are not counted.
    ///
    /// # Errors
    /// If a directory cannot be read.
    pub fn sizes(&self) -> Result<(u64, u64), StorageError> {
        let total = |dir: &Path| -> Result<u64, StorageError> {
            let lengths = names(dir)?.into_iter().filter_map(|name| {
                let metadata = fs::metadata(dir.join(name)).ok()?;
                metadata.is_file().then_some(metadata.len())
            });
            Ok(lengths.sum())
        };
        Ok((total(&self.snapshots)?, total(&self.logs)?))
    }
}

fn names(dir: &Path) -> Result<Vec<String>, StorageError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(StorageError::io("read the directory", dir))? {
        let entry = entry.map_err(StorageError::io("read the directory", dir))?;
        // The server writes only UTF-8 names, so other files are not its own.
        names.extend(entry.file_name().into_string().ok());
    }
    Ok(names)
}

/// Parses hexadecimal digits without sign or prefix.
fn parse_zxid(text: &str) -> Option<Zxid> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let value = digits.then(|| i64::from_str_radix(text, 16))?.ok()?;
    Some(Zxid(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_in_zxid_order_and_ignores_foreign_files() {
        let dir = tempfile::tempdir().expect("a directory");
        let dirs = DataDirs::new(dir.path(), None);
        dirs.create().expect("created");
        for name in [
            "log.a",
            "log.100000001",
            "log.9",
            "log.x",
            "log.1.tmp",
            "spare.log",
            "snapshot.0",
            "snapshot.1f",
            "snapshot.2.gz",
            "snapshot.3.snappy",
            "snapshot.3.tmp",
            "snapshot.-1",
            "currentEpoch",
        ] {
            fs::write(dirs.logs().join(name), name).expect("written");
        }
        let logs: Vec<i64> = dirs
            .list_logs()
            .expect("logs")
            .iter()
            .map(|log| log.first.0)
            .collect();
        assert_eq!(logs, [9, 10, 0x1_0000_0001]);
        let snapshots = dirs.list_snapshots().expect("snapshots");
        let seen: Vec<_> = snapshots
            .iter()
            .map(|one| (one.zxid.0, one.compression))
            .collect();
        assert_eq!(
            seen,
            [
                (0, None),
                (2, Some(Compression::Gzip)),
                (3, Some(Compression::Snappy)),
                (0x1f, None)
            ]
        );
        assert_eq!(
            dirs.log_path(Zxid(0x1_0000_0001)),
            logs_path(&dirs, "log.100000001")
        );
    }

    fn logs_path(dirs: &DataDirs, name: &str) -> PathBuf {
        dirs.logs().join(name)
    }

    #[test]
    fn refuses_logs_among_the_snapshots_when_the_directories_differ() {
        let dir = tempfile::tempdir().expect("a directory");
        let (data, log) = (dir.path().join("data"), dir.path().join("log"));
        let dirs = DataDirs::new(&data, Some(&log));
        dirs.create().expect("created");
        fs::write(dirs.snapshots().join("log.1"), "").expect("written");
        let error = dirs.create().expect_err("misplaced").to_string();
        assert!(error.contains("holds transaction log files"), "{error}");
    }
}
