//! Fast Leader Election as a pure state machine (specification 12.4, 12.5).

use std::collections::BTreeMap;

use super::effects::{Effect, Effects};
use super::settings::Settings;
use crate::wire::jute::{Notification, PeerId, PeerState, Zxid};

/// First interval after which notifications are sent again, ms.
const MIN_WAIT_MS: u64 = 200;
/// Longest such interval, ms. Java uses 60 s. A shorter interval costs little.
const MAX_WAIT_MS: u64 = 10_000;

/// The parts of a vote that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Vote {
    pub(crate) leader: PeerId,
    /// Last logged zxid of the proposed leader.
    pub(crate) zxid: Zxid,
    /// Election round of the vote.
    pub(crate) round: i64,
    /// Epoch of the proposed leader.
    pub(crate) peer_epoch: i64,
}

impl Vote {
    /// Votes are ordered by epoch, zxid and id (specification 12.5).
    fn rank(&self) -> (i64, Zxid, PeerId) {
        (self.peer_epoch, self.zxid, self.leader)
    }
}

#[derive(Clone, Copy, Debug)]
struct Received {
    vote: Vote,
    state: PeerState,
    version: i32,
}

impl Received {
    /// Whether two votes count as equal (specification 12.5). The votes of servers that follow or lead
    /// are compared without zxid and round.
    fn agrees(&self, other: &Self) -> bool {
        if self.state == PeerState::Looking || other.state == PeerState::Looking {
            return self.vote == other.vote;
        }
        if (self.version == 0) != (other.version == 0) {
            return self.vote.leader == other.vote.leader;
        }
        (self.vote.leader, self.vote.peer_epoch) == (other.vote.leader, other.vote.peer_epoch)
    }
}

/// One election, from LOOKING to a decision.
#[derive(Debug)]
pub(crate) struct Election {
    initial: Vote,
    proposal: Vote,
    /// Votes of the current round.
    received: BTreeMap<PeerId, Received>,
    /// Votes of servers that follow or lead, whatever their round.
    settled: BTreeMap<PeerId, Received>,
    wait_ms: u64,
    resend_at_ms: u64,
    decide_at_ms: Option<u64>,
    /// A leader that this server does not join, and until when, in monotonic ms.
    avoid: Option<(PeerId, u64)>,
}

/// The state that a server's vote for itself carries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnVote {
    pub(crate) round: i64,
    pub(crate) last_logged: Zxid,
    pub(crate) epoch: i64,
}

impl Election {
    /// Starts a round and sends our vote to all voters.
    pub(crate) fn start(settings: &Settings, own: OwnVote, now_ms: u64, fx: &mut Effects) -> Self {
        let initial = if settings.is_observer() {
            let lowest = i64::MIN;
            Vote {
                leader: PeerId(lowest),
                zxid: Zxid(lowest),
                round: own.round,
                peer_epoch: lowest,
            }
        } else {
            Vote {
                leader: settings.me,
                zxid: own.last_logged,
                round: own.round,
                peer_epoch: own.epoch,
            }
        };
        let mut election = Self {
            initial,
            proposal: initial,
            received: BTreeMap::new(),
            settled: BTreeMap::new(),
            wait_ms: MIN_WAIT_MS,
            resend_at_ms: now_ms + MIN_WAIT_MS,
            decide_at_ms: None,
            avoid: None,
        };
        election.propose(settings, initial, now_ms, fx);
        election
    }

    /// Does not join this leader, which other servers follow already, before `until_ms`.
    pub(crate) const fn avoid(&mut self, leader: PeerId, until_ms: u64) {
        self.avoid = Some((leader, until_ms));
    }

    pub(crate) const fn round(&self) -> i64 {
        self.proposal.round
    }

    fn propose(&mut self, settings: &Settings, vote: Vote, now_ms: u64, fx: &mut Effects) {
        self.proposal = vote;
        self.decide_at_ms = None;
        if !settings.is_observer() {
            let own = Received {
                vote,
                state: PeerState::Looking,
                version: 2,
            };
            self.received.insert(settings.me, own);
        }
        self.send_to_all(settings, fx);
        self.check_quorum(settings, now_ms);
    }

    fn send_to_all(&self, settings: &Settings, fx: &mut Effects) {
        for peer in settings.voters.iter().filter(|peer| **peer != settings.me) {
            self.send(settings, *peer, fx);
        }
    }

    /// Sends our current proposal to one server.
    pub(crate) fn send(&self, settings: &Settings, to: PeerId, fx: &mut Effects) {
        let message = notification(settings, PeerState::Looking, self.proposal);
        fx.push(Effect::Vote { to, message });
    }

    /// Handles a message of another server. Returns the winning vote if it decides the election.
    pub(crate) fn receive(
        &mut self,
        settings: &Settings,
        from: PeerId,
        message: &Notification,
        now_ms: u64,
        fx: &mut Effects,
    ) -> Option<Vote> {
        if !settings.voters.contains(&from) {
            // A LOOKING observer or unknown server needs our vote to find the leader.
            if message.state == PeerState::Looking {
                self.send(settings, from, fx);
            }
            return None;
        }
        if !settings.voters.contains(&message.leader) {
            return None;
        }
        let vote = Vote {
            leader: message.leader,
            zxid: message.zxid,
            round: message.round,
            peer_epoch: message.peer_epoch,
        };
        let received = Received {
            vote,
            state: message.state,
            version: message.version,
        };
        match message.state {
            PeerState::Observing => None,
            PeerState::Looking => {
                self.receive_looking(settings, from, received, now_ms, fx);
                None
            }
            PeerState::Following | PeerState::Leading => {
                let avoided = self.avoid.is_some_and(|(leader, until_ms)| {
                    leader == message.leader && now_ms < until_ms
                });
                if avoided {
                    return None;
                }
                self.receive_settled(settings, from, received)
            }
        }
    }

    fn receive_looking(
        &mut self,
        settings: &Settings,
        from: PeerId,
        received: Received,
        now_ms: u64,
        fx: &mut Effects,
    ) {
        let vote = received.vote;
        if self.initial.zxid == Zxid(-1) || vote.zxid == Zxid(-1) {
            return;
        }
        if vote.round < self.proposal.round {
            // Only voters answer a vote of an older round. A voter ignores the round of an observer, so an
            // observer that answered would exchange messages with it endlessly.
            if !settings.is_observer() {
                self.send(settings, from, fx);
            }
            return;
        }
        if vote.round > self.proposal.round {
            self.received.clear();
            self.initial.round = vote.round;
            let best = if vote.rank() > self.initial.rank() {
                vote
            } else {
                self.initial
            };
            self.received.insert(from, received);
            self.propose(settings, best, now_ms, fx);
            return;
        }
        self.received.insert(from, received);
        if vote.rank() > self.proposal.rank() {
            self.propose(settings, vote, now_ms, fx);
        } else {
            self.check_quorum(settings, now_ms);
        }
    }

    /// Sets the time of the decision. If all voters agree with our proposal, that is now. If a quorum
    /// agrees, we wait `finalize_wait_ms` for a better vote.
    fn check_quorum(&mut self, settings: &Settings, now_ms: u64) {
        let ours = Received {
            vote: self.proposal,
            state: PeerState::Looking,
            version: 2,
        };
        let agreeing: Vec<&PeerId> = self
            .received
            .iter()
            .filter(|(_, r)| r.agrees(&ours))
            .map(|(peer, _)| peer)
            .collect();
        if agreeing.len() >= settings.voters.len() {
            self.decide_at_ms = Some(now_ms);
        } else if settings.is_quorum(agreeing) {
            self.decide_at_ms
                .get_or_insert(now_ms + settings.finalize_wait_ms);
        } else {
            self.decide_at_ms = None;
        }
    }

    fn receive_settled(
        &mut self,
        settings: &Settings,
        from: PeerId,
        received: Received,
    ) -> Option<Vote> {
        let vote = received.vote;
        if vote.round == self.proposal.round {
            // Java stores these votes with version 0 (specification 12.5).
            self.received.insert(
                from,
                Received {
                    version: 0,
                    ..received
                },
            );
            if self.elected(settings, &self.received, &received) {
                return Some(vote);
            }
        }
        self.settled.insert(from, received);
        if self.elected(settings, &self.settled, &received) {
            self.proposal.round = vote.round;
            return Some(vote);
        }
        None
    }

    /// Whether a quorum of `votes` agrees with `received` and its leader reports that it leads.
    fn elected(
        &self,
        settings: &Settings,
        votes: &BTreeMap<PeerId, Received>,
        received: &Received,
    ) -> bool {
        let leader = received.vote.leader;
        let agreeing = votes
            .iter()
            .filter(|(_, r)| r.agrees(received))
            .map(|(peer, _)| peer);
        if !settings.is_quorum(agreeing) {
            return false;
        }
        if leader == settings.me {
            return received.vote.round == self.proposal.round;
        }
        votes
            .get(&leader)
            .is_some_and(|r| r.state == PeerState::Leading)
    }

    /// Sends our vote again when that is due. Returns the winning vote once the election is decided.
    pub(crate) fn tick(
        &mut self,
        settings: &Settings,
        now_ms: u64,
        fx: &mut Effects,
    ) -> Option<Vote> {
        if self.decide_at_ms.is_some_and(|at| now_ms >= at) {
            return Some(self.proposal);
        }
        if self.decide_at_ms.is_none() && now_ms >= self.resend_at_ms {
            self.send_to_all(settings, fx);
            self.wait_ms = (2 * self.wait_ms).min(MAX_WAIT_MS);
            self.resend_at_ms = now_ms + self.wait_ms;
            if let Some((_, until_ms)) = self.avoid
                && until_ms > now_ms
            {
                self.resend_at_ms = self.resend_at_ms.min(until_ms);
            }
        }
        None
    }

    /// When [`Self::tick`] is due next.
    pub(crate) fn deadline_ms(&self) -> u64 {
        self.decide_at_ms.unwrap_or(self.resend_at_ms)
    }
}

pub(crate) fn notification(settings: &Settings, state: PeerState, vote: Vote) -> Notification {
    Notification {
        state,
        leader: vote.leader,
        zxid: vote.zxid,
        round: vote.round,
        peer_epoch: vote.peer_epoch,
        version: 2,
        config: settings.config_text.clone(),
    }
}
