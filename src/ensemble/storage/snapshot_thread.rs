//! The thread that writes snapshots, so that the log does not wait for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use crate::disk::Events;
use crate::wire::jute::Zxid;

use super::{DataDirs, DiskEvent, SnapshotWriter, StorageError};

/// While this many bytes wait to be written, no more should be encoded.
pub(super) const BACKLOG_BYTES_MAX: usize = 1 << 20;

/// See the methods of [`super::Disk`].
#[derive(Debug)]
pub(super) enum SnapshotJob {
    Begin(Zxid),
    Write(Vec<u8>),
    Finish,
    Abandon,
    Purge(usize),
    /// Tells the sender that all earlier jobs are done.
    Report(Sender<()>),
}

/// The snapshot thread. Dropping this completes the jobs, then ends the thread.
#[derive(Debug)]
pub(super) struct SnapshotThread {
    /// `None` after the queue is closed.
    jobs: Option<Sender<SnapshotJob>>,
    backlog: Arc<Backlog>,
    thread: Option<JoinHandle<()>>,
}

/// Bytes of snapshots that wait to be written.
#[derive(Debug, Default)]
struct Backlog(AtomicUsize);

impl Backlog {
    fn has_room(&self) -> bool {
        self.0.load(Ordering::Acquire) < BACKLOG_BYTES_MAX
    }

    fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes, Ordering::AcqRel);
    }

    /// Returns whether there is room again. Bytes are added by one thread, which stops when there is
    /// no room, so it always learns of the next room.
    fn remove(&self, bytes: usize) -> bool {
        let before = self.0.fetch_sub(bytes, Ordering::AcqRel);
        before >= BACKLOG_BYTES_MAX && before - bytes < BACKLOG_BYTES_MAX
    }
}

impl SnapshotThread {
    pub(super) fn start(
        dirs: &DataDirs,
        events: &Arc<Events<DiskEvent>>,
    ) -> Result<Self, StorageError> {
        let (jobs, received) = channel();
        let backlog = Arc::new(Backlog::default());
        let worker = Worker {
            dirs: dirs.clone(),
            events: Arc::clone(events),
            backlog: Arc::clone(&backlog),
            unfinished: None,
        };
        let thread = std::thread::Builder::new()
            .name("snapshot".to_owned())
            .spawn(move || worker.run(&received))
            .map_err(StorageError::io(
                "start the snapshot thread for",
                dirs.snapshots(),
            ))?;
        Ok(Self {
            jobs: Some(jobs),
            backlog,
            thread: Some(thread),
        })
    }

    pub(super) fn send(&self, job: SnapshotJob) {
        if let SnapshotJob::Write(part) = &job {
            self.backlog.add(part.len());
        }
        if let Some(jobs) = &self.jobs {
            // The receiver is gone only after this sender, or after a panic, which was reported.
            drop(jobs.send(job));
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.backlog.has_room()
    }

    /// Completes the jobs and ends the thread.
    pub(super) fn stop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // A panic has already printed its message. The next start removes the temporary file.
            drop(thread.join());
        }
    }
}

impl Drop for SnapshotThread {
    fn drop(&mut self) {
        self.stop();
    }
}

struct Worker {
    dirs: DataDirs,
    events: Arc<Events<DiskEvent>>,
    backlog: Arc<Backlog>,
    /// The unfinished snapshot, or the error of its first failed step.
    unfinished: Option<(Zxid, Result<SnapshotWriter, StorageError>)>,
}

impl Worker {
    fn run(mut self, jobs: &Receiver<SnapshotJob>) {
        for job in jobs {
            self.perform(job);
        }
    }

    fn perform(&mut self, job: SnapshotJob) {
        match job {
            SnapshotJob::Begin(zxid) => {
                // Remove the old snapshot's file first: the new one may have the same name.
                drop(self.unfinished.take());
                self.unfinished = Some((zxid, SnapshotWriter::begin(&self.dirs, zxid)));
            }
            SnapshotJob::Write(part) => {
                if let Some((_, writer)) = &mut self.unfinished
                    && let Err(error) = writer.as_mut().map_or(Ok(()), |writer| writer.write(&part))
                {
                    *writer = Err(error);
                }
                if self.backlog.remove(part.len()) {
                    self.events.report(DiskEvent::SnapshotRoom);
                }
            }
            SnapshotJob::Finish => {
                if let Some((zxid, writer)) = self.unfinished.take() {
                    self.events
                        .report(match writer.and_then(SnapshotWriter::finish) {
                            Ok(()) => DiskEvent::SnapshotWritten { zxid },
                            Err(error) => DiskEvent::SnapshotFailed { zxid, error },
                        });
                }
            }
            SnapshotJob::Abandon => self.unfinished = None,
            SnapshotJob::Purge(retain) => {
                if let Err(error) = super::purge(&self.dirs, retain) {
                    self.events.report(DiskEvent::PurgeFailed(error));
                }
            }
            SnapshotJob::Report(done) => {
                // Nobody waits any more if the disk thread has failed.
                let _nobody = done.send(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_stopped_for_lack_of_room_learns_of_the_next() {
        let backlog = Backlog::default();
        assert!(backlog.has_room());
        backlog.add(BACKLOG_BYTES_MAX - 1);
        assert!(backlog.has_room());
        backlog.add(100);
        assert!(!backlog.has_room());
        backlog.add(BACKLOG_BYTES_MAX);
        assert!(!backlog.remove(BACKLOG_BYTES_MAX - 1), "still too much");
        assert!(backlog.remove(101) && backlog.has_room());
        assert!(!backlog.remove(1), "told once");
    }
}
