//! The stream that brings one learner up to date, up to NEWLEADER (specification 13.4).
//!
//! The leader encodes it in slices, each when most of the last one has been sent. Meanwhile it applies
//! further transactions, so a snapshot is fuzzy, as in Java. Java queues all packets behind the snapshot,
//! for each learner. Here [`History`](crate::ensemble::peer::history::History) keeps the transactions once
//! for all streams, and each stream continues with those that were committed since it began. The learner
//! applies them before it acknowledges NEWLEADER, which puts the snapshot right.

use super::links::LinkStage;
use super::{Leader, Phase};
use crate::ensemble::database::SnapshotCursor;
use crate::ensemble::peer::core::Core;
use crate::ensemble::peer::effects::{Effect, Effects, LinkId};
use crate::ensemble::peer::history::SyncPlan;
use crate::wire::jute::{PacketType, QuorumPacket, WriteJute, Zxid};

/// Follows a snapshot stream.
pub(crate) const SNAPSHOT_SIGNATURE: &str = "BenWasHere";

/// How many snapshots are sent to observers at a time, because any host that reaches the quorum port can
/// claim to be an observer. Voters are not limited, as in Java (`leader.maxConcurrentSnapSyncs`).
pub(super) const OBSERVER_SNAPSHOTS_MAX: usize = 10;

/// Minimum of the limit on the transactions that are kept for streams. The limit is half the size of the
/// tree if that is more. A learner for which it is too low is dropped and connects again.
pub(super) const RETAINED_BYTES_MIN: usize = 64 << 20;

/// What a learner still has to be sent.
#[derive(Debug)]
pub(super) struct Stream {
    /// The rest of the snapshot; `None` if it is complete or not needed.
    cursor: Option<SnapshotCursor>,
    /// The transactions after this one follow.
    sent: Zxid,
    /// Whether a snapshot precedes the transactions.
    from_snapshot: bool,
    /// Number of transactions sent.
    transactions: u64,
}

impl Stream {
    pub(super) const fn is_snapshot(&self) -> bool {
        self.cursor.is_some()
    }
}

impl Leader {
    /// Begins to bring a learner up to date. If too many snapshots are being sent to observers, an
    /// observer waits for the next tick.
    pub(super) fn synchronise(&mut self, core: &mut Core, link: LinkId, fx: &mut Effects) {
        let snapshots = self
            .links
            .values()
            .filter(|link| link.observer && link.stream.as_ref().is_some_and(Stream::is_snapshot))
            .count();
        let Some(state) = self.links.get_mut(&link) else {
            return;
        };
        let last = core.last_applied;
        let plan = core.history.plan(state.last_zxid, last);
        let (kind, zxid, after) = match plan {
            SyncPlan::Diff { from } => {
                let newest = core.history.newest().unwrap_or(last);
                let zxid = if state.last_zxid == last {
                    last
                } else {
                    newest
                };
                (PacketType::Diff, zxid, core.history.before(from))
            }
            SyncPlan::Trunc { to, from } => (PacketType::Trunc, to, core.history.before(from)),
            SyncPlan::Snap => {
                if state.observer && snapshots >= OBSERVER_SNAPSHOTS_MAX {
                    return;
                }
                (PacketType::Snap, core.db.last_processed(), None)
            }
        };
        if plan == SyncPlan::Snap {
            core.figures.snapshots += 1;
        } else {
            core.figures.diffs += 1;
        }
        state.stage = LinkStage::Streaming;
        state.stream = Some(Stream {
            cursor: (plan == SyncPlan::Snap).then(|| core.db.snapshot_cursor()),
            sent: after.unwrap_or(last),
            from_snapshot: plan == SyncPlan::Snap,
            transactions: 0,
        });
        let line = format!(
            "server {} at {} is synchronised by {plan:?}",
            state.sid, state.last_zxid
        );
        // A server of the ensemble is named each time. Strangers share one line a second.
        let settings = &core.settings;
        if settings.voters.contains(&state.sid) || settings.observers.contains(&state.sid) {
            fx.log(line);
        } else {
            fx.log_limited("learner synchronised", line);
        }
        fx.learner_packet(link, &QuorumPacket::new(kind, zxid, None));
        self.send_slice(core, link, fx);
    }

    /// Begins the synchronisations that had to wait because of [`OBSERVER_SNAPSHOTS_MAX`].
    pub(super) fn synchronise_waiting(&mut self, core: &mut Core, fx: &mut Effects) {
        if self.phase >= Phase::Synchronisation {
            for link in self.links_at(LinkStage::Agreed) {
                self.synchronise(core, link, fx);
            }
        }
    }

    /// Handles that most of the bytes for a learner are sent.
    pub(crate) fn link_room(&mut self, core: &mut Core, link: LinkId, fx: &mut Effects) {
        if let Some(state) = self.links.get_mut(&link)
            && state.stage == LinkStage::Streaming
        {
            state.heard_ms = core.now.mono_ms; // it reads
            self.send_slice(core, link, fx);
        }
    }

    /// Sends the next slice of a stream. After the last one, the learner takes part in the broadcast.
    fn send_slice(&mut self, core: &mut Core, link: LinkId, fx: &mut Effects) {
        let Some(state) = self.links.get_mut(&link) else {
            return;
        };
        let Some(stream) = &mut state.stream else {
            return;
        };
        if !core.history.reaches_back_to(stream.sent) {
            let why = format!(
                "server {} reads its snapshot so slowly that the transactions since its beginning are no longer in memory",
                state.sid
            );
            return self.drop_link(link, &why, fx);
        }
        let start = fx.bytes.len();
        let slice_bytes = core.settings.slice_bytes;
        if let Some(cursor) = &mut stream.cursor
            && cursor.step(&core.db, &mut fx.bytes, slice_bytes)
        {
            fx.bytes.put_string(SNAPSHOT_SIGNATURE);
            stream.cursor = None;
        }
        let mut complete = stream.cursor.is_none();
        if complete {
            for (zxid, entry) in core.history.after(stream.sent) {
                if fx.bytes.len() - start >= slice_bytes {
                    complete = false;
                    break;
                }
                QuorumPacket::new(PacketType::Proposal, zxid, Some(entry)).encode(&mut fx.bytes);
                QuorumPacket::new(PacketType::Commit, zxid, None).encode(&mut fx.bytes);
                stream.sent = zxid;
                stream.transactions += 1;
            }
        }
        if complete {
            if stream.from_snapshot {
                let line = format!(
                    "server {} was sent a snapshot and {} transactions committed meanwhile",
                    state.sid, stream.transactions
                );
                fx.log_limited("snapshot sent", line);
            }
            self.finish_stream(core, link, fx);
        }
        fx.learners([link], start);
        if !complete {
            fx.push(Effect::AwaitRoom(link));
        }
        self.retain_transactions(core);
    }

    /// Encodes the proposals that are not committed yet, and NEWLEADER. The learner gets the broadcast from
    /// now on.
    fn finish_stream(&mut self, core: &Core, link: LinkId, fx: &mut Effects) {
        let Some(state) = self.links.get_mut(&link) else {
            return;
        };
        if state.votes() {
            for pending in &core.pending {
                QuorumPacket::new(PacketType::Proposal, pending.zxid, Some(&pending.entry))
                    .encode(&mut fx.bytes);
            }
        }
        let config = core.settings.config_text.as_bytes();
        QuorumPacket::new(
            PacketType::NewLeader,
            Zxid::new(self.epoch, 0),
            Some(config),
        )
        .encode(&mut fx.bytes);
        state.stage = LinkStage::Forwarding;
        state.stream = None;
    }

    /// Makes the history keep what the streams still need.
    pub(super) fn retain_transactions(&self, core: &mut Core) {
        let streams = self.links.values().filter_map(|link| link.stream.as_ref());
        let oldest = streams.map(|stream| stream.sent).min();
        let bytes_max = RETAINED_BYTES_MIN.max(core.db.approximate_data_bytes() / 2);
        core.history.retain_after(oldest, bytes_max);
    }
}
