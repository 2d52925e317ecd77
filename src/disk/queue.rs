//! The requests, events and counters that the owner's thread and the disk thread share.

use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::append::Layout;
use super::{Batch, Service};

/// Empty batches that are kept so that their buffers can be reused.
const FREE_BATCHES_MAX: usize = 8;
/// Buffer size that is kept per batch.
const FREE_BATCH_BYTES_MAX: usize = 256 << 10;

/// Counters since the start of the disk thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiskStats {
    /// Syncs of the log.
    pub fsync_count: u64,
    /// Sum of the durations of all syncs.
    pub fsync_total_ns: u64,
    /// Duration of the shortest sync. 0 before the first sync.
    pub fsync_ns_min: u64,
    /// Duration of the longest sync.
    pub fsync_ns_max: u64,
    /// Number of records that were synced.
    pub synced_entries: u64,
    pub entries: u64,
    /// Bytes written to the log, framing included.
    pub bytes: u64,
    /// Number of records in the largest group.
    pub group_max: u64,
    /// Bytes of the largest write.
    pub write_bytes_max: u64,
    /// Number of records in the smallest group that was synced. 0 before the first sync.
    pub group_min: u64,
}

type Position<S> = <<S as Service>::Layout as Layout>::Position;

/// A request to the disk thread. [`super::DiskThread`] has one method per request.
pub(super) enum Request<S: Service> {
    Append(Batch<Position<S>>),
    Other(S::Request),
}

struct Incoming<S: Service> {
    requests: Vec<Request<S>>,
    waiting: bool,
    stop: bool,
    held: bool,
}

/// Events in the order in which they happened. They stay here until the owner takes them.
pub struct Events<E> {
    list: Mutex<Vec<E>>,
    happened: Condvar,
    wake: Box<dyn Fn() + Send + Sync>,
}

/// The state that [`super::DiskThread`] shares with its thread.
pub(super) struct Queue<S: Service> {
    incoming: Mutex<Incoming<S>>,
    arrived: Condvar,
    /// In an `Arc` because a service may report from threads of its own.
    events: Arc<Events<S::Event>>,
    free: Mutex<Vec<Batch<Position<S>>>>,
    counters: Counters,
}

#[derive(Debug)]
struct Counters {
    fsync_count: AtomicU64,
    fsync_total_ns: AtomicU64,
    /// `u64::MAX` before the first sync.
    fsync_ns_min: AtomicU64,
    fsync_ns_max: AtomicU64,
    synced_entries: AtomicU64,
    entries: AtomicU64,
    bytes: AtomicU64,
    group_max: AtomicU64,
    write_bytes_max: AtomicU64,
    /// `u64::MAX` before the first sync.
    group_min: AtomicU64,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            fsync_count: AtomicU64::new(0),
            fsync_total_ns: AtomicU64::new(0),
            fsync_ns_min: AtomicU64::new(u64::MAX),
            fsync_ns_max: AtomicU64::new(0),
            synced_entries: AtomicU64::new(0),
            entries: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            group_max: AtomicU64::new(0),
            write_bytes_max: AtomicU64::new(0),
            group_min: AtomicU64::new(u64::MAX),
        }
    }
}

impl<E> std::fmt::Debug for Events<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}

impl<E> Events<E> {
    pub fn report(&self, event: E) {
        let mut events = locked(&self.list);
        let first = events.is_empty();
        events.push(event);
        drop(events);
        self.happened.notify_all();
        if first {
            (self.wake)();
        }
    }

    pub(super) fn take(&self, events: &mut Vec<E>) {
        events.append(&mut locked(&self.list));
    }

    #[cfg(test)]
    pub(super) fn wait(&self) {
        let events = locked(&self.list);
        drop(
            self.happened
                .wait_while(events, |events| events.is_empty())
                .unwrap_or_else(PoisonError::into_inner),
        );
    }
}

impl<S: Service> std::fmt::Debug for Queue<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue")
            .field("counters", &self.counters)
            .finish_non_exhaustive()
    }
}

impl<S: Service> Queue<S> {
    pub(super) fn new(wake: Box<dyn Fn() + Send + Sync>) -> Self {
        Self {
            incoming: Mutex::new(Incoming {
                requests: Vec::new(),
                waiting: false,
                stop: false,
                held: false,
            }),
            arrived: Condvar::new(),
            events: Arc::new(Events {
                list: Mutex::default(),
                happened: Condvar::new(),
                wake,
            }),
            free: Mutex::default(),
            counters: Counters::default(),
        }
    }

    pub(super) const fn events(&self) -> &Arc<Events<S::Event>> {
        &self.events
    }

    pub(super) fn push(&self, request: Request<S>) {
        let mut incoming = locked(&self.incoming);
        incoming.requests.push(request);
        // A busy disk thread checks the queue before it waits. It needs no notification, which would
        // cost a system call.
        let waiting = mem::take(&mut incoming.waiting);
        drop(incoming);
        if waiting {
            self.arrived.notify_one();
        }
    }

    /// Blocks until there are requests and moves all of them into the empty `requests`. Returns false
    /// when the queue has stopped and is empty.
    pub(super) fn take_requests(&self, requests: &mut Vec<Request<S>>) -> bool {
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

    pub(super) fn take_batch(&self) -> Batch<Position<S>> {
        locked(&self.free).pop().unwrap_or_default()
    }

    /// Keeps an unneeded batch so that its buffer can be reused.
    pub(super) fn give_batch(&self, mut batch: Batch<Position<S>>) {
        batch.clear();
        batch.shrink(FREE_BATCH_BYTES_MAX);
        let mut free = locked(&self.free);
        if free.len() < FREE_BATCHES_MAX {
            free.push(batch);
        }
    }

    pub(super) fn count_group(&self, entries: u64, bytes: u64, fsync: Option<Duration>) {
        let counters = &self.counters;
        counters.entries.fetch_add(entries, Ordering::Relaxed);
        counters.group_max.fetch_max(entries, Ordering::Relaxed);
        counters.bytes.fetch_add(bytes, Ordering::Relaxed);
        counters.write_bytes_max.fetch_max(bytes, Ordering::Relaxed);
        if let Some(took) = fsync {
            let ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
            counters.fsync_count.fetch_add(1, Ordering::Relaxed);
            counters.fsync_total_ns.fetch_add(ns, Ordering::Relaxed);
            counters.fsync_ns_min.fetch_min(ns, Ordering::Relaxed);
            counters.fsync_ns_max.fetch_max(ns, Ordering::Relaxed);
            counters
                .synced_entries
                .fetch_add(entries, Ordering::Relaxed);
            counters.group_min.fetch_min(entries, Ordering::Relaxed);
        }
    }

    pub(super) fn stats(&self) -> DiskStats {
        let counters = &self.counters;
        let least = |counter: &AtomicU64| match counter.load(Ordering::Relaxed) {
            u64::MAX => 0,
            value => value,
        };
        DiskStats {
            fsync_ns_min: least(&counters.fsync_ns_min),
            group_min: least(&counters.group_min),
            synced_entries: counters.synced_entries.load(Ordering::Relaxed),
            fsync_count: counters.fsync_count.load(Ordering::Relaxed),
            fsync_total_ns: counters.fsync_total_ns.load(Ordering::Relaxed),
            fsync_ns_max: counters.fsync_ns_max.load(Ordering::Relaxed),
            entries: counters.entries.load(Ordering::Relaxed),
            bytes: counters.bytes.load(Ordering::Relaxed),
            group_max: counters.group_max.load(Ordering::Relaxed),
            write_bytes_max: counters.write_bytes_max.load(Ordering::Relaxed),
        }
    }

    pub(super) fn reset_stats(&self) {
        let counters = &self.counters;
        for counter in [
            &counters.fsync_count,
            &counters.fsync_total_ns,
            &counters.fsync_ns_max,
            &counters.synced_entries,
            &counters.entries,
            &counters.bytes,
            &counters.group_max,
            &counters.write_bytes_max,
        ] {
            counter.store(0, Ordering::Relaxed);
        }
        for least in [&counters.fsync_ns_min, &counters.group_min] {
            least.store(u64::MAX, Ordering::Relaxed);
        }
    }

    #[cfg(test)]
    pub(super) fn hold(&self) -> Hold<'_, S> {
        locked(&self.incoming).held = true;
        Hold(self)
    }
}

/// Keeps the disk thread from taking requests while it exists.
#[cfg(test)]
pub(crate) struct Hold<'a, S: Service>(&'a Queue<S>);

#[cfg(test)]
impl<S: Service> Drop for Hold<'_, S> {
    fn drop(&mut self) {
        locked(&self.0.incoming).held = false;
        self.0.arrived.notify_one();
    }
}

/// Ignores poisoning: no critical section here can leave the data inconsistent when it panics.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
