//! The broadcast phase: writes become proposals and proposals become commits (specification 13.7,
//! 13.8).

use super::links::LinkStage;
use super::sessions::LOCAL_OWNER;
use super::{Leader, Lost};
use crate::ensemble::database::{ConnId, WriteRequest};
use crate::ensemble::peer::core::{Core, Pending};
use crate::ensemble::peer::effects::{Effects, LinkId};
use crate::ensemble::peer::figures::Sizes;
use crate::wire::jute::{
    ErrorCode, Id, MAX_ENTRY_BYTES, OpCode, PacketType, QuorumPacket, Reader, Txn, TxnHeader, Zxid,
    encode_entry, forwarded_request,
};

/// Where a write came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A client that is connected to this owner; see [`SessionTracker`].
    ///
    /// [`SessionTracker`]: crate::ensemble::database::SessionTracker
    Client(u64),
    /// The leader closes an expired session, or deletes a node that has lapsed.
    Leader,
}

/// Where a sync request came from.
#[derive(Clone, Copy, Debug)]
pub(super) enum SyncOrigin {
    Local(ConnId),
    Link(LinkId),
}

/// Logs a refusal that protects the servers. An ordinary one concerns only its client.
fn log_refusal(request: &WriteRequest<'_>, code: ErrorCode, fx: &mut Effects) {
    let session = request.session;
    match code {
        ErrorCode::MARSHALLING => fx.log_limited(
            "unreadable request",
            format!(
                "refusing a request of session {session}: it is unreadable, or its transaction would have more than {MAX_ENTRY_BYTES} bytes"
            ),
        ),
        ErrorCode::QUOTA_EXCEEDED => fx.log_limited(
            "too many ephemerals",
            format!(
                "refusing an ephemeral of session {session}: the paths of its ephemerals would have more than {MAX_ENTRY_BYTES} bytes"
            ),
        ),
        _ => {}
    }
}

impl Leader {
    /// Handles a write of a client that is connected to the leader.
    pub(crate) fn submit(
        &mut self,
        core: &mut Core,
        request: &WriteRequest<'_>,
        fx: &mut Effects,
    ) -> Result<(), Lost> {
        self.write(core, request, Origin::Client(LOCAL_OWNER), fx)
    }

    pub(super) fn request(
        &mut self,
        core: &mut Core,
        link: LinkId,
        packet: &QuorumPacket<'_>,
        fx: &mut Effects,
    ) -> Result<(), Lost> {
        let Ok((session, cxid, op, body)) = forwarded_request(packet.data.unwrap_or_default())
        else {
            self.drop_link(link, "unreadable REQUEST", fx);
            return Ok(());
        };
        if op == OpCode::Sync.code() {
            self.sync(core, SyncOrigin::Link(link), fx);
            return Ok(());
        }
        self.tracker.touch(session, core.now.mono_ms);
        let auth: &[Id] = &packet.auth;
        let request = WriteRequest {
            session,
            cxid,
            op,
            body,
            auth,
            time_ms: core.now.wall_ms,
        };
        self.write(core, &request, Origin::Client(link.0), fx)
    }

    /// Turns a write into a proposal and broadcasts it.
    pub(super) fn write(
        &mut self,
        core: &mut Core,
        request: &WriteRequest<'_>,
        origin: Origin,
        fx: &mut Effects,
    ) -> Result<(), Lost> {
        // The next election starts a new epoch, whose counter begins again. A standalone server holds no
        // elections, so its counter overflows into the epoch.
        if self.last_proposed.counter() >= u32::MAX - 1 && !core.settings.is_standalone() {
            return Err(Lost("the counter of this epoch is used up".to_owned()));
        }
        let zxid = self.last_proposed.next();
        self.entry.clear();
        let allowed = match origin {
            Origin::Leader => Ok(()),
            Origin::Client(owner) if request.op == OpCode::CreateSession.code() => {
                let timeout_ms = Reader::new(request.body).i32().unwrap_or(0);
                self.tracker
                    .add(request.session, timeout_ms, core.now.mono_ms);
                self.tracker.set_owner(request.session, owner);
                Ok(())
            }
            Origin::Client(owner) => self.tracker.check(request.session, owner),
        };
        match allowed {
            Ok(()) => {
                let refusal = self
                    .preparer
                    .prepare(&core.db, request, zxid, &mut self.entry);
                if let Some(code) = refusal {
                    log_refusal(request, code, fx);
                }
            }
            Err(code) => {
                let header = TxnHeader {
                    session: request.session,
                    cxid: request.cxid,
                    zxid,
                    time_ms: request.time_ms,
                    op: OpCode::Error,
                };
                encode_entry(&header, &Txn::Error(code), &mut self.entry);
            }
        }
        if request.op == OpCode::CloseSession.code() && allowed.is_ok() {
            self.tracker.set_closing(request.session);
        }
        self.propose(core, zxid, fx);
        Ok(())
    }

    fn propose(&mut self, core: &mut Core, zxid: Zxid, fx: &mut Effects) {
        self.last_proposed = zxid;
        Sizes::record(&mut self.proposal_bytes, self.entry.len());
        core.figures.proposals += 1;
        let start = fx.bytes.len();
        QuorumPacket::new(PacketType::Proposal, zxid, Some(&self.entry)).encode(&mut fx.bytes);
        let end = fx.bytes.len();
        fx.learners(self.forwarding(false), start);
        // The entry lies between 16 bytes (type, zxid, length) and 4 bytes (null authinfo) of the packet.
        core.append(zxid, start + 16..end - 4, fx);
        let entry = self.entry.as_slice().into();
        core.pending.push_back(Pending {
            zxid,
            entry,
            since_ms: core.now.mono_ms,
        });
    }

    /// Handles that the leader's own log is durable up to `last`.
    pub(crate) fn synced_log(&mut self, core: &mut Core, last: Zxid, fx: &mut Effects) {
        self.own_acked = self.own_acked.max(last);
        self.try_commit(core, fx);
    }

    /// Commits, in order, the proposals that a quorum has logged.
    pub(super) fn try_commit(&mut self, core: &mut Core, fx: &mut Effects) {
        if core.pending.is_empty() || !self.is_serving() {
            return;
        }
        let mut acked: Vec<Zxid> = self
            .links
            .values()
            .filter(|link| link.votes())
            .map(|link| link.acked)
            .collect();
        acked.push(self.own_acked);
        acked.sort_unstable_by(|a, b| b.cmp(a));
        let Some(&quorum) = acked.get(core.settings.voters.len() / 2) else {
            return;
        };
        if quorum <= self.committed {
            return;
        }
        let ready = core
            .pending
            .partition_point(|pending| pending.zxid <= quorum);
        core.figures.commits += ready as u64;
        for pending in core.pending.iter().take(ready) {
            let took_ms = core.now.mono_ms.saturating_sub(pending.since_ms);
            core.figures.quorum_acks.record(took_ms);
        }
        self.announce(core, ready, fx);
        for _ in 0..ready {
            let header = core.commit_oldest(fx);
            self.committed = header.zxid;
            if header.op == OpCode::CloseSession {
                self.tracker.remove(header.session);
            }
        }
        self.preparer.applied(self.committed);
        while self
            .syncs
            .front()
            .is_some_and(|(zxid, _)| *zxid <= self.committed)
        {
            if let Some((_, origin)) = self.syncs.pop_front() {
                self.answer_sync(core, origin, fx);
            }
        }
    }

    /// Returns the observers or the followers that take part in the broadcast.
    fn forwarding(&self, observers: bool) -> impl Iterator<Item = LinkId> {
        self.links
            .iter()
            .filter(move |(_, l)| l.observer == observers && l.stage >= LinkStage::Forwarding)
            .map(|(id, _)| *id)
    }

    /// Sends COMMIT to followers and INFORM to observers for the `ready` oldest proposals.
    fn announce(&self, core: &Core, ready: usize, fx: &mut Effects) {
        for (observers, kind) in [(false, PacketType::Commit), (true, PacketType::Inform)] {
            if self.forwarding(observers).next().is_none() {
                continue;
            }
            let start = fx.bytes.len();
            for Pending { zxid, entry, .. } in core.pending.iter().take(ready) {
                let entry = observers.then_some(&**entry);
                QuorumPacket::new(kind, *zxid, entry).encode(&mut fx.bytes);
            }
            fx.learners(self.forwarding(observers), start);
        }
    }

    /// Handles a sync of a client that is connected to the leader.
    pub(crate) fn sync_local(&mut self, core: &mut Core, conn: ConnId, fx: &mut Effects) {
        self.sync(core, SyncOrigin::Local(conn), fx);
    }

    fn sync(&mut self, core: &mut Core, origin: SyncOrigin, fx: &mut Effects) {
        if core.pending.is_empty() {
            self.answer_sync(core, origin, fx);
        } else {
            self.syncs.push_back((self.last_proposed, origin));
        }
    }

    fn answer_sync(&self, core: &mut Core, origin: SyncOrigin, fx: &mut Effects) {
        match origin {
            SyncOrigin::Local(conn) => core.sync_done(conn, fx),
            SyncOrigin::Link(link) => {
                let packet = QuorumPacket::new(PacketType::Sync, Zxid::ZERO, None);
                fx.learner_packet(link, &packet);
            }
        }
    }
}
