//! A simulated disk. It completes operations later and in order, and loses the incomplete ones in a
//! crash.

use std::collections::VecDeque;

use quorate::ensemble::database::{Database, DatabaseSettings, SnapshotDecoder};
use quorate::ensemble::peer::Recovered;
use quorate::wire::jute::Zxid;

/// An operation in the queue of a disk.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Append(Zxid, Box<[u8]>),
    Epochs {
        ticket: u64,
        accepted: i64,
        current: i64,
    },
    Snapshot(Zxid, Vec<u8>),
}

/// The durable state, and the queue of operations that are not durable yet.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    log: Vec<(Zxid, Box<[u8]>)>,
    accepted: i64,
    current: i64,
    snapshot: Option<(Zxid, Vec<u8>)>,
    pub(crate) queue: VecDeque<Op>,
    /// The background snapshot in progress.
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
            Op::Epochs {
                accepted, current, ..
            } => {
                self.accepted = *accepted;
                self.current = *current;
            }
            Op::Snapshot(zxid, body) => self.snapshot = Some((*zxid, body.clone())),
        }
        Some(op)
    }

    /// Simulates a loss of power. Up to `kept` queued appends become durable; everything else in the queue
    /// is lost.
    pub(crate) fn crash(&mut self, kept: usize) {
        for _ in 0..kept {
            match self.queue.front() {
                Some(Op::Append(..)) => drop(self.complete()),
                _ => break,
            }
        }
        self.queue.clear();
        self.slices = None;
        let lost = self.cached;
        self.log.truncate(self.log.len() - lost.min(self.log.len()));
        self.cached = 0;
    }

    /// Makes everything in the queue durable, then cuts the log after `zxid`.
    pub(crate) fn truncate(&mut self, zxid: Zxid) {
        while self.complete().is_some() {}
        self.log.retain(|(logged, _)| *logged <= zxid);
        if self.snapshot.as_ref().is_some_and(|(at, _)| *at > zxid) {
            self.snapshot = None;
        }
        self.cached = self.cached.min(self.log.len());
    }

    /// Returns what a server recovers when it starts.
    pub(crate) fn recover(&self) -> Recovered {
        let mut database = Database::new(DatabaseSettings::default());
        let mut last = Zxid::ZERO;
        if let Some((zxid, body)) = &self.snapshot {
            let mut decoder = SnapshotDecoder::new(DatabaseSettings::default());
            let (used, done) = decoder.feed(body).expect("a readable snapshot");
            assert!(done && used == body.len(), "a whole snapshot");
            database = decoder.finish().expect("a sound snapshot");
            database.set_last_processed(*zxid);
            last = *zxid;
        }
        let mut committed = VecDeque::new();
        for (zxid, entry) in &self.log {
            if *zxid > last {
                database
                    .apply(entry, &mut |_| {})
                    .expect("an entry that can be applied");
                last = *zxid;
                committed.push_back((*zxid, entry.clone()));
            }
        }
        Recovered {
            database,
            accepted_epoch: self.accepted,
            current_epoch: self.current,
            last_logged: last,
            committed,
        }
    }
}
