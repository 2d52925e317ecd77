//! The properties that must hold, and the coverage of a run.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hash::{Hash as _, Hasher as _};

use quorate::ensemble::database::{Database, DatabaseSettings, SnapshotDecoder};
use quorate::ensemble::peer::Peer;
use quorate::wire::jute::Zxid;

use super::{Cluster, Event};
use crate::tree::Tree;

/// Longest simulated time of each wait in [`Cluster::settle`], ms.
const SETTLE_MS: u64 = 60_000;

/// Counts the events of a run, so that a test can check that the seeds reach every code path.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Coverage {
    pub(crate) acknowledged: usize,
    pub(crate) elections: usize,
    pub(crate) diffs: usize,
    pub(crate) truncations: usize,
    pub(crate) snapshots_sent: usize,
    pub(crate) snapshots_taken: usize,
    /// Snapshots that were sent while the tree changed.
    pub(crate) fuzzy_snapshots_sent: usize,
    pub(crate) stalls: usize,
    /// Connections that broke behind a part of what was sent.
    pub(crate) broken_streams: usize,
    /// Servers that were killed while they were synchronised.
    pub(crate) killed: usize,
}

impl Coverage {
    pub(crate) fn add(&mut self, other: Self) {
        self.acknowledged += other.acknowledged;
        self.elections += other.elections;
        self.diffs += other.diffs;
        self.truncations += other.truncations;
        self.snapshots_sent += other.snapshots_sent;
        self.snapshots_taken += other.snapshots_taken;
        self.fuzzy_snapshots_sent += other.fuzzy_snapshots_sent;
        self.stalls += other.stalls;
        self.broken_streams += other.broken_streams;
        self.killed += other.killed;
    }
}

impl Cluster {
    /// Checks that all servers serve in the end, and have the same tree with every acknowledged write.
    pub(crate) fn settle(&mut self) {
        let deadline = self.now + SETTLE_MS;
        while !self.all_serve() {
            assert!(
                self.now < deadline,
                "not all servers serve after {SETTLE_MS} ms: {}",
                self.modes()
            );
            self.run_for(50);
        }
        let before = self.history.len();
        self.run_for(3000);
        assert!(
            self.history.len() > before,
            "the ensemble acknowledges no writes after the faults have ended"
        );
        for client in &mut self.clients {
            client.server = None; // ends the load
            client.conn = 0;
        }
        self.events
            .retain(|Reverse((_, _, event))| !matches!(event, Event::Client(_)));
        let deadline = self.now + SETTLE_MS;
        while !(self.all_serve() && self.agree()) {
            assert!(
                self.now < deadline,
                "the trees differ after {SETTLE_MS} ms: {}",
                self.modes()
            );
            self.run_for(50);
        }
        for (at, server) in self.servers.iter().enumerate() {
            let mut database = Database::new(DatabaseSettings::default());
            if let Some(peer) = &server.peer {
                let mut body = Vec::new();
                peer.database().encode_snapshot(&mut body);
                let mut decoder = SnapshotDecoder::new(DatabaseSettings::default());
                decoder.feed(&body).expect("a readable snapshot");
                database = decoder.finish().expect("a complete snapshot");
            }
            self.history.check(at, &mut database);
        }
    }

    fn all_serve(&self) -> bool {
        self.servers
            .iter()
            .all(|s| s.peer.as_ref().is_some_and(Peer::is_serving))
    }

    fn agree(&self) -> bool {
        let trees: Vec<(Zxid, Tree)> = self
            .trees()
            .into_iter()
            .map(|(_, zxid, tree)| (zxid, tree))
            .collect();
        trees.windows(2).all(|pair| pair[0] == pair[1])
    }

    /// Returns the index, the last processed zxid and the tree of every serving server.
    fn trees(&self) -> Vec<(usize, Zxid, Tree)> {
        let serving = self.servers.iter().enumerate().filter_map(|(at, server)| {
            let peer = server.peer.as_ref().filter(|peer| peer.is_serving())?;
            let tree = Tree::of(peer.database());
            Some((at, peer.database().last_processed(), tree))
        });
        serving.collect()
    }

    /// Checks that serving servers with the same last processed zxid have the same tree.
    pub(super) fn check_prefixes(&self) {
        let mut seen: BTreeMap<Zxid, (usize, Tree)> = BTreeMap::new();
        for (at, zxid, tree) in self.trees() {
            if let Some((other, theirs)) = seen.get(&zxid) {
                assert!(
                    *theirs == tree,
                    "servers {other} and {at} differ at {zxid}: {}",
                    theirs.difference(&tree)
                );
            }
            seen.insert(zxid, (at, tree));
        }
    }

    fn modes(&self) -> String {
        let mut text = String::new();
        for server in &self.servers {
            let mode = server.peer.as_ref().map(Peer::mode);
            let last = server.peer.as_ref().map(Peer::last_logged);
            let _ok = write!(text, "{}: {mode:?} {last:?}; ", server.id);
        }
        text
    }

    pub(crate) fn tail(&self) -> String {
        let mut text = String::from("the last events:\n");
        for line in &self.log {
            let _ok = writeln!(text, "  {line}");
        }
        text
    }

    pub(crate) fn coverage(&self) -> Coverage {
        Coverage {
            acknowledged: self.history.len(),
            ..self.seen
        }
    }

    pub(crate) fn fingerprint(&self) -> u64 {
        self.hasher.finish()
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "callers build the line for it"
    )]
    pub(super) fn note(&mut self, line: String) {
        let says = |what: &str| usize::from(line.contains(what));
        self.seen.elections += says("serving from");
        self.seen.diffs += says("synchronises us by Diff");
        self.seen.truncations += says("cuts its log");
        self.seen.snapshots_sent += says("synchronises us by Snap");
        self.seen.fuzzy_snapshots_sent +=
            says("transactions committed meanwhile") - says("and 0 transactions");
        self.seen.killed += says("is killed while it synchronises");
        line.hash(&mut self.hasher);
        self.log.push_back(format!("{:>6} {line}", self.now));
        if self.log.len() > 200 {
            self.log.pop_front();
        }
    }
}
