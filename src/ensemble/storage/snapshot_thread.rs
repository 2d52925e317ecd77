//! The thread that writes snapshots, so that the log never waits for one.

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

/// The thread, as the disk thread sees it. Dropping it completes the jobs, then ends it.
#[derive(Debug)]
pub(super) struct SnapshotThread {
    /// `None` once no job can come any more.
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
            // The receiver ends only when this sender is gone, or with a panic, which is reported by then.
            drop(jobs.send(job));
        }
    }
}

impl Drop for SnapshotThread {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // A panic's message is out already, and its temporary file is removed at the next start.
            drop(thread.join());
        }
    }
}

/// A snapshot in the making, or why it failed.
type Making = Option<(Zxid, Result<SnapshotWriter, StorageError>)>;

fn write_snapshots(dirs: &DataDirs, events: &Events<DiskEvent>, jobs: &Receiver<SnapshotJob>) {
    let mut making: Making = None;
    for job in jobs {
        match job {
            SnapshotJob::Begin(zxid) => {
                // The old one's file goes first: its name may be the same.
                drop(making.take());
                making = Some((zxid, SnapshotWriter::begin(dirs, zxid)));
            }
            SnapshotJob::Write(part) => {
                if let Some((_, writer)) = &mut making
                    && let Err(error) = writer.as_mut().map_or(Ok(()), |writer| writer.write(&part))
                {
                    *writer = Err(error);
                }
            }
            SnapshotJob::Finish => {
                if let Some((zxid, writer)) = making.take() {
                    events.report(match writer.and_then(SnapshotWriter::finish) {
                        Ok(()) => DiskEvent::SnapshotWritten { zxid },
                        Err(error) => DiskEvent::SnapshotFailed { zxid, error },
                    });
                }
            }
            SnapshotJob::Abandon => making = None,
            SnapshotJob::Purge(retain) => {
                if let Err(error) = super::purge(dirs, retain) {
                    let zxid = Zxid::ZERO;
                    events.report(DiskEvent::SnapshotFailed { zxid, error });
                }
            }
        }
    }
}
