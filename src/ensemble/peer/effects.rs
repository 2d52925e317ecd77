//! The effects that a step of the peer requests, in order.
//!
//! All bytes live in one arena, so that a step allocates nothing in steady state and a proposal for
//! several followers is encoded once.

use std::ops::Range;

use crate::ensemble::database::ConnId;
use crate::wire::jute::{Notification, PeerId, QuorumPacket, Zxid};

/// A connection that a learner opened to our quorum port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

/// One request to the code that does I/O. Byte ranges point into [`Effects::bytes`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Offer the leader's unconsumed bytes again.
    ResumeLeader,
    /// Discard the unfinished snapshot, because its tree is no longer valid.
    AbortSnapshot,
    /// Send an election message. It replaces an older unsent one.
    Vote { to: PeerId, message: Notification },
    /// Open a connection to this server's quorum port.
    DialLeader(PeerId),
    /// Close the connection to the leader.
    HangUpLeader,
    /// Send bytes to the leader.
    ToLeader(Range<usize>),
    /// Send bytes to a learner.
    ToLearner(LinkId, Range<usize>),
    /// Report [`super::Input::LinkRoom`] once most of the bytes for this learner are sent.
    AwaitRoom(LinkId),
    /// Close a learner's connection once its bytes are sent.
    CloseLearner(LinkId),
    /// Send bytes to a client.
    ToClient(ConnId, Range<usize>),
    /// Close a client's connection once its bytes are sent.
    CloseClient(ConnId),
    /// Offer this client's unconsumed bytes again.
    ResumeClient(ConnId),
    /// Offer this client's unconsumed bytes again in the next round, after the other clients had their
    /// turn, and not before [`super::Peer::has_room`].
    YieldClient(ConnId),
    /// Append an entry to the log and sync it. `Synced` confirms it.
    Append(Zxid, Range<usize>),
    /// Make the epochs that are given durable after all earlier appends. `EpochsWritten` confirms it, also
    /// if none is given.
    WriteEpochs {
        /// `EpochsWritten` carries the same ticket.
        ticket: u64,
        accepted: Option<i64>,
        current: Option<i64>,
    },
    /// Begin a new log file and a snapshot that is named by this zxid. It replaces an unfinished one.
    BeginSnapshot(Zxid),
    /// Append the next slice to the snapshot.
    SnapshotSlice(Range<usize>),
    /// Complete the snapshot. `SnapshotSaved` or `SnapshotFailed` follows, for each `EndSnapshot` in order.
    /// Appends and epochs do not wait for it.
    EndSnapshot,
    /// Cut the log after this zxid and recover the database from it. `Truncated` returns the result. If the
    /// log cannot end there, it stays as it is.
    Truncate(Zxid),
    /// Write a line to the server's log.
    Log(String),
    /// Write a line of this kind to the server's log, but no more than one of a kind in a second. For
    /// everything that strangers can cause.
    LogLimited(&'static str, String),
    /// End the process with this exit status (specification 16.1), because an invariant is broken or the
    /// disk has failed.
    Fatal(u8, String),
}

/// The effects of one or several steps.
#[derive(Debug, Default)]
pub struct Effects {
    /// The arena that byte ranges point into.
    pub bytes: Vec<u8>,
    pub list: Vec<Effect>,
    /// How many of the input bytes the last step has consumed.
    pub consumed: usize,
}

impl Effects {
    /// Removes all effects and keeps the allocated memory.
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

    pub(super) fn log_limited(&mut self, kind: &'static str, line: String) {
        self.list.push(Effect::LogLimited(kind, line));
    }

    /// Sends the arena's bytes from `start` on to a client. Adjacent ranges for one client are merged.
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

    /// Sends the arena's bytes from `start` on to the leader.
    pub(super) fn leader(&mut self, start: usize) {
        let end = self.bytes.len();
        if start != end {
            self.list.push(Effect::ToLeader(start..end));
        }
    }

    pub(super) fn leader_packet(&mut self, packet: &QuorumPacket<'_>) {
        let start = self.bytes.len();
        packet.encode(&mut self.bytes);
        self.leader(start);
    }

    /// Sends the arena's bytes from `start` on to these learners.
    pub(super) fn learners(&mut self, links: impl IntoIterator<Item = LinkId>, start: usize) {
        let end = self.bytes.len();
        let effects = links
            .into_iter()
            .map(|link| Effect::ToLearner(link, start..end));
        self.list.extend(effects);
    }

    pub(super) fn learner_packet(&mut self, link: LinkId, packet: &QuorumPacket<'_>) {
        let start = self.bytes.len();
        packet.encode(&mut self.bytes);
        self.learners([link], start);
    }
}
