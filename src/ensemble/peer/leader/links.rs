//! The connections of the learners, and the stage that each of them has reached.

use super::stream::Stream;
use super::{Leader, Lost, Phase};
use crate::ensemble::peer::core::Core;
use crate::ensemble::peer::effects::{Effect, Effects, LinkId};
use crate::wire::jute::{PacketType, PeerId, QuorumPacket, Reader, SessionId, Zxid};

/// How far a learner has progressed. The stages are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LinkStage {
    /// Has connected.
    Fresh,
    /// Has sent FOLLOWERINFO or OBSERVERINFO.
    Introduced,
    /// Was sent LEADERINFO.
    Offered,
    /// Has acknowledged the epoch; waits for its synchronisation.
    Agreed,
    /// Is being sent what it lacks, in slices. It gets nothing of the broadcast yet.
    Streaming,
    /// Was sent everything up to NEWLEADER; receives proposals and commits.
    Forwarding,
    /// Has acknowledged NEWLEADER.
    Synced,
}

#[derive(Debug)]
pub(super) struct Link {
    pub(super) stage: LinkStage,
    pub(super) sid: PeerId,
    /// Where it connects from.
    pub(super) address: Box<str>,
    pub(super) observer: bool,
    /// The last logged zxid that it reported with ACKEPOCH.
    pub(super) last_zxid: Zxid,
    /// Highest proposal that it has acknowledged.
    pub(super) acked: Zxid,
    /// What it still has to be sent, at [`LinkStage::Streaming`].
    pub(super) stream: Option<Stream>,
    /// When its last bytes arrived, or when it last made room for more of its stream, monotonic ms.
    pub(super) heard_ms: u64,
}

/// How many learners are connected, and how many of them have acknowledged NEWLEADER.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LearnerCounts {
    pub all: usize,
    pub synced_followers: usize,
    pub synced_observers: usize,
}

impl Link {
    pub(super) fn votes(&self) -> bool {
        !self.observer
    }
}

impl Leader {
    pub(crate) fn link_up(&mut self, core: &Core, link: LinkId, address: &str) {
        let fresh = Link {
            stage: LinkStage::Fresh,
            sid: PeerId(-1),
            address: address.into(),
            observer: false,
            last_zxid: Zxid::ZERO,
            acked: Zxid::ZERO,
            stream: None,
            heard_ms: core.now.mono_ms,
        };
        self.links.insert(link, fresh);
    }

    pub(crate) fn link_down(&mut self, link: LinkId, fx: &mut Effects) {
        if let Some(gone) = self.links.remove(&link) {
            fx.log(format!(
                "server {} left (it was {:?})",
                gone.sid, gone.stage
            ));
            if self.phase < Phase::Serving {
                self.accepted.remove(&gone.sid);
                self.agreed.remove(&gone.sid);
                self.synced.remove(&gone.sid);
            }
        }
    }

    pub(super) fn drop_link(&mut self, link: LinkId, why: &str, fx: &mut Effects) {
        fx.log(format!("closing a learner's connection: {why}"));
        fx.push(Effect::CloseLearner(link));
        self.link_down(link, fx);
    }

    /// Handles the whole packets at the start of `bytes`.
    pub(crate) fn link_bytes(
        &mut self,
        core: &mut Core,
        link: LinkId,
        bytes: &[u8],
        fx: &mut Effects,
    ) -> Result<(), Lost> {
        let mut at = 0;
        while self.links.contains_key(&link) {
            match QuorumPacket::decode(&bytes[at..]) {
                Ok(None) => break,
                Ok(Some((packet, length))) => {
                    at += length;
                    self.packet(core, link, &packet, fx)?;
                }
                Err(error) => {
                    self.drop_link(link, &format!("{error}"), fx);
                    at = bytes.len();
                }
            }
        }
        fx.consumed = at;
        if let Some(state) = self.links.get_mut(&link) {
            state.heard_ms = core.now.mono_ms;
        }
        self.try_commit(core, fx);
        Ok(())
    }

    fn packet(
        &mut self,
        core: &mut Core,
        link: LinkId,
        packet: &QuorumPacket<'_>,
        fx: &mut Effects,
    ) -> Result<(), Lost> {
        let Some(state) = self.links.get_mut(&link) else {
            return Ok(());
        };
        match (packet.kind, state.stage) {
            (PacketType::FollowerInfo | PacketType::ObserverInfo, LinkStage::Fresh) => {
                self.introduce(core, link, packet, fx);
            }
            (PacketType::AckEpoch, LinkStage::Offered) => {
                self.epoch_ack(core, link, packet, fx);
            }
            (PacketType::Ack, LinkStage::Forwarding | LinkStage::Synced) => {
                // A learner in these stages was sent everything that is proposed.
                if packet.zxid > self.last_proposed.max(Zxid::new(self.epoch, 0)) {
                    let why = format!(
                        "server {} acknowledged {}, which it was not sent",
                        state.sid, packet.zxid
                    );
                    self.drop_link(link, &why, fx);
                } else if packet.zxid.counter() != 0 {
                    state.acked = state.acked.max(packet.zxid);
                } else if packet.zxid == Zxid::new(self.epoch, 0) && state.stage < LinkStage::Synced
                {
                    state.stage = LinkStage::Synced;
                    self.synced(core, link, fx);
                }
            }
            (PacketType::Ping, LinkStage::Forwarding | LinkStage::Synced) => {
                let mut reader = Reader::new(packet.data.unwrap_or_default());
                while let (Ok(session), Ok(_timeout)) = (reader.i64(), reader.i32()) {
                    self.tracker.touch(SessionId(session), core.now.mono_ms);
                }
            }
            (PacketType::Request, LinkStage::Synced) if self.phase == Phase::Serving => {
                self.request(core, link, packet, fx)?;
            }
            (PacketType::Revalidate, LinkStage::Synced) => {
                self.revalidate(core, link, packet, fx);
            }
            (kind, stage) => {
                let why = format!("server {} sent {kind:?} when it was {stage:?}", state.sid);
                self.drop_link(link, &why, fx);
            }
        }
        Ok(())
    }

    pub(super) fn links_at(&self, stage: LinkStage) -> Vec<LinkId> {
        self.links
            .iter()
            .filter(|(_, link)| link.stage == stage)
            .map(|(id, _)| *id)
            .collect()
    }

    /// Closes connections that have been silent for too long, and followers in sync that do not
    /// acknowledge the oldest proposal in time.
    pub(super) fn drop_silent(&mut self, core: &Core, fx: &mut Effects) {
        let now_ms = core.now.mono_ms;
        let oldest = core
            .pending
            .front()
            .map(|pending| (pending.zxid, pending.since_ms));
        let silent: Vec<LinkId> = self
            .links
            .iter()
            .filter(|(_, link)| {
                let limit = if link.stage == LinkStage::Synced {
                    core.settings.sync_ms()
                } else {
                    core.settings.init_ms()
                };
                let owes_ack = link.votes()
                    && link.stage == LinkStage::Synced
                    && oldest.is_some_and(|(zxid, since_ms)| {
                        link.acked < zxid && now_ms >= since_ms + limit
                    });
                now_ms >= link.heard_ms + limit || owes_ack
            })
            .map(|(id, _)| *id)
            .collect();
        for link in silent {
            self.drop_link(link, "it was silent, or sent no ACK, for too long", fx);
        }
    }

    pub(crate) fn learner_counts(&self) -> LearnerCounts {
        let synced = |observer| {
            self.links
                .values()
                .filter(|link| link.observer == observer && link.stage == LinkStage::Synced)
                .count()
        };
        LearnerCounts {
            all: self.links.len(),
            synced_followers: synced(false),
            synced_observers: synced(true),
        }
    }
}
