//! Truncates a learner's log to the leader's history (TRUNC, specification 15.2 and 13.4).

use std::path::Path;

use crate::disk::directory::{cut_file, remove_file, sync_directory};
use crate::wire::jute::Zxid;

use super::log_reader::LogReader;
use super::{DataDirs, LogFile, StorageError};

/// Removes all transactions after `zxid`: newer snapshots, later logs, and the newer entries of the
/// log that contains `zxid`. The result is durable when the function returns. No log may be open
/// for writing.
///
/// Changes nothing if the files cannot end with `zxid`, because it is in no log and no snapshot is named
/// after it: the server never had it, or has it only within a newer snapshot. What a shorter log would
/// lack may be acknowledged.
///
/// After a crash the same call can be repeated: it removes snapshots first, then logs from the
/// newest on.
///
/// # Errors
/// If files cannot be read or changed.
pub fn truncate(dirs: &DataDirs, zxid: Zxid) -> Result<(), StorageError> {
    let (kept, newer): (Vec<_>, Vec<_>) = dirs
        .list_snapshots()?
        .into_iter()
        .partition(|snapshot| snapshot.zxid <= zxid);
    let logs = dirs.list_logs()?;
    let cut = logs.iter().rposition(|log| log.first <= zxid);
    let Some(base) = kept.last() else {
        return Ok(());
    };
    if base.zxid != zxid && !holds(&logs, last_needed(zxid))? {
        return Ok(());
    }
    for snapshot in &newer {
        remove_file(&snapshot.path)?;
    }
    if !newer.is_empty() {
        sync_directory(dirs.snapshots())?;
    }
    let later = cut.map_or(0, |at| at + 1);
    for log in logs[later..].iter().rev() {
        remove_file(&log.path)?;
    }
    sync_directory(dirs.logs())?;
    if let Some(at) = cut {
        let end = end_of(&logs[at].path, zxid)?;
        cut_file(&logs[at].path, end)?;
    }
    Ok(())
}

/// Returns the transaction that shows that a log has everything up to `zxid`. No transaction has counter
/// 0. Such a zxid names the state before the first transaction of its epoch, and a log that holds this
/// transaction holds what precedes it.
const fn last_needed(zxid: Zxid) -> Zxid {
    if zxid.counter() == 0 {
        zxid.next()
    } else {
        zxid
    }
}

/// Whether one of the logs holds this transaction.
fn holds(logs: &[LogFile], zxid: Zxid) -> Result<bool, StorageError> {
    let Some(log) = logs.iter().rev().find(|log| log.first <= zxid) else {
        return Ok(false);
    };
    let mut reader = LogReader::open(&log.path)?;
    while let Some((_, entry)) = reader.next_entry()? {
        if entry.zxid >= zxid {
            return Ok(entry.zxid == zxid);
        }
    }
    Ok(false)
}

/// Returns the offset of the first entry newer than `zxid`, or of the unused space.
fn end_of(path: &Path, zxid: Zxid) -> Result<u64, StorageError> {
    let mut reader = LogReader::open(path)?;
    while let Some((offset, entry)) = reader.next_entry()? {
        if entry.zxid > zxid {
            return Ok(offset);
        }
    }
    Ok(reader.end().map_or(0, |end| end.offset))
}
