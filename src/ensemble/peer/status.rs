//! The status of a server, from which the four-letter words are answered.

use std::fmt;
use std::sync::Arc;

use super::account::Account;
use super::clients::Figures;
use super::{LearnerCounts, Peer, ProposalBytes, Role};
use crate::ensemble::database::{ConnId, Database};
use crate::wire::jute::{SessionId, Zxid};

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

#[derive(Clone, Debug)]
pub struct Status {
    pub mode: Mode,
    /// The database's last processed zxid.
    pub zxid: Zxid,
    /// Frames received, including four-letter words.
    pub received: u64,
    /// Frames sent, including answers to four-letter words.
    pub sent: u64,
    /// Smallest, mean and largest time from request to reply, ms.
    pub latency_ms: (u64, f64, u64),
    /// Requests of all clients that wait for a reply.
    pub outstanding: usize,
    pub connections: usize,
    /// The sessions in the database with their timeouts, ms.
    pub sessions: Vec<(SessionId, i32)>,
    /// On the leader only.
    pub learners: Option<LearnerCounts>,
    /// Syncs that wait for a commit. 0 unless this server leads.
    pub pending_syncs: usize,
    /// On the leader only.
    pub proposal_bytes: Option<ProposalBytes>,
    /// When the leader started to serve, monotonic ms. On the leader only.
    pub serving_since_ms: Option<u64>,
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

    /// Collects the whole status. Too slow for the path of a request.
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
            received: clients.figures.received,
            sent: clients.figures.sent,
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
        if let Role::Leading(leader) = &mut self.role {
            leader.proposal_bytes = ProposalBytes::default();
        }
    }
}
