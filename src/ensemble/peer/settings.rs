//! The settings of a peer.

use std::collections::BTreeSet;

use crate::ensemble::database::DatabaseSettings;
use crate::wire::jute::PeerId;

/// The time of a step. The event loop reads both clocks once per wake-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Monotonic clock, ms.
    pub mono_ms: u64,
    /// Wall clock, ms since 1970. Only used for times that are stored or displayed.
    pub wall_ms: i64,
}

/// When the leader deletes container and TTL nodes that have lapsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReaperSettings {
    /// Time between two walks over all such nodes, ms (`znode.container.checkIntervalMs`).
    pub interval_ms: u64,
    /// Most deletes in a minute (`znode.container.maxPerMinute`).
    pub per_minute: u64,
    /// After how many ms a container that never had a child lapses
    /// (`znode.container.maxNeverUsedIntervalMs`); 0 is never.
    pub never_used_ms: i64,
}

impl Default for ReaperSettings {
    /// The defaults of Java.
    fn default() -> Self {
        Self {
            interval_ms: 60_000,
            per_minute: 10_000,
            never_used_ms: 0,
        }
    }
}

/// Configuration that does not change while the process runs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// This server's `myid`.
    pub me: PeerId,
    /// Servers that vote. A server that is the only voter and has no observers is standalone.
    pub voters: BTreeSet<PeerId>,
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
    /// Most transactions between snapshots (`snapCount`). Each time a server waits for at least half as
    /// many, and for a random share of the other half.
    pub snap_count: u64,
    /// About how many bytes of a snapshot are encoded in one step.
    pub slice_bytes: usize,
    /// Determines the random choices of this server. Servers of one ensemble should have different ones.
    pub seed: u64,
    /// Configuration text that election messages and NEWLEADER carry (specification 14.1).
    pub config_text: String,
    /// Digest of the super user, if one is configured.
    pub super_digest: Option<String>,
    /// Version of the list of servers, as in `config_text`.
    pub config_version: i64,
    /// Whether a single voter is an ensemble: it elects itself and admits learners (`standaloneEnabled=false`).
    pub quorum_of_one: bool,
    /// Whether there are TTL nodes (`extendedTypesEnabled`).
    pub extended_types: bool,
    pub reaper: ReaperSettings,
    /// Whether every check of an ACL succeeds (`skipACL`).
    pub skip_acl: bool,
    /// Whether a leader serves clients (`leaderServes`).
    pub leader_serves: bool,
    /// Largest request of a client, bytes (`jute.maxbuffer`).
    pub max_frame_bytes: usize,
    /// Most waiting requests of all clients (`globalOutstandingLimit`). Beyond it, a connection with a parked request
    /// is not read.
    pub outstanding_limit: usize,
    /// Key of the hash of paths, drawn at random by each process.
    pub hash_key: [u64; 2],
    /// Start time, ms since 1970. Makes session ids unique (specification 2.5).
    pub start_ms: u64,
    /// How long an election waits for a better vote before it decides, ms (200 in Java).
    pub finalize_wait_ms: u64,
}

impl Settings {
    /// The settings of a standalone server with Java's defaults, fixed seeds and no limit of waiting
    /// requests. Tests and benchmarks change what they need.
    #[must_use]
    pub fn standalone(me: PeerId) -> Self {
        Self {
            me,
            voters: BTreeSet::from([me]),
            observers: BTreeSet::new(),
            tick_ms: 2000,
            init_limit: 10,
            sync_limit: 5,
            session_timeout_min_ms: 4000,
            session_timeout_max_ms: 40_000,
            snap_count: u64::MAX,
            slice_bytes: 256 << 10,
            seed: 1,
            config_text: String::new(),
            super_digest: None,
            config_version: 0,
            quorum_of_one: false,
            extended_types: false,
            reaper: ReaperSettings::default(),
            skip_acl: false,
            leader_serves: true,
            max_frame_bytes: 0xf_ffff,
            outstanding_limit: usize::MAX,
            hash_key: [1, 2],
            start_ms: 1,
            finalize_wait_ms: 200,
        }
    }

    /// Whether this server has neither elections nor learners.
    #[must_use]
    pub fn is_standalone(&self) -> bool {
        !self.quorum_of_one
            && self.voters.len() == 1
            && self.voters.contains(&self.me)
            && self.observers.is_empty()
    }

    #[must_use]
    pub fn is_observer(&self) -> bool {
        !self.voters.contains(&self.me)
    }

    /// Whether these servers include a majority of the voters.
    pub fn is_quorum<'a>(&self, peers: impl IntoIterator<Item = &'a PeerId>) -> bool {
        let count = peers
            .into_iter()
            .filter(|peer| self.voters.contains(peer))
            .count();
        2 * count > self.voters.len()
    }

    /// What databases are built with.
    #[must_use]
    pub const fn database(&self) -> DatabaseSettings {
        DatabaseSettings {
            extended_types: self.extended_types,
            hash_key: self.hash_key,
        }
    }

    /// `initLimit` in ms.
    #[must_use]
    pub fn init_ms(&self) -> u64 {
        self.tick_ms * self.init_limit
    }

    /// `syncLimit` in ms.
    #[must_use]
    pub fn sync_ms(&self) -> u64 {
        self.tick_ms * self.sync_limit
    }
}
