//! Removes the snapshots and logs that recovery no longer needs (specification 15.7).

use std::path::PathBuf;

use crate::disk::directory::{remove_file, sync_directory};

use super::DataDirs;
use super::StorageError;
use super::snapshot_reader::looks_complete;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// The removed files: first the snapshots, then the logs, each oldest first.
    pub removed: Vec<PathBuf>,
}

/// Keeps the `retain` newest complete snapshots, and all logs that may contain transactions after
/// the oldest of them. Removes nothing if there are fewer than `retain`.
///
/// # Errors
/// If a file cannot be removed.
pub fn purge(dirs: &DataDirs, retain: usize) -> Result<Purged, StorageError> {
    let snapshots = dirs.list_snapshots()?;
    let mut complete = Vec::new();
    for snapshot in snapshots.iter().rev() {
        if complete.len() == retain.max(1) {
            break;
        }
        if looks_complete(snapshot)? {
            complete.push(snapshot.zxid);
        }
    }
    let Some(oldest) = complete.get(retain.max(1) - 1).copied() else {
        return Ok(Purged::default());
    };
    let mut removed: Vec<PathBuf> = snapshots
        .into_iter()
        .filter(|snapshot| snapshot.zxid < oldest)
        .map(|snapshot| snapshot.path)
        .collect();
    let logs = dirs.list_logs()?;
    // The first log to keep is the last one that begins at or before the transaction after that
    // snapshot.
    let first_kept = logs
        .iter()
        .rposition(|log| log.first <= oldest.next())
        .unwrap_or(0);
    removed.extend(logs.into_iter().take(first_kept).map(|log| log.path));
    for path in &removed {
        remove_file(path)?;
    }
    if !removed.is_empty() {
        sync_directory(dirs.snapshots())?;
        sync_directory(dirs.logs())?;
    }
    Ok(Purged { removed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::jute::Zxid;

    fn kept(snapshots: &[i64], logs: &[i64], retain: usize) -> (Vec<i64>, Vec<i64>) {
        let dir = tempfile::tempdir().expect("a directory");
        let dirs = DataDirs::new(dir.path(), None);
        dirs.create().expect("created");
        for zxid in snapshots {
            let mut bytes = vec![1; 40];
            bytes.extend_from_slice(&super::super::snapshot_reader::SEAL_END);
            std::fs::write(dirs.snapshot_path(Zxid(*zxid)), bytes).expect("written");
        }
        for zxid in logs {
            std::fs::write(dirs.log_path(Zxid(*zxid)), "log").expect("written");
        }
        // An incomplete snapshot does not count.
        std::fs::write(dirs.snapshot_path(Zxid(0x999)), "begun").expect("written");
        purge(&dirs, retain).expect("purged");
        let mut snapshots = dirs.list_snapshots().expect("listed");
        assert_eq!(snapshots.pop().map(|last| last.zxid), Some(Zxid(0x999)));
        (
            snapshots.iter().map(|one| one.zxid.0).collect(),
            dirs.list_logs()
                .expect("listed")
                .iter()
                .map(|one| one.first.0)
                .collect(),
        )
    }

    #[test]
    fn keeps_every_log_that_reaches_beyond_the_oldest_snapshot_kept() {
        let snapshots = [0, 10, 20, 30, 40];
        let all = (snapshots[2..].to_vec(), vec![15, 25, 35, 45]);
        assert_eq!(kept(&snapshots, &[1, 11, 15, 25, 35, 45], 3), all);
        assert_eq!(
            kept(&snapshots, &[1, 21, 31], 3),
            (snapshots[2..].to_vec(), vec![21, 31])
        );
        assert_eq!(
            kept(&snapshots, &[1], 3).1,
            [1],
            "the only log is never removed"
        );
    }

    #[test]
    fn removes_nothing_while_there_are_few_snapshots() {
        assert_eq!(kept(&[0, 10], &[1, 11], 3), (vec![0, 10], vec![1, 11]));
    }
}
