//! Discovery and synchronisation: the phases between a won election and the broadcast (specification
//! 13.2, 13.4, 13.6).

use super::links::LinkStage;
use super::{Leader, Phase};
use crate::ensemble::peer::core::Core;
use crate::ensemble::peer::effects::{Effect, Effects, LinkId};
use crate::ensemble::peer::epoch_limit::{EPOCH_MAX, is_credible};
use crate::wire::jute::{LearnerInfo, PacketType, PeerId, QuorumPacket, Reader, Zxid};

impl Leader {
    pub(super) fn introduce(
        &mut self,
        core: &mut Core,
        link: LinkId,
        packet: &QuorumPacket<'_>,
        fx: &mut Effects,
    ) {
        let info = LearnerInfo::decode(packet.data);
        let Ok(info) = info else {
            return self.drop_link(link, "unreadable LearnerInfo", fx);
        };
        let observer = packet.kind == PacketType::ObserverInfo;
        let sid = PeerId(info.server.unwrap_or(-1));
        if info.config_version > core.settings.config_version {
            return self.drop_link(link, "it knows a newer configuration than we do", fx);
        }
        if info.protocol_version < LearnerInfo::PROTOCOL {
            return self.drop_link(link, "it speaks a protocol from before ZAB 1.0", fx);
        }
        if sid == core.settings.me {
            return self.drop_link(link, &format!("it claims to be us, server {sid}"), fx);
        }
        if !observer && !core.settings.voters.contains(&sid) {
            return self.drop_link(link, &format!("server {sid} is no voter of ours"), fx);
        }
        let epoch = packet.zxid.epoch();
        if !observer && !is_credible(epoch, core.accepted_epoch) {
            let why = format!(
                "server {sid} reports the accepted epoch {epoch}, which leaves too few epochs for later elections; if it is a server of this ensemble, clear its data directory"
            );
            return self.drop_link(link, &why, fx);
        }
        if !self.replace_older(core, link, sid, fx) {
            return;
        }
        if let Some(state) = self.links.get_mut(&link) {
            state.sid = sid;
            state.observer = observer;
            state.stage = LinkStage::Introduced;
        }
        if self.phase == Phase::Discovery {
            if !observer {
                self.accepted.insert(sid, epoch);
            }
            self.try_epoch(core, fx);
        } else if self.phase > Phase::AcceptingEpoch {
            self.offer(link, fx);
        }
    }

    /// Closes the older connection of a learner that connects anew. Returns `false`, and closes the new one
    /// instead, if the older one may still be in use: any host that reaches the quorum port can claim an id.
    fn replace_older(&mut self, core: &Core, link: LinkId, sid: PeerId, fx: &mut Effects) -> bool {
        let Some(address) = self.links.get(&link).map(|new| new.address.clone()) else {
            return false;
        };
        let older: Vec<LinkId> = self
            .links
            .iter()
            .filter(|(id, l)| **id != link && l.sid == sid && sid.0 >= 0)
            .map(|(id, _)| *id)
            .collect();
        let in_use = older.iter().filter_map(|id| self.links.get(id)).any(|l| {
            // From its own address a server comes back only after its process or the connection has ended,
            // which a connection that was just heard of has not.
            l.address != address || core.now.mono_ms < l.heard_ms + core.settings.tick_ms
        });
        if in_use {
            let why = format!("server {sid} is connected already, and {address} claims its id");
            self.drop_link(link, &why, fx);
            return false;
        }
        for stale in older {
            self.drop_link(stale, &format!("server {sid} has connected anew"), fx);
        }
        true
    }

    /// Chooses the new epoch once a quorum has reported its accepted epochs: the highest plus one.
    pub(super) fn try_epoch(&mut self, core: &mut Core, fx: &mut Effects) {
        if self.phase == Phase::Discovery && core.settings.is_quorum(self.accepted.keys()) {
            self.epoch = 1 + self.accepted.values().copied().max().unwrap_or(0);
            if self.epoch > EPOCH_MAX {
                let why = format!(
                    "no epoch is left after {}; stop all servers of the ensemble and remove acceptedEpoch and currentEpoch from their data directories",
                    self.epoch - 1
                );
                fx.push(Effect::Fatal(1, why));
                return;
            }
            self.phase = Phase::AcceptingEpoch;
            core.accept_epoch(self.epoch, fx);
        }
    }

    fn offer(&mut self, link: LinkId, fx: &mut Effects) {
        let version = LearnerInfo::PROTOCOL.to_be_bytes();
        let zxid = Zxid::new(self.epoch, 0);
        let packet = QuorumPacket::new(PacketType::LeaderInfo, zxid, Some(&version));
        fx.learner_packet(link, &packet);
        if let Some(state) = self.links.get_mut(&link) {
            state.stage = LinkStage::Offered;
        }
    }

    /// Continues after the leader's own epoch files have become durable.
    pub(crate) fn epochs_written(&mut self, core: &mut Core, fx: &mut Effects) {
        match self.phase {
            Phase::AcceptingEpoch => {
                self.phase = Phase::AgreeingEpoch;
                self.agreed.insert(core.settings.me);
                for link in self.links_at(LinkStage::Introduced) {
                    self.offer(link, fx);
                }
                self.try_enter(core, fx);
            }
            Phase::EnteringEpoch => {
                self.phase = Phase::Synchronisation;
                self.synced.insert(core.settings.me);
                for link in self.links_at(LinkStage::Agreed) {
                    self.synchronise(core, link, fx);
                }
                self.try_serve(core, fx);
            }
            _ => {}
        }
    }

    pub(super) fn epoch_ack(
        &mut self,
        core: &mut Core,
        link: LinkId,
        packet: &QuorumPacket<'_>,
        fx: &mut Effects,
    ) {
        let Some(state) = self.links.get_mut(&link) else {
            return;
        };
        let epoch = Reader::new(packet.data.unwrap_or_default())
            .i32()
            .unwrap_or(-1);
        let ours = (core.current_epoch, core.last_logged);
        if self.phase == Phase::AgreeingEpoch
            && epoch != -1
            && (i64::from(epoch), packet.zxid) > ours
        {
            return self.drop_link(link, "it is ahead of us", fx);
        }
        state.last_zxid = packet.zxid;
        state.stage = LinkStage::Agreed;
        if epoch != -1 && state.votes() {
            self.agreed.insert(state.sid);
        }
        if self.phase >= Phase::Synchronisation {
            self.synchronise(core, link, fx);
        } else {
            self.try_enter(core, fx);
        }
    }

    fn try_enter(&mut self, core: &mut Core, fx: &mut Effects) {
        if self.phase == Phase::AgreeingEpoch && core.settings.is_quorum(&self.agreed) {
            self.phase = Phase::EnteringEpoch;
            core.enter_epoch(self.epoch, fx);
        }
    }

    /// Handles that a learner has acknowledged NEWLEADER.
    pub(super) fn synced(&mut self, core: &mut Core, link: LinkId, fx: &mut Effects) {
        if self.is_serving() {
            Self::up_to_date(link, fx);
        } else if let Some(state) = self.links.get(&link)
            && state.votes()
        {
            self.synced.insert(state.sid);
            self.try_serve(core, fx);
        }
    }

    fn up_to_date(link: LinkId, fx: &mut Effects) {
        let packet = QuorumPacket::new(PacketType::UpToDate, Zxid(-1), None);
        fx.learner_packet(link, &packet);
    }

    fn try_serve(&mut self, core: &mut Core, fx: &mut Effects) {
        if self.phase == Phase::Synchronisation && core.settings.is_quorum(&self.synced) {
            let first = Zxid::new(self.epoch, 0);
            self.last_proposed = first;
            self.committed = first;
            core.db.set_last_processed(first);
            self.serve(core, fx);
            for link in self.links_at(LinkStage::Synced) {
                Self::up_to_date(link, fx);
            }
        }
    }

    pub(super) fn serve(&mut self, core: &mut Core, fx: &mut Effects) {
        self.phase = Phase::Serving;
        core.begin_serving();
        self.serving_since_ms = core.now.mono_ms;
        for (session, timeout_ms) in core.db.sessions() {
            self.tracker.add(session, timeout_ms, core.now.mono_ms);
        }
        let took = core.now.mono_ms - self.since_ms;
        fx.log(format!(
            "serving from {} on, after {took} ms of synchronisation",
            self.committed
        ));
    }
}
