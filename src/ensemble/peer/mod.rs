//! One server of the ensemble as a pure state machine.
//!
//! [`Peer::step`] takes an input and appends effects. It uses no clock, socket or file. The peer
//! contains election, ZAB, client requests and the database; the caller performs the effects. The peer
//! also decides the order of durability: it sends an ACK only after a `Synced` input.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod account;
mod clients;
mod core;
mod effects;
mod election;
mod epoch_limit;
mod figures;
mod history;
mod latency;
mod latency_histogram;
mod leader;
mod learner;
mod replies;
mod requests;
mod retry;
mod settings;
mod status;
#[cfg(test)]
mod stream_tests;
#[cfg(test)]
mod tests;
mod work;

pub use account::{Account, LastReply};
pub use core::Recovered;
pub use effects::{Effect, Effects, LinkId};
pub use figures::{Figures, ProtocolFigures, Sizes};
pub use latency::Latency;
pub use latency_histogram::LatencyHistogram;
pub use leader::LearnerCounts;
pub use settings::{Now, ReaperSettings, Settings};
pub use status::{ConnStatus, LeaderStatus, Mode, SessionBucket};

use self::core::Core;
use self::election::{Election, OwnVote, Vote, notification};
use self::leader::{Leader, Lost};
use self::learner::Learner;
use self::retry::Retry;
use crate::ensemble::database::ConnId;
use crate::wire::jute::{Notification, PeerId, PeerState, Zxid};

/// How many watches of closed connections one tick removes from memory. Ticks follow each other without
/// a pause until none is left.
const WATCHES_FORGOTTEN: usize = 2_000;

/// An event that a server handles.
#[derive(Debug)]
pub enum Input<'a> {
    /// The process has started. This is the first input.
    Start,
    /// The deadline of [`Peer::deadline_ms`] has passed. The first one only makes the next one due at once:
    /// the inputs that waited meanwhile, for example while the process was stopped, come between the two.
    Tick,
    /// The server has not run for this time, in ms, for example because its process was stopped. The next
    /// `Tick` judges deadlines that have passed meanwhile.
    Stalled(u64),
    /// A message has arrived on the election port.
    Vote(PeerId, Notification),
    /// A server has opened a connection to our quorum port from this address.
    LinkUp(LinkId, &'a str),
    /// Unconsumed bytes of a connection to our quorum port.
    LinkBytes(LinkId, &'a [u8]),
    /// A connection to our quorum port has closed.
    LinkDown(LinkId),
    /// Most of the bytes for this learner are sent; answers `AwaitRoom`.
    LinkRoom(LinkId),
    /// The connection that `DialLeader` requested is established.
    LeaderUp,
    /// Unconsumed bytes of the connection to the leader.
    LeaderBytes(&'a [u8]),
    /// The connection to the leader has closed or could not be established.
    LeaderDown,
    /// The log is durable up to this entry.
    Synced(Zxid),
    /// The epochs of the `WriteEpochs` with this ticket are durable.
    EpochsWritten(u64),
    /// The log was cut, and this was recovered from it.
    Truncated(Box<Recovered>),
    /// A client has connected from this address.
    ClientUp(ConnId, &'a str),
    /// Unconsumed bytes of a client.
    ClientBytes(ConnId, &'a [u8]),
    /// A client's connection has closed.
    ClientDown(ConnId),
    /// Write the next slice of the background snapshot.
    SnapshotContinue,
    /// A snapshot is durable: the oldest whose `EndSnapshot` has no report yet.
    SnapshotSaved,
    /// A snapshot could not be written, for this reason: the oldest whose `EndSnapshot` has no report yet.
    SnapshotFailed(String),
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
    /// The vote that decided the last election. LOOKING servers receive it.
    vote: Vote,
    round: i64,
    retry: Retry,
    /// A `Tick` has announced that a deadline has passed. The next one judges it.
    is_tick_announced: bool,
    /// When the last election started, monotonic ms.
    looking_since_ms: u64,
    /// When connections without a session are closed next, monotonic ms.
    next_sweep_ms: u64,
}

impl Peer {
    /// Creates a server from the state that was recovered from disk.
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
            retry: Retry::default(),
            is_tick_announced: false,
            looking_since_ms: 0,
            next_sweep_ms: 0,
        }
    }

    /// Handles one input. Appends the resulting effects to `fx`.
    pub fn step(&mut self, now: Now, input: Input<'_>, fx: &mut Effects) {
        fx.consumed = 0;
        self.core.now = now;
        self.core.work.begin_step(now.mono_ms);
        let outcome = self.dispatch(input, fx);
        if let Err(Lost(why)) = outcome {
            fx.log(format!("no longer {}: {why}", self.mode()));
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
            (Input::Stalled(lost_ms), Role::Leading(leader)) => {
                leader.make_up_for_stall(core, lost_ms);
            }
            (Input::Stalled(_), _) => {}
            (Input::Vote(from, message), _) => self.vote(from, &message, fx),
            (Input::LinkUp(link, address), Role::Leading(leader)) => {
                leader.link_up(core, link, address);
            }
            (Input::LinkUp(link, _), _) => fx.push(Effect::CloseLearner(link)),
            (Input::LinkBytes(link, bytes), Role::Leading(leader)) => {
                return leader.link_bytes(core, link, bytes, fx);
            }
            (Input::LinkDown(link), Role::Leading(leader)) => leader.link_down(link, fx),
            (Input::LinkRoom(link), Role::Leading(leader)) => leader.link_room(core, link, fx),
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
            (Input::LinkDown(_) | Input::LinkRoom(_) | Input::LeaderUp | Input::LeaderDown, _) => {}
            (Input::Synced(last), Role::Leading(leader)) => leader.synced_log(core, last, fx),
            (Input::Synced(last), Role::Learning(learner)) => learner.synced_log(last, fx),
            (Input::EpochsWritten(ticket), _) if core.awaits_epochs(ticket) => {
                self.epochs_written(fx);
            }
            (Input::Synced(_), Role::Looking(_)) | (Input::EpochsWritten(_), _) => {}
            (Input::Truncated(recovered), role) => {
                core.load(*recovered);
                if let Role::Learning(learner) = role {
                    return learner.truncated(core, fx);
                }
            }
            (Input::ClientUp(conn, address), _) => {
                core.clients.insert(conn, address, core.now);
            }
            (Input::ClientBytes(conn, bytes), _) => return self.client_bytes(conn, bytes, fx),
            (Input::ClientDown(conn), _) => {
                core.clients.remove(conn);
                core.db.connection_closed(conn);
                core.db.forget_some(WATCHES_FORGOTTEN); // usually all of its watches
            }
            (Input::SnapshotContinue, _) => core.snapshot_slice(fx),
            (Input::SnapshotSaved, _) => return self.snapshot_saved(fx),
            (Input::SnapshotFailed(why), _) => self.snapshot_failed(&why, fx),
        }
        Ok(())
    }

    fn snapshot_saved(&mut self, fx: &mut Effects) -> Result<(), Lost> {
        let core = &mut self.core;
        let ticket = core.snapshot_reported();
        match &mut self.role {
            Role::Learning(learner) => learner.snapshot_saved(core, ticket, fx),
            Role::Looking(_) | Role::Leading(_) => Ok(()),
        }
    }

    fn snapshot_failed(&mut self, why: &str, fx: &mut Effects) {
        let ticket = self.core.snapshot_reported();
        match &self.role {
            Role::Learning(learner) if learner.awaits_snapshot(ticket) => {
                let why = format!("the leader's snapshot is not saved: {why}");
                fx.push(Effect::Fatal(10, why));
            }
            _ => fx.log(format!("a snapshot is not written: {why}")),
        }
    }

    /// Returns to LOOKING and starts the next election round.
    fn look(&mut self, fx: &mut Effects) {
        match &mut self.role {
            Role::Leading(leader) => {
                self.retry = Retry::default();
                leader.end(fx);
            }
            Role::Learning(learner) => {
                self.retry.ended(learner, self.core.now.mono_ms);
                learner.end(fx);
            }
            Role::Looking(_) => {}
        }
        self.core.settle(fx);
        self.core.figures.elections += 1;
        self.looking_since_ms = self.core.now.mono_ms;
        // Another server may have sent the largest number as its round.
        self.round = self.round.saturating_add(1);
        let own = OwnVote {
            round: self.round,
            last_logged: self.core.last_logged,
            epoch: self.core.current_epoch,
        };
        let now_ms = self.core.now.mono_ms;
        let mut election = Election::start(&self.core.settings, own, now_ms, fx);
        if let Some((leader, until_ms)) = self.retry.avoided(now_ms) {
            election.avoid(leader, until_ms);
        }
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
        let took_ms = self.core.now.mono_ms - self.looking_since_ms;
        self.core.figures.election_ms.record(took_ms);
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
                // Only LOOKING servers need an answer. Two other servers would answer each other endlessly.
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

    /// Puts the established epoch into our vote once we serve (ZOOKEEPER-1818).
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
        self.is_tick_announced = !self.is_tick_announced;
        if self.is_tick_announced {
            return Ok(());
        }
        self.core.db.forget_some(WATCHES_FORGOTTEN);
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

    /// Returns when the next `Tick` is due, monotonic ms.
    #[must_use]
    pub fn deadline_ms(&self, now_ms: u64) -> u64 {
        if self.is_tick_announced {
            return 0;
        }
        if self.core.db.is_forgetting() {
            return now_ms;
        }
        let role = match &self.role {
            Role::Looking(election) => election.deadline_ms(),
            Role::Leading(leader) => leader.deadline_ms(now_ms),
            Role::Learning(learner) => learner.deadline_ms(&self.core),
        };
        role.min(self.next_sweep_ms)
    }

    /// Whether a background snapshot waits for `SnapshotContinue`.
    #[must_use]
    pub const fn is_snapshotting(&self) -> bool {
        self.core.is_snapshotting()
    }

    /// Whether clients that an [`Effect::YieldClient`] put off can have their turn at `now`.
    #[must_use]
    pub const fn has_room(&self, now: Now) -> bool {
        self.core.work.has_room(now.mono_ms)
    }

    /// Whether the leader is sending its tree.
    #[must_use]
    pub fn is_receiving_snapshot(&self) -> bool {
        matches!(&self.role, Role::Learning(learner) if learner.is_receiving_snapshot())
    }

    /// Whether the server handles client requests.
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
