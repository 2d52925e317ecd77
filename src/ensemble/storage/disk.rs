//! The disk thread as the node sees it: requests go in, in order; what became durable comes out.

use std::sync::Arc;

use crate::disk::{
    AppendOptions, Appender, DiskStats, DiskThread, Events, MakeFile, Service, create_zeroed,
};
use crate::wire::jute::Zxid;

use super::log_writer::LogWriter;
use super::snapshot_thread::{SnapshotJob, SnapshotThread};
use super::{DataDirs, Epochs, LogBatch, StorageError};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskOptions {
    /// Sync the log before reporting it as synced (`forceSync`).
    pub fsync: bool,
    /// Bytes of zeros that are kept ready as the next log file; 0: none are.
    pub log_bytes: u64,
    /// Bytes of a log file that is made when none is ready, as at the start.
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

/// What happened on disk. Nothing is reported before it is durable.
#[derive(Debug)]
pub enum DiskEvent {
    /// All entries up to `last` are durable (or written, without [`DiskOptions::fsync`]).
    Synced {
        last: Zxid,
        /// How many since the last such event.
        count: u64,
    },
    /// The epochs are durable.
    EpochsWritten {
        /// The accepted one, if it was to be written.
        accepted: Option<i64>,
        /// The current one, if it was to be written.
        current: Option<i64>,
    },
    /// A snapshot is whole and durable.
    SnapshotWritten {
        /// The last transaction that was applied before it.
        zxid: Zxid,
    },
    /// A snapshot or a purge failed, perhaps for lack of space. The log goes on.
    SnapshotFailed {
        /// The last transaction that was applied before it; zero for a purge.
        zxid: Zxid,
        error: StorageError,
    },
    /// The disk is full or broken: nothing after the last other event is durable, no request is
    /// carried out any more, and the server must stop.
    Failed(StorageError),
}

/// Anything but an append to the log.
#[derive(Debug)]
pub(super) enum Request {
    Epochs {
        accepted: Option<i64>,
        current: Option<i64>,
    },
    Roll,
    Snapshot(SnapshotJob),
}

/// The work of a ZooKeeper server's disk thread besides the log.
#[derive(Debug)]
pub(super) struct Files {
    dirs: DataDirs,
    /// Started with the first job.
    snapshots: Option<SnapshotThread>,
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
            Request::Snapshot(job) => {
                let thread = match &self.snapshots {
                    Some(thread) => thread,
                    None => {
                        let started = SnapshotThread::start(&self.dirs, events)?;
                        self.snapshots.insert(started)
                    }
                };
                thread.send(job);
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

/// The thread that writes. Dropping it carries out what was requested, then ends it.
#[derive(Debug)]
pub struct Disk {
    thread: DiskThread<Files>,
}

impl Disk {
    /// Starts the thread. It calls `wake` when events are there to be polled, at most once until
    /// they are.
    ///
    /// # Errors
    /// If the log directory cannot be used or no thread be started.
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
        let files = Files {
            dirs: dirs.clone(),
            snapshots: None,
        };
        let thread = DiskThread::start(dirs.logs(), log, files, wake)?;
        Ok(Self { thread })
    }

    /// An empty batch, with memory from an earlier one if possible.
    #[must_use]
    pub fn batch(&self) -> LogBatch {
        self.thread.batch()
    }

    /// Logs entries; [`DiskEvent::Synced`] follows. Batches that wait while the disk syncs share the
    /// next sync.
    pub fn append(&self, batch: LogBatch) {
        self.thread.append(batch);
    }

    /// Writes one or both epochs; [`DiskEvent::EpochsWritten`] follows.
    pub fn write_epochs(&self, accepted: Option<i64>, current: Option<i64>) {
        self.thread.request(Request::Epochs { accepted, current });
    }

    /// The next entry begins a new log file.
    pub fn roll(&self) {
        self.thread.request(Request::Roll);
    }

    /// Begins a snapshot; an unfinished one is dropped. Its parts are written beside the log.
    pub fn begin_snapshot(&self, zxid: Zxid) {
        self.thread
            .request(Request::Snapshot(SnapshotJob::Begin(zxid)));
    }

    /// The next part of the snapshot's body.
    pub fn write_snapshot(&self, part: Vec<u8>) {
        self.thread
            .request(Request::Snapshot(SnapshotJob::Write(part)));
    }

    /// Completes the snapshot; [`DiskEvent::SnapshotWritten`] follows, or
    /// [`DiskEvent::SnapshotFailed`] if anything since its beginning failed.
    pub fn finish_snapshot(&self) {
        self.thread.request(Request::Snapshot(SnapshotJob::Finish));
    }

    /// Drops the snapshot that was begun.
    pub fn abandon_snapshot(&self) {
        self.thread.request(Request::Snapshot(SnapshotJob::Abandon));
    }

    /// Removes old files (see [`super::purge`]), after the snapshots requested before.
    pub fn purge(&self, retain: usize) {
        self.thread
            .request(Request::Snapshot(SnapshotJob::Purge(retain)));
    }

    /// Appends what happened since the last call to `events`, in order.
    pub fn poll(&self, events: &mut Vec<DiskEvent>) {
        self.thread.poll(events);
    }

    /// Carries out what was requested and ends the thread; nothing may be requested afterwards.
    pub fn stop(&mut self) {
        self.thread.stop();
    }

    /// Counters since the start.
    #[must_use]
    pub fn stats(&self) -> DiskStats {
        self.thread.stats()
    }

    /// Forgets the counters (`srst`).
    pub fn reset_stats(&self) {
        self.thread.reset_stats();
    }

    /// Keeps the thread from taking requests until the guard is dropped.
    #[cfg(test)]
    pub(super) fn hold(&self) -> crate::disk::Hold<'_, Files> {
        self.thread.hold()
    }

    /// Blocks until an event is there.
    #[cfg(test)]
    pub(super) fn wait_event(&self) {
        self.thread.wait_event();
    }
}
