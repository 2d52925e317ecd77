//! What a server says about itself: the source of the four-letter words.

use std::fmt;
use std::sync::Arc;

use super::account::Account;
use super::clients::Figures;
use super::{Peer, Role};
use crate::ensemble::database::{ConnId, Database};
use crate::wire::jute::{SessionId, Zxid};

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

/// A server's account of itself.
#[derive(Clone, Debug)]
pub struct Status {
    pub mode: Mode,
    /// Last applied transaction.
    pub zxid: Zxid,
    /// Frames received and sent, four-letter words among them.
    pub packets: (u64, u64),
    /// Time from request to reply: smallest, mean, largest, ms.
    pub latency_ms: (u64, f64, u64),
    /// Requests that wait.
    pub outstanding: usize,
    pub connections: usize,
    /// Sessions with a timeout in the tree.
    pub sessions: Vec<(SessionId, i32)>,
    /// Leader: learners, followers in sync, observers in sync.
    pub learners: Option<(usize, usize, usize)>,
    /// Leader: syncs that wait.
    pub pending_syncs: usize,
    /// Leader: sizes of proposals, last, min, max.
    pub proposal_bytes: Option<(usize, usize, usize)>,
    /// Leader: since when it serves, monotonic ms.
    pub serving_since_ms: Option<u64>,
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

    /// Everything at once; not for hot paths.
    #[must_use]
    pub fn status(&self) -> Status {
        let leader = match &self.role {
            Role::Leading(leader) => Some(leader),
            _ => None,
        };
        let clients = &self.core.clients;
        Status {
            mode: self.mode(),
            zxid: self.core.db.last_processed(),
            packets: (clients.figures.received, clients.figures.sent),
            latency_ms: clients.figures.latency.summary_ms(),
            outstanding: clients.outstanding,
            connections: clients.len(),
            sessions: self.core.db.sessions().collect(),
            learners: leader.map(|leader| leader.learner_counts()),
            pending_syncs: leader.map_or(0, |leader| leader.pending_syncs()),
            proposal_bytes: leader.map(|leader| leader.proposal_bytes),
            serving_since_ms: leader.map(|leader| leader.serving_since_ms),
        }
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
        if let Role::Leading(leader) = &mut self.role {
            leader.proposal_bytes = (0, 0, 0);
        }
    }
}
