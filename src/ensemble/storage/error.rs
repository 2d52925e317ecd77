//! Errors of storing and loading.

use std::io;
use std::path::{Path, PathBuf};

use crate::disk::DiskError;
use crate::ensemble::database::{ApplyError, SnapshotError};
use crate::wire::jute::Zxid;

use super::epoch::EpochFault;
use super::format::Fault;

/// A storage error. A server that meets one while it runs must stop.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// An operating system error, or an attempt to overwrite a log.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The file's content is not of the kind that its name says.
    #[error("{} does not begin like a {kind}; move it away if it is not the server's", path.display())]
    NotSuch { path: PathBuf, kind: &'static str },
    /// The log holds data but no header. The header is synced before anything else is written.
    #[error(
        "{} holds data but its header is missing; restore the file, or clear the data directory so that the server copies everything from its ensemble", path.display()
    )]
    NoHeader { path: PathBuf },
    /// A log was created and nothing was written to it, yet newer logs follow. It is removed at the
    /// start if it is the last one, so here its content was lost.
    #[error(
        "{} is empty, but newer logs follow: its transactions are missing; restore the file, or clear the data directory so that the server copies everything from its ensemble", path.display()
    )]
    EmptyLog { path: PathBuf },
    /// The log lost bytes that had been acknowledged.
    #[error(
        "{} is damaged at byte {offset}: {fault}, and more follows; restore the file, or clear the data directory so that the server copies everything from its ensemble", path.display()
    )]
    Damaged {
        path: PathBuf,
        /// Start of the first unreadable entry, in bytes.
        offset: u64,
        fault: Fault,
    },
    /// An entry is intact but cannot be applied.
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
        /// First transaction of the next file.
        next: Zxid,
    },
    /// Transactions are missing before an entry.
    #[error(
        "{}: transaction {next} follows {last}: those between them are missing; restore the log files, or clear the data directory so that the server copies everything from its ensemble; test.allowDiscontinuousProposals=true serves without them", path.display()
    )]
    Gap {
        path: PathBuf,
        last: Zxid,
        next: Zxid,
    },
    #[error("{}: {reason}", path.display())]
    Snapshot {
        path: PathBuf,
        reason: SnapshotFault,
    },
    /// Snapshots exist, but none can be loaded.
    #[error("no snapshot in {} can be loaded ({tried} tried); the newest: {newest}", dir.display())]
    NoUsableSnapshot {
        dir: PathBuf,
        tried: usize,
        /// Why the newest snapshot cannot be loaded.
        newest: Box<StorageError>,
    },
    /// A snapshot cannot be used, and no log holds the transactions that it shows to exist.
    #[error(
        "transactions after {last} up to {zxid} are missing: {} holds them but cannot be used ({reason}), and no log holds them; restore the snapshot or the logs, or clear the data directory so that the server copies everything from its ensemble", path.display()
    )]
    OnlyInSnapshot {
        path: PathBuf,
        /// The last transaction before the missing ones.
        last: Zxid,
        /// The transaction that the snapshot is named after.
        zxid: Zxid,
        /// Why the snapshot cannot be used.
        reason: String,
    },
    /// There are logs but no snapshot.
    #[error(
        "{} holds transaction logs but {} holds no complete snapshot: something is missing; set snapshot.trust.empty=true if the directory was written by 3.4, which takes no first snapshot", logs.display(), snapshots.display()
    )]
    NoSnapshot { logs: PathBuf, snapshots: PathBuf },
    /// Files of one kind lie in the directory for the other kind.
    #[error(
        "{} holds {kind} files, but dataDir and dataLogDir differ: move them to the other directory or correct zoo.cfg", dir.display()
    )]
    Misplaced {
        dir: PathBuf,
        /// The kind of the misplaced files.
        kind: &'static str,
    },
    #[error("{} holds {text:?} where an epoch, a decimal number, is expected", path.display())]
    EpochText { path: PathBuf, text: String },
    /// The epoch files contradict the log or each other.
    #[error(
        "in {}: {fault}; restore the epoch files, or clear the data directory so that the server copies everything from its ensemble", dir.display()
    )]
    Epochs { dir: PathBuf, fault: EpochFault },
}

#[derive(Debug, thiserror::Error)]
pub enum SnapshotFault {
    /// The file is shorter than any snapshot or does not end with a seal.
    #[error("the snapshot was not written to its end")]
    Incomplete,
    #[error(transparent)]
    Content(#[from] SnapshotError),
    #[error("the snapshot's checksum is {computed:#x} but {stored:#x} was stored")]
    Checksum { stored: i64, computed: i64 },
}

impl StorageError {
    /// Returns a closure for `map_err` after an operation on `path`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let name = DiskError::io(action, path);
        move |source| Self::Disk(name(source))
    }
}
