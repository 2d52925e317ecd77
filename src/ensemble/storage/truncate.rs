//! Truncates a learner's log to the leader's history (TRUNC, specification 15.2 and 13.4).

use std::path::Path;

use crate::disk::directory::{cut_file, remove_file, sync_directory};
use crate::wire::jute::Zxid;

use super::DataDirs;
use super::StorageError;
use super::log_reader::LogReader;

/// Removes all transactions after `zxid`: newer snapshots, later logs, and the newer entries of the
/// log that contains `zxid`. The result is durable when the function returns. No log may be open
/// for writing.
///
/// After a crash the same call can be repeated: it removes snapshots first, then logs from the
/// newest on.
///
/// # Errors
/// If files cannot be changed, or if neither a snapshot nor a log reaches back to `zxid`. In the
/// second case nothing is changed.
pub fn truncate(dirs: &DataDirs, zxid: Zxid) -> Result<(), StorageError> {
    let (kept, newer): (Vec<_>, Vec<_>) = dirs
        .list_snapshots()?
        .into_iter()
        .partition(|snapshot| snapshot.zxid <= zxid);
    let logs = dirs.list_logs()?;
    let cut = logs.iter().rposition(|log| log.first <= zxid);
    let base = kept.last().map(|snapshot| snapshot.zxid);
    // No transaction has counter 0. Such a zxid names the start of an epoch, and so the state before the
    // first transaction of that epoch. The snapshot before it holds this state if no log lies between.
    let is_reached = cut.is_some() || base == Some(zxid) || zxid.counter() == 0;
    if base.is_none() || !is_reached {
        return Err(StorageError::CannotTruncate {
            zxid,
            dir: dirs.logs().to_owned(),
        });
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
