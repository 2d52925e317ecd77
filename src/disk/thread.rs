//! The disk thread: carries out requests in order, and commits batches that wait together as one group.

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use super::append::{Appender, Layout};
use super::queue::{DiskStats, Events, Queue, Request};
use super::tail::UNSYNCED_BYTES_MAX;
use super::{Batch, DiskError};

/// A group is written once it is this large, so that the first records in it do not wait for many
/// others.
const GROUP_BYTES_MAX: usize = UNSYNCED_BYTES_MAX / 4;

/// What the owner of a log has the disk thread do, besides appending to the log.
pub trait Service: Send + 'static {
    /// The log's layout.
    type Layout: Layout;
    /// Anything but an append.
    type Request: Send + 'static;
    /// What [`DiskThread::poll`] brings.
    type Event: Send + 'static;
    /// Ends all work of the thread.
    type Error: From<DiskError>;

    /// Carries out a request. All batches that were appended before it are synced.
    ///
    /// # Errors
    /// If the log cannot go on.
    fn perform(
        &mut self,
        request: Self::Request,
        log: &mut Appender<Self::Layout>,
        events: &Arc<Events<Self::Event>>,
    ) -> Result<(), Self::Error>;

    /// The event that `count` records up to `last` are durable (or written, without `fsync`).
    fn synced(last: <Self::Layout as Layout>::Position, count: u64) -> Self::Event;

    /// The event that the thread has stopped working.
    fn failed(error: Self::Error) -> Self::Event;
}

type BatchOf<S> = Batch<<<S as Service>::Layout as Layout>::Position>;

/// The thread that writes, as its owner sees it: requests go in, in order; what became durable comes
/// out. Dropping it carries out what was requested, then ends it.
#[derive(Debug)]
pub struct DiskThread<S: Service> {
    queue: Arc<Queue<S>>,
    thread: Option<JoinHandle<()>>,
}

impl<S: Service> DiskThread<S> {
    /// Starts the thread. It calls `wake` when events are there to be polled, at most once until
    /// they are. `directory` is named by the error.
    ///
    /// # Errors
    /// If no thread can be started.
    pub fn start(
        directory: &Path,
        log: Appender<S::Layout>,
        service: S,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, DiskError> {
        let queue = Arc::new(Queue::new(Box::new(wake)));
        let worker = Worker {
            service,
            log,
            queue: Arc::clone(&queue),
            group: Batch::new(),
        };
        let thread = std::thread::Builder::new()
            .name("disk".to_owned())
            .spawn(move || worker.run())
            .map_err(DiskError::io("start the disk thread for", directory))?;
        Ok(Self {
            queue,
            thread: Some(thread),
        })
    }

    /// An empty batch, with memory from an earlier one if possible.
    #[must_use]
    pub fn batch(&self) -> BatchOf<S> {
        self.queue.take_batch()
    }

    /// Logs records; [`Service::synced`] follows. Batches that wait while the disk syncs share the
    /// next sync.
    pub fn append(&self, batch: BatchOf<S>) {
        if !batch.is_empty() {
            self.queue.push(Request::Append(batch));
        }
    }

    /// Has the service carry out the request after everything requested earlier.
    pub fn request(&self, request: S::Request) {
        self.queue.push(Request::Other(request));
    }

    /// Appends what happened since the last call to `events`, in order.
    pub fn poll(&self, events: &mut Vec<S::Event>) {
        self.queue.events().take(events);
    }

    /// Carries out what was requested and ends the thread; nothing may be requested afterwards.
    pub fn stop(&mut self) {
        self.queue.stop();
        if let Some(thread) = self.thread.take() {
            // If it panicked, its message is out already.
            let _panicked = thread.join();
        }
    }

    /// Where the owner's other threads report their events.
    pub(crate) fn events(&self) -> &Arc<Events<S::Event>> {
        self.queue.events()
    }

    /// Counters since the start.
    #[must_use]
    pub fn stats(&self) -> DiskStats {
        self.queue.stats()
    }

    /// Sets the counters to zero.
    pub fn reset_stats(&self) {
        self.queue.reset_stats();
    }

    /// Keeps the thread from taking requests until the guard is dropped.
    #[cfg(test)]
    pub(crate) fn hold(&self) -> super::Hold<'_, S> {
        self.queue.hold()
    }

    /// Blocks until an event is there.
    #[cfg(test)]
    pub(crate) fn wait_event(&self) {
        self.queue.events().wait();
    }
}

impl<S: Service> Drop for DiskThread<S> {
    fn drop(&mut self) {
        self.stop();
    }
}

struct Worker<S: Service> {
    service: S,
    log: Appender<S::Layout>,
    queue: Arc<Queue<S>>,
    /// Batches that wait for one write and one sync.
    group: BatchOf<S>,
}

impl<S: Service> Worker<S> {
    fn run(mut self) {
        let mut requests = Vec::new();
        while self.queue.take_requests(&mut requests) {
            let done = requests
                .drain(..)
                .try_for_each(|request| self.perform(request))
                .and_then(|()| self.flush());
            if let Err(error) = done {
                self.queue.events().report(S::failed(error));
                break;
            }
        }
        // After a failure nothing is carried out; the owner was told and is about to stop.
        while self.queue.take_requests(&mut requests) {
            requests.clear();
        }
    }

    fn perform(&mut self, request: Request<S>) -> Result<(), S::Error> {
        let batch = match request {
            Request::Append(batch) => batch,
            Request::Other(request) => {
                self.flush()?;
                return self
                    .service
                    .perform(request, &mut self.log, self.queue.events());
            }
        };
        // Only a batch that is larger by itself makes several writes necessary.
        if self.group.bytes().len() + batch.bytes().len() > UNSYNCED_BYTES_MAX {
            self.flush()?;
        }
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

    /// Writes, syncs and reports the group, one part after the other.
    fn flush(&mut self) -> Result<(), S::Error> {
        if self.group.is_empty() {
            return Ok(());
        }
        for part in self.group.parts() {
            self.log.append_part(&part)?;
            let took = self.log.sync()?;
            self.queue
                .count_group(part.count, part.bytes.len() as u64, took);
            self.queue.events().report(S::synced(part.last, part.count));
        }
        self.queue.give_batch(std::mem::take(&mut self.group));
        Ok(())
    }
}
