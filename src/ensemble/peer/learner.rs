//! A learner's side of ZAB 1.0: follower or observer (specification 13.2, 13.5, 13.7, 13.8).

use std::collections::VecDeque;

use super::core::{Core, Pending};
use super::effects::{Effect, Effects};
use super::leader::{Lost, SNAPSHOT_SIGNATURE};
use super::settings::Now;
use crate::ensemble::database::{ConnId, SnapshotDecoder, WriteRequest};
use crate::wire::jute::{
    JuteError, LearnerInfo, PacketType, PeerId, QuorumPacket, Reader, SessionId, WriteJute, Zxid,
};

/// Pause between attempts to reach the leader's quorum port, ms: it may not listen yet.
const RETRY_MS: u64 = 20;
/// Attempts before a new election.
const ATTEMPTS_MAX: u32 = 50;

/// How far we have come.
#[derive(Debug)]
enum Phase {
    /// No connection; the next attempt is due then.
    Dialling { retry_at_ms: Option<u64> },
    /// FOLLOWERINFO is sent.
    AwaitingEpoch,
    /// The accepted epoch is being written; then this goes out as our current epoch.
    AcceptingEpoch { current: i32 },
    /// ACKEPOCH is sent; DIFF, TRUNC or SNAP is next.
    AwaitingPlan,
    /// The log is being cut.
    Truncating,
    /// The stream is a snapshot.
    ReceivingSnapshot {
        zxid: Zxid,
        decoder: Option<Box<SnapshotDecoder>>,
    },
    /// Proposals and commits up to NEWLEADER.
    Synchronising { from_snapshot: bool },
    /// NEWLEADER has come; data and epoch are being made durable.
    EnteringEpoch,
    /// NEWLEADER is acknowledged.
    AwaitingUpToDate,
    /// In the broadcast.
    Active,
}

/// A proposal that came before UPTODATE.
#[derive(Debug)]
struct Early {
    zxid: Zxid,
    entry: Box<[u8]>,
    committed: bool,
}

/// State of a learner.
#[derive(Debug)]
pub(crate) struct Learner {
    pub(crate) leader: PeerId,
    phase: Phase,
    epoch: i64,
    since_ms: u64,
    heard_ms: u64,
    attempts: u32,
    early: VecDeque<Early>,
    last_early: Option<Zxid>,
    /// Logged proposals whose ACK waits for the disk, oldest first.
    unacked: VecDeque<Zxid>,
    syncs: VecDeque<ConnId>,
    revalidations: VecDeque<(SessionId, ConnId)>,
}

impl Learner {
    /// Begins to follow (or observe) the elected leader.
    pub(crate) fn new(leader: PeerId, now: Now, fx: &mut Effects) -> Self {
        fx.push(Effect::DialLeader(leader));
        Self {
            leader,
            phase: Phase::Dialling { retry_at_ms: None },
            epoch: 0,
            since_ms: now.mono_ms,
            heard_ms: now.mono_ms,
            attempts: 1,
            early: VecDeque::new(),
            last_early: None,
            unacked: VecDeque::new(),
            syncs: VecDeque::new(),
            revalidations: VecDeque::new(),
        }
    }

    pub(crate) fn is_serving(&self) -> bool {
        matches!(self.phase, Phase::Active)
    }

    /// The leader's established epoch.
    pub(crate) const fn epoch(&self) -> i64 {
        self.epoch
    }

    /// The connection to the leader stands.
    pub(crate) fn leader_up(&mut self, core: &Core, now: Now, fx: &mut Effects) {
        self.heard_ms = now.mono_ms;
        self.phase = Phase::AwaitingEpoch;
        let kind = if core.settings.is_observer() {
            PacketType::ObserverInfo
        } else {
            PacketType::FollowerInfo
        };
        let info = LearnerInfo {
            server: Some(core.settings.me.0),
            protocol_version: LearnerInfo::PROTOCOL,
            config_version: 0,
        };
        let zxid = Zxid::new(core.accepted_epoch, 0);
        send(fx, &QuorumPacket::new(kind, zxid, Some(&info.encode())));
    }

    /// The connection is gone, or could not be made.
    pub(crate) fn leader_down(&mut self, now: Now) -> Result<(), Lost> {
        match self.phase {
            Phase::Dialling { .. } | Phase::AwaitingEpoch if self.attempts < ATTEMPTS_MAX => {
                self.attempts += 1;
                self.phase = Phase::Dialling {
                    retry_at_ms: Some(now.mono_ms + RETRY_MS),
                };
                Ok(())
            }
            _ => Err(Lost(format!("lost the leader, server {}", self.leader))),
        }
    }

    /// As much of `bytes` as can be taken now.
    pub(crate) fn bytes(
        &mut self,
        core: &mut Core,
        now: Now,
        bytes: &[u8],
        fx: &mut Effects,
    ) -> Result<(), Lost> {
        self.heard_ms = now.mono_ms;
        let unreadable = |error: JuteError| Lost(format!("unreadable packet: {error}"));
        let mut at = 0;
        loop {
            let rest = &bytes[at..];
            match &mut self.phase {
                Phase::AcceptingEpoch { .. } | Phase::Truncating => break,
                Phase::ReceivingSnapshot { .. } => {
                    let used = self.snapshot_bytes(core, rest, fx)?;
                    at += used;
                    if used == 0 {
                        break;
                    }
                }
                _ => match QuorumPacket::decode(rest).map_err(unreadable)? {
                    None => break,
                    Some((packet, length)) => {
                        at += length;
                        self.packet(core, now, &packet, fx)?;
                    }
                },
            }
        }
        fx.consumed = at;
        Ok(())
    }

    /// Feeds the snapshot stream; the word behind it ends it.
    fn snapshot_bytes(
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

    fn packet(
        &mut self,
        core: &mut Core,
        now: Now,
        packet: &QuorumPacket<'_>,
        fx: &mut Effects,
    ) -> Result<(), Lost> {
        use PacketType as Kind;
        match (&self.phase, packet.kind) {
            (Phase::Active, _) => self.active_packet(core, now, packet, fx),
            (Phase::AwaitingEpoch, Kind::LeaderInfo) => self.leader_info(core, packet, fx),
            (Phase::AwaitingPlan, Kind::Diff | Kind::Trunc | Kind::Snap) => {
                self.plan(packet, fx);
                Ok(())
            }
            (
                Phase::Synchronising { .. } | Phase::EnteringEpoch | Phase::AwaitingUpToDate,
                Kind::Proposal | Kind::Commit | Kind::Inform,
            ) => self.early_packet(packet),
            (Phase::Synchronising { .. }, Kind::NewLeader) => self.new_leader(core, packet, fx),
            (Phase::AwaitingUpToDate, Kind::UpToDate) => {
                self.activate(core, now, fx);
                Ok(())
            }
            (_, Kind::Ping) => {
                self.pong(core, packet, fx);
                Ok(())
            }
            (phase, kind) => Err(Lost(format!("the leader sent {kind:?} in {phase:?}"))),
        }
    }

    fn leader_info(
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
        send(
            fx,
            &QuorumPacket::new(PacketType::AckEpoch, core.last_logged, Some(&data)),
        );
    }

    fn plan(&mut self, packet: &QuorumPacket<'_>, fx: &mut Effects) {
        fx.log(format!(
            "the leader synchronises us by {:?} {}",
            packet.kind, packet.zxid
        ));
        self.phase = match packet.kind {
            PacketType::Snap => Phase::ReceivingSnapshot {
                zxid: packet.zxid,
                decoder: Some(Box::new(SnapshotDecoder::new())),
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

    /// The log is cut and the database loaded from it.
    pub(crate) fn truncated(&mut self, fx: &mut Effects) {
        self.phase = Phase::Synchronising {
            from_snapshot: false,
        };
        fx.push(Effect::ResumeLeader);
    }

    fn early_packet(&mut self, packet: &QuorumPacket<'_>) -> Result<(), Lost> {
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

    /// Everything before NEWLEADER is made durable, then the epoch, then it is acknowledged: this
    /// order is what keeps committed data (specification 13.5, ZOOKEEPER-4643).
    fn new_leader(
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
                core.last_logged = zxid; // the snapshot below holds it
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

    fn log(&self, core: &mut Core, zxid: Zxid, entry: &[u8], fx: &mut Effects) {
        let start = fx.bytes.len();
        fx.bytes.put(entry);
        let end = fx.bytes.len();
        core.append(zxid, start..end, fx);
    }

    /// Our epoch files are durable, and everything appended before them.
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

    fn ack(&self, zxid: Zxid, fx: &mut Effects) {
        send(fx, &QuorumPacket::new(PacketType::Ack, zxid, None));
    }

    /// UPTODATE: serve, and catch up with what was proposed meanwhile.
    fn activate(&mut self, core: &mut Core, now: Now, fx: &mut Effects) {
        self.phase = Phase::Active;
        self.ack(Zxid::new(self.epoch, 0), fx);
        let last = core.db.last_processed();
        core.db
            .set_last_processed(last.max(Zxid::new(self.epoch, 0)));
        let took = now.mono_ms - self.since_ms;
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
            self.propose(core, now, (zxid, &entry), fx);
            if committed {
                core.commit_oldest(fx);
            }
        }
    }

    fn propose(
        &mut self,
        core: &mut Core,
        now: Now,
        (zxid, entry): (Zxid, &[u8]),
        fx: &mut Effects,
    ) {
        self.log(core, zxid, entry, fx);
        if !core.settings.is_observer() {
            self.unacked.push_back(zxid);
        }
        let entry = entry.into();
        core.pending.push_back(Pending {
            zxid,
            entry,
            since_ms: now.mono_ms,
        });
    }

    /// Our log is durable up to here: acknowledge what the leader waits for.
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

    fn active_packet(
        &mut self,
        core: &mut Core,
        now: Now,
        packet: &QuorumPacket<'_>,
        fx: &mut Effects,
    ) -> Result<(), Lost> {
        match packet.kind {
            PacketType::Proposal | PacketType::Inform => {
                let Some(entry) = packet.data else {
                    return Err(Lost(format!("{:?} without a transaction", packet.kind)));
                };
                self.propose(core, now, (packet.zxid, entry), fx);
                if packet.kind == PacketType::Inform {
                    core.commit_oldest(fx);
                }
            }
            PacketType::Commit => match core.pending.front() {
                Some(pending) if pending.zxid == packet.zxid => {
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

    /// Answers a ping with the sessions heard of since the last one. Never with null data: a
    /// 3.4 leader drops a learner that does (specification 16.6).
    fn pong(&self, core: &mut Core, packet: &QuorumPacket<'_>, fx: &mut Effects) {
        let mut data = Vec::new();
        for (session, timeout_ms) in core.clients.take_touched() {
            data.put_i64(session.0);
            data.put_i32(timeout_ms);
        }
        send(
            fx,
            &QuorumPacket::new(PacketType::Ping, packet.zxid, Some(&data)),
        );
    }

    // --- clients ----------------------------------------------------------------------------

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

    /// Notes whose sync the leader's next SYNC answers.
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
        send(
            fx,
            &QuorumPacket::new(PacketType::Revalidate, Zxid(-1), Some(&data)),
        );
    }

    fn revalidated(&mut self, core: &mut Core, packet: &QuorumPacket<'_>, fx: &mut Effects) {
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

    /// Time passes.
    pub(crate) fn tick(&mut self, core: &Core, now: Now, fx: &mut Effects) -> Result<(), Lost> {
        if let Phase::Dialling {
            retry_at_ms: Some(at),
        } = self.phase
            && now.mono_ms >= at
        {
            self.phase = Phase::Dialling { retry_at_ms: None };
            fx.push(Effect::DialLeader(self.leader));
        }
        let limit = self.limit_ms(core);
        if now.mono_ms >= self.heard_ms + limit {
            return Err(Lost(format!(
                "nothing heard of server {} for {limit} ms",
                self.leader
            )));
        }
        Ok(())
    }

    /// How long the leader may be silent.
    fn limit_ms(&self, core: &Core) -> u64 {
        match self.phase {
            Phase::Active | Phase::AwaitingUpToDate => core.settings.sync_ms(),
            _ => core.settings.init_ms(),
        }
    }

    /// When [`Self::tick`] has something to do.
    pub(crate) fn deadline_ms(&self, core: &Core) -> u64 {
        if let Phase::Dialling {
            retry_at_ms: Some(at),
        } = self.phase
        {
            return at;
        }
        self.heard_ms + self.limit_ms(core)
    }
}

fn send(fx: &mut Effects, packet: &QuorumPacket<'_>) {
    let start = fx.bytes.len();
    packet.encode(&mut fx.bytes);
    fx.leader(start);
}
