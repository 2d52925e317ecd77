//! The interface of the disk thread: it takes requests in order and reports what is durable.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use crate::disk::{
    AppendOptions, Appender, DiskStats, DiskThread, Events, MakeFile, Service, create_zeroed,
};
use crate::wire::jute::Zxid;

use super::log_writer::LogWriter;
use super::snapshot_thread::{SnapshotJob, SnapshotThread};
use super::{
    DataDirs, Epochs, LogBatch, RecoverOptions, Recovered, StorageError, recover, truncate,
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskOptions {
    /// Sync the log before reporting its entries (`forceSync`).
    pub fsync: bool,
    /// Size of the zero-filled file that is kept ready as the next log; 0 keeps none ready.
    pub log_bytes: u64,
    /// Size of a log file that is created when none is ready, for example at the start.
    pub first_log_bytes: u64,
}

impl Default for DiskOptions {
    fn default() -> Self {
        Self {
            fsync: true,
            log_bytes: 16 << 20,
            first_log_bytes: 1 << 20,
        }
    }
}

impl DiskOptions {
    pub(super) const fn append(&self) -> AppendOptions {
        AppendOptions {
            fsync: self.fsync,
            spare_bytes: self.log_bytes,
            first_bytes: self.first_log_bytes,
        }
    }
}

/// A report of the disk thread. It reports only what is durable.
#[derive(Debug)]
pub enum DiskEvent {
    /// All entries up to `last` are durable, or only written if [`DiskOptions::fsync`] is off.
    Synced {
        last: Zxid,
        /// Number of entries since the previous `Synced`.
        count: u64,
    },
    EpochsWritten {
        /// `None` if only the current epoch was written.
        accepted: Option<i64>,
        /// `None` if only the accepted epoch was written.
        current: Option<i64>,
    },
    /// The snapshot is complete and durable.
    SnapshotWritten {
        /// The last transaction applied before the snapshot began.
        zxid: Zxid,
    },
    /// A snapshot failed, for example for lack of space. The log continues.
    SnapshotFailed {
        /// The last transaction applied before the snapshot began.
        zxid: Zxid,
        error: StorageError,
    },
    /// [`Disk::has_snapshot_room`] was false and is true again.
    SnapshotRoom,
    /// Old files could not be removed. Nothing else is affected.
    PurgeFailed(StorageError),
    /// The log was cut and the database loaded again.
    Truncated(Box<Recovered>),
    /// The log could not be cut, or the database not be loaded from it. The server must stop.
    TruncateFailed {
        /// The last transaction that was to be kept.
        zxid: Zxid,
        error: StorageError,
    },
    /// The disk is full or broken, and the server must stop. Only what earlier events reported is
    /// durable. The thread carries out no further request.
    Failed(StorageError),
}

/// A request other than an append to the log.
#[derive(Debug)]
pub(super) enum Request {
    Epochs {
        accepted: Option<i64>,
        current: Option<i64>,
    },
    Roll,
    Truncate(Box<Truncation>),
}

/// See [`Disk::truncate`].
#[derive(Debug)]
pub(super) struct Truncation {
    zxid: Zxid,
    options: RecoverOptions,
    /// Says when no snapshot is being written any more.
    snapshots_done: Receiver<()>,
}

/// Performs the requests other than appends for a ZooKeeper server.
#[derive(Debug)]
pub(super) struct Files {
    dirs: DataDirs,
}

impl Service for Files {
    type Layout = DataDirs;
    type Request = Request;
    type Event = DiskEvent;
    type Error = StorageError;

    fn perform(
        &mut self,
        request: Request,
        log: &mut Appender<DataDirs>,
        events: &Arc<Events<DiskEvent>>,
    ) -> Result<(), StorageError> {
        match request {
            Request::Epochs { accepted, current } => {
                if let Some(epoch) = accepted {
                    Epochs::write_accepted(&self.dirs, epoch)?;
                }
                if let Some(epoch) = current {
                    Epochs::write_current(&self.dirs, epoch)?;
                }
                events.report(DiskEvent::EpochsWritten { accepted, current });
            }
            Request::Roll => log.roll()?,
            Request::Truncate(truncation) => {
                let Truncation {
                    zxid,
                    options,
                    snapshots_done,
                } = *truncation;
                // An error means that the snapshot thread has ended, and writes nothing either.
                let _ended = snapshots_done.recv();
                log.roll()?;
                let recovered =
                    truncate(&self.dirs, zxid).and_then(|()| recover(&self.dirs, &options));
                events.report(match recovered {
                    Ok(recovered) => DiskEvent::Truncated(Box::new(recovered)),
                    Err(error) => DiskEvent::TruncateFailed { zxid, error },
                });
            }
        }
        Ok(())
    }

    fn synced(last: Zxid, count: u64) -> DiskEvent {
        DiskEvent::Synced { last, count }
    }

    fn failed(error: StorageError) -> DiskEvent {
        DiskEvent::Failed(error)
    }
}

/// The threads that write to disk. Dropping this carries out the pending requests, then ends the
/// threads.
#[derive(Debug)]
pub struct Disk {
    thread: DiskThread<Files>,
    snapshots: SnapshotThread,
}

impl Disk {
    /// Starts the threads. They call `wake` when events can be polled, at most once between two
    /// polls.
    ///
    /// # Errors
    /// If the log directory cannot be used or a thread cannot be started.
    pub fn start(
        dirs: &DataDirs,
        options: &DiskOptions,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, StorageError> {
        Self::start_with(dirs, options, Box::new(create_zeroed), wake)
    }

    pub(super) fn start_with(
        dirs: &DataDirs,
        options: &DiskOptions,
        make: MakeFile,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, StorageError> {
        let log = LogWriter::with_maker(dirs.clone(), options.append(), make)?;
        let files = Files { dirs: dirs.clone() };
        let thread = DiskThread::start(dirs.logs(), log, files, wake)?;
        let snapshots = SnapshotThread::start(dirs, thread.events())?;
        Ok(Self { thread, snapshots })
    }

    /// Returns an empty batch, which reuses the memory of an earlier one if possible.
    #[must_use]
    pub fn batch(&self) -> LogBatch {
        self.thread.batch()
    }

    /// Appends entries to the log; [`DiskEvent::Synced`] follows. Batches that arrive during a sync
    /// share the next sync.
    pub fn append(&self, batch: LogBatch) {
        self.thread.append(batch);
    }

    /// Writes one or both epochs; [`DiskEvent::EpochsWritten`] follows.
    pub fn write_epochs(&self, accepted: Option<i64>, current: Option<i64>) {
        self.thread.request(Request::Epochs { accepted, current });
    }

    /// Starts a new log file with the next entry.
    pub fn roll(&self) {
        self.thread.request(Request::Roll);
    }

    /// Cuts the log after `zxid` and loads the database again; [`DiskEvent::Truncated`] or
    /// [`DiskEvent::TruncateFailed`] follows. Drops an unfinished snapshot. Until then, no other
    /// request may follow.
    pub fn truncate(&self, zxid: Zxid, options: RecoverOptions) {
        let (done, snapshots_done) = channel();
        self.snapshots.send(SnapshotJob::Abandon);
        self.snapshots.send(SnapshotJob::Report(done));
        self.thread.request(Request::Truncate(Box::new(Truncation {
            zxid,
            options,
            snapshots_done,
        })));
    }

    /// Begins a snapshot and drops an unfinished one. Another thread writes it, so neither it nor the
    /// log waits for the other.
    pub fn begin_snapshot(&self, zxid: Zxid) {
        self.snapshots.send(SnapshotJob::Begin(zxid));
    }

    /// Writes the next part of the snapshot's body.
    pub fn write_snapshot(&self, part: Vec<u8>) {
        self.snapshots.send(SnapshotJob::Write(part));
    }

    /// Whether the next part of a snapshot should be encoded now. If not, too much waits to be
    /// written already, and [`DiskEvent::SnapshotRoom`] follows.
    #[must_use]
    pub fn has_snapshot_room(&self) -> bool {
        self.snapshots.has_room()
    }

    /// Completes the snapshot. [`DiskEvent::SnapshotWritten`] follows, or
    /// [`DiskEvent::SnapshotFailed`] if any step since [`Disk::begin_snapshot`] failed.
    pub fn finish_snapshot(&self) {
        self.snapshots.send(SnapshotJob::Finish);
    }

    /// Drops the unfinished snapshot.
    pub fn abandon_snapshot(&self) {
        self.snapshots.send(SnapshotJob::Abandon);
    }

    /// Removes old files (see [`super::purge()`]) after completing the snapshots requested earlier.
    pub fn purge(&self, retain: usize) {
        self.snapshots.send(SnapshotJob::Purge(retain));
    }

    /// Appends the events since the last call to `events`, in order.
    pub fn poll(&self, events: &mut Vec<DiskEvent>) {
        self.thread.poll(events);
    }

    /// Carries out the pending requests and ends the threads. No request may follow.
    pub fn stop(&mut self) {
        self.thread.stop();
        self.snapshots.stop();
    }

    /// Counters since the start or the last reset.
    #[must_use]
    pub fn stats(&self) -> DiskStats {
        self.thread.stats()
    }

    /// Resets the counters (`srst`).
    pub fn reset_stats(&self) {
        self.thread.reset_stats();
    }

    /// Prevents the thread from taking requests until the guard is dropped.
    #[cfg(test)]
    pub(super) fn hold(&self) -> crate::disk::Hold<'_, Files> {
        self.thread.hold()
    }

    /// Blocks until an event can be polled.
    #[cfg(test)]
    pub(super) fn wait_event(&self) {
        self.thread.wait_event();
    }
}
