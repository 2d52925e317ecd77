//! The thread that writes snapshots, so that the log does not wait for them.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use crate::disk::Events;
use crate::wire::jute::Zxid;

use super::{DataDirs, DiskEvent, SnapshotWriter, StorageError};

/// See the methods of [`super::Disk`].
#[derive(Debug)]
pub(super) enum SnapshotJob {
    Begin(Zxid),
    Write(Vec<u8>),
    Finish,
    Abandon,
    Purge(usize),
}

/// The snapshot thread, owned by the disk thread. Dropping this completes the jobs, then ends the
/// thread.
#[derive(Debug)]
pub(super) struct SnapshotThread {
    /// `None` after the queue is closed.
    jobs: Option<Sender<SnapshotJob>>,
    thread: Option<JoinHandle<()>>,
}

impl SnapshotThread {
    pub(super) fn start(
        dirs: &DataDirs,
        events: &Arc<Events<DiskEvent>>,
    ) -> Result<Self, StorageError> {
        let (jobs, received) = channel();
        let (own_dirs, events) = (dirs.clone(), Arc::clone(events));
        let thread = std::thread::Builder::new()
            .name("snapshot".to_owned())
            .spawn(move || write_snapshots(&own_dirs, &events, &received))
            .map_err(StorageError::io(
                "start the snapshot thread for",
                dirs.snapshots(),
            ))?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    pub(super) fn send(&self, job: SnapshotJob) {
        if let Some(jobs) = &self.jobs {
            // The receiver is gone only after this sender, or after a panic, which was reported.
            drop(jobs.send(job));
        }
    }
}

impl Drop for SnapshotThread {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // A panic has already printed its message. The next start removes the temporary file.
            drop(thread.join());
        }
    }
}

/// The unfinished snapshot, or the error of its first failed step.
type Unfinished = Option<(Zxid, Result<SnapshotWriter, StorageError>)>;

fn write_snapshots(dirs: &DataDirs, events: &Events<DiskEvent>, jobs: &Receiver<SnapshotJob>) {
    let mut unfinished: Unfinished = None;
    for job in jobs {
        match job {
            SnapshotJob::Begin(zxid) => {
                // Remove the old snapshot's file first: the new one may have the same name.
                drop(unfinished.take());
                unfinished = Some((zxid, SnapshotWriter::begin(dirs, zxid)));
            }
            SnapshotJob::Write(part) => {
                if let Some((_, writer)) = &mut unfinished
                    && let Err(error) = writer.as_mut().map_or(Ok(()), |writer| writer.write(&part))
                {
                    *writer = Err(error);
                }
            }
            SnapshotJob::Finish => {
                if let Some((zxid, writer)) = unfinished.take() {
                    events.report(match writer.and_then(SnapshotWriter::finish) {
                        Ok(()) => DiskEvent::SnapshotWritten { zxid },
                        Err(error) => DiskEvent::SnapshotFailed { zxid, error },
                    });
                }
            }
            SnapshotJob::Abandon => unfinished = None,
            SnapshotJob::Purge(retain) => {
                if let Err(error) = super::purge(dirs, retain) {
                    let zxid = Zxid::ZERO;
                    events.report(DiskEvent::SnapshotFailed { zxid, error });
                }
            }
        }
    }
}
