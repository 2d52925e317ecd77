//! Discovery and synchronisation on the learner (specification 13.2, 13.5).

use super::{Learner, Phase};
use crate::ensemble::database::SnapshotDecoder;
use crate::ensemble::peer::core::Core;
use crate::ensemble::peer::effects::{Effect, Effects};
use crate::ensemble::peer::leader::{Lost, SNAPSHOT_SIGNATURE};
use crate::wire::jute::{JuteError, PacketType, QuorumPacket, Reader, Zxid};

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
        self.epoch = packet.zxid.epoch();
        if self.epoch < core.accepted_epoch {
            return Err(Lost(format!(
                "the leader's epoch {} is behind our accepted epoch {}",
                self.epoch, core.accepted_epoch
            )));
        }
        if self.epoch == core.accepted_epoch {
            self.epoch_ack(core, -1, fx);
        } else {
            let current = i32::try_from(core.current_epoch).unwrap_or(-1);
            core.accepted_epoch = self.epoch;
            self.phase = Phase::AcceptingEpoch { current };
            core.write_epochs(fx);
        }
        Ok(())
    }

    fn epoch_ack(&mut self, core: &Core, current: i32, fx: &mut Effects) {
        self.phase = Phase::AwaitingPlan;
        let data = current.to_be_bytes();
        fx.leader_packet(&QuorumPacket::new(
            PacketType::AckEpoch,
            core.last_logged,
            Some(&data),
        ));
    }

    pub(super) fn plan(&mut self, core: &Core, packet: &QuorumPacket<'_>, fx: &mut Effects) {
        fx.log(format!(
            "the leader synchronises us by {:?} {}",
            packet.kind, packet.zxid
        ));
        self.phase = match packet.kind {
            PacketType::Snap => Phase::ReceivingSnapshot {
                zxid: packet.zxid,
                decoder: Some(Box::new(SnapshotDecoder::new(core.settings.database()))),
            },
            PacketType::Trunc => {
                fx.push(Effect::Truncate(packet.zxid));
                Phase::Truncating
            }
            _ => Phase::Synchronising {
                from_snapshot: false,
            },
        };
    }

    /// Decodes the snapshot stream and the signature that ends it. Returns the number of bytes used.
    pub(super) fn snapshot_bytes(
        &mut self,
        core: &mut Core,
        bytes: &[u8],
        fx: &mut Effects,
    ) -> Result<usize, Lost> {
        let Phase::ReceivingSnapshot { zxid, decoder } = &mut self.phase else {
            return Ok(0);
        };
        let zxid = *zxid;
        let broken = |error: String| Lost(format!("unreadable snapshot from the leader: {error}"));
        if let Some(mut feeding) = decoder.take() {
            let (used, done) = feeding
                .feed(bytes)
                .map_err(|error| broken(error.to_string()))?;
            if !done {
                *decoder = Some(feeding);
                return Ok(used);
            }
            let db = feeding
                .finish()
                .map_err(|error| broken(error.to_string()))?;
            core.replace(db, zxid, fx);
            return Ok(used);
        }
        let mut reader = Reader::new(bytes);
        match reader.string() {
            Err(JuteError::Truncated) => Ok(0),
            Ok(Some(SNAPSHOT_SIGNATURE)) => {
                self.phase = Phase::Synchronising {
                    from_snapshot: true,
                };
                Ok(reader.position())
            }
            _ => Err(broken("its signature is missing".to_owned())),
        }
    }

    /// Continues after the log was cut and the database was recovered from it.
    pub(crate) fn truncated(&mut self, fx: &mut Effects) {
        self.phase = Phase::Synchronising {
            from_snapshot: false,
        };
        fx.push(Effect::ResumeLeader);
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
        if let Some(last) = self.last_early
            && last.epoch() == zxid.epoch()
            && zxid != last.next()
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
        let Phase::Synchronising { from_snapshot } = self.phase else {
            return Ok(());
        };
        while self.early.front().is_some_and(|early| early.committed) {
            let Some(Early { zxid, entry, .. }) = self.early.pop_front() else {
                break;
            };
            if from_snapshot {
                core.last_logged = zxid; // the snapshot that is saved below contains it
            } else {
                self.log(core, zxid, &entry, fx);
            }
            core.apply(zxid, entry, fx);
        }
        if from_snapshot {
            let start = fx.bytes.len();
            core.db.encode_snapshot(&mut fx.bytes);
            fx.push(Effect::SaveSnapshot(
                core.db.last_processed(),
                start..fx.bytes.len(),
            ));
        }
        self.phase = Phase::EnteringEpoch;
        core.current_epoch = self.epoch;
        core.write_epochs(fx);
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
