//! Client requests that a learner forwards to the leader (specification 13.8).

use super::Learner;
use crate::ensemble::database::{ConnId, WriteRequest};
use crate::ensemble::peer::core::Core;
use crate::ensemble::peer::effects::Effects;
use crate::wire::jute::{PacketType, QuorumPacket, Reader, SessionId, WriteJute, Zxid};

impl Learner {
    /// Sends a client's write to the leader.
    pub(crate) fn forward(&self, request: &WriteRequest<'_>, fx: &mut Effects) {
        let start = fx.bytes.len();
        let out = &mut fx.bytes;
        out.put_i32(PacketType::Request as i32);
        out.put_i64(-1);
        out.put_len(16 + request.body.len());
        out.put_i64(request.session.0);
        out.put_i32(request.cxid);
        out.put_i32(request.op);
        out.put(request.body);
        out.put_len(request.auth.len());
        for id in request.auth {
            id.encode(out);
        }
        fx.leader(start);
    }

    /// Notes that `conn` waits for a SYNC. The leader answers syncs in order.
    pub(crate) fn expect_sync(&mut self, conn: ConnId) {
        self.syncs.push_back(conn);
    }

    /// Asks the leader whether a session is alive.
    pub(crate) fn revalidate(
        &mut self,
        session: SessionId,
        timeout_ms: i32,
        conn: ConnId,
        fx: &mut Effects,
    ) {
        self.revalidations.push_back((session, conn));
        let mut data = Vec::with_capacity(12);
        data.put_i64(session.0);
        data.put_i32(timeout_ms);
        fx.leader_packet(&QuorumPacket::new(
            PacketType::Revalidate,
            Zxid(-1),
            Some(&data),
        ));
    }

    pub(super) fn revalidated(
        &mut self,
        core: &mut Core,
        packet: &QuorumPacket<'_>,
        fx: &mut Effects,
    ) {
        let mut reader = Reader::new(packet.data.unwrap_or_default());
        let (Ok(session), Ok(valid)) = (reader.i64(), reader.bool()) else {
            return;
        };
        let waiting = self
            .revalidations
            .iter()
            .position(|(id, _)| id.0 == session);
        let Some((_, conn)) = waiting.and_then(|at| self.revalidations.remove(at)) else {
            return;
        };
        if valid {
            core.clients.open(conn, fx);
        } else {
            core.clients.refuse(conn, fx);
        }
    }
}
