//! Recovery: loads the newest snapshot and applies all transactions logged after it (specification
//! 15.5).

use std::collections::VecDeque;
use std::fs;

use crate::disk::directory::{cut_file, remove_file, sync_directory};
use crate::ensemble::database::{Database, DatabaseSettings};
use crate::wire::jute::Zxid;

use super::dirs::{DataDirs, LogFile};
use super::epoch::Epochs;
use super::error::SnapshotFault;
use super::format::{FILE_HEADER_BYTES, LogEntry};
use super::log_reader::{LogEnd, LogReader};
use super::snapshot_writer::SnapshotWriter;
use super::{StorageError, snapshot_reader};

/// Number of snapshots to try, as in Java.
const SNAPSHOTS_TRIED_MAX: usize = 100;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoverOptions {
    /// Whether the server is a member of an ensemble, which has epoch files.
    pub quorum: bool,
    /// `zookeeper.snapshot.trust.empty`: accept logs without a snapshot as complete.
    pub trust_empty: bool,
    /// `zookeeper.db.autocreate`: treat an empty directory as an empty database, rather than as a
    /// lost one.
    pub autocreate: bool,
    /// `zookeeper.commitLogCount`: number of transactions kept in memory for learners.
    pub committed_max: usize,
    /// What the database is built with.
    pub database: DatabaseSettings,
}

impl Default for RecoverOptions {
    fn default() -> Self {
        Self {
            quorum: true,
            trust_empty: false,
            autocreate: true,
            committed_max: 500,
            database: DatabaseSettings::default(),
        }
    }
}

/// The state of a server after its last logged transaction.
#[derive(Debug)]
pub struct Recovered {
    /// Includes the last logged transactions even if no quorum committed them (ZOOKEEPER-1549).
    pub database: Database,
    pub accepted_epoch: i64,
    pub current_epoch: i64,
    /// The last transaction on disk; -1 if the database may be lost (without
    /// [`RecoverOptions::autocreate`]).
    pub last_logged: Zxid,
    /// The last transactions replayed, oldest first, without gaps.
    pub committed: VecDeque<(Zxid, Box<[u8]>)>,
    /// Messages for the operator, one sentence each.
    pub warnings: Vec<String>,
}

/// Loads a server's directories and creates them if missing. Cuts a torn write off the last log,
/// and removes logs without entries and unfinished snapshots. No log may be open for writing.
///
/// # Errors
/// If anything that was acknowledged is missing or damaged, or if the disk fails.
pub fn recover(dirs: &DataDirs, options: &RecoverOptions) -> Result<Recovered, StorageError> {
    dirs.create()?;
    let mut warnings = Vec::new();
    remove_unfinished(dirs)?;
    let logs = remove_empty_tail(dirs)?;
    let (database, complete) = match load_newest(dirs, &logs, options.database, &mut warnings)? {
        Some(database) => (database, true),
        None => (start_empty(dirs, &logs, options, &mut warnings)?, false),
    };
    let mut replay = Replay {
        database,
        committed: VecDeque::new(),
        committed_max: options.committed_max,
        warnings,
    };
    replay.all(dirs, &logs)?;
    let Replay {
        database,
        committed,
        warnings,
        ..
    } = replay;
    if !complete && database.last_processed() >= Zxid::ZERO {
        // Written by a fresh server, or for a directory from 3.4, which takes no first snapshot.
        write_snapshot(dirs, &database)?;
    }
    let last_logged = database.last_processed();
    let epoch_of_log = last_logged.0.max(0) >> 32;
    let epochs = if options.quorum {
        Epochs::load(dirs, epoch_of_log)?
    } else {
        Epochs {
            accepted: epoch_of_log,
            current: epoch_of_log,
        }
    };
    Ok(Recovered {
        database,
        accepted_epoch: epochs.accepted,
        current_epoch: epochs.current,
        last_logged,
        committed,
        warnings,
    })
}

/// Writes a snapshot of the database at its last processed transaction.
fn write_snapshot(dirs: &DataDirs, database: &Database) -> Result<(), StorageError> {
    let mut writer = SnapshotWriter::begin(dirs, database.last_processed())?;
    let mut body = Vec::new();
    database.encode_snapshot(&mut body);
    writer.write(&body)?;
    writer.finish()
}

/// Removes the snapshots that a crash left incomplete.
fn remove_unfinished(dirs: &DataDirs) -> Result<(), StorageError> {
    let dir = dirs.snapshots();
    for entry in fs::read_dir(dir).map_err(StorageError::io("read the directory", dir))? {
        let entry = entry.map_err(StorageError::io("read the directory", dir))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snapshot.") && name.ends_with(".tmp") {
            remove_file(&entry.path())?;
        }
    }
    Ok(())
}

/// Removes the newest logs that hold no entry, because a crash came before their first sync.
fn remove_empty_tail(dirs: &DataDirs) -> Result<Vec<LogFile>, StorageError> {
    let mut logs = dirs.list_logs()?;
    while let Some(last) = logs.last() {
        if LogReader::open(&last.path)?.next_entry()?.is_some() {
            break;
        }
        remove_file(&last.path)?;
        sync_directory(dirs.logs())?;
        logs.pop();
    }
    Ok(logs)
}

/// Loads the newest usable snapshot. Returns `None` if there is none, or only an incomplete first
/// one.
fn load_newest(
    dirs: &DataDirs,
    logs: &[LogFile],
    settings: DatabaseSettings,
    warnings: &mut Vec<String>,
) -> Result<Option<Database>, StorageError> {
    let mut newest = None;
    let mut tried = 0;
    let mut all_incomplete = true;
    for snapshot in dirs
        .list_snapshots()?
        .iter()
        .rev()
        .take(SNAPSHOTS_TRIED_MAX)
    {
        match snapshot_reader::load(snapshot, settings) {
            Ok(database) => return Ok(Some(database)),
            Err(error) => {
                all_incomplete &= matches!(
                    error,
                    StorageError::Snapshot {
                        reason: SnapshotFault::Incomplete,
                        ..
                    }
                );
                warnings.push(format!("{error}; trying an older one"));
                tried += 1;
                newest.get_or_insert(error);
            }
        }
    }
    match newest {
        Some(newest) if !(all_incomplete && logs.is_empty()) => {
            Err(StorageError::NoUsableSnapshot {
                dir: dirs.snapshots().to_owned(),
                tried,
                newest: Box::new(newest),
            })
        }
        _ => Ok(None),
    }
}

/// Creates the database of a server without snapshots.
fn start_empty(
    dirs: &DataDirs,
    logs: &[LogFile],
    options: &RecoverOptions,
    warnings: &mut Vec<String>,
) -> Result<Database, StorageError> {
    let mut database = Database::new(options.database);
    if !logs.is_empty() {
        if !options.trust_empty {
            return Err(StorageError::NoSnapshot {
                logs: dirs.logs().to_owned(),
                snapshots: dirs.snapshots().to_owned(),
            });
        }
        warnings.push(format!(
            "{} holds no snapshot; as snapshot.trust.empty is set, the logs are taken to be complete",
            dirs.snapshots().display()
        ));
        return Ok(database);
    }
    let marker = dirs.data().join("initialize");
    if marker.exists() {
        remove_file(&marker)?;
    } else if !options.autocreate {
        warnings.push(format!(
            "{} is empty and db.autocreate is off: this server takes part in no election until it has copied the database",
            dirs.snapshots().display()
        ));
        database.set_last_processed(Zxid(-1));
    }
    Ok(database)
}

/// Applies the logs to a database.
struct Replay {
    database: Database,
    committed: VecDeque<(Zxid, Box<[u8]>)>,
    committed_max: usize,
    warnings: Vec<String>,
}

impl Replay {
    fn all(&mut self, dirs: &DataDirs, logs: &[LogFile]) -> Result<(), StorageError> {
        let base = self.database.last_processed();
        let first = logs
            .iter()
            .rposition(|log| log.first <= base.next())
            .unwrap_or(0);
        for (at, log) in logs.iter().enumerate().skip(first) {
            let next = logs.get(at + 1);
            self.check_gap(log);
            let (last, end) = self.one(log)?;
            let Some((fault, lost_bytes)) = end.torn else {
                continue;
            };
            let path = log.path.display();
            let offset = end.offset;
            let Some(next) = next else {
                self.warnings.push(format!(
                    "{path}: a write was torn at byte {offset} by a crash ({fault}); {lost_bytes} bytes that were never acknowledged are cut off"
                ));
                // `offset` is above zero: logs without an entry were removed before.
                cut_file(&log.path, offset)?;
                sync_directory(dirs.logs())?;
                continue;
            };
            // After a crash Java leaves the torn end of a log and continues in a new file.
            if next.first.epoch() == last.epoch()
                && next.first > last.next()
                && next.first > base.next()
            {
                return Err(StorageError::Hole {
                    path: log.path.clone(),
                    last,
                    next: next.first,
                });
            }
            self.warnings.push(format!(
                "{path}: a write was torn at byte {offset} ({fault}); the next log continues after it"
            ));
        }
        Ok(())
    }

    /// A gap alone is not an error: a server that fails to prepare a request skips a zxid.
    fn check_gap(&mut self, log: &LogFile) {
        let last = self.database.last_processed();
        if log.first.epoch() == last.epoch() && log.first > last.next() {
            self.warnings.push(format!(
                "{} begins with transaction {}, but the one before it is {last}: transactions may be missing",
                log.path.display(),
                log.first,
            ));
            self.committed.clear();
        }
    }

    /// Applies one log. Returns its last zxid and how it ends.
    fn one(&mut self, log: &LogFile) -> Result<(Zxid, LogEnd), StorageError> {
        let mut reader = LogReader::open(&log.path)?;
        let mut stale = 0_u64;
        let base = self.database.last_processed();
        while let Some((offset, entry)) = reader.next_entry()? {
            if entry.zxid > self.database.last_processed() {
                self.apply(&entry).map_err(|source| StorageError::Apply {
                    path: log.path.clone(),
                    offset,
                    source,
                })?;
            } else if entry.zxid > base {
                stale += 1;
            }
        }
        if stale > 0 {
            self.warnings.push(format!(
                "{}: {stale} transactions follow newer ones and were skipped",
                log.path.display()
            ));
        }
        let end = reader.end().unwrap_or(LogEnd {
            offset: FILE_HEADER_BYTES as u64,
            torn: None,
        });
        Ok((reader.last(), end))
    }

    fn apply(&mut self, entry: &LogEntry<'_>) -> Result<(), crate::ensemble::database::ApplyError> {
        self.database
            .apply(entry.bytes, &mut |_no_watches_yet| {})?;
        if self.committed_max > 0 {
            if self.committed.len() == self.committed_max {
                self.committed.pop_front();
            }
            self.committed.push_back((entry.zxid, entry.bytes.into()));
        }
        Ok(())
    }
}
