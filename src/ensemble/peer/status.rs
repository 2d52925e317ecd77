//! What a server says about itself: the source of the four-letter words.

use std::fmt;
use std::sync::Arc;

use super::account::Account;
use super::figures::{Figures, ProtocolFigures, Sizes};
use super::{Peer, Role};
use crate::ensemble::database::{ConnId, Database};
use crate::wire::jute::{PeerId, SessionId, Zxid};

/// What `srvr` calls mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// In an election, or not yet synchronised.
    Looking,
    Standalone,
    Leader,
    Follower,
    Observer,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Looking => "looking",
            Self::Standalone => "standalone",
            Self::Leader => "leader",
            Self::Follower => "follower",
            Self::Observer => "observer",
        })
    }
}

/// One client connection.
#[derive(Clone, Copy, Debug)]
pub struct ConnStatus {
    pub conn: ConnId,
    /// Its session, once it has asked for one.
    pub session: Option<SessionId>,
    /// Negotiated timeout, ms.
    pub timeout_ms: i32,
    /// When it connected, ms since the epoch.
    pub established_ms: i64,
    /// What it sent and was answered.
    pub account: Account,
    /// Requests that wait.
    pub queued: usize,
}

/// What only a leader counts.
#[derive(Clone, Copy, Debug)]
pub struct LeaderStatus {
    /// When it began to serve, monotonic ms.
    pub serving_since_ms: u64,
    /// Learners that are connected, synchronised or not.
    pub learners: usize,
    pub synced_followers: usize,
    pub synced_observers: usize,
    /// Syncs that wait for a commit.
    pub pending_syncs: usize,
    /// Sizes of proposals; `None` before the first.
    pub proposal_bytes: Option<Sizes>,
}

/// Sessions that expire together.
#[derive(Clone, Debug)]
pub struct SessionBucket {
    /// Monotonic ms.
    pub expires_at_ms: u64,
    pub sessions: Vec<SessionId>,
}

impl Peer {
    /// The mode that `srvr` reports.
    #[must_use]
    pub fn mode(&self) -> Mode {
        match &self.role {
            Role::Looking(_) => Mode::Looking,
            Role::Leading(_) if self.core.settings.is_standalone() => Mode::Standalone,
            Role::Leading(_) => Mode::Leader,
            Role::Learning(_) if self.core.settings.is_observer() => Mode::Observer,
            Role::Learning(_) => Mode::Follower,
        }
    }

    /// The database, for reading.
    #[must_use]
    pub const fn database(&self) -> &Database {
        &self.core.db
    }

    /// The last entry handed to the log.
    #[must_use]
    pub const fn last_logged(&self) -> Zxid {
        self.core.last_logged
    }

    /// The epoch that this server's role has established, if it is serving.
    #[must_use]
    pub fn serving_epoch(&self) -> Option<i64> {
        match &self.role {
            Role::Leading(leader) if leader.is_serving() => Some(leader.epoch()),
            Role::Learning(learner) if learner.is_serving() => Some(learner.epoch()),
            _ => None,
        }
    }

    /// Requests of all clients that wait for their reply.
    #[must_use]
    pub const fn outstanding(&self) -> usize {
        self.core.clients.outstanding
    }

    #[must_use]
    pub fn connection_count(&self) -> usize {
        self.core.clients.len()
    }

    #[must_use]
    pub const fn figures(&self) -> &Figures {
        &self.core.clients.figures
    }

    #[must_use]
    pub const fn protocol_figures(&self) -> &ProtocolFigures {
        &self.core.figures
    }

    /// When the server took its present role, monotonic ms.
    #[must_use]
    pub fn role_since_ms(&self) -> u64 {
        match &self.role {
            Role::Looking(_) => self.looking_since_ms,
            Role::Leading(leader) => leader.since_ms,
            Role::Learning(learner) => learner.since_ms,
        }
    }

    /// The server that this one follows or observes.
    #[must_use]
    pub fn leader(&self) -> Option<PeerId> {
        match &self.role {
            Role::Learning(learner) => Some(learner.leader),
            _ => None,
        }
    }

    /// `None` unless the server leads. A standalone server does not.
    #[must_use]
    pub fn leader_status(&self) -> Option<LeaderStatus> {
        let Role::Leading(leader) = &self.role else {
            return None;
        };
        if self.core.settings.is_standalone() {
            return None;
        }
        let (learners, synced_followers, synced_observers) = leader.learner_counts();
        Some(LeaderStatus {
            serving_since_ms: leader.serving_since_ms,
            learners,
            synced_followers,
            synced_observers,
            pending_syncs: leader.pending_syncs(),
            proposal_bytes: leader.proposal_bytes,
        })
    }

    /// When which sessions expire; `None` on a learner, which does not decide that.
    #[must_use]
    pub fn session_buckets(&self) -> Option<Vec<SessionBucket>> {
        let Role::Leading(leader) = &self.role else {
            return None;
        };
        let buckets = leader.tracker.buckets();
        let buckets = buckets.map(|(expires_at_ms, sessions)| SessionBucket {
            expires_at_ms,
            sessions: sessions.collect(),
        });
        Some(buckets.collect())
    }

    /// All client connections.
    pub fn connections(&self) -> impl Iterator<Item = ConnStatus> {
        self.core.clients.iter().map(|(conn, state)| ConnStatus {
            conn,
            session: (state.session != SessionId(0)).then_some(state.session),
            timeout_ms: state.timeout_ms,
            established_ms: state.established_ms,
            account: state.account,
            queued: state.queued(),
        })
    }

    /// Which session watches which path here, in no order; a path watched for its data and for its
    /// children comes twice. Not for hot paths.
    pub fn watched(&self) -> impl Iterator<Item = (SessionId, Arc<str>)> {
        self.core.db.watched().filter_map(|(conn, path)| {
            let state = self.core.clients.get(conn)?;
            Some((state.session, Arc::clone(path)))
        })
    }

    /// Counts a four-letter word among the frames received.
    pub fn word_received(&mut self, conn: ConnId) {
        self.core.clients.count_received(conn);
    }

    /// Counts its answer among the frames sent.
    pub fn word_answered(&mut self, conn: ConnId) {
        self.core.clients.count_sent(conn);
    }

    /// Begins every connection's figures anew (`crst`).
    pub fn reset_accounts(&mut self) {
        self.core.clients.reset_accounts();
    }

    /// Begins the server's figures anew, the leader's of its proposals among them (`srst`).
    pub fn reset_figures(&mut self) {
        self.core.clients.figures = Figures::default();
        self.core.figures = ProtocolFigures::default();
        if let Role::Leading(leader) = &mut self.role {
            leader.proposal_bytes = None;
        }
    }
}
