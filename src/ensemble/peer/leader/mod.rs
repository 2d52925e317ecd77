//! The leader's side of ZAB 1.0 (specification 13.2, 13.4, 13.6-13.8).

mod broadcast;
mod establish;
mod links;
mod reaper;
mod sessions;
mod stream;

pub use self::links::LearnerCounts;
pub(crate) use self::stream::SNAPSHOT_SIGNATURE;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use self::broadcast::SyncOrigin;
use self::links::Link;
pub(crate) use self::links::LinkStage;
use self::reaper::Reaper;
use super::core::Core;
use super::effects::{Effect, Effects, LinkId};
use super::figures::Sizes;
use crate::ensemble::database::{Preparer, SessionTracker};
use crate::wire::jute::{PacketType, PeerId, QuorumPacket, Zxid};

/// How far the leader has progressed. The phases are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// Collects accepted epochs.
    Discovery,
    /// Writes its accepted epoch to disk.
    AcceptingEpoch,
    /// Collects ACKEPOCH.
    AgreeingEpoch,
    /// Writes its current epoch to disk.
    EnteringEpoch,
    /// Collects acknowledgements of NEWLEADER.
    Synchronisation,
    Serving,
}

/// Ends the role: the server returns to LOOKING. Holds the reason.
#[derive(Debug)]
pub(crate) struct Lost(pub(crate) String);

#[derive(Debug)]
pub(crate) struct Leader {
    phase: Phase,
    /// When it started to lead, monotonic ms.
    pub(crate) since_ms: u64,
    epoch: i64,
    /// Accepted epochs that voters have reported.
    accepted: BTreeMap<PeerId, i64>,
    /// Voters that have acknowledged the new epoch.
    agreed: BTreeSet<PeerId>,
    /// Voters that have acknowledged NEWLEADER.
    synced: BTreeSet<PeerId>,
    links: BTreeMap<LinkId, Link>,
    last_proposed: Zxid,
    committed: Zxid,
    /// The leader's own log is durable up to here.
    own_acked: Zxid,
    preparer: Preparer,
    pub(crate) tracker: SessionTracker,
    /// Syncs that wait for the commit of this zxid, oldest first.
    syncs: VecDeque<(Zxid, SyncOrigin)>,
    next_ping_ms: u64,
    next_check_ms: u64,
    reaper: Reaper,
    /// Buffer for the entry of the next proposal.
    entry: Vec<u8>,
    /// `None` before the first proposal.
    pub(crate) proposal_bytes: Option<Sizes>,
    pub(crate) serving_since_ms: u64,
}

impl Leader {
    /// Starts to lead. A standalone server serves immediately.
    pub(crate) fn new(core: &mut Core, fx: &mut Effects) -> Self {
        let settings = &core.settings;
        let mut leader = Self {
            phase: Phase::Discovery,
            since_ms: core.now.mono_ms,
            epoch: 0,
            accepted: BTreeMap::from([(settings.me, core.accepted_epoch)]),
            agreed: BTreeSet::new(),
            synced: BTreeSet::new(),
            links: BTreeMap::new(),
            last_proposed: core.last_logged,
            committed: core.last_logged,
            own_acked: Zxid::ZERO,
            preparer: Preparer::new(),
            tracker: SessionTracker::new(settings.tick_ms),
            syncs: VecDeque::new(),
            next_ping_ms: core.now.mono_ms,
            next_check_ms: core.now.mono_ms + settings.tick_ms,
            reaper: Reaper::new(core.now.mono_ms + settings.reaper.interval_ms),
            entry: Vec::new(),
            proposal_bytes: None,
            serving_since_ms: core.now.mono_ms,
        };
        if settings.is_standalone() {
            // A standalone server has no learners. A deadline that `tick` never advances would make the
            // event loop spin.
            leader.next_ping_ms = u64::MAX;
            leader.next_check_ms = u64::MAX;
            leader.epoch = core.last_logged.epoch();
            leader.serve(core, fx);
        } else {
            leader.try_epoch(core, fx);
        }
        leader
    }

    pub(crate) fn is_serving(&self) -> bool {
        self.phase == Phase::Serving
    }

    /// Returns the new epoch, or 0 before it is chosen.
    pub(crate) const fn epoch(&self) -> i64 {
        self.epoch
    }

    pub(crate) fn pending_syncs(&self) -> usize {
        self.syncs.len()
    }

    pub(crate) fn tick(&mut self, core: &mut Core, fx: &mut Effects) -> Result<(), Lost> {
        let ms = core.now.mono_ms;
        if !self.is_serving() {
            if ms >= self.since_ms + core.settings.init_ms() {
                return Err(Lost(format!(
                    "no quorum of followers within initLimit, in {:?}",
                    self.phase
                )));
            }
        } else {
            self.expire_sessions(core, fx)?;
            self.delete_lapsed(core, fx)?;
        }
        if core.settings.is_standalone() {
            return Ok(());
        }
        self.drop_silent(core, fx);
        self.synchronise_waiting(core, fx);
        self.retain_transactions(core);
        if ms >= self.next_ping_ms {
            self.next_ping_ms = ms + (core.settings.tick_ms / 2).max(1);
            let start = fx.bytes.len();
            QuorumPacket::new(PacketType::Ping, self.last_proposed, None).encode(&mut fx.bytes);
            fx.learners(self.links_at(LinkStage::Synced), start);
        }
        if ms >= self.next_check_ms {
            self.next_check_ms = ms + core.settings.tick_ms;
            let alive = self
                .links
                .values()
                .filter(|l| l.votes() && l.stage == LinkStage::Synced);
            let alive: Vec<PeerId> = alive
                .map(|link| link.sid)
                .chain([core.settings.me])
                .collect();
            if self.is_serving() && !core.settings.is_quorum(&alive) {
                return Err(Lost(
                    "fewer than a quorum of followers are in sync".to_owned(),
                ));
            }
        }
        Ok(())
    }

    /// Moves the deadlines of others by the time in which this server did not run. In that time it has not
    /// pinged its followers, so they were silent, and they have not reported the sessions of their clients.
    pub(crate) fn make_up_for_stall(&mut self, core: &mut Core, lost_ms: u64) {
        let ms = core.now.mono_ms;
        self.since_ms = ms.min(self.since_ms + lost_ms);
        for link in self.links.values_mut() {
            link.heard_ms = ms.min(link.heard_ms + lost_ms);
        }
        for pending in &mut core.pending {
            pending.since_ms = ms.min(pending.since_ms + lost_ms);
        }
        self.tracker.postpone(lost_ms);
    }

    /// When [`Self::tick`] is due next.
    pub(crate) fn deadline_ms(&self, now_ms: u64) -> u64 {
        let expiry = self.tracker.next_deadline(now_ms).unwrap_or(u64::MAX);
        let reaper = if self.is_serving() {
            self.reaper.due_ms()
        } else {
            u64::MAX
        };
        self.next_ping_ms
            .min(self.next_check_ms)
            .min(expiry)
            .min(reaper)
    }

    /// Ends the role: closes the connection of every learner.
    pub(crate) fn end(&mut self, fx: &mut Effects) {
        for link in std::mem::take(&mut self.links).into_keys() {
            fx.push(Effect::CloseLearner(link));
        }
    }
}
