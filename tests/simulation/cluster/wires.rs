//! The simulated network: single election messages, and quorum connections as byte streams.

use std::collections::VecDeque;

use quorate::ensemble::peer::{Input, LinkId};
use quorate::wire::jute::{Notification, PeerId};
use rand::RngExt as _;

use super::{Cluster, Event};

/// A connection from a learner to a leader.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) learner: usize,
    pub(super) leader: usize,
    pub(super) up: bool,
    pub(super) to_leader: Stream,
    pub(super) to_learner: Stream,
}

/// One direction of a wire.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// Bytes that have arrived but are not consumed.
    arrived: Vec<u8>,
    /// Chunks that are under way; they arrive in order.
    flying: VecDeque<Vec<u8>>,
}

impl Cluster {
    pub(super) fn is_cut(&self, a: usize, b: usize) -> bool {
        self.cut_active && self.cut[a] != self.cut[b]
    }

    pub(super) fn send_vote(&mut self, from: usize, to: PeerId, message: Notification) {
        let to = self.index(to);
        let id = self.next_id;
        self.next_id += 1;
        self.votes.insert(id, message);
        let delay = self.delay();
        self.after(delay, Event::Vote { from, to, id });
    }

    pub(super) fn dialled(&mut self, from: usize, to: usize, wire: u64) {
        if self.servers[from].leader_wire != Some(wire) {
            return;
        }
        if self.servers[from].stall.is_stopped {
            return self.after(10, Event::Dial { from, to, wire });
        }
        if self.servers[to].peer.is_none() || self.is_cut(from, to) {
            self.servers[from].leader_wire = None;
            self.step(from, Input::LeaderDown);
            return;
        }
        let state = Wire {
            learner: from,
            leader: to,
            up: true,
            to_leader: Stream::default(),
            to_learner: Stream::default(),
        };
        self.wires.insert(wire, state);
        let address = format!("10.0.0.{from}");
        self.step(to, Input::LinkUp(LinkId(wire), &address));
        if self.wires.get(&wire).is_some_and(|wire| wire.up) {
            self.step(from, Input::LeaderUp);
        }
    }

    pub(super) fn send(&mut self, wire: u64, to_leader: bool, bytes: Vec<u8>) {
        let delay = self.delay();
        if self.wires.get(&wire).is_some_and(|state| state.up)
            && let Some(stream) = self.stream(wire, to_leader)
        {
            stream.flying.push_back(bytes);
            self.after(delay, Event::Wire { wire, to_leader });
        }
    }

    /// Delivers what was sent so far, or the first part of it. Chunks merge, as in TCP.
    pub(super) fn arrive(&mut self, wire: u64, to_leader: bool) {
        let Some(state) = self.wires.get(&wire) else {
            return;
        };
        let (learner, leader) = (state.learner, state.leader);
        if !state.up || self.is_cut(learner, leader) {
            return; // the bytes stay queued until the connection times out
        }
        let Some(stream) = self.stream(wire, to_leader) else {
            return;
        };
        let mut bytes = std::mem::take(&mut stream.arrived);
        let flying: Vec<u8> = stream.flying.drain(..).flatten().collect();
        let sent = flying.len();
        let arriving = self.split(wire, to_leader, flying);
        let is_split = arriving.len() < sent;
        bytes.extend(arriving);
        let used = if to_leader {
            self.step(leader, Input::LinkBytes(LinkId(wire), &bytes))
        } else if self.servers[learner].leader_wire == Some(wire) {
            self.step(learner, Input::LeaderBytes(&bytes))
        } else {
            bytes.len()
        };
        if let Some(stream) = self.stream(wire, to_leader) {
            let rest = bytes.get(used..).unwrap_or_default();
            stream.arrived.splice(..0, rest.iter().copied());
        }
        if is_split && self.breaks(learner, to_leader) {
            self.seen.broken_streams += 1;
            self.break_wire(wire);
        }
    }

    /// Returns the bytes that arrive now.
    fn split(&mut self, wire: u64, to_leader: bool, mut bytes: Vec<u8>) -> Vec<u8> {
        let mut chance = self.chances.split;
        if self.chances.broken_synchronisation > 0.0 && !to_leader && bytes.len() > 200 {
            chance = 0.7; // it may be what synchronises a learner
        }
        if bytes.len() < 2 || !self.rng.random_bool(chance) {
            return bytes;
        }
        // The end matters most: a learner that lacks only the last packets.
        let from = match self.rng.random_range(0..2) {
            0 => 1,
            _ => bytes.len().saturating_sub(100).max(1),
        };
        let at = self.rng.random_range(from..bytes.len());
        let rest = bytes.split_off(at);
        if let Some(stream) = self.stream(wire, to_leader) {
            stream.flying.push_front(rest);
        }
        let delay = self.delay();
        self.after(delay, Event::Wire { wire, to_leader });
        bytes
    }

    /// Whether a connection breaks behind the part of a stream that has arrived.
    fn breaks(&mut self, learner: usize, to_leader: bool) -> bool {
        let synchronises = !to_leader && self.servers[learner].disturbance.synchronises;
        let chance = if synchronises {
            self.chances.broken.max(self.chances.broken_synchronisation)
        } else {
            self.chances.broken
        };
        self.rng.random_bool(chance)
    }

    /// Most of what the leader sent is read by now, unless the learner cannot be reached.
    pub(super) fn room(&mut self, wire: u64) {
        let Some(state) = self.wires.get(&wire).filter(|state| state.up) else {
            return;
        };
        let (learner, leader) = (state.learner, state.leader);
        if self.is_cut(learner, leader) {
            self.after(50, Event::Room(wire));
        } else {
            self.step(leader, Input::LinkRoom(LinkId(wire)));
        }
    }

    fn stream(&mut self, wire: u64, to_leader: bool) -> Option<&mut Stream> {
        let state = self.wires.get_mut(&wire)?;
        Some(if to_leader {
            &mut state.to_leader
        } else {
            &mut state.to_learner
        })
    }

    /// Breaks a wire. Both ends are notified later.
    pub(super) fn break_wire(&mut self, wire: u64) {
        let Some(state) = self.wires.get_mut(&wire) else {
            return;
        };
        if state.up {
            state.up = false;
            for to_leader in [true, false] {
                self.after(1, Event::WireDown { wire, to_leader });
            }
        }
    }

    pub(super) fn wire_down(&mut self, wire: u64, to_leader: bool) {
        let Some(state) = self.wires.get(&wire) else {
            return;
        };
        let (learner, leader) = (state.learner, state.leader);
        if self.is_cut(learner, leader) {
            return self.after(50, Event::WireDown { wire, to_leader }); // TCP sends it again
        }
        if to_leader {
            self.step(leader, Input::LinkDown(LinkId(wire)));
        } else if self.servers[learner].leader_wire == Some(wire) {
            self.servers[learner].leader_wire = None;
            self.step(learner, Input::LeaderDown);
        }
    }
}
