//! Discovery and synchronisation on the learner (specification 13.2, 13.5).

use super::{Learner, Phase};
use crate::ensemble::peer::core::Core;
use crate::ensemble::peer::effects::{Effect, Effects};
use crate::ensemble::peer::epoch_limit::is_credible;
use crate::ensemble::peer::leader::Lost;
use crate::wire::jute::{PacketType, QuorumPacket, Zxid};

/// A last zxid that leaders answer with a snapshot: the end of an epoch that has no leader.
const NOWHERE: Zxid = Zxid::new(0, u32::MAX);

/// A proposal that has arrived before UPTODATE.
#[derive(Debug)]
pub(super) struct Early {
    zxid: Zxid,
    entry: Box<[u8]>,
    committed: bool,
}

impl Learner {
    pub(super) fn leader_info(
        &mut self,
        core: &mut Core,
        packet: &QuorumPacket<'_>,
        fx: &mut Effects,
    ) -> Result<(), Lost> {
        let epoch = packet.zxid.epoch();
        if epoch < core.accepted_epoch {
            self.outdated = true;
            return Err(Lost(format!(
                "the leader's epoch {epoch} is behind our accepted epoch {}; this server has to wait for the next election",
                core.accepted_epoch
            )));
        }
        if !is_credible(epoch, core.accepted_epoch) {
            return Err(Lost(format!(
                "the leader's epoch {epoch} is refused: it leaves too few epochs for later elections"
            )));
        }
        self.epoch = epoch;
        if epoch == core.accepted_epoch {
            self.epoch_ack(core, -1, fx);
        } else {
            let current = i32::try_from(core.current_epoch).unwrap_or(-1);
            self.phase = Phase::AcceptingEpoch { current };
            core.accept_epoch(epoch, fx);
        }
        Ok(())
    }

    fn epoch_ack(&mut self, core: &Core, current: i32, fx: &mut Effects) {
        self.phase = Phase::AwaitingPlan;
        // The leader knows our last zxid already, and does not count this packet.
        let wants_snapshot = current == -1 && core.wants_snapshot_in == Some(self.epoch);
        let last = if wants_snapshot {
            NOWHERE
        } else {
            core.last_logged
        };
        let data = current.to_be_bytes();
        fx.leader_packet(&QuorumPacket::new(PacketType::AckEpoch, last, Some(&data)));
    }

    pub(super) fn plan(&mut self, core: &mut Core, packet: &QuorumPacket<'_>, fx: &mut Effects) {
        fx.log(format!(
            "the leader synchronises us by {:?} {}",
            packet.kind, packet.zxid
        ));
        match packet.kind {
            PacketType::Snap => self.receive_snapshot(core, packet.zxid, fx),
            PacketType::Trunc => self.truncate(packet.zxid, fx),
            _ => self.phase = Phase::Synchronising,
        }
    }

    pub(super) fn truncate(&mut self, zxid: Zxid, fx: &mut Effects) {
        fx.push(Effect::Truncate(zxid));
        self.phase = Phase::Truncating { to: zxid };
    }

    /// Continues after the database was recovered from the log, which was cut if that was possible.
    pub(crate) fn truncated(&mut self, core: &mut Core, fx: &mut Effects) -> Result<(), Lost> {
        if let Phase::Truncating { to } = self.phase
            && core.last_logged > to
        {
            if core.wants_snapshot_in == Some(self.epoch) {
                let why = format!(
                    "the leader demands that the log end with {to}, which is not in it; clear the data directory so that the server copies everything from its ensemble"
                );
                fx.push(Effect::Fatal(13, why));
            }
            core.wants_snapshot_in = Some(self.epoch);
            return Err(Lost(format!(
                "the log cannot be cut to {to}, which is not in it; the leader has to send a snapshot"
            )));
        }
        self.continue_synchronising(core, fx)
    }

    /// Continues after our disk has done what the plan asked for. Takes the connection's end into account
    /// that was seen meanwhile.
    pub(super) fn continue_synchronising(
        &mut self,
        core: &Core,
        fx: &mut Effects,
    ) -> Result<(), Lost> {
        if let Some(lost) = self.lost.take() {
            return Err(lost);
        }
        self.phase = Phase::Synchronising;
        self.heard_ms = core.now.mono_ms; // the leader's bytes were not taken meanwhile
        fx.push(Effect::ResumeLeader);
        Ok(())
    }

    pub(super) fn early_packet(&mut self, packet: &QuorumPacket<'_>) -> Result<(), Lost> {
        let zxid = packet.zxid;
        if packet.kind == PacketType::Commit {
            let oldest = self.early.iter_mut().find(|early| !early.committed);
            return match oldest {
                Some(early) if early.zxid == zxid => {
                    early.committed = true;
                    Ok(())
                }
                _ => Err(Lost(format!(
                    "COMMIT of {zxid}, which is not the oldest proposal"
                ))),
            };
        }
        if zxid.epoch() > self.epoch {
            return Err(Lost(format!(
                "proposal {zxid} is beyond the leader's epoch {}",
                self.epoch
            )));
        }
        if let Some(last) = self.last_early
            && (zxid <= last || (last.epoch() == zxid.epoch() && zxid != last.next()))
        {
            return Err(Lost(format!(
                "a gap in the proposals: {zxid} follows {last}"
            )));
        }
        self.last_early = Some(zxid);
        let committed = packet.kind == PacketType::Inform;
        let entry = packet.data.unwrap_or_default().into();
        self.early.push_back(Early {
            zxid,
            entry,
            committed,
        });
        Ok(())
    }

    /// Handles NEWLEADER: makes everything before it durable, then the epoch, and then acknowledges it.
    /// Any other order can lose committed data (specification 13.5, ZOOKEEPER-4643).
    pub(super) fn new_leader(
        &mut self,
        core: &mut Core,
        packet: &QuorumPacket<'_>,
        fx: &mut Effects,
    ) -> Result<(), Lost> {
        if packet.zxid != Zxid::new(self.epoch, 0) {
            return Err(Lost(format!(
                "NEWLEADER {} in epoch {}",
                packet.zxid, self.epoch
            )));
        }
        while self.early.front().is_some_and(|early| early.committed) {
            let Some(Early { zxid, entry, .. }) = self.early.pop_front() else {
                break;
            };
            self.log(core, zxid, &entry, fx);
            core.apply(zxid, entry, fx);
        }
        self.phase = Phase::EnteringEpoch;
        core.enter_epoch(self.epoch, fx);
        Ok(())
    }

    /// Continues after the epoch files, and everything appended before, have become durable.
    pub(crate) fn epochs_written(&mut self, core: &Core, fx: &mut Effects) {
        match self.phase {
            Phase::AcceptingEpoch { current } => {
                self.epoch_ack(core, current, fx);
                fx.push(Effect::ResumeLeader);
            }
            Phase::EnteringEpoch => {
                self.phase = Phase::AwaitingUpToDate;
                self.ack(Zxid::new(self.epoch, 0), fx);
            }
            _ => {}
        }
    }

    /// Handles UPTODATE: starts to serve, and logs the proposals that have arrived since NEWLEADER.
    pub(super) fn activate(&mut self, core: &mut Core, fx: &mut Effects) {
        self.phase = Phase::Active;
        core.begin_serving();
        self.ack(Zxid::new(self.epoch, 0), fx);
        let last = core.db.last_processed();
        core.db
            .set_last_processed(last.max(Zxid::new(self.epoch, 0)));
        let took = core.now.mono_ms - self.since_ms;
        fx.log(format!(
            "serving behind server {}, after {took} ms",
            self.leader
        ));
        for Early {
            zxid,
            entry,
            committed,
        } in std::mem::take(&mut self.early)
        {
            self.propose(core, zxid, &entry, fx);
            if committed {
                core.commit_oldest(fx);
            }
        }
    }
}
