//! Why something cannot be stored or loaded.

use std::io;
use std::path::{Path, PathBuf};

use crate::disk::DiskError;
use crate::ensemble::database::{ApplyError, SnapshotError};
use crate::wire::jute::Zxid;

use super::format::Fault;

/// Storage failed; a server that meets this while it runs must stop.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The operating system refused, or a log would be overwritten.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// Not a file of the kind its name says.
    #[error("{} does not begin like a {kind}; move it away if it is not the server's", path.display())]
    NotSuch {
        path: PathBuf,
        /// What it should be.
        kind: &'static str,
    },
    /// Bytes of a log that once were acknowledged are lost.
    #[error(
        "{} is damaged at byte {offset}: {fault}, and more follows; restore the file, or clear the data directory so that the server copies everything from its ensemble", path.display()
    )]
    Damaged {
        path: PathBuf,
        /// Where the first entry that cannot be read begins.
        offset: u64,
        /// What is wrong with it.
        fault: Fault,
    },
    /// An entry is sound but cannot be applied.
    #[error("{} holds an entry at byte {offset} that cannot be applied: {source}", path.display())]
    Apply {
        path: PathBuf,
        offset: u64,
        source: ApplyError,
    },
    /// Entries are missing between two log files.
    #[error(
        "{} is torn after {last}, but the next log continues with {next}; restore the file, or clear the data directory so that the server copies everything from its ensemble", path.display()
    )]
    Hole {
        path: PathBuf,
        last: Zxid,
        /// The first of the next file.
        next: Zxid,
    },
    /// A snapshot cannot be used.
    #[error("{}: {reason}", path.display())]
    Snapshot {
        path: PathBuf,
        reason: SnapshotFault,
    },
    /// Snapshots exist, none is usable.
    #[error("no snapshot in {} can be loaded ({tried} tried); the newest: {newest}", dir.display())]
    NoUsableSnapshot {
        dir: PathBuf,
        /// How many were tried.
        tried: usize,
        /// Why not the newest.
        newest: Box<StorageError>,
    },
    /// Logs without any snapshot.
    #[error(
        "{} holds transaction logs but {} holds no snapshot: something is missing; set snapshot.trust.empty=true if the directory was written by 3.4, which takes no first snapshot", logs.display(), snapshots.display()
    )]
    NoSnapshot {
        logs: PathBuf,
        /// Where the snapshots should be.
        snapshots: PathBuf,
    },
    /// Files of one kind in the other's directory.
    #[error(
        "{} holds {kind} files, but dataDir and dataLogDir differ: move them to the other directory or correct zoo.cfg", dir.display()
    )]
    Misplaced {
        dir: PathBuf,
        /// What does not belong there.
        kind: &'static str,
    },
    /// An epoch file that holds no number.
    #[error("{} holds {text:?} where an epoch, a decimal number, is expected", path.display())]
    EpochText { path: PathBuf, text: String },
    /// The epoch files contradict the log or each other.
    #[error(
        "in {}: {what}; restore the epoch files, or clear the data directory so that the server copies everything from its ensemble", dir.display()
    )]
    Epochs {
        dir: PathBuf,
        /// The contradiction.
        what: String,
    },
    /// There is nothing that could be cut.
    #[error(
        "cannot truncate the log to {zxid}: no log in {} reaches back that far", dir.display()
    )]
    CannotTruncate { zxid: Zxid, dir: PathBuf },
}

/// Why a snapshot file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotFault {
    /// It is shorter than the shortest or does not end as a snapshot does.
    #[error("the snapshot was not written to its end")]
    Incomplete,
    #[error(
        "compressed snapshots are not supported; set snapshot.compression.method= (empty) where it was written"
    )]
    Compressed,
    #[error(transparent)]
    Content(#[from] SnapshotError),
    #[error("the snapshot's checksum is {computed:#x} but {stored:#x} was stored")]
    Checksum {
        /// What the file says.
        stored: i64,
        /// What the bytes say.
        computed: i64,
    },
}

impl StorageError {
    /// For `map_err` after an operation on `path`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let name = DiskError::io(action, path);
        move |source| Self::Disk(name(source))
    }
}
