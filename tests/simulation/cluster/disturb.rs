//! Faults that strike while a learner is synchronised.

use rand::RngExt as _;

use super::{Cluster, Event};
use crate::faults;

/// When a learner is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KillAt {
    /// After the leader has announced how it synchronises the learner.
    Plan,
    /// When the disk gets the whole snapshot of the leader.
    Snapshot,
    /// When the disk gets the new current epoch.
    Epoch,
}

/// How far a learner is disturbed.
#[derive(Debug, Default)]
pub(super) struct Disturbance {
    /// The learner is being synchronised.
    pub(super) synchronises: bool,
    kill_at: Option<KillAt>,
}

impl Cluster {
    /// Reads a line of a server. Decides whether a synchronisation that begins is disturbed.
    pub(super) fn disturb(&mut self, server: usize, line: &str) {
        if line.contains("synchronises us by") {
            let kill_at = if self.rng.random_bool(self.chances.killed_synchronisation) {
                let all = [KillAt::Plan, KillAt::Snapshot, KillAt::Epoch];
                Some(all[self.rng.random_range(0..all.len())])
            } else {
                None
            };
            self.servers[server].disturbance = Disturbance {
                synchronises: true,
                kill_at,
            };
            self.reached(server, KillAt::Plan);
        } else if line.contains("serving behind") || line.contains("no longer") {
            self.servers[server].disturbance = Disturbance::default();
        }
    }

    /// Kills a learner soon, if it is to be killed at this step of its synchronisation.
    pub(super) fn reached(&mut self, server: usize, at: KillAt) {
        if self.servers[server].disturbance.kill_at == Some(at) {
            let life = self.servers[server].life;
            let ms = match self.rng.random_range(0..3) {
                0 => self.rng.random_range(0..4),
                1 => self.rng.random_range(0..20),
                _ => self.rng.random_range(0..100),
            };
            self.after(ms, Event::Kill(server, life));
        }
    }

    pub(super) fn kill_synchronised(&mut self, server: usize, life: u64) {
        if self.servers[server].life == life {
            self.note(format!("server {server} is killed while it synchronises"));
            let kept = faults::kept(&mut self.rng);
            self.crash(server, kept);
            let pause = self.rng.random_range(0..1000);
            self.after(pause, Event::Start(server));
        }
    }
}
