//! The learner's side of the broadcast phase (specification 13.7).

use super::Learner;
use crate::ensemble::peer::core::{Core, Pending};
use crate::ensemble::peer::effects::{Effect, Effects};
use crate::ensemble::peer::leader::Lost;
use crate::wire::jute::{PacketType, QuorumPacket, WriteJute, Zxid};

impl Learner {
    pub(super) fn propose(&mut self, core: &mut Core, zxid: Zxid, entry: &[u8], fx: &mut Effects) {
        self.log(core, zxid, entry, fx);
        if !core.settings.is_observer() {
            self.unacked.push_back(zxid);
        }
        let entry = entry.into();
        core.pending.push_back(Pending {
            zxid,
            entry,
            since_ms: core.now.mono_ms,
        });
    }

    pub(super) fn log(&self, core: &mut Core, zxid: Zxid, entry: &[u8], fx: &mut Effects) {
        let start = fx.bytes.len();
        fx.bytes.put(entry);
        let end = fx.bytes.len();
        core.append(zxid, start..end, fx);
    }

    pub(super) fn ack(&self, zxid: Zxid, fx: &mut Effects) {
        fx.leader_packet(&QuorumPacket::new(PacketType::Ack, zxid, None));
    }

    /// Handles that the log is durable up to `last`: acknowledges the proposals up to there.
    pub(crate) fn synced_log(&mut self, last: Zxid, fx: &mut Effects) {
        let start = fx.bytes.len();
        while self.unacked.front().is_some_and(|zxid| *zxid <= last) {
            let Some(zxid) = self.unacked.pop_front() else {
                break;
            };
            QuorumPacket::new(PacketType::Ack, zxid, None).encode(&mut fx.bytes);
        }
        fx.leader(start);
    }

    pub(super) fn active_packet(
        &mut self,
        core: &mut Core,
        packet: &QuorumPacket<'_>,
        fx: &mut Effects,
    ) -> Result<(), Lost> {
        match packet.kind {
            PacketType::Proposal | PacketType::Inform => {
                let Some(entry) = packet.data else {
                    return Err(Lost(format!("{:?} without a transaction", packet.kind)));
                };
                self.propose(core, packet.zxid, entry, fx);
                if packet.kind == PacketType::Proposal {
                    core.figures.received_proposals += 1;
                } else {
                    core.figures.received_commits += 1;
                    core.commit_oldest(fx);
                }
            }
            PacketType::Commit => match core.pending.front() {
                Some(pending) if pending.zxid == packet.zxid => {
                    core.figures.received_commits += 1;
                    core.commit_oldest(fx);
                }
                oldest => {
                    let oldest = oldest.map_or(Zxid::ZERO, |pending| pending.zxid);
                    let why = format!("COMMIT of {}, but {oldest} is the oldest", packet.zxid);
                    fx.push(Effect::Fatal(12, why));
                }
            },
            PacketType::Ping => self.pong(core, packet, fx),
            PacketType::Sync => {
                if let Some(conn) = self.syncs.pop_front() {
                    core.sync_done(conn, fx);
                }
            }
            PacketType::Revalidate => self.revalidated(core, packet, fx),
            PacketType::UpToDate | PacketType::NewLeader => {}
            kind => {
                return Err(Lost(format!(
                    "the leader sent {kind:?} during the broadcast"
                )));
            }
        }
        Ok(())
    }

    /// Answers a ping with the sessions that were active since the last ping. The data must not be null:
    /// a leader of release 3.4 drops the learner then (specification 16.6).
    pub(super) fn pong(&self, core: &mut Core, packet: &QuorumPacket<'_>, fx: &mut Effects) {
        let mut data = Vec::new();
        for (session, timeout_ms) in core.clients.take_touched() {
            data.put_i64(session.0);
            data.put_i32(timeout_ms);
        }
        fx.leader_packet(&QuorumPacket::new(
            PacketType::Ping,
            packet.zxid,
            Some(&data),
        ));
    }
}
