//! A learner's side of ZAB 1.0: follower or observer (specification 13.2, 13.5, 13.7, 13.8).

mod follow;
mod forward;
mod synchronise;

use std::collections::VecDeque;

use self::synchronise::Early;
use super::core::Core;
use super::effects::{Effect, Effects};
use super::leader::Lost;
use crate::ensemble::database::{ConnId, SnapshotDecoder};
use crate::wire::jute::{
    JuteError, LearnerInfo, PacketType, PeerId, QuorumPacket, SessionId, Zxid,
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
    pub(crate) fn new(leader: PeerId, now_ms: u64, fx: &mut Effects) -> Self {
        fx.push(Effect::DialLeader(leader));
        Self {
            leader,
            phase: Phase::Dialling { retry_at_ms: None },
            epoch: 0,
            since_ms: now_ms,
            heard_ms: now_ms,
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

    /// The connection to the leader is established.
    pub(crate) fn leader_up(&mut self, core: &Core, fx: &mut Effects) {
        self.heard_ms = core.now.mono_ms;
        self.phase = Phase::AwaitingEpoch;
        let kind = if core.settings.is_observer() {
            PacketType::ObserverInfo
        } else {
            PacketType::FollowerInfo
        };
        let info = LearnerInfo {
            server: Some(core.settings.me.0),
            protocol_version: LearnerInfo::PROTOCOL,
            config_version: core.settings.config_version,
        };
        let zxid = Zxid::new(core.accepted_epoch, 0);
        fx.leader_packet(&QuorumPacket::new(kind, zxid, Some(&info.encode())));
    }

    /// The connection is gone, or could not be made.
    pub(crate) fn leader_down(&mut self, core: &Core) -> Result<(), Lost> {
        match self.phase {
            Phase::Dialling { .. } | Phase::AwaitingEpoch if self.attempts < ATTEMPTS_MAX => {
                self.attempts += 1;
                self.phase = Phase::Dialling {
                    retry_at_ms: Some(core.now.mono_ms + RETRY_MS),
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
        bytes: &[u8],
        fx: &mut Effects,
    ) -> Result<(), Lost> {
        self.heard_ms = core.now.mono_ms;
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
                        self.packet(core, &packet, fx)?;
                    }
                },
            }
        }
        fx.consumed = at;
        Ok(())
    }

    fn packet(
        &mut self,
        core: &mut Core,
        packet: &QuorumPacket<'_>,
        fx: &mut Effects,
    ) -> Result<(), Lost> {
        use PacketType as Kind;
        match (&self.phase, packet.kind) {
            (Phase::Active, _) => self.active_packet(core, packet, fx),
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
                self.activate(core, fx);
                Ok(())
            }
            (_, Kind::Ping) => {
                self.pong(core, packet, fx);
                Ok(())
            }
            (phase, kind) => Err(Lost(format!("the leader sent {kind:?} in {phase:?}"))),
        }
    }

    pub(crate) fn tick(&mut self, core: &Core, fx: &mut Effects) -> Result<(), Lost> {
        if let Phase::Dialling {
            retry_at_ms: Some(at),
        } = self.phase
            && core.now.mono_ms >= at
        {
            self.phase = Phase::Dialling { retry_at_ms: None };
            fx.push(Effect::DialLeader(self.leader));
        }
        let limit = self.limit_ms(core);
        if core.now.mono_ms >= self.heard_ms + limit {
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
