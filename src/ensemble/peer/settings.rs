//! What a peer knows about itself and its ensemble.

use std::collections::BTreeSet;

use crate::wire::jute::PeerId;

/// Both clocks, read once per wake-up by the shell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Monotonic, ms.
    pub mono_ms: u64,
    /// Wall clock, ms since the epoch; goes into transactions only.
    pub wall_ms: i64,
}

/// Fixed for the life of a process.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Our own id.
    pub me: PeerId,
    /// Servers that vote; alone in it = standalone.
    pub voters: BTreeSet<PeerId>,
    /// Servers that only observe.
    pub observers: BTreeSet<PeerId>,
    /// `tickTime`, ms.
    pub tick_ms: u64,
    /// `initLimit`, ticks.
    pub init_limit: u64,
    /// `syncLimit`, ticks.
    pub sync_limit: u64,
    /// `minSessionTimeout`, ms.
    pub session_timeout_min_ms: i32,
    /// `maxSessionTimeout`, ms.
    pub session_timeout_max_ms: i32,
    /// Transactions between snapshots (`snapCount`).
    pub snap_count: u64,
    /// Configuration text as election messages and NEWLEADER carry it (specification 14.1).
    pub config_text: String,
    /// Digest that makes a client super user, if any.
    pub super_digest: Option<String>,
    /// The version of the list of servers, as `config_text` has it.
    pub config_version: i64,
    /// Whether a single voter is an ensemble: it elects itself and admits learners (`standaloneEnabled=false`).
    pub quorum_of_one: bool,
    /// Whether stored owners may be those of TTL nodes (`extendedTypesEnabled`).
    pub extended_types: bool,
    /// Whether every check of an ACL succeeds (`skipACL`).
    pub skip_acl: bool,
    /// Whether a leader serves clients (`leaderServes`).
    pub leader_serves: bool,
    /// The largest request of a client (`jute.maxbuffer`).
    pub max_frame_bytes: usize,
    /// With more requests waiting, a connection that has one of them is not read (`globalOutstandingLimit`).
    pub outstanding_limit: usize,
    /// Seeds session ids: unique per start (specification 2.5).
    pub start_ms: u64,
    /// Wait for a better vote before deciding, ms (200 in Java).
    pub finalize_wait_ms: u64,
}

impl Settings {
    /// Whether there is no election and no learner.
    #[must_use]
    pub fn is_standalone(&self) -> bool {
        !self.quorum_of_one
            && self.voters.len() == 1
            && self.voters.contains(&self.me)
            && self.observers.is_empty()
    }

    /// Does this server only observe?
    #[must_use]
    pub fn is_observer(&self) -> bool {
        !self.voters.contains(&self.me)
    }

    /// Are these a majority of the voters? Counts voters only.
    pub fn is_quorum<'a>(&self, peers: impl IntoIterator<Item = &'a PeerId>) -> bool {
        let count = peers
            .into_iter()
            .filter(|peer| self.voters.contains(peer))
            .count();
        2 * count > self.voters.len()
    }

    /// `tickTime` x `initLimit`.
    #[must_use]
    pub fn init_ms(&self) -> u64 {
        self.tick_ms * self.init_limit
    }

    /// `tickTime` x `syncLimit`.
    #[must_use]
    pub fn sync_ms(&self) -> u64 {
        self.tick_ms * self.sync_limit
    }
}
