//! The status of a server, from which the four-letter words are answered.

use std::fmt;
use std::sync::Arc;

use super::account::Account;
use super::figures::{Figures, ProtocolFigures, Sizes};
use super::{LearnerCounts, Peer, Role};
use crate::ensemble::database::{ConnId, Database};
use crate::wire::jute::{PeerId, SessionId, Zxid};

/// The mode that `srvr` reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// No leader is elected.
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
    /// `None` before the ConnectRequest.
    pub session: Option<SessionId>,
    /// Negotiated timeout, ms.
    pub timeout_ms: i32,
    /// When the client connected, ms since 1970.
    pub established_ms: i64,
    pub account: Account,
    /// Requests without a reply, except pings and other requests with a reserved xid.
    pub queued: usize,
}

/// Figures that only the leader of a quorum has.
#[derive(Clone, Copy, Debug)]
pub struct LeaderStatus {
    /// When the leader started to serve, monotonic ms.
    pub serving_since_ms: u64,
    pub learners: LearnerCounts,
    /// Syncs that wait for a commit.
    pub pending_syncs: usize,
    /// `None` before the first proposal.
    pub proposal_bytes: Option<Sizes>,
}

/// Sessions that expire at the same time.
#[derive(Clone, Debug)]
pub struct SessionBucket {
    /// Monotonic ms.
    pub expires_at_ms: u64,
    pub sessions: Vec<SessionId>,
}

impl Peer {
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

    #[must_use]
    pub const fn database(&self) -> &Database {
        &self.core.db
    }

    /// Returns the zxid of the last entry that was appended to the log. It may not be durable yet.
    #[must_use]
    pub const fn last_logged(&self) -> Zxid {
        self.core.last_logged
    }

    /// Returns the established epoch, or `None` while this server does not serve.
    #[must_use]
    pub fn serving_epoch(&self) -> Option<i64> {
        match &self.role {
            Role::Leading(leader) if leader.is_serving() => Some(leader.epoch()),
            Role::Learning(learner) if learner.is_serving() => Some(learner.epoch()),
            _ => None,
        }
    }

    /// Returns the number of requests of all clients that wait for a reply.
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

    /// Returns when the server took its current role, monotonic ms.
    #[must_use]
    pub fn role_since_ms(&self) -> u64 {
        match &self.role {
            Role::Looking(_) => self.looking_since_ms,
            Role::Leading(leader) => leader.since_ms,
            Role::Learning(learner) => learner.since_ms,
        }
    }

    /// Returns the server that this one follows or observes.
    #[must_use]
    pub fn leader(&self) -> Option<PeerId> {
        match &self.role {
            Role::Learning(learner) => Some(learner.leader),
            _ => None,
        }
    }

    /// Returns `None` unless the server leads a quorum. A standalone server does not.
    #[must_use]
    pub fn leader_status(&self) -> Option<LeaderStatus> {
        let Role::Leading(leader) = &self.role else {
            return None;
        };
        if self.core.settings.is_standalone() {
            return None;
        }
        Some(LeaderStatus {
            serving_since_ms: leader.serving_since_ms,
            learners: leader.learner_counts(),
            pending_syncs: leader.pending_syncs(),
            proposal_bytes: leader.proposal_bytes,
        })
    }

    /// Returns the sessions by the time when they expire. Returns `None` on a learner, because the leader
    /// expires sessions.
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

    /// Returns the watches of this server as pairs of session and path, in no particular order. A path
    /// that is watched for its data and for its children appears twice. Too slow for the path of a request.
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

    /// Counts the answer to a four-letter word among the frames sent.
    pub fn word_answered(&mut self, conn: ConnId) {
        self.core.clients.count_sent(conn);
    }

    /// Resets the figures of every connection (`crst`).
    pub fn reset_accounts(&mut self) {
        self.core.clients.reset_accounts();
    }

    /// Resets the server's figures, including the proposal sizes of the leader (`srst`).
    pub fn reset_figures(&mut self) {
        self.core.clients.figures = Figures::default();
        self.core.figures = ProtocolFigures::default();
        if let Role::Leading(leader) = &mut self.role {
            leader.proposal_bytes = None;
        }
    }
}
