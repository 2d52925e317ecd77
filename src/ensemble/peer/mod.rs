//! One server of the ensemble as a pure state machine.
//!
//! `step(input, &mut effects)`: no clock, no socket, no file. Election and ZAB, the client
//! pipeline and the database are all in here; the shell only performs effects. Durability order
//! is decided here: an ACK is an effect that only a `Synced` input can produce.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod account;
mod clients;
mod core;
mod effects;
mod election;
mod history;
mod latency;
mod leader;
mod learner;
mod replies;
mod requests;
mod settings;
mod status;
#[cfg(test)]
mod tests;

pub use account::{Account, LastReply};
pub use core::Recovered;
pub use effects::{Effect, Effects, LinkId};
pub use settings::{Now, Settings};
pub use status::{ConnStatus, Mode, Status};

use self::core::Core;
use self::election::{Election, OwnVote, Vote, notification};
use self::leader::{Leader, Lost};
use self::learner::Learner;
use crate::ensemble::database::ConnId;
use crate::wire::jute::{Notification, PeerId, PeerState, Zxid};

/// What happens to a server.
#[derive(Debug)]
pub enum Input<'a> {
    /// The process has started; the first input.
    Start,
    /// A deadline has passed; see [`Peer::deadline_ms`].
    Tick,
    /// A message came in on the election port.
    Vote(PeerId, Notification),
    /// A server opened a connection to our quorum port.
    LinkUp(LinkId),
    /// Unconsumed bytes of that connection.
    LinkBytes(LinkId, &'a [u8]),
    /// That connection is gone.
    LinkDown(LinkId),
    /// The connection that `DialLeader` asked for is established.
    LeaderUp,
    /// Unconsumed bytes of that connection.
    LeaderBytes(&'a [u8]),
    /// That connection is gone, or could not be made.
    LeaderDown,
    /// The log is durable up to this entry.
    Synced(Zxid),
    /// The `WriteEpochs` of this ticket is durable.
    EpochsWritten(u64),
    /// The log was cut and read again.
    Truncated(Box<Recovered>),
    /// A client connected from this address.
    ClientUp(ConnId, &'a str),
    /// Unconsumed bytes of that client.
    ClientBytes(ConnId, &'a [u8]),
    /// That client's connection is gone.
    ClientDown(ConnId),
    /// Write the next slice of the background snapshot.
    SnapshotContinue,
}

#[derive(Debug)]
enum Role {
    Looking(Election),
    Leading(Box<Leader>),
    Learning(Box<Learner>),
}

#[derive(Debug)]
pub struct Peer {
    core: Core,
    role: Role,
    /// The vote that decided; what LOOKING peers are told.
    vote: Vote,
    round: i64,
    next_sweep_ms: u64,
}

impl Peer {
    /// A server with what recovery found on its disk.
    #[must_use]
    pub fn new(settings: Settings, recovered: Recovered) -> Self {
        let mut idle = Effects::default();
        let vote = Vote {
            leader: settings.me,
            zxid: Zxid::ZERO,
            round: 0,
            peer_epoch: 0,
        };
        let core = Core::new(settings, recovered);
        let own = OwnVote {
            round: 0,
            last_logged: core.last_logged,
            epoch: core.current_epoch,
        };
        let election = Election::start(&core.settings, own, 0, &mut idle);
        Self {
            core,
            role: Role::Looking(election),
            vote,
            round: 0,
            next_sweep_ms: 0,
        }
    }

    /// Takes one input; what is to be done is appended to `fx`.
    pub fn step(&mut self, now: Now, input: Input<'_>, fx: &mut Effects) {
        fx.consumed = 0;
        self.core.now = now;
        let outcome = self.dispatch(input, fx);
        if let Err(Lost(why)) = outcome {
            fx.log(format!("{} no more: {why}", self.mode()));
            self.look(fx);
        }
    }

    fn dispatch(&mut self, input: Input<'_>, fx: &mut Effects) -> Result<(), Lost> {
        let core = &mut self.core;
        match (input, &mut self.role) {
            (Input::Start, _) => {
                if core.settings.is_standalone() {
                    self.role = Role::Leading(Box::new(Leader::new(core, fx)));
                } else {
                    self.look(fx);
                }
            }
            (Input::Tick, _) => return self.tick(fx),
            (Input::Vote(from, message), _) => self.vote(from, &message, fx),
            (Input::LinkUp(link), Role::Leading(leader)) => leader.link_up(core, link),
            (Input::LinkUp(link), _) => fx.push(Effect::CloseLearner(link)),
            (Input::LinkBytes(link, bytes), Role::Leading(leader)) => {
                return leader.link_bytes(core, link, bytes, fx);
            }
            (Input::LinkDown(link), Role::Leading(leader)) => leader.link_down(link, fx),
            (Input::LeaderUp, Role::Learning(learner)) => learner.leader_up(core, fx),
            (Input::LeaderBytes(bytes), Role::Learning(learner)) => {
                let outcome = learner.bytes(core, bytes, fx);
                self.adopt_epoch();
                return outcome;
            }
            (Input::LeaderDown, Role::Learning(learner)) => return learner.leader_down(core),
            (Input::LinkBytes(_, bytes) | Input::LeaderBytes(bytes), _) => {
                fx.consumed = bytes.len();
            }
            (Input::LinkDown(_) | Input::LeaderUp | Input::LeaderDown, _) => {}
            (Input::Synced(last), Role::Leading(leader)) => leader.synced_log(core, last, fx),
            (Input::Synced(last), Role::Learning(learner)) => learner.synced_log(last, fx),
            (Input::Synced(_), Role::Looking(_)) => {}
            (Input::EpochsWritten(ticket), _) if core.awaits_epochs(ticket) => {
                self.epochs_written(fx);
            }
            (Input::EpochsWritten(_), _) => {}
            (Input::Truncated(recovered), role) => {
                core.load(*recovered);
                if let Role::Learning(learner) = role {
                    learner.truncated(fx);
                }
            }
            (Input::ClientUp(conn, address), _) => {
                core.clients.insert(conn, address, core.now);
            }
            (Input::ClientBytes(conn, bytes), _) => return self.client_bytes(conn, bytes, fx),
            (Input::ClientDown(conn), _) => {
                core.clients.remove(conn);
                core.db.connection_closed(conn);
            }
            (Input::SnapshotContinue, _) => core.snapshot_slice(fx),
        }
        Ok(())
    }

    /// Back to LOOKING: the next round.
    fn look(&mut self, fx: &mut Effects) {
        match &mut self.role {
            Role::Leading(leader) => leader.end(fx),
            Role::Learning(_) => fx.push(Effect::HangUpLeader),
            Role::Looking(_) => {}
        }
        self.core.settle(fx);
        // The round may be what a peer told us.
        self.round = self.round.saturating_add(1);
        let own = OwnVote {
            round: self.round,
            last_logged: self.core.last_logged,
            epoch: self.core.current_epoch,
        };
        let election = Election::start(&self.core.settings, own, self.core.now.mono_ms, fx);
        self.role = Role::Looking(election);
        self.try_decide(fx);
    }

    fn try_decide(&mut self, fx: &mut Effects) {
        if let Role::Looking(election) = &mut self.role
            && let Some(vote) = election.tick(&self.core.settings, self.core.now.mono_ms, fx)
        {
            self.decide(vote, fx);
        }
    }

    fn decide(&mut self, vote: Vote, fx: &mut Effects) {
        self.vote = vote;
        self.round = vote.round;
        fx.log(format!(
            "elected server {} in round {}",
            vote.leader, vote.round
        ));
        self.role = if vote.leader == self.core.settings.me {
            Role::Leading(Box::new(Leader::new(&mut self.core, fx)))
        } else {
            Role::Learning(Box::new(Learner::new(
                vote.leader,
                self.core.now.mono_ms,
                fx,
            )))
        };
    }

    fn vote(&mut self, from: PeerId, message: &Notification, fx: &mut Effects) {
        let settings = &self.core.settings;
        let now_ms = self.core.now.mono_ms;
        match &mut self.role {
            Role::Looking(election) => {
                let decision = election.receive(settings, from, message, now_ms, fx);
                self.round = election.round();
                match decision {
                    Some(vote) => self.decide(vote, fx),
                    None => self.try_decide(fx),
                }
            }
            Role::Leading(_) | Role::Learning(_) => {
                // Only a server that is LOOKING asks. Two decided servers would answer each other forever.
                if message.state != PeerState::Looking {
                    return;
                }
                let state = match self.role {
                    Role::Leading(_) => PeerState::Leading,
                    _ if settings.is_observer() => PeerState::Observing,
                    _ => PeerState::Following,
                };
                let message = notification(settings, state, self.vote);
                fx.push(Effect::Vote { to: from, message });
            }
        }
    }

    fn epochs_written(&mut self, fx: &mut Effects) {
        let core = &mut self.core;
        match &mut self.role {
            Role::Leading(leader) => leader.epochs_written(core, fx),
            Role::Learning(learner) => learner.epochs_written(core, fx),
            Role::Looking(_) => {}
        }
        self.adopt_epoch();
    }

    /// Once synchronised, our vote carries the established epoch (ZOOKEEPER-1818).
    fn adopt_epoch(&mut self) {
        match &self.role {
            Role::Leading(leader) if leader.is_serving() => self.vote.peer_epoch = leader.epoch(),
            Role::Learning(learner) if learner.is_serving() => {
                self.vote.peer_epoch = learner.epoch();
            }
            _ => {}
        }
    }

    fn tick(&mut self, fx: &mut Effects) -> Result<(), Lost> {
        if self.core.now.mono_ms >= self.next_sweep_ms {
            self.next_sweep_ms = self.core.now.mono_ms + 1000;
            self.core
                .clients
                .close_sessionless(self.core.now.mono_ms, fx);
        }
        match &mut self.role {
            Role::Looking(_) => {
                self.try_decide(fx);
                Ok(())
            }
            Role::Leading(leader) => {
                let outcome = leader.tick(&mut self.core, fx);
                self.adopt_epoch();
                outcome
            }
            Role::Learning(learner) => learner.tick(&self.core, fx),
        }
    }

    /// When the next `Tick` is due, monotonic ms.
    #[must_use]
    pub fn deadline_ms(&self, now_ms: u64) -> u64 {
        let role = match &self.role {
            Role::Looking(election) => election.deadline_ms(),
            Role::Leading(leader) => leader.deadline_ms(now_ms),
            Role::Learning(learner) => learner.deadline_ms(&self.core),
        };
        role.min(self.next_sweep_ms)
    }

    /// Does a background snapshot wait for `SnapshotContinue`?
    #[must_use]
    pub const fn is_snapshotting(&self) -> bool {
        self.core.is_snapshotting()
    }

    /// Are clients served?
    #[must_use]
    pub fn is_serving(&self) -> bool {
        match &self.role {
            Role::Looking(_) => false,
            Role::Leading(leader) => {
                let settings = &self.core.settings;
                leader.is_serving() && (settings.leader_serves || settings.is_standalone())
            }
            Role::Learning(learner) => learner.is_serving(),
        }
    }
}
