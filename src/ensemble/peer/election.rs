//! Fast Leader Election (specification 12.4, 12.5), as a pure state machine.

use std::collections::BTreeMap;

use super::effects::{Effect, Effects};
use super::settings::Settings;
use crate::wire::jute::{Notification, PeerId, PeerState, Zxid};

/// First wait for notifications before they are sent again, ms.
const MIN_WAIT_MS: u64 = 200;
/// Longest such wait, ms. Java's is 60 s; waking up a little more often costs nothing.
const MAX_WAIT_MS: u64 = 10_000;

/// A vote as it is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Vote {
    pub(crate) leader: PeerId,
    /// That server's last logged zxid.
    pub(crate) zxid: Zxid,
    /// Round in which it was cast.
    pub(crate) round: i64,
    /// Epoch of the proposed leader.
    pub(crate) peer_epoch: i64,
}

impl Vote {
    /// The total order of specification 12.5: epoch, zxid, id.
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
    /// Vote equality of specification 12.5: settled votes ignore zxid and round.
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
    received: BTreeMap<PeerId, Received>,
    settled: BTreeMap<PeerId, Received>,
    wait_ms: u64,
    resend_at_ms: u64,
    decide_at_ms: Option<u64>,
}

/// What a server votes for itself with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnVote {
    pub(crate) round: i64,
    pub(crate) last_logged: Zxid,
    pub(crate) epoch: i64,
}

impl Election {
    /// Starts round `round` and tells everybody.
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
        };
        election.propose(settings, initial, now_ms, fx);
        election
    }

    /// The round we are in.
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

    /// A server's message; `Some` is the decision: the leader's vote.
    pub(crate) fn receive(
        &mut self,
        settings: &Settings,
        from: PeerId,
        message: &Notification,
        now_ms: u64,
        fx: &mut Effects,
    ) -> Option<Vote> {
        if !settings.voters.contains(&from) {
            // An observer or a newcomer asks whom we vote for.
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
            // A voter ignores an observer's round. Otherwise the two would answer each other without end.
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

    /// With a quorum behind the proposal, wait for a better vote; with everybody behind it there
    /// is nobody left who could have one.
    fn check_quorum(&mut self, settings: &Settings, now_ms: u64) {
        let ours = Received {
            vote: self.proposal,
            state: PeerState::Looking,
            version: 2,
        };
        let behind: Vec<&PeerId> = self
            .received
            .iter()
            .filter(|(_, r)| r.agrees(&ours))
            .map(|(peer, _)| peer)
            .collect();
        if behind.len() >= settings.voters.len() {
            self.decide_at_ms = Some(now_ms);
        } else if settings.is_quorum(behind) {
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
            // The quirk of specification 12.5: these are stored with version 0.
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

    /// Do a quorum of `votes` agree with `received`, and does its leader say that it leads?
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

    /// Time passes; `Some` is the decision.
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
        }
        None
    }

    /// When [`Self::tick`] has something to do.
    pub(crate) fn deadline_ms(&self) -> u64 {
        self.decide_at_ms.unwrap_or(self.resend_at_ms)
    }
}

/// A message that tells this vote.
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
