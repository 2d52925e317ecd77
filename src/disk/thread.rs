//! The disk thread. It performs requests in order and commits waiting batches as one group.

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use super::append::{Appender, Layout};
use super::queue::{DiskStats, Events, Queue, Request};
use super::tail::UNSYNCED_BYTES_MAX;
use super::{Batch, DiskError};

/// A group of this size is written at once, so that its first records do not wait for many others.
const GROUP_BYTES_MAX: usize = UNSYNCED_BYTES_MAX / 4;

/// The work of the disk thread besides appending to the log. The owner of the log implements it.
pub trait Service: Send + 'static {
    type Layout: Layout;
    /// A request other than an append.
    type Request: Send + 'static;
    /// An event that [`DiskThread::poll`] returns.
    type Event: Send + 'static;
    /// An error. After it the thread performs no more requests.
    type Error: From<DiskError>;

    /// Performs a request. All batches that were appended before the request are synced already.
    ///
    /// # Errors
    /// If the log can no longer be written.
    fn perform(
        &mut self,
        request: Self::Request,
        log: &mut Appender<Self::Layout>,
        events: &Arc<Events<Self::Event>>,
    ) -> Result<(), Self::Error>;

    /// Returns the event for `count` records up to `last` that became durable (without `fsync`: that
    /// were written).
    fn synced(last: <Self::Layout as Layout>::Position, count: u64) -> Self::Event;

    /// Returns the event for the error that ended the work of the thread.
    fn failed(error: Self::Error) -> Self::Event;
}

type BatchOf<S> = Batch<<<S as Service>::Layout as Layout>::Position>;

/// The owner's handle of the disk thread. Dropping it performs the outstanding requests and ends the
/// thread.
#[derive(Debug)]
pub struct DiskThread<S: Service> {
    queue: Arc<Queue<S>>,
    thread: Option<JoinHandle<()>>,
}

impl<S: Service> DiskThread<S> {
    /// Starts the thread. It calls `wake` when the first event after a [`DiskThread::poll`] arrives.
    /// `directory` is only used in the error message.
    ///
    /// # Errors
    /// If the thread cannot be started.
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

    /// Returns an empty batch, if possible one with the buffer of an earlier batch.
    #[must_use]
    pub fn batch(&self) -> BatchOf<S> {
        self.queue.take_batch()
    }

    /// Appends records to the log. The event of [`Service::synced`] follows. Batches that arrive during
    /// a sync share the next sync.
    pub fn append(&self, batch: BatchOf<S>) {
        if !batch.is_empty() {
            self.queue.push(Request::Append(batch));
        }
    }

    /// Requests [`Service::perform`]. The thread performs all earlier requests first.
    pub fn request(&self, request: S::Request) {
        self.queue.push(Request::Other(request));
    }

    /// Moves the events since the last call to the end of `events`, in order.
    pub fn poll(&self, events: &mut Vec<S::Event>) {
        self.queue.events().take(events);
    }

    /// Performs the outstanding requests and ends the thread. The owner must not request anything
    /// afterwards.
    pub fn stop(&mut self) {
        self.queue.stop();
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has printed its message already.
            let _panicked = thread.join();
        }
    }

    /// Returns the list to which other threads of the owner report their events.
    pub(crate) fn events(&self) -> &Arc<Events<S::Event>> {
        self.queue.events()
    }

    /// Returns the counters since the start or the last [`DiskThread::reset_stats`].
    #[must_use]
    pub fn stats(&self) -> DiskStats {
        self.queue.stats()
    }

    pub fn reset_stats(&self) {
        self.queue.reset_stats();
    }

    /// Keeps the thread from taking requests until the returned guard is dropped.
    #[cfg(test)]
    pub(crate) fn hold(&self) -> super::Hold<'_, S> {
        self.queue.hold()
    }

    /// Blocks until [`DiskThread::poll`] would return an event.
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
    /// The batches that the next write and sync will commit.
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
        // After a failure the thread discards requests until the owner, which has the event, stops it.
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
