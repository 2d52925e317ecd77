//! Processes that are stopped for a while: their inputs wait, and time goes on.

use std::collections::VecDeque;

use quorate::ensemble::database::ConnId;
use quorate::ensemble::peer::Input;

use super::{Cluster, Event};

#[derive(Debug, Default)]
pub(super) struct Stall {
    pub(super) is_stopped: bool,
    /// Inputs that wait for the process, oldest first.
    pub(super) waiting: VecDeque<Event>,
}

impl Cluster {
    pub(super) fn stall(&mut self, server: usize, ms: u64) {
        let state = &mut self.servers[server];
        if state.peer.is_some() && !state.stall.is_stopped {
            state.stall.is_stopped = true;
            let life = state.life;
            self.seen.stalls += 1;
            self.after(ms, Event::Wake(server, life));
        }
    }

    /// Returns the event if the process that it is for can take it now.
    pub(super) fn unless_stopped(&mut self, event: Event) -> Option<Event> {
        match self.process_of(&event) {
            Some(server) if self.servers[server].stall.is_stopped => {
                self.servers[server].stall.waiting.push_back(event);
                None
            }
            _ => Some(event),
        }
    }

    fn process_of(&self, event: &Event) -> Option<usize> {
        match event {
            Event::Tick(server, _)
            | Event::Disk(server, _)
            | Event::Saved(server, _)
            | Event::ClientUp(server, _)
            | Event::ClientBytes(server, _, _)
            | Event::ClientDown(server, _) => Some(*server),
            Event::Vote { to, .. } | Event::Dial { to, .. } => Some(*to),
            Event::Room(wire) => Some(self.wires.get(wire)?.leader),
            Event::Wire { wire, to_leader } | Event::WireDown { wire, to_leader } => {
                let wire = self.wires.get(wire)?;
                Some(if *to_leader {
                    wire.leader
                } else {
                    wire.learner
                })
            }
            Event::Wake(..) | Event::Kill(..) | Event::Start(_) | Event::Client(_) => None,
        }
    }

    /// Lets a stopped process go on. A real one may see its timer before its sockets.
    pub(super) fn wake(&mut self, server: usize, life: u64) {
        if self.servers[server].life != life || !self.servers[server].stall.is_stopped {
            return;
        }
        self.note(format!("server {server} goes on"));
        self.servers[server].stall.is_stopped = false;
        if self.servers[server].tick_at <= self.now {
            self.servers[server].tick_at = u64::MAX;
            self.step(server, Input::Tick);
        }
        while self.servers[server].life == life
            && let Some(event) = self.servers[server].stall.waiting.pop_front()
        {
            self.handle(event);
        }
    }

    /// A killed process leaves nothing that waits for it, except for those that dial it.
    pub(super) fn forget_stall(&mut self, server: usize) {
        let stall = std::mem::take(&mut self.servers[server].stall);
        for event in stall.waiting {
            if matches!(event, Event::Dial { .. }) {
                self.handle(event);
            }
        }
    }

    /// Checks a line with which a server says that it gives somebody up for silence.
    pub(super) fn check_silence(&self, server: usize, line: &str) {
        let waiting = &self.servers[server].stall.waiting;
        if waiting.is_empty() {
            return;
        }
        if line.contains("the leader") && line.contains("was silent") {
            let spoke = waiting.iter().any(|event| match event {
                Event::Wire { wire, to_leader } => {
                    !to_leader && self.servers[server].leader_wire == Some(*wire)
                }
                _ => false,
            });
            assert!(!spoke, "server {server} gives up a leader whose bytes wait");
        }
        let expired = self
            .clients
            .iter()
            .find(|client| line == format!("session {} has expired", client.session));
        if let Some(client) = expired {
            let spoke = waiting.iter().any(|event| match event {
                Event::ClientBytes(_, ConnId(conn), _) => client.conn == *conn,
                Event::Wire { wire, to_leader } => {
                    let learner = self.wires.get(wire).map(|wire| wire.learner);
                    *to_leader && learner.is_some() && learner == client.server
                }
                _ => false,
            });
            assert!(!spoke, "server {server} expires a session whose bytes wait");
        }
    }

    /// Checks the close of a learner's connection for silence.
    pub(super) fn check_closed(&self, server: usize, closed: u64) {
        let spoke =
            self.servers[server].stall.waiting.iter().any(
                |event| matches!(event, Event::Wire { wire, to_leader: true } if *wire == closed),
            );
        assert!(!spoke, "server {server} closes a learner whose bytes wait");
    }
}
