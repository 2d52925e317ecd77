//! The disk thread: carries out requests in order, batches that wait together as one group.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use crate::wire::jute::Zxid;

use super::disk_queue::{Queue, Request};
use super::tail::UNSYNCED_BYTES_MAX;
use super::{DataDirs, DiskEvent, Epochs, LogBatch, LogWriter, SnapshotWriter, StorageError};

/// A group is written once it is this large. With one more batch of that size it stays below what
/// recovery takes for one write.
const GROUP_BYTES_MAX: usize = UNSYNCED_BYTES_MAX / 4;

pub(super) struct DiskThread {
    dirs: DataDirs,
    writer: LogWriter,
    queue: Arc<Queue>,
    /// Batches that wait for one write and one sync.
    group: LogBatch,
    snapshots: Option<Snapshots>,
}

impl DiskThread {
    pub(super) fn new(dirs: &DataDirs, writer: LogWriter, queue: Arc<Queue>) -> Self {
        Self {
            dirs: dirs.clone(),
            writer,
            queue,
            group: LogBatch::new(),
            snapshots: None,
        }
    }

    pub(super) fn run(mut self) {
        let mut requests = Vec::new();
        while self.queue.take_requests(&mut requests) {
            let done = requests
                .drain(..)
                .try_for_each(|request| self.perform(request))
                .and_then(|()| self.flush());
            if let Err(error) = done {
                self.queue.report(DiskEvent::Failed(error));
                break;
            }
        }
        // After a failure nothing is carried out; the server, told, is about to stop.
        while self.queue.take_requests(&mut requests) {
            requests.clear();
        }
        if let Some(snapshots) = self.snapshots.take() {
            snapshots.join();
        }
    }

    fn perform(&mut self, request: Request) -> Result<(), StorageError> {
        let batch = match request {
            Request::Append(batch) => batch,
            other => {
                self.flush()?;
                return self.perform_other(other);
            }
        };
        if self.group.is_empty() {
            let old = std::mem::replace(&mut self.group, batch);
            self.queue.give_batch(old);
        } else {
            self.group.append(&batch);
            self.queue.give_batch(batch);
        }
        if self.group.bytes().len() >= GROUP_BYTES_MAX {
            self.flush()?;
        }
        Ok(())
    }

    fn perform_other(&mut self, request: Request) -> Result<(), StorageError> {
        match request {
            Request::Append(_) => {}
            Request::Epochs { accepted, current } => {
                if let Some(epoch) = accepted {
                    Epochs::write_accepted(&self.dirs, epoch)?;
                }
                if let Some(epoch) = current {
                    Epochs::write_current(&self.dirs, epoch)?;
                }
                self.queue
                    .report(DiskEvent::EpochsWritten { accepted, current });
            }
            Request::Roll => self.writer.roll()?,
            Request::Truncate(zxid) => {
                self.writer.roll()?;
                super::truncate(&self.dirs, zxid)?;
                self.queue.report(DiskEvent::Truncated { zxid });
            }
            Request::BeginSnapshot(zxid) => self.snapshots(Job::Begin(zxid))?,
            Request::WriteSnapshot(part) => self.snapshots(Job::Write(part))?,
            Request::FinishSnapshot => self.snapshots(Job::Finish)?,
            Request::AbandonSnapshot => self.snapshots(Job::Abandon)?,
            Request::Purge(retain) => self.snapshots(Job::Purge(retain))?,
        }
        Ok(())
    }

    /// Writes and syncs the group, then reports it.
    fn flush(&mut self) -> Result<(), StorageError> {
        if self.group.is_empty() {
            return Ok(());
        }
        self.writer.append(&self.group)?;
        let took = self.writer.sync()?;
        self.queue.count_group(&self.group, took);
        self.queue.report(DiskEvent::Synced {
            last: self.group.last(),
            count: self.group.count(),
        });
        self.queue.give_batch(std::mem::take(&mut self.group));
        Ok(())
    }

    /// Hands a job to the snapshot thread, which is started with the first.
    fn snapshots(&mut self, job: Job) -> Result<(), StorageError> {
        let snapshots = match &self.snapshots {
            Some(snapshots) => snapshots,
            None => {
                let started = Snapshots::start(&self.dirs, &self.queue)?;
                self.snapshots.insert(started)
            }
        };
        // It ends only when this sender is gone.
        drop(snapshots.jobs.send(job));
        Ok(())
    }
}

enum Job {
    Begin(Zxid),
    Write(Vec<u8>),
    Finish,
    Abandon,
    Purge(usize),
}

/// The thread that writes snapshots, so that the log never waits for one.
struct Snapshots {
    jobs: Sender<Job>,
    thread: JoinHandle<()>,
}

impl Snapshots {
    fn start(dirs: &DataDirs, queue: &Arc<Queue>) -> Result<Self, StorageError> {
        let (jobs, received) = channel();
        let (own_dirs, queue) = (dirs.clone(), Arc::clone(queue));
        let thread = std::thread::Builder::new()
            .name("snapshot".to_owned())
            .spawn(move || write_snapshots(&own_dirs, &queue, &received))
            .map_err(StorageError::io(
                "start the snapshot thread for",
                dirs.snapshots(),
            ))?;
        Ok(Self { jobs, thread })
    }

    fn join(self) {
        drop(self.jobs);
        // A panic's message is out already, and its temporary file is removed at the next start.
        drop(self.thread.join());
    }
}

/// A snapshot in the making, or why it failed.
type Making = Option<(Zxid, Result<SnapshotWriter, StorageError>)>;

fn write_snapshots(dirs: &DataDirs, queue: &Queue, jobs: &Receiver<Job>) {
    let mut making: Making = None;
    for job in jobs {
        match job {
            Job::Begin(zxid) => {
                // The old one's file goes first: its name may be the same.
                drop(making.take());
                making = Some((zxid, SnapshotWriter::begin(dirs, zxid)));
            }
            Job::Write(part) => {
                if let Some((_, writer)) = &mut making
                    && let Err(error) = writer.as_mut().map_or(Ok(()), |writer| writer.write(&part))
                {
                    *writer = Err(error);
                }
                queue.subtract_backlog(part.len());
            }
            Job::Finish => {
                if let Some((zxid, writer)) = making.take() {
                    queue.report(match writer.and_then(SnapshotWriter::finish) {
                        Ok(()) => DiskEvent::SnapshotWritten { zxid },
                        Err(error) => DiskEvent::SnapshotFailed { zxid, error },
                    });
                }
            }
            Job::Abandon => making = None,
            Job::Purge(retain) => {
                if let Err(error) = super::purge(dirs, retain) {
                    let zxid = Zxid::ZERO;
                    queue.report(DiskEvent::SnapshotFailed { zxid, error });
                }
            }
        }
    }
}
