//! Recovery: loads the newest snapshot and applies all transactions logged after it (specification
//! 15.5).

use std::collections::VecDeque;
use std::fs;

use crate::disk::directory::{cut_file, remove_file, sync_directory};
use crate::ensemble::database::{Database, DatabaseSettings};
use crate::wire::jute::Zxid;

use super::dirs::{DataDirs, LogFile, SnapshotFile};
use super::epoch::Epochs;
use super::error::SnapshotFault;
use super::format::{FILE_HEADER_BYTES, LogEntry};
use super::log_reader::{LogEnd, LogReader};
use super::snapshot_writer::SnapshotWriter;
use super::{StorageError, snapshot_reader};

/// Bytes of a snapshot that are held in memory while it is written.
const SLICE_BYTES: usize = 1 << 20;
/// Number of snapshots to try, as in Java.
const SNAPSHOTS_TRIED_MAX: usize = 100;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoverOptions {
    /// Whether the server is a member of an ensemble, which has epoch files.
    pub quorum: bool,
    /// `zookeeper.snapshot.trust.empty`: accept logs without a snapshot as complete.
    pub trust_empty: bool,
    /// `zookeeper.test.allowDiscontinuousProposals`: accept that transactions of an epoch are missing.
    pub allow_gaps: bool,
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
            allow_gaps: false,
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
/// and removes the last logs if they hold no entries, and unfinished snapshots. No log may be open
/// for writing.
///
/// # Errors
/// If anything that was acknowledged is missing or damaged, or if the disk fails.
pub fn recover(dirs: &DataDirs, options: &RecoverOptions) -> Result<Recovered, StorageError> {
    dirs.create()?;
    let mut warnings = Vec::new();
    remove_unfinished(dirs)?;
    let (logs, empty_tail) = split_empty_tail(dirs, &mut warnings)?;
    let loaded = load_newest(dirs, options.database, &mut warnings)?;
    let (database, complete) = match loaded.database {
        Some(database) => (database, true),
        None => (start_empty(dirs, &logs, options, &mut warnings)?, false),
    };
    let mut replay = Replay {
        database,
        unusable: loaded.unusable,
        // Nobody knows with which transaction logs without a snapshot begin.
        allow_gap: options.allow_gaps || !complete,
        allow_gaps: options.allow_gaps,
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
    // Only now: a start that is refused changes nothing.
    for log in empty_tail.iter().rev() {
        remove_file(&log.path)?;
        sync_directory(dirs.logs())?;
    }
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
    let mut cursor = database.snapshot_cursor();
    let mut slice = Vec::new();
    loop {
        let done = cursor.step(database, &mut slice, SLICE_BYTES);
        writer.write(&slice)?;
        if done {
            return writer.finish();
        }
        slice.clear();
    }
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

/// Splits off the newest logs that hold no entry, because a crash came before the first sync of an
/// entry.
fn split_empty_tail(
    dirs: &DataDirs,
    warnings: &mut Vec<String>,
) -> Result<(Vec<LogFile>, Vec<LogFile>), StorageError> {
    let mut logs = dirs.list_logs()?;
    let mut kept = logs.len();
    for log in logs.iter().rev() {
        let mut reader = LogReader::open(&log.path)?;
        if reader.next_entry()?.is_some() {
            break;
        }
        kept -= 1;
        let path = log.path.display();
        match reader.end() {
            Some(LogEnd {
                torn: Some((fault, lost_bytes)),
                ..
            }) => warnings.push(format!(
                "{path} is removed: its first write was torn by a crash ({fault}); its {lost_bytes} bytes were never acknowledged"
            )),
            Some(LogEnd { offset: 0, .. }) => warnings.push(format!(
                "{path} is removed: it is empty because of a crash before its first write"
            )),
            _ => {}
        }
    }
    let empty = logs.split_off(kept);
    Ok((logs, empty))
}

/// A snapshot that is newer than the loaded one.
#[derive(Debug)]
struct Unusable {
    file: SnapshotFile,
    reason: StorageError,
}

impl Unusable {
    /// Whether writing it was cut short.
    fn is_incomplete(&self) -> bool {
        matches!(
            self.reason,
            StorageError::Snapshot {
                reason: SnapshotFault::Incomplete,
                ..
            }
        )
    }
}

#[derive(Debug)]
struct Loaded {
    /// From the newest usable snapshot, if there is one.
    database: Option<Database>,
    unusable: Vec<Unusable>,
}

/// Loads the newest usable snapshot. Incomplete snapshots count as missing, as in Java.
fn load_newest(
    dirs: &DataDirs,
    settings: DatabaseSettings,
    warnings: &mut Vec<String>,
) -> Result<Loaded, StorageError> {
    let mut unusable: Vec<Unusable> = Vec::new();
    for file in dirs
        .list_snapshots()?
        .into_iter()
        .rev()
        .take(SNAPSHOTS_TRIED_MAX)
    {
        match snapshot_reader::load(&file, settings) {
            Ok(database) => {
                return Ok(Loaded {
                    database: Some(database),
                    unusable,
                });
            }
            Err(reason) => {
                warnings.push(format!("{reason}; trying an older one"));
                unusable.push(Unusable { file, reason });
            }
        }
    }
    let tried = unusable.len();
    if let Some(damaged) = unusable.iter().position(|one| !one.is_incomplete()) {
        return Err(StorageError::NoUsableSnapshot {
            dir: dirs.snapshots().to_owned(),
            tried,
            newest: Box::new(unusable.swap_remove(damaged).reason),
        });
    }
    Ok(Loaded {
        database: None,
        unusable,
    })
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
            "{} holds no complete snapshot; as snapshot.trust.empty is set, the logs are taken to be complete",
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
    /// Snapshots that are newer than the one that was loaded.
    unusable: Vec<Unusable>,
    /// Whether transactions may be missing before the next one.
    allow_gap: bool,
    allow_gaps: bool,
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
            self.check_snapshots(|unusable| unusable.file.zxid < log.first)?;
            let (last, end) = self.one(log)?;
            if end.offset == 0 {
                // The last logs without entries were split off.
                let path = log.path.clone();
                return Err(StorageError::EmptyLog { path });
            }
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
        // What a snapshot held that was once complete, was durable here.
        self.check_snapshots(|unusable| !unusable.is_incomplete())
    }

    /// Fails if transactions of the same epoch are missing before `next`, as Java 3.9 does.
    fn check_gap(&mut self, log: &LogFile, next: Zxid) -> Result<(), StorageError> {
        let last = self.database.last_processed();
        let allowed = std::mem::replace(&mut self.allow_gap, self.allow_gaps);
        if next.epoch() != last.epoch() || next <= last.next() {
            return Ok(());
        }
        let path = log.path.clone();
        if !allowed {
            return Err(StorageError::Gap { path, last, next });
        }
        self.warnings.push(format!(
            "{}: transaction {next} follows {last}: those between them may be missing",
            path.display()
        ));
        self.committed.clear();
        Ok(())
    }

    /// Fails if one of these snapshots is named after a transaction that is missing.
    fn check_snapshots(&self, which: impl Fn(&Unusable) -> bool) -> Result<(), StorageError> {
        let last = self.database.last_processed();
        let missing = self.unusable.iter().find(|unusable| {
            let zxid = unusable.file.zxid;
            // No transaction has counter zero: such a name is the start of an epoch.
            zxid > last && zxid.counter() != 0 && which(unusable)
        });
        match missing {
            None => Ok(()),
            Some(Unusable { file, reason }) => Err(StorageError::OnlyInSnapshot {
                path: file.path.clone(),
                last,
                zxid: file.zxid,
                reason: reason.to_string(),
            }),
        }
    }

    /// Applies one log. Returns its last zxid and how it ends.
    fn one(&mut self, log: &LogFile) -> Result<(Zxid, LogEnd), StorageError> {
        let mut reader = LogReader::open(&log.path)?;
        let mut stale = 0_u64;
        let base = self.database.last_processed();
        while let Some((offset, entry)) = reader.next_entry()? {
            if entry.zxid > self.database.last_processed() {
                self.check_gap(log, entry.zxid)?;
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
