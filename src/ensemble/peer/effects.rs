//! What the pure peer wants done, in order.
//!
//! Bytes live in one arena so that a step allocates nothing in steady state, and a proposal for six
//! followers is encoded once.

use std::ops::Range;

use crate::ensemble::database::ConnId;
use crate::wire::jute::{Notification, PeerId, QuorumPacket, Zxid};

/// A connection that a learner opened to our quorum port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

/// One thing for the shell to do. Byte ranges point into [`Effects::bytes`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Offer the leader's unconsumed bytes again.
    ResumeLeader,
    /// Forget the background snapshot in progress: the tree was replaced.
    AbortSnapshot,
    /// Send an election message; the newest replaces an unsent one.
    Vote { to: PeerId, message: Notification },
    /// Open a connection to this server's quorum port.
    DialLeader(PeerId),
    /// Close that connection.
    HangUpLeader,
    /// Bytes for the leader.
    ToLeader(Range<usize>),
    /// Bytes for a learner.
    ToLearner(LinkId, Range<usize>),
    /// Close a learner's connection once its bytes are out.
    CloseLearner(LinkId),
    /// Bytes for a client.
    ToClient(ConnId, Range<usize>),
    /// Close a client's connection once its bytes are out.
    CloseClient(ConnId),
    /// Offer this client's unconsumed bytes again.
    ResumeClient(ConnId),
    /// Append an entry to the log and sync it; answered by `Synced`.
    Append(Zxid, Range<usize>),
    /// Make both epochs durable, after every append before; answered by `EpochsWritten`.
    WriteEpochs {
        /// Comes back with `EpochsWritten`.
        ticket: u64,
        /// `acceptedEpoch`.
        accepted: i64,
        /// `currentEpoch`.
        current: i64,
    },
    /// Save this whole snapshot body durably and begin a new log; answered by `SnapshotSaved`.
    SaveSnapshot(Zxid, Range<usize>),
    /// Begin a new log file and a background snapshot named by this zxid.
    BeginSnapshot(Zxid),
    /// The next slice of that snapshot's body.
    SnapshotSlice(Range<usize>),
    /// That snapshot is complete.
    EndSnapshot,
    /// Cut the log after this zxid and load the database anew; answered by `Truncated`.
    Truncate(Zxid),
    /// A line for the server's log.
    Log(String),
    /// A broken invariant or a lost disk: end the process with this exit status (specification
    /// 16.1).
    Fatal(u8, String),
}

/// The effects of one or several steps.
#[derive(Debug, Default)]
pub struct Effects {
    /// The arena.
    pub bytes: Vec<u8>,
    /// What to do, in order.
    pub list: Vec<Effect>,
    /// How many of the offered bytes the last step used up.
    pub consumed: usize,
}

impl Effects {
    /// Forgets everything but the allocations.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.list.clear();
        self.consumed = 0;
    }

    pub(super) fn push(&mut self, effect: Effect) {
        self.list.push(effect);
    }

    pub(super) fn log(&mut self, line: String) {
        self.list.push(Effect::Log(line));
    }

    /// Everything appended to the arena since `start` goes to this client. Neighbouring ranges for
    /// one client become one.
    pub(super) fn client(&mut self, conn: ConnId, start: usize) {
        let end = self.bytes.len();
        if start == end {
            return;
        }
        match self.list.last_mut() {
            Some(Effect::ToClient(last, range)) if *last == conn && range.end == start => {
                range.end = end;
            }
            _ => self.list.push(Effect::ToClient(conn, start..end)),
        }
    }

    /// Everything appended to the arena since `start` goes to the leader.
    pub(super) fn leader(&mut self, start: usize) {
        let end = self.bytes.len();
        if start != end {
            self.list.push(Effect::ToLeader(start..end));
        }
    }

    /// This packet goes to the leader.
    pub(super) fn leader_packet(&mut self, packet: &QuorumPacket<'_>) {
        let start = self.bytes.len();
        packet.encode(&mut self.bytes);
        self.leader(start);
    }

    /// Everything appended to the arena since `start` goes to these learners.
    pub(super) fn learners(&mut self, links: impl IntoIterator<Item = LinkId>, start: usize) {
        let end = self.bytes.len();
        let effects = links
            .into_iter()
            .map(|link| Effect::ToLearner(link, start..end));
        self.list.extend(effects);
    }

    /// This packet goes to this learner.
    pub(super) fn learner_packet(&mut self, link: LinkId, packet: &QuorumPacket<'_>) {
        let start = self.bytes.len();
        packet.encode(&mut self.bytes);
        self.learners([link], start);
    }
}
