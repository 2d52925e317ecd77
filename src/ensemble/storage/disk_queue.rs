//! What the node's thread and the disk thread share: requests in order, events in order, counters.

use std::mem;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::wire::jute::Zxid;

use super::{DiskEvent, DiskStats, LogBatch};

/// Batches kept for their memory.
const FREE_BATCHES_MAX: usize = 8;
/// Memory kept per batch.
const FREE_BATCH_BYTES_MAX: usize = 256 << 10;

/// See the methods of [`super::Disk`].
#[derive(Debug)]
pub(super) enum Request {
    Append(LogBatch),
    Epochs {
        accepted: Option<i64>,
        current: Option<i64>,
    },
    Roll,
    Truncate(Zxid),
    BeginSnapshot(Zxid),
    WriteSnapshot(Vec<u8>),
    FinishSnapshot,
    AbandonSnapshot,
    Purge(usize),
}

#[derive(Debug, Default)]
struct Incoming {
    requests: Vec<Request>,
    waiting: bool,
    stop: bool,
    held: bool,
}

/// Shared by [`super::Disk`], its thread and the snapshot thread.
pub(super) struct Queue {
    incoming: Mutex<Incoming>,
    arrived: Condvar,
    events: Mutex<Vec<DiskEvent>>,
    happened: Condvar,
    free: Mutex<Vec<LogBatch>>,
    backlog_bytes: AtomicUsize,
    counters: Counters,
    wake: Box<dyn Fn() + Send + Sync>,
}

#[derive(Debug, Default)]
struct Counters {
    fsync_count: AtomicU64,
    fsync_total_ns: AtomicU64,
    fsync_ns_max: AtomicU64,
    entries: AtomicU64,
    bytes: AtomicU64,
    group_max: AtomicU64,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue")
            .field("counters", &self.counters)
            .finish_non_exhaustive()
    }
}

impl Queue {
    pub(super) fn new(wake: Box<dyn Fn() + Send + Sync>) -> Self {
        Self {
            incoming: Mutex::default(),
            arrived: Condvar::new(),
            events: Mutex::default(),
            happened: Condvar::new(),
            free: Mutex::default(),
            backlog_bytes: AtomicUsize::new(0),
            counters: Counters::default(),
            wake,
        }
    }

    pub(super) fn push(&self, request: Request) {
        let mut incoming = locked(&self.incoming);
        incoming.requests.push(request);
        // A thread that is busy looks by itself: no system call.
        let waiting = mem::take(&mut incoming.waiting);
        drop(incoming);
        if waiting {
            self.arrived.notify_one();
        }
    }

    /// Blocks until there are requests and moves all of them into the empty `requests`; `false`
    /// if there will be none any more.
    pub(super) fn take_requests(&self, requests: &mut Vec<Request>) -> bool {
        let mut incoming = locked(&self.incoming);
        while incoming.held || (incoming.requests.is_empty() && !incoming.stop) {
            incoming.waiting = true;
            incoming = self
                .arrived
                .wait(incoming)
                .unwrap_or_else(PoisonError::into_inner);
        }
        incoming.waiting = false;
        mem::swap(requests, &mut incoming.requests);
        !requests.is_empty()
    }

    pub(super) fn stop(&self) {
        locked(&self.incoming).stop = true;
        self.arrived.notify_one();
    }

    /// Reports an event.
    pub(super) fn report(&self, event: DiskEvent) {
        let mut events = locked(&self.events);
        let first = events.is_empty();
        events.push(event);
        drop(events);
        self.happened.notify_all();
        if first {
            (self.wake)();
        }
    }

    pub(super) fn take_events(&self, events: &mut Vec<DiskEvent>) {
        events.append(&mut locked(&self.events));
    }

    pub(super) fn take_batch(&self) -> LogBatch {
        locked(&self.free).pop().unwrap_or_default()
    }

    /// Takes back a batch for its memory.
    pub(super) fn give_batch(&self, mut batch: LogBatch) {
        batch.clear();
        batch.shrink(FREE_BATCH_BYTES_MAX);
        let mut free = locked(&self.free);
        if free.len() < FREE_BATCHES_MAX {
            free.push(batch);
        }
    }

    pub(super) fn add_backlog(&self, bytes: usize) {
        self.backlog_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn subtract_backlog(&self, bytes: usize) {
        self.backlog_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub(super) fn backlog(&self) -> usize {
        self.backlog_bytes.load(Ordering::Relaxed)
    }

    /// Counts one group of entries.
    pub(super) fn count_group(&self, group: &LogBatch, fsync: Option<Duration>) {
        let counters = &self.counters;
        let entries = group.count();
        counters.entries.fetch_add(entries, Ordering::Relaxed);
        counters.group_max.fetch_max(entries, Ordering::Relaxed);
        let bytes = group.bytes().len() as u64;
        counters.bytes.fetch_add(bytes, Ordering::Relaxed);
        if let Some(took) = fsync {
            let ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
            counters.fsync_count.fetch_add(1, Ordering::Relaxed);
            counters.fsync_total_ns.fetch_add(ns, Ordering::Relaxed);
            counters.fsync_ns_max.fetch_max(ns, Ordering::Relaxed);
        }
    }

    pub(super) fn stats(&self) -> DiskStats {
        let counters = &self.counters;
        DiskStats {
            fsync_count: counters.fsync_count.load(Ordering::Relaxed),
            fsync_total_ns: counters.fsync_total_ns.load(Ordering::Relaxed),
            fsync_ns_max: counters.fsync_ns_max.load(Ordering::Relaxed),
            entries: counters.entries.load(Ordering::Relaxed),
            bytes: counters.bytes.load(Ordering::Relaxed),
            group_max: counters.group_max.load(Ordering::Relaxed),
        }
    }

    pub(super) fn reset_stats(&self) {
        let counters = &self.counters;
        for counter in [
            &counters.fsync_count,
            &counters.fsync_total_ns,
            &counters.fsync_ns_max,
            &counters.entries,
            &counters.bytes,
            &counters.group_max,
        ] {
            counter.store(0, Ordering::Relaxed);
        }
    }

    #[cfg(test)]
    pub(super) fn hold(&self) -> Hold<'_> {
        locked(&self.incoming).held = true;
        Hold(self)
    }

    #[cfg(test)]
    pub(super) fn wait_event(&self) {
        let events = locked(&self.events);
        drop(
            self.happened
                .wait_while(events, |events| events.is_empty())
                .unwrap_or_else(PoisonError::into_inner),
        );
    }
}

/// Keeps the disk thread from taking requests.
#[cfg(test)]
pub(super) struct Hold<'a>(&'a Queue);

#[cfg(test)]
impl Drop for Hold<'_> {
    fn drop(&mut self) {
        locked(&self.0.incoming).held = false;
        self.0.arrived.notify_one();
    }
}

/// A panic of the other thread leaves the data as it was between two statements here: usable.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
