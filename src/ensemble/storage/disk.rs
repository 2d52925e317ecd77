//! The disk thread as the node sees it: requests go in, in order; what became durable comes out.

use std::sync::Arc;
use std::thread::JoinHandle;

use crate::wire::jute::Zxid;

use super::disk_queue::{Queue, Request};
use super::disk_thread::DiskThread;
use super::log_writer::{LogWriter, MakeFile};
use super::zeroed::create_zeroed;
use super::{DataDirs, LogBatch, StorageError};

/// How to write.
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

/// What happened on disk. Nothing is reported before it is durable.
#[derive(Debug)]
pub enum DiskEvent {
    /// All entries up to `last` are durable (or written, without [`DiskOptions::fsync`]).
    Synced {
        /// The newest.
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
    /// The log ends at `zxid` now.
    Truncated {
        /// The target.
        zxid: Zxid,
    },
    /// A snapshot is whole and durable.
    SnapshotWritten {
        /// What it stands for.
        zxid: Zxid,
    },
    /// A snapshot or a purge failed, perhaps for lack of space. The log goes on.
    SnapshotFailed {
        /// What it stands for; zero for a purge.
        zxid: Zxid,
        /// Why.
        error: StorageError,
    },
    /// The disk is full or broken: nothing after the last other event is durable, no request is
    /// carried out any more, and the server must stop.
    Failed(StorageError),
}

/// Counters since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiskStats {
    /// Log syncs.
    pub fsync_count: u64,
    /// Their time.
    pub fsync_total_ns: u64,
    /// The longest.
    pub fsync_ns_max: u64,
    /// Entries written.
    pub entries: u64,
    /// Bytes written to logs, framing included.
    pub bytes: u64,
    /// Entries in the largest group that shared one sync.
    pub group_max: u64,
}

/// The thread that writes. Dropping it carries out what was requested, then ends it.
#[derive(Debug)]
pub struct Disk {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
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
        let writer = LogWriter::with_maker(dirs, options, make)?;
        let queue = Arc::new(Queue::new(Box::new(wake)));
        let thread = DiskThread::new(dirs, writer, Arc::clone(&queue));
        let thread = std::thread::Builder::new()
            .name("disk".to_owned())
            .spawn(move || thread.run())
            .map_err(StorageError::io("start the disk thread for", dirs.logs()))?;
        Ok(Self {
            queue,
            thread: Some(thread),
        })
    }

    /// An empty batch, with memory from an earlier one if possible.
    #[must_use]
    pub fn batch(&self) -> LogBatch {
        self.queue.take_batch()
    }

    /// Logs entries; [`DiskEvent::Synced`] follows. Batches that wait while the disk syncs share the
    /// next sync.
    pub fn append(&self, batch: LogBatch) {
        if !batch.is_empty() {
            self.queue.push(Request::Append(batch));
        }
    }

    /// Writes one or both epochs; [`DiskEvent::EpochsWritten`] follows.
    pub fn write_epochs(&self, accepted: Option<i64>, current: Option<i64>) {
        self.queue.push(Request::Epochs { accepted, current });
    }

    /// The next entry begins a new log file.
    pub fn roll(&self) {
        self.queue.push(Request::Roll);
    }

    /// Cuts the log (see [`super::truncate`]); [`DiskEvent::Truncated`] follows.
    pub fn truncate(&self, zxid: Zxid) {
        self.queue.push(Request::Truncate(zxid));
    }

    /// Begins a snapshot; an unfinished one is dropped. Its parts are written beside the log.
    pub fn begin_snapshot(&self, zxid: Zxid) {
        self.queue.push(Request::BeginSnapshot(zxid));
    }

    /// The next part of the snapshot's body. See [`Disk::snapshot_backlog_bytes`].
    pub fn write_snapshot(&self, part: Vec<u8>) {
        self.queue.add_backlog(part.len());
        self.queue.push(Request::WriteSnapshot(part));
    }

    /// Completes the snapshot; [`DiskEvent::SnapshotWritten`] follows, or
    /// [`DiskEvent::SnapshotFailed`] if anything since its beginning failed.
    pub fn finish_snapshot(&self) {
        self.queue.push(Request::FinishSnapshot);
    }

    /// Drops the snapshot that was begun.
    pub fn abandon_snapshot(&self) {
        self.queue.push(Request::AbandonSnapshot);
    }

    /// Parts of snapshots that are not written yet: wait while there are many.
    #[must_use]
    pub fn snapshot_backlog_bytes(&self) -> usize {
        self.queue.backlog()
    }

    /// Removes old files (see [`super::purge`]), after the snapshots requested before.
    pub fn purge(&self, retain: usize) {
        self.queue.push(Request::Purge(retain));
    }

    /// Appends what happened since the last call to `events`, in order.
    pub fn poll(&self, events: &mut Vec<DiskEvent>) {
        self.queue.take_events(events);
    }

    /// Carries out what was requested and ends the thread; nothing may be requested afterwards.
    pub fn stop(&mut self) {
        self.queue.stop();
        if let Some(thread) = self.thread.take() {
            // If it panicked, its message is out already.
            let _panicked = thread.join();
        }
    }

    /// Counters since the start.
    #[must_use]
    pub fn stats(&self) -> DiskStats {
        self.queue.stats()
    }

    /// Forgets the counters (`srst`).
    pub fn reset_stats(&self) {
        self.queue.reset_stats();
    }

    /// Keeps the thread from taking requests until the guard is dropped.
    #[cfg(test)]
    pub(super) fn hold(&self) -> super::disk_queue::Hold<'_> {
        self.queue.hold()
    }

    /// Blocks until an event is there.
    #[cfg(test)]
    pub(super) fn wait_event(&self) {
        self.queue.wait_event();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.stop();
    }
}
