//! The leader's side of ZAB 1.0 (specification 13.2, 13.4, 13.6-13.8).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::core::{Core, Pending};
use super::effects::{Effect, Effects, LinkId};
use super::history::SyncPlan;
use super::settings::Now;
use crate::ensemble::database::{ConnId, Preparer, SessionTracker, WriteRequest};
use crate::wire::jute::{
    Id, LearnerInfo, OpCode, PacketType, PeerId, QuorumPacket, Reader, SessionId, Txn, TxnHeader,
    WriteJute, Zxid, encode_entry, forwarded_request,
};

/// Owner of sessions whose client is connected to the leader itself.
const LOCAL_OWNER: u64 = u64::MAX;
/// The word behind a snapshot stream.
pub(crate) const SNAPSHOT_SIGNATURE: &str = "BenWasHere";

/// How far a learner has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// Connected, silent.
    Fresh,
    /// Has sent FOLLOWERINFO or OBSERVERINFO.
    Introduced,
    /// Was sent LEADERINFO.
    Offered,
    /// Has acknowledged the epoch; waits until we may synchronise it.
    Agreed,
    /// Was sent everything and NEWLEADER; gets live traffic.
    Forwarding,
    /// Has acknowledged NEWLEADER.
    Synced,
}

#[derive(Debug)]
struct Link {
    stage: Stage,
    sid: PeerId,
    observer: bool,
    /// Its last logged zxid when it acknowledged the epoch.
    last_zxid: Zxid,
    /// Highest proposal it has acknowledged.
    acked: Zxid,
    heard_ms: u64,
}

impl Link {
    fn votes(&self) -> bool {
        !self.observer
    }
}

/// How far the leader itself has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// Collects accepted epochs.
    Discovery,
    /// Its accepted epoch is being written.
    AcceptingEpoch,
    /// Collects ACKEPOCH.
    AgreeingEpoch,
    /// Its current epoch is being written.
    EnteringEpoch,
    /// Collects acknowledgements of NEWLEADER.
    Synchronisation,
    /// Broadcasts.
    Serving,
}

/// Who asked for a sync.
#[derive(Clone, Copy, Debug)]
enum SyncOrigin {
    Local(ConnId),
    Link(LinkId),
}

/// Why the role ended.
#[derive(Debug)]
pub(crate) struct Lost(pub(crate) String);

/// State of a leader.
#[derive(Debug)]
pub(crate) struct Leader {
    phase: Phase,
    since_ms: u64,
    epoch: i64,
    accepted: BTreeMap<PeerId, i64>,
    agreed: BTreeSet<PeerId>,
    synced: BTreeSet<PeerId>,
    links: BTreeMap<LinkId, Link>,
    last_proposed: Zxid,
    committed: Zxid,
    own_acked: Zxid,
    preparer: Preparer,
    pub(crate) tracker: SessionTracker,
    syncs: VecDeque<(Zxid, SyncOrigin)>,
    next_ping_ms: u64,
    next_check_ms: u64,
    entry: Vec<u8>,
    /// Sizes of proposals for `srvr`: last, min, max.
    pub(crate) proposal_bytes: (usize, usize, usize),
    pub(crate) serving_since_ms: u64,
}

impl Leader {
    /// Begins to lead; a standalone server serves at once.
    pub(crate) fn new(core: &mut Core, now: Now, fx: &mut Effects) -> Self {
        let settings = &core.settings;
        let mut leader = Self {
            phase: Phase::Discovery,
            since_ms: now.mono_ms,
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
            next_ping_ms: now.mono_ms,
            next_check_ms: now.mono_ms + settings.tick_ms,
            entry: Vec::new(),
            proposal_bytes: (0, 0, 0),
            serving_since_ms: now.mono_ms,
        };
        if settings.is_standalone() {
            // Nobody to ping and nobody to count: a deadline that is never served keeps a core busy.
            leader.next_ping_ms = u64::MAX;
            leader.next_check_ms = u64::MAX;
            leader.epoch = core.last_logged.epoch();
            leader.serve(core, now, fx);
        } else {
            leader.try_epoch(core, fx);
        }
        leader
    }

    pub(crate) fn is_serving(&self) -> bool {
        self.phase == Phase::Serving
    }

    /// The epoch once it is agreed.
    pub(crate) const fn epoch(&self) -> i64 {
        self.epoch
    }

    /// Learners: followers, followers in sync, observers in sync.
    pub(crate) fn learner_counts(&self) -> (usize, usize, usize) {
        let synced = |observer| {
            self.links
                .values()
                .filter(|link| link.observer == observer && link.stage == Stage::Synced)
                .count()
        };
        (self.links.len(), synced(false), synced(true))
    }

    pub(crate) fn pending_syncs(&self) -> usize {
        self.syncs.len()
    }

    // --- learners -------------------------------------------------------------------------

    pub(crate) fn link_up(&mut self, link: LinkId, now: Now) {
        let fresh = Link {
            stage: Stage::Fresh,
            sid: PeerId(-1),
            observer: false,
            last_zxid: Zxid::ZERO,
            acked: Zxid::ZERO,
            heard_ms: now.mono_ms,
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

    fn drop_link(&mut self, link: LinkId, why: &str, fx: &mut Effects) {
        fx.log(format!("closing a learner's connection: {why}"));
        fx.push(Effect::CloseLearner(link));
        self.link_down(link, fx);
    }

    /// All whole packets at the start of `bytes`.
    pub(crate) fn link_bytes(
        &mut self,
        core: &mut Core,
        now: Now,
        (link, bytes): (LinkId, &[u8]),
        fx: &mut Effects,
    ) -> Result<(), Lost> {
        let mut at = 0;
        while self.links.contains_key(&link) {
            match QuorumPacket::decode(&bytes[at..]) {
                Ok(None) => break,
                Ok(Some((packet, length))) => {
                    at += length;
                    self.packet(core, now, (link, &packet), fx)?;
                }
                Err(error) => {
                    self.drop_link(link, &format!("{error}"), fx);
                    at = bytes.len();
                }
            }
        }
        fx.consumed = at;
        if let Some(state) = self.links.get_mut(&link) {
            state.heard_ms = now.mono_ms;
        }
        self.try_commit(core, fx);
        Ok(())
    }

    fn packet(
        &mut self,
        core: &mut Core,
        now: Now,
        (link, packet): (LinkId, &QuorumPacket<'_>),
        fx: &mut Effects,
    ) -> Result<(), Lost> {
        let Some(state) = self.links.get_mut(&link) else {
            return Ok(());
        };
        match (packet.kind, state.stage) {
            (PacketType::FollowerInfo | PacketType::ObserverInfo, Stage::Fresh) => {
                self.introduce(core, (link, packet), fx);
            }
            (PacketType::AckEpoch, Stage::Offered) => {
                return self.epoch_ack(core, now, (link, packet), fx);
            }
            (PacketType::Ack, Stage::Forwarding | Stage::Synced) => {
                if packet.zxid.counter() != 0 {
                    state.acked = state.acked.max(packet.zxid);
                } else if packet.zxid == Zxid::new(self.epoch, 0) && state.stage < Stage::Synced {
                    state.stage = Stage::Synced;
                    self.synced(core, now, link, fx);
                }
            }
            (PacketType::Ping, Stage::Forwarding | Stage::Synced) => {
                let mut reader = Reader::new(packet.data.unwrap_or_default());
                while let (Ok(session), Ok(_timeout)) = (reader.i64(), reader.i32()) {
                    self.tracker.touch(SessionId(session), now.mono_ms);
                }
            }
            (PacketType::Request, Stage::Synced) if self.phase == Phase::Serving => {
                self.request(core, now, (link, packet), fx)?;
            }
            (PacketType::Revalidate, Stage::Synced) => {
                self.revalidate(now, (link, packet), fx);
            }
            (kind, stage) => {
                let why = format!("server {} sent {kind:?} when it was {stage:?}", state.sid);
                self.drop_link(link, &why, fx);
            }
        }
        Ok(())
    }

    fn introduce(
        &mut self,
        core: &mut Core,
        (link, packet): (LinkId, &QuorumPacket<'_>),
        fx: &mut Effects,
    ) {
        let info = LearnerInfo::decode(packet.data);
        let Ok(info) = info else {
            return self.drop_link(link, "unreadable LearnerInfo", fx);
        };
        let observer = packet.kind == PacketType::ObserverInfo;
        let sid = PeerId(info.server.unwrap_or(-1));
        if info.config_version > 0 {
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
        let older: Vec<LinkId> = self
            .links
            .iter()
            .filter(|(id, l)| **id != link && l.sid == sid && sid.0 >= 0)
            .map(|(id, _)| *id)
            .collect();
        for stale in older {
            self.drop_link(stale, &format!("server {sid} has connected anew"), fx);
        }
        if let Some(state) = self.links.get_mut(&link) {
            state.sid = sid;
            state.observer = observer;
            state.stage = Stage::Introduced;
        }
        if self.phase == Phase::Discovery {
            if !observer {
                self.accepted.insert(sid, packet.zxid.epoch());
            }
            self.try_epoch(core, fx);
        } else if self.phase > Phase::AcceptingEpoch {
            self.offer(link, fx);
        }
    }

    /// With a quorum of accepted epochs, the new one is the highest plus one.
    fn try_epoch(&mut self, core: &mut Core, fx: &mut Effects) {
        if self.phase == Phase::Discovery && core.settings.is_quorum(self.accepted.keys()) {
            self.epoch = 1 + self.accepted.values().copied().max().unwrap_or(0);
            self.phase = Phase::AcceptingEpoch;
            core.accepted_epoch = self.epoch;
            core.write_epochs(fx);
        }
    }

    fn offer(&mut self, link: LinkId, fx: &mut Effects) {
        let start = fx.bytes.len();
        let version = LearnerInfo::PROTOCOL.to_be_bytes();
        let zxid = Zxid::new(self.epoch, 0);
        QuorumPacket::new(PacketType::LeaderInfo, zxid, Some(&version)).encode(&mut fx.bytes);
        fx.learner(link, start);
        if let Some(state) = self.links.get_mut(&link) {
            state.stage = Stage::Offered;
        }
    }

    /// Our own epoch files are durable.
    pub(crate) fn epochs_written(
        &mut self,
        core: &mut Core,
        now: Now,
        fx: &mut Effects,
    ) -> Result<(), Lost> {
        match self.phase {
            Phase::AcceptingEpoch => {
                self.phase = Phase::AgreeingEpoch;
                self.agreed.insert(core.settings.me);
                for link in self.links_at(Stage::Introduced) {
                    self.offer(link, fx);
                }
                self.try_enter(core, fx);
            }
            Phase::EnteringEpoch => {
                self.phase = Phase::Synchronisation;
                self.synced.insert(core.settings.me);
                for link in self.links_at(Stage::Agreed) {
                    self.synchronise(core, link, fx);
                }
                self.try_serve(core, now, fx);
            }
            _ => {}
        }
        Ok(())
    }

    fn links_at(&self, stage: Stage) -> Vec<LinkId> {
        self.links
            .iter()
            .filter(|(_, link)| link.stage == stage)
            .map(|(id, _)| *id)
            .collect()
    }

    fn epoch_ack(
        &mut self,
        core: &mut Core,
        _now: Now,
        (link, packet): (LinkId, &QuorumPacket<'_>),
        fx: &mut Effects,
    ) -> Result<(), Lost> {
        let Some(state) = self.links.get_mut(&link) else {
            return Ok(());
        };
        let epoch = Reader::new(packet.data.unwrap_or_default())
            .i32()
            .unwrap_or(-1);
        let ours = (core.current_epoch, core.last_logged);
        if self.phase == Phase::AgreeingEpoch
            && epoch != -1
            && (i64::from(epoch), packet.zxid) > ours
        {
            self.drop_link(link, "it is ahead of us", fx);
            return Ok(());
        }
        state.last_zxid = packet.zxid;
        state.stage = Stage::Agreed;
        if epoch != -1 && state.votes() {
            self.agreed.insert(state.sid);
        }
        if self.phase >= Phase::Synchronisation {
            self.synchronise(core, link, fx);
        } else {
            self.try_enter(core, fx);
        }
        Ok(())
    }

    fn try_enter(&mut self, core: &mut Core, fx: &mut Effects) {
        if self.phase == Phase::AgreeingEpoch && core.settings.is_quorum(&self.agreed) {
            self.phase = Phase::EnteringEpoch;
            core.current_epoch = self.epoch;
            core.write_epochs(fx);
        }
    }

    /// Brings a learner up to date and lets it take part in the broadcast from here on.
    fn synchronise(&mut self, core: &mut Core, link: LinkId, fx: &mut Effects) {
        let Some(state) = self.links.get_mut(&link) else {
            return;
        };
        let start = fx.bytes.len();
        let out = &mut fx.bytes;
        let last = core.last_applied;
        let plan = core.history.plan(state.last_zxid, last);
        let from = match plan {
            SyncPlan::Diff { from } => {
                let newest = core.history.newest().unwrap_or(last);
                let zxid = if state.last_zxid == last {
                    last
                } else {
                    newest
                };
                QuorumPacket::new(PacketType::Diff, zxid, None).encode(out);
                Some(from)
            }
            SyncPlan::Trunc { to, from } => {
                QuorumPacket::new(PacketType::Trunc, to, None).encode(out);
                Some(from)
            }
            SyncPlan::Snap => {
                let last = core.db.last_processed();
                QuorumPacket::new(PacketType::Snap, last, None).encode(out);
                core.db.encode_snapshot(out);
                out.put_string(SNAPSHOT_SIGNATURE);
                None
            }
        };
        for (zxid, entry) in from.into_iter().flat_map(|from| core.history.from(from)) {
            QuorumPacket::new(PacketType::Proposal, zxid, Some(entry)).encode(out);
            QuorumPacket::new(PacketType::Commit, zxid, None).encode(out);
        }
        if state.votes() {
            for pending in &core.pending {
                QuorumPacket::new(PacketType::Proposal, pending.zxid, Some(&pending.entry))
                    .encode(out);
            }
        }
        let config = core.settings.config_text.as_bytes();
        QuorumPacket::new(
            PacketType::NewLeader,
            Zxid::new(self.epoch, 0),
            Some(config),
        )
        .encode(out);
        state.stage = Stage::Forwarding;
        fx.log(format!(
            "server {} at {} is synchronised by {plan:?}",
            state.sid, state.last_zxid
        ));
        fx.learner(link, start);
    }

    /// A learner has acknowledged NEWLEADER.
    fn synced(&mut self, core: &mut Core, now: Now, link: LinkId, fx: &mut Effects) {
        if self.is_serving() {
            self.up_to_date(link, fx);
        } else if let Some(state) = self.links.get(&link)
            && state.votes()
        {
            self.synced.insert(state.sid);
            self.try_serve(core, now, fx);
        }
    }

    fn up_to_date(&self, link: LinkId, fx: &mut Effects) {
        let start = fx.bytes.len();
        QuorumPacket::new(PacketType::UpToDate, Zxid(-1), None).encode(&mut fx.bytes);
        fx.learner(link, start);
    }

    fn try_serve(&mut self, core: &mut Core, now: Now, fx: &mut Effects) {
        if self.phase == Phase::Synchronisation && core.settings.is_quorum(&self.synced) {
            let first = Zxid::new(self.epoch, 0);
            self.last_proposed = first;
            self.committed = first;
            core.db.set_last_processed(first);
            self.serve(core, now, fx);
            for link in self.links_at(Stage::Synced) {
                self.up_to_date(link, fx);
            }
        }
    }

    fn serve(&mut self, core: &mut Core, now: Now, fx: &mut Effects) {
        self.phase = Phase::Serving;
        self.serving_since_ms = now.mono_ms;
        for (session, timeout_ms) in core.db.sessions() {
            self.tracker.add(session, timeout_ms, now.mono_ms);
        }
        let took = now.mono_ms - self.since_ms;
        fx.log(format!(
            "serving from {} on, after {took} ms of synchronisation",
            self.committed
        ));
    }

    // --- broadcast ------------------------------------------------------------------------

    /// A write of a client of ours.
    pub(crate) fn submit(
        &mut self,
        core: &mut Core,
        now: Now,
        request: &WriteRequest<'_>,
        fx: &mut Effects,
    ) -> Result<(), Lost> {
        self.write(core, now, (request, LOCAL_OWNER), fx)
    }

    fn request(
        &mut self,
        core: &mut Core,
        now: Now,
        (link, packet): (LinkId, &QuorumPacket<'_>),
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
        self.tracker.touch(session, now.mono_ms);
        let auth: &[Id] = &packet.auth;
        let request = WriteRequest {
            session,
            cxid,
            op,
            body,
            auth,
            time_ms: now.wall_ms,
        };
        self.write(core, now, (&request, link.0), fx)
    }

    /// Turns a write into a proposal and broadcasts it.
    fn write(
        &mut self,
        core: &mut Core,
        now: Now,
        (request, owner): (&WriteRequest<'_>, u64),
        fx: &mut Effects,
    ) -> Result<(), Lost> {
        // A new election gives a new epoch; who is alone has none and just goes on counting.
        if self.last_proposed.counter() >= u32::MAX - 1 && !core.settings.is_standalone() {
            return Err(Lost("the counter of this epoch is used up".to_owned()));
        }
        let zxid = self.last_proposed.next();
        self.entry.clear();
        let allowed = if request.op == OpCode::CreateSession.code() {
            let timeout_ms = Reader::new(request.body).i32().unwrap_or(0);
            self.tracker.add(request.session, timeout_ms, now.mono_ms);
            self.tracker.set_owner(request.session, owner);
            Ok(())
        } else if request.op == OpCode::CloseSession.code() && request.cxid == 0 {
            Ok(()) // our own decision that it has expired
        } else {
            self.tracker.check(request.session, owner)
        };
        match allowed {
            Ok(()) => self
                .preparer
                .prepare(&core.db, request, zxid, &mut self.entry),
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
        if request.op == OpCode::CloseSession.code() {
            self.tracker.set_closing(request.session);
        }
        self.propose(core, now, zxid, fx);
        Ok(())
    }

    fn propose(&mut self, core: &mut Core, now: Now, zxid: Zxid, fx: &mut Effects) {
        self.last_proposed = zxid;
        let size = self.entry.len();
        let (_, min, max) = self.proposal_bytes;
        let min = if min == 0 { size } else { min.min(size) };
        self.proposal_bytes = (size, min, max.max(size));
        let start = fx.bytes.len();
        QuorumPacket::new(PacketType::Proposal, zxid, Some(&self.entry)).encode(&mut fx.bytes);
        let end = fx.bytes.len();
        for (id, link) in &self.links {
            if link.votes() && link.stage >= Stage::Forwarding {
                push_learner(fx, *id, start..end);
            }
        }
        // The packet is type, zxid, length, entry, null authinfo.
        core.append(zxid, start + 16..end - 4, fx);
        let entry = self.entry.as_slice().into();
        core.pending.push_back(Pending {
            zxid,
            entry,
            since_ms: now.mono_ms,
        });
    }

    /// Our own log is durable up to here.
    pub(crate) fn synced_log(&mut self, core: &mut Core, last: Zxid, fx: &mut Effects) {
        self.own_acked = self.own_acked.max(last);
        self.try_commit(core, fx);
    }

    /// Commits, in order, what a quorum has in its logs.
    fn try_commit(&mut self, core: &mut Core, fx: &mut Effects) {
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

    /// Tells followers COMMIT and observers INFORM of the `ready` oldest proposals.
    fn announce(&self, core: &Core, ready: usize, fx: &mut Effects) {
        let forwarding = |observer| {
            self.links
                .iter()
                .filter(move |(_, l)| l.observer == observer && l.stage >= Stage::Forwarding)
                .map(|(id, _)| *id)
        };
        if forwarding(false).next().is_some() {
            let start = fx.bytes.len();
            for pending in core.pending.iter().take(ready) {
                QuorumPacket::new(PacketType::Commit, pending.zxid, None).encode(&mut fx.bytes);
            }
            let end = fx.bytes.len();
            for link in forwarding(false) {
                push_learner(fx, link, start..end);
            }
        }
        if forwarding(true).next().is_some() {
            let start = fx.bytes.len();
            for Pending { zxid, entry, .. } in core.pending.iter().take(ready) {
                QuorumPacket::new(PacketType::Inform, *zxid, Some(entry)).encode(&mut fx.bytes);
            }
            let end = fx.bytes.len();
            for link in forwarding(true) {
                push_learner(fx, link, start..end);
            }
        }
    }

    /// A sync of a client of ours.
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
                let start = fx.bytes.len();
                QuorumPacket::new(PacketType::Sync, Zxid::ZERO, None).encode(&mut fx.bytes);
                fx.learner(link, start);
            }
        }
    }

    // --- sessions and time ------------------------------------------------------------------

    /// A client of ours wants its session back.
    pub(crate) fn reopen(&mut self, session: SessionId, timeout_ms: i32, now: Now) -> bool {
        self.tracker
            .reopen(session, (LOCAL_OWNER, timeout_ms), now.mono_ms)
    }

    fn revalidate(
        &mut self,
        now: Now,
        (link, packet): (LinkId, &QuorumPacket<'_>),
        fx: &mut Effects,
    ) {
        let mut reader = Reader::new(packet.data.unwrap_or_default());
        let (Ok(session), Ok(timeout_ms)) = (reader.i64(), reader.i32()) else {
            return self.drop_link(link, "unreadable REVALIDATE", fx);
        };
        let valid = self
            .tracker
            .reopen(SessionId(session), (link.0, timeout_ms), now.mono_ms);
        let mut data = Vec::with_capacity(9);
        data.put_i64(session);
        data.put_bool(valid);
        let start = fx.bytes.len();
        QuorumPacket::new(PacketType::Revalidate, Zxid(-1), Some(&data)).encode(&mut fx.bytes);
        fx.learner(link, start);
    }

    /// Time passes.
    pub(crate) fn tick(&mut self, core: &mut Core, now: Now, fx: &mut Effects) -> Result<(), Lost> {
        let ms = now.mono_ms;
        if !self.is_serving() {
            if ms >= self.since_ms + core.settings.init_ms() {
                return Err(Lost(format!(
                    "no quorum of followers within initLimit, in {:?}",
                    self.phase
                )));
            }
        } else {
            for session in self.tracker.expire(ms) {
                fx.log(format!("session {session} has expired"));
                let request = WriteRequest {
                    session,
                    cxid: 0,
                    op: OpCode::CloseSession.code(),
                    body: &[],
                    auth: &[],
                    time_ms: now.wall_ms,
                };
                self.write(core, now, (&request, LOCAL_OWNER), fx)?;
            }
        }
        if core.settings.is_standalone() {
            return Ok(());
        }
        self.drop_silent(core, ms, fx);
        if ms >= self.next_ping_ms {
            self.next_ping_ms = ms + core.settings.tick_ms / 2;
            let start = fx.bytes.len();
            QuorumPacket::new(PacketType::Ping, self.last_proposed, None).encode(&mut fx.bytes);
            let end = fx.bytes.len();
            for (id, _) in self
                .links
                .iter()
                .filter(|(_, link)| link.stage == Stage::Synced)
            {
                push_learner(fx, *id, start..end);
            }
        }
        if ms >= self.next_check_ms {
            self.next_check_ms = ms + core.settings.tick_ms;
            let alive = self
                .links
                .values()
                .filter(|l| l.votes() && l.stage == Stage::Synced);
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

    fn drop_silent(&mut self, core: &Core, now_ms: u64, fx: &mut Effects) {
        let oldest = core
            .pending
            .front()
            .map(|pending| (pending.zxid, pending.since_ms));
        let silent: Vec<LinkId> = self
            .links
            .iter()
            .filter(|(_, link)| {
                let limit = if link.stage == Stage::Synced {
                    core.settings.sync_ms()
                } else {
                    core.settings.init_ms()
                };
                let owes_ack = link.votes()
                    && link.stage == Stage::Synced
                    && oldest.is_some_and(|(zxid, since_ms)| {
                        link.acked < zxid && now_ms >= since_ms + limit
                    });
                now_ms >= link.heard_ms + limit || owes_ack
            })
            .map(|(id, _)| *id)
            .collect();
        for link in silent {
            self.drop_link(link, "nothing heard of it in time", fx);
        }
    }

    /// When [`Self::tick`] has something to do.
    pub(crate) fn deadline_ms(&self, now_ms: u64) -> u64 {
        let expiry = self.tracker.next_deadline(now_ms).unwrap_or(u64::MAX);
        self.next_ping_ms.min(self.next_check_ms).min(expiry)
    }

    /// The role ends: closes every learner's connection.
    pub(crate) fn end(&mut self, fx: &mut Effects) {
        for link in std::mem::take(&mut self.links).into_keys() {
            fx.push(Effect::CloseLearner(link));
        }
    }
}

/// Sends a range of the arena to a learner; neighbouring ranges become one.
fn push_learner(fx: &mut Effects, link: LinkId, range: std::ops::Range<usize>) {
    fx.push(Effect::ToLearner(link, range));
}
