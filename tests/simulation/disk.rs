//! A simulated disk. The log and the epoch files complete their operations later and in order; the
//! snapshot writer works beside them, at its own pace. A crash loses what is incomplete.

use std::collections::{BTreeMap, VecDeque};

use quorate::ensemble::database::{Database, DatabaseSettings, SnapshotDecoder};
use quorate::ensemble::peer::Recovered;
use quorate::ensemble::storage::Epochs;
use quorate::wire::jute::Zxid;

/// How many snapshots a purge leaves.
const SNAPSHOTS_KEPT: usize = 3;

/// An operation in the queue of the log and the epoch files.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Append(Zxid, Box<[u8]>),
    AcceptedEpoch(i64),
    CurrentEpoch(i64),
    /// Confirms the epochs before it.
    EpochsWritten(u64),
    Truncate(Zxid),
}

/// A whole snapshot that is not durable yet.
#[derive(Clone, Debug)]
pub(crate) struct Save {
    zxid: Zxid,
    body: Vec<u8>,
}

/// What of the unfinished operations reaches the disk in a crash.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept {
    /// Operations of the log and the epoch files. If the next one would cut the log, it cuts this many
    /// entries off.
    pub(crate) ops: usize,
    pub(crate) saves: usize,
}

/// The durable state, and the queues of operations that are not durable yet.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    log: Vec<(Zxid, Box<[u8]>)>,
    epochs: Epochs,
    snapshots: BTreeMap<Zxid, Vec<u8>>,
    pub(crate) queue: VecDeque<Op>,
    pub(crate) saves: VecDeque<Save>,
    /// The snapshot of which not all slices have arrived.
    pub(crate) slices: Option<(Zxid, Vec<u8>)>,
    /// Reports appends as durable while they are only in the cache.
    pub(crate) syncs_early: bool,
    /// How many of the newest log entries are only in the cache.
    cached: usize,
}

impl Disk {
    /// Makes the oldest operation durable.
    pub(crate) fn complete(&mut self) -> Option<Op> {
        let op = self.queue.pop_front()?;
        match &op {
            Op::Append(zxid, entry) => {
                self.log.push((*zxid, entry.clone()));
                self.cached = if self.syncs_early {
                    (self.cached + 1).min(20)
                } else {
                    0
                };
            }
            Op::AcceptedEpoch(epoch) => self.epochs.accepted = *epoch,
            Op::CurrentEpoch(epoch) => self.epochs.current = *epoch,
            Op::EpochsWritten(_) => {}
            Op::Truncate(zxid) => self.truncate(*zxid),
        }
        Some(op)
    }

    /// Hands a snapshot whose slices are complete to the writer. Returns `false` if there is none.
    pub(crate) fn end_snapshot(&mut self) -> bool {
        let Some((zxid, body)) = self.slices.take() else {
            return false;
        };
        self.saves.push_back(Save { zxid, body });
        true
    }

    /// Makes the oldest whole snapshot durable. Returns `false` if there is none.
    pub(crate) fn save(&mut self) -> bool {
        let Some(Save { zxid, body }) = self.saves.pop_front() else {
            return false;
        };
        self.snapshots.insert(zxid, body);
        while self.snapshots.len() > SNAPSHOTS_KEPT {
            self.snapshots.pop_first();
        }
        true
    }

    /// Simulates a crash, which loses everything unfinished except for `kept`.
    pub(crate) fn crash(&mut self, kept: Kept) {
        for left in (0..kept.ops).rev() {
            if let Some(Op::Truncate(zxid)) = self.queue.front() {
                self.truncate_partly(*zxid, left);
                break;
            }
            self.complete();
        }
        for _ in 0..kept.saves {
            self.save();
        }
        self.queue.clear();
        self.saves.clear();
        self.slices = None;
        let lost = self.cached;
        self.log.truncate(self.log.len() - lost.min(self.log.len()));
        self.cached = 0;
    }

    fn truncate(&mut self, zxid: Zxid) {
        self.truncate_partly(zxid, usize::MAX);
    }

    /// Removes the snapshots after `zxid`, then up to `entries` of the log, the newest first. Does nothing
    /// if the log cannot end there, as the real one.
    fn truncate_partly(&mut self, zxid: Zxid, entries: usize) {
        let is_logged = self.log.iter().any(|(logged, _)| *logged == zxid);
        if !is_logged && !self.snapshots.contains_key(&zxid) {
            return;
        }
        self.snapshots.retain(|at, _| *at <= zxid);
        for _ in 0..entries {
            match self.log.last() {
                Some((logged, _)) if *logged > zxid => drop(self.log.pop()),
                _ => break,
            }
        }
        self.cached = self.cached.min(self.log.len());
    }

    /// Returns what a server recovers when it starts, with this many entries for its learners.
    ///
    /// # Panics
    /// If a real server would refuse to start, or would start without transactions that it once had.
    pub(crate) fn recover(&self, committed_max: usize) -> Recovered {
        let mut database = Database::new(DatabaseSettings::default());
        let mut last = Zxid::ZERO;
        if let Some((zxid, body)) = self.snapshots.last_key_value() {
            let mut decoder = SnapshotDecoder::new(DatabaseSettings::default());
            let (used, done) = decoder.feed(body).expect("a readable snapshot");
            assert!(done && used == body.len(), "a whole snapshot");
            database = decoder.finish().expect("a sound snapshot");
            database.set_last_processed(*zxid);
            last = *zxid;
        }
        let mut committed = VecDeque::new();
        let mut previous = Zxid::ZERO;
        for (zxid, entry) in &self.log {
            assert!(previous < *zxid, "the log holds {zxid} after {previous}");
            previous = *zxid;
            if *zxid > last {
                // The leaders of the simulator skip no counter.
                let is_next = *zxid == last.next() || zxid.counter() == 1;
                assert!(is_next, "a hole: {zxid} is logged after {last}");
                database
                    .apply(entry, &mut |_| {})
                    .expect("an entry that can be applied");
                last = *zxid;
                committed.push_back((*zxid, entry.clone()));
                if committed.len() > committed_max {
                    committed.pop_front();
                }
            }
        }
        if let Err(fault) = self.epochs.check(last.epoch()) {
            panic!("a server refuses to start: {fault}");
        }
        Recovered {
            database,
            accepted_epoch: self.epochs.accepted,
            current_epoch: self.epochs.current,
            last_logged: last,
            committed,
        }
    }
}
