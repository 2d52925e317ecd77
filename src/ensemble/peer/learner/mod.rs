//! The learner's side of ZAB 1.0 (specification 13.2, 13.5, 13.7, 13.8). A learner is a follower or an
//! observer.

mod follow;
mod forward;
mod snapshot;
mod synchronise;

use std::collections::VecDeque;

use self::snapshot::Incoming;
use self::synchronise::Early;
use super::core::Core;
use super::effects::{Effect, Effects};
use super::leader::Lost;
use crate::ensemble::database::ConnId;
use crate::wire::jute::{
    JuteError, LearnerInfo, PacketType, PeerId, QuorumPacket, SessionId, Zxid,
};

/// Pause between attempts to connect to the leader's quorum port, ms. The elected server may not have
/// begun to lead yet.
const RETRY_MS: u64 = 20;

/// Connection attempts before a new election.
const ATTEMPTS_MAX: u32 = 50;

/// How far the learner has progressed.
#[derive(Debug)]
enum Phase {
    /// Connects, or waits until `retry_at_ms` for the next attempt.
    Dialling {
        retry_at_ms: Option<u64>,
    },
    /// Has sent FOLLOWERINFO or OBSERVERINFO; waits for LEADERINFO.
    AwaitingEpoch,
    /// Writes the accepted epoch to disk. ACKEPOCH then reports `current` as the current epoch.
    AcceptingEpoch {
        current: i32,
    },
    /// Has sent ACKEPOCH; waits for DIFF, TRUNC or SNAP.
    AwaitingPlan,
    /// Cuts the log.
    Truncating {
        to: Zxid,
    },
    ReceivingSnapshot(Incoming),
    /// Receives proposals and commits up to NEWLEADER.
    Synchronising,
    /// Has received NEWLEADER; makes the data and the epoch durable.
    EnteringEpoch,
    /// Has acknowledged NEWLEADER.
    AwaitingUpToDate,
    /// Takes part in the broadcast.
    Active,
}

#[derive(Debug)]
pub(crate) struct Learner {
    pub(crate) leader: PeerId,
    phase: Phase,
    epoch: i64,
    /// Whether the leader's epoch is behind the one that this server has accepted.
    outdated: bool,
    /// Why the role ends once the disk has done what is under way.
    lost: Option<Lost>,
    /// When it started to learn, monotonic ms.
    pub(crate) since_ms: u64,
    /// When the leader's last bytes arrived, monotonic ms.
    heard_ms: u64,
    attempts: u32,
    /// Proposals that have arrived before UPTODATE, oldest first.
    early: VecDeque<Early>,
    last_early: Option<Zxid>,
    /// Logged proposals whose ACK waits for the disk, oldest first.
    unacked: VecDeque<Zxid>,
    /// Connections that wait for a SYNC, oldest first.
    syncs: VecDeque<ConnId>,
    revalidations: VecDeque<(SessionId, ConnId)>,
}

impl Learner {
    /// Starts to follow or observe the elected leader.
    pub(crate) fn new(leader: PeerId, now_ms: u64, fx: &mut Effects) -> Self {
        fx.push(Effect::DialLeader(leader));
        Self {
            leader,
            phase: Phase::Dialling { retry_at_ms: None },
            epoch: 0,
            outdated: false,
            lost: None,
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

    pub(crate) const fn is_receiving_snapshot(&self) -> bool {
        matches!(self.phase, Phase::ReceivingSnapshot { .. })
    }

    pub(crate) fn is_serving(&self) -> bool {
        matches!(self.phase, Phase::Active)
    }

    /// Returns the epoch of the leader.
    pub(crate) const fn epoch(&self) -> i64 {
        self.epoch
    }

    /// Whether this server cannot follow the leader before the next election raises the epoch.
    pub(crate) const fn is_outdated(&self) -> bool {
        self.outdated
    }

    /// Introduces this server on the newly established connection to the leader.
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

    /// Handles that the connection is lost or could not be established. Tries again if the leader has not
    /// answered yet. If the disk is about to replace the database, the role ends only afterwards: the next
    /// vote must report what is on disk.
    pub(crate) fn leader_down(&mut self, core: &Core) -> Result<(), Lost> {
        if matches!(self.phase, Phase::Dialling { .. } | Phase::AwaitingEpoch)
            && self.attempts < ATTEMPTS_MAX
        {
            self.attempts += 1;
            self.phase = Phase::Dialling {
                retry_at_ms: Some(core.now.mono_ms + RETRY_MS),
            };
            return Ok(());
        }
        let lost = Lost(format!("lost the leader, server {}", self.leader));
        if self.is_replacing() {
            self.lost = Some(lost);
            return Ok(());
        }
        Err(lost)
    }

    /// Whether the disk is about to hold another database than `Core` does.
    fn is_replacing(&self) -> bool {
        match &self.phase {
            Phase::Truncating { .. } => true,
            Phase::ReceivingSnapshot(incoming) => incoming.is_saving(),
            _ => false,
        }
    }

    pub(crate) fn end(&mut self, fx: &mut Effects) {
        if matches!(&self.phase, Phase::ReceivingSnapshot(incoming) if !incoming.is_saving()) {
            fx.push(Effect::AbortSnapshot);
        }
        fx.push(Effect::HangUpLeader);
    }

    /// Handles the packets or snapshot bytes at the start of `bytes`. Stops while the disk is busy with an
    /// epoch, with cutting the log or with saving the leader's snapshot.
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
                Phase::AcceptingEpoch { .. } | Phase::Truncating { .. } => break,
                Phase::ReceivingSnapshot(_) => {
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
                self.plan(core, packet, fx);
                Ok(())
            }
            (
                Phase::Synchronising | Phase::EnteringEpoch | Phase::AwaitingUpToDate,
                Kind::Proposal | Kind::Commit | Kind::Inform,
            ) => self.early_packet(packet),
            (Phase::Synchronising, Kind::NewLeader) => self.new_leader(core, packet, fx),
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
        if self.is_replacing() {
            return Ok(()); // the leader's bytes wait in front of us
        }
        let limit = self.limit_ms(core);
        if core.now.mono_ms >= self.heard_ms + limit {
            return Err(Lost(format!(
                "the leader, server {}, was silent for {limit} ms",
                self.leader
            )));
        }
        Ok(())
    }

    /// Returns how long the leader may be silent, ms.
    fn limit_ms(&self, core: &Core) -> u64 {
        match self.phase {
            Phase::Active | Phase::AwaitingUpToDate => core.settings.sync_ms(),
            _ => core.settings.init_ms(),
        }
    }

    /// When [`Self::tick`] is due next.
    pub(crate) fn deadline_ms(&self, core: &Core) -> u64 {
        if let Phase::Dialling {
            retry_at_ms: Some(at),
        } = self.phase
        {
            return at;
        }
        if self.is_replacing() {
            return u64::MAX;
        }
        self.heard_ms + self.limit_ms(core)
    }
}
