//! Sessions on the leader: reconnection, revalidation for learners, and expiry.

use super::broadcast::Origin;
use super::{Leader, Lost};
use crate::ensemble::database::WriteRequest;
use crate::ensemble::peer::core::Core;
use crate::ensemble::peer::effects::{Effects, LinkId};
use crate::wire::jute::{OpCode, PacketType, QuorumPacket, Reader, SessionId, WriteJute, Zxid};

/// How many sessions one tick closes, so that other clients have their turn in between.
const SESSIONS_EXPIRED_MAX: usize = 1000;

/// The owner of sessions whose client is connected to the leader.
pub(super) const LOCAL_OWNER: u64 = u64::MAX;

impl Leader {
    /// Resumes the session of a client that is connected to the leader. Returns `false` if the session is
    /// unknown or closing.
    pub(crate) fn reopen(&mut self, session: SessionId, timeout_ms: i32, now_ms: u64) -> bool {
        self.tracker
            .reopen(session, LOCAL_OWNER, timeout_ms, now_ms)
    }

    pub(super) fn revalidate(
        &mut self,
        core: &mut Core,
        link: LinkId,
        packet: &QuorumPacket<'_>,
        fx: &mut Effects,
    ) {
        let mut reader = Reader::new(packet.data.unwrap_or_default());
        let (Ok(session), Ok(timeout_ms)) = (reader.i64(), reader.i32()) else {
            return self.drop_link(link, "unreadable REVALIDATE", fx);
        };
        core.figures.revalidations += 1;
        let id = SessionId(session);
        let valid = self
            .tracker
            .reopen(id, link.0, timeout_ms, core.now.mono_ms);
        let mut data = Vec::with_capacity(9);
        data.put_i64(session);
        data.put_bool(valid);
        let packet = QuorumPacket::new(PacketType::Revalidate, Zxid(-1), Some(&data));
        fx.learner_packet(link, &packet);
    }

    /// Proposes a closeSession for the expired sessions. Those that exceed the limit are due at once, in
    /// the next tick.
    pub(super) fn expire_sessions(
        &mut self,
        core: &mut Core,
        fx: &mut Effects,
    ) -> Result<(), Lost> {
        let expired = self.tracker.expire(core.now.mono_ms, SESSIONS_EXPIRED_MAX);
        core.figures.expired_sessions += expired.len() as u64;
        match expired[..] {
            [] => {}
            [session] => {
                fx.log_limited("session expired", format!("session {session} has expired"));
            }
            [first, ..] => {
                let count = expired.len();
                let line = format!("{count} sessions have expired, {first} among them");
                fx.log_limited("session expired", line);
            }
        }
        for session in expired {
            let request = WriteRequest {
                session,
                cxid: 0,
                op: OpCode::CloseSession.code(),
                body: &[],
                auth: &[],
                time_ms: core.now.wall_ms,
            };
            self.write(core, &request, Origin::Leader, fx)?;
        }
        Ok(())
    }
}
