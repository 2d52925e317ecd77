//! The client connections of this server, and the order of their replies.
//!
//! Replies leave in request order (specification 11.3): a request that needs a commit parks, and
//! so does everything the same connection sends behind it.

use std::collections::{BTreeMap, VecDeque};

use super::account::{Account, LastReply};
use super::effects::{Effect, Effects};
use super::latency::Latency;
use super::settings::Now;
use crate::ensemble::database::{ConnId, WatchEvent};
use crate::wire::jute::{
    ConnectResponse, ErrorCode, Id, OpCode, ReplyHeader, SessionId, WatcherEvent, Zxid,
    begin_frame, end_frame, session_password,
};

/// A connection with this many parked requests is not read until some are answered.
const PARKED_MAX: usize = 2048;
/// Nor one whose parked requests hold this many bytes, here or on their way to the leader.
const PARKED_BYTES_MAX: usize = 4 << 20;
/// A connection cannot prove to be more than this many identities...
const IDENTITIES_MAX: usize = 100;
/// ...which together are no longer than this: every write carries them to the leader.
const IDENTITIES_BYTES_MAX: usize = 64 << 10;
/// A step that has answered this much leaves the rest of a connection's requests to the next one:
/// a few bytes ask for a megabyte, and the client may not be reading.
pub(crate) const STEP_BYTES_MAX: usize = 4 << 20;
/// A connection without a session is dropped after this (specification 2.6), ms.
pub(crate) const SESSIONLESS_MS: u64 = 10_000;

/// A request that waits for its turn.
#[derive(Debug)]
pub(crate) enum Parked {
    /// Submitted to the leader, waits for its commit.
    Write {
        xid: i32,
        op: OpCode,
        since_ms: u64,
        /// Length of the request, which is on its way to the commit.
        bytes: usize,
    },
    /// Waits for the leader's SYNC (or its last proposal's commit).
    Sync {
        xid: i32,
        path: Box<[u8]>,
        answered: bool,
        since_ms: u64,
    },
    /// Needs nothing but its turn: the whole frame.
    Local { frame: Box<[u8]>, since_ms: u64 },
}

impl Parked {
    /// Does it count as queued? Pings and the like, which have no number of their own, do not.
    fn is_numbered(&self) -> bool {
        match self {
            Self::Write { xid, .. } | Self::Sync { xid, .. } => *xid > 0,
            Self::Local { frame, .. } => frame
                .first_chunk::<4>()
                .is_some_and(|xid| i32::from_be_bytes(*xid) > 0),
        }
    }

    /// How many bytes it holds, somewhere.
    fn bytes(&self) -> usize {
        match self {
            Self::Write { bytes, .. } => *bytes,
            Self::Sync { path, .. } => path.len(),
            Self::Local { frame, .. } => frame.len(),
        }
    }
}

/// What the server counts over all its connections, since it started or since `srst`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    pub(crate) received: u64,
    pub(crate) sent: u64,
    pub(crate) latency: Latency,
}

impl Figures {
    /// A frame goes to the connection with this account.
    pub(crate) fn sent(&mut self, account: &mut Account) {
        self.sent += 1;
        account.sent += 1;
    }

    /// Its request `xid` is answered.
    pub(crate) fn answered(&mut self, account: &mut Account, xid: i32, reply: LastReply) {
        self.latency.record(reply.latency_ms);
        account.answered(xid, reply);
    }
}

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConnStage {
    /// No session asked for yet.
    Fresh,
    /// The outcome of its ConnectRequest is awaited; nothing more is read.
    Establishing,
    Open,
    /// Closed once its bytes are out; nothing more is read or answered.
    Closing,
}

/// One client connection.
#[derive(Debug)]
pub(crate) struct Conn {
    pub(crate) stage: ConnStage,
    pub(crate) since_ms: u64,
    /// The same by the wall clock: ms since the epoch.
    pub(crate) established_ms: i64,
    /// When it asked for its session, monotonic ms.
    pub(crate) asked_ms: u64,
    pub(crate) session: SessionId,
    pub(crate) timeout_ms: i32,
    /// Did the ConnectRequest carry the read-only byte?
    pub(crate) read_only_byte: bool,
    pub(crate) auth: Vec<Id>,
    pub(crate) parked: VecDeque<Parked>,
    parked_bytes: usize,
    starved: bool,
    pub(crate) account: Account,
}

impl Conn {
    fn new(address: &str, now: Now) -> Self {
        Self {
            stage: ConnStage::Fresh,
            since_ms: now.mono_ms,
            established_ms: now.wall_ms,
            asked_ms: now.mono_ms,
            session: SessionId(0),
            timeout_ms: 0,
            read_only_byte: false,
            auth: vec![Id::new("ip", address)],
            parked: VecDeque::new(),
            parked_bytes: 0,
            starved: false,
            account: Account::default(),
        }
    }

    /// Must this connection's next request wait for an earlier one?
    pub(crate) fn must_park(&self) -> bool {
        !self.parked.is_empty()
    }

    /// Requests of this connection that wait.
    pub(crate) fn queued(&self) -> usize {
        let numbered = self.parked.iter().filter(|parked| parked.is_numbered());
        numbered.count()
    }

    pub(crate) fn park(&mut self, parked: Parked) {
        self.parked_bytes += parked.bytes();
        self.parked.push_back(parked);
    }

    pub(crate) fn unpark(&mut self) -> Option<Parked> {
        let parked = self.parked.pop_front()?;
        self.parked_bytes -= parked.bytes();
        Some(parked)
    }

    /// It has proved to be these as well.
    ///
    /// # Errors
    /// `AUTH_FAILED` if that makes more of them than a connection may have.
    pub(crate) fn identify(&mut self, ids: Vec<Id>) -> Result<(), ErrorCode> {
        for id in ids {
            if !self.auth.contains(&id) {
                self.auth.push(id);
            }
        }
        let bytes: usize = self.auth.iter().map(|id| id.id.len()).sum();
        if self.auth.len() > IDENTITIES_MAX || bytes > IDENTITIES_BYTES_MAX {
            return Err(ErrorCode::AUTH_FAILED);
        }
        Ok(())
    }

    /// Whether nothing more is read from it now. Remembers that its bytes must be offered again. `over_limit`: whether
    /// all connections together have too many requests that wait.
    pub(crate) fn is_full(&mut self, over_limit: bool) -> bool {
        self.starved = self.parked.len() >= PARKED_MAX
            || self.parked_bytes >= PARKED_BYTES_MAX
            || (over_limit && !self.parked.is_empty());
        self.starved
    }

    /// Was it refused input, and has it room again?
    pub(crate) fn take_starved(&mut self) -> bool {
        let refreshed = self.starved && self.parked.len() <= PARKED_MAX / 2;
        if refreshed {
            self.starved = false;
        }
        refreshed
    }
}

/// All client connections of this server.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    conns: BTreeMap<ConnId, Conn>,
    by_session: BTreeMap<SessionId, ConnId>,
    /// The writes that connections left unanswered behind, oldest first: a session may come back
    /// with the same xids.
    abandoned: BTreeMap<SessionId, VecDeque<i32>>,
    /// Sessions heard of since the leader's last ping (learners only).
    touched: BTreeMap<SessionId, i32>,
    pub(crate) outstanding: usize,
    pub(crate) figures: Figures,
}

impl Clients {
    pub(crate) fn insert(&mut self, conn: ConnId, address: &str, now: Now) {
        self.conns.insert(conn, Conn::new(address, now));
    }

    /// A connection and the figures of all, which are counted together.
    pub(crate) fn counted(&mut self, conn: ConnId) -> Option<(&mut Conn, &mut Figures)> {
        let state = self.conns.get_mut(&conn)?;
        Some((state, &mut self.figures))
    }

    /// Counts a frame from this connection.
    pub(crate) fn count_received(&mut self, conn: ConnId) {
        self.figures.received += 1;
        if let Some(state) = self.conns.get_mut(&conn) {
            state.account.received += 1;
        }
    }

    /// Counts a frame to this connection.
    pub(crate) fn count_sent(&mut self, conn: ConnId) {
        if let Some((state, figures)) = self.counted(conn) {
            figures.sent(&mut state.account);
        }
    }

    /// Forgets the figures of every connection (`crst`).
    pub(crate) fn reset_accounts(&mut self) {
        for conn in self.conns.values_mut() {
            conn.account = Account::default();
        }
    }

    pub(crate) fn get_mut(&mut self, conn: ConnId) -> Option<&mut Conn> {
        self.conns.get_mut(&conn)
    }

    pub(crate) fn get(&self, conn: ConnId) -> Option<&Conn> {
        self.conns.get(&conn)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (ConnId, &Conn)> {
        self.conns.iter().map(|(id, conn)| (*id, conn))
    }

    pub(crate) fn len(&self) -> usize {
        self.conns.len()
    }

    pub(crate) fn remove(&mut self, conn: ConnId) {
        if let Some(gone) = self.conns.remove(&conn) {
            self.abandon(gone.session, gone.parked);
            if self.by_session.get(&gone.session) == Some(&conn) {
                self.by_session.remove(&gone.session);
            }
        }
    }

    /// The connection that serves this session here, and the figures of all.
    pub(crate) fn of_session(
        &mut self,
        session: SessionId,
    ) -> Option<(ConnId, &mut Conn, &mut Figures)> {
        let conn = *self.by_session.get(&session)?;
        let state = self.conns.get_mut(&conn)?;
        Some((conn, state, &mut self.figures))
    }

    /// Binds a session to a connection; an older connection of it is closed (specification 2.4).
    pub(crate) fn bind(&mut self, session: SessionId, conn: ConnId, fx: &mut Effects) {
        if let Some(older) = self.by_session.insert(session, conn)
            && older != conn
        {
            self.close(older, fx);
        }
        if let Some(state) = self.conns.get_mut(&conn) {
            state.session = session;
        }
    }

    /// What waited on a connection of this session will not be answered.
    fn abandon(&mut self, session: SessionId, parked: VecDeque<Parked>) {
        self.outstanding -= parked.len().min(self.outstanding);
        for parked in parked {
            if let Parked::Write { xid, .. } = parked {
                self.abandoned.entry(session).or_default().push_back(xid);
            }
        }
    }

    /// Is this commit the oldest that a former connection of the session waited for? Then nobody
    /// does any more.
    pub(crate) fn was_abandoned(&mut self, session: SessionId, xid: i32) -> bool {
        let Some(xids) = self.abandoned.get_mut(&session) else {
            return false;
        };
        let found = xids.front() == Some(&xid);
        if found {
            xids.pop_front();
        }
        if xids.is_empty() {
            self.abandoned.remove(&session);
        }
        found
    }

    /// No commit is to come any more.
    pub(crate) fn forget_abandoned(&mut self) {
        self.abandoned.clear();
    }

    /// Closes a connection once its bytes are out.
    pub(crate) fn close(&mut self, conn: ConnId, fx: &mut Effects) {
        if let Some(state) = self.conns.get_mut(&conn)
            && state.stage != ConnStage::Closing
        {
            state.stage = ConnStage::Closing;
            let (session, parked) = (state.session, std::mem::take(&mut state.parked));
            self.abandon(session, parked);
            fx.push(Effect::CloseClient(conn));
        }
    }

    /// Closes all of them: the server stops serving.
    pub(crate) fn close_all(&mut self, fx: &mut Effects) {
        let all: Vec<ConnId> = self.conns.keys().copied().collect();
        for conn in all {
            self.close(conn, fx);
        }
        self.touched.clear();
    }

    /// Closes connections that never asked for a session.
    pub(crate) fn close_sessionless(&mut self, now_ms: u64, fx: &mut Effects) {
        let late: Vec<ConnId> = self
            .conns
            .iter()
            .filter(|(_, conn)| {
                conn.stage == ConnStage::Fresh && now_ms >= conn.since_ms + SESSIONLESS_MS
            })
            .map(|(id, _)| *id)
            .collect();
        for conn in late {
            self.close(conn, fx);
        }
    }

    /// Notes that a session was heard of.
    pub(crate) fn touch(&mut self, session: SessionId, timeout_ms: i32) {
        self.touched.insert(session, timeout_ms);
    }

    /// The sessions heard of since the last call.
    pub(crate) fn take_touched(&mut self) -> BTreeMap<SessionId, i32> {
        std::mem::take(&mut self.touched)
    }

    /// Ends a handshake well; not one that has ended meanwhile.
    pub(crate) fn open(&mut self, conn: ConnId, fx: &mut Effects) {
        if let Some(state) = self.conns.get_mut(&conn)
            && state.stage == ConnStage::Establishing
        {
            state.stage = ConnStage::Open;
            let start = fx.bytes.len();
            let response = ConnectResponse {
                timeout_ms: state.timeout_ms,
                session: state.session,
                password: session_password(state.session),
                read_only: state.read_only_byte.then_some(false),
            };
            response.encode_frame(&mut fx.bytes);
            fx.client(conn, start);
            fx.push(Effect::ResumeClient(conn));
            self.count_sent(conn);
        }
    }

    /// Ends a handshake with "no such session" and closes.
    pub(crate) fn refuse(&mut self, conn: ConnId, fx: &mut Effects) {
        if let Some(state) = self.conns.get_mut(&conn) {
            let start = fx.bytes.len();
            let response = ConnectResponse {
                timeout_ms: 0,
                session: SessionId(0),
                password: [0; 16],
                read_only: state.read_only_byte.then_some(false),
            };
            response.encode_frame(&mut fx.bytes);
            fx.client(conn, start);
            self.count_sent(conn);
        }
        self.close(conn, fx);
    }

    /// Sends a watch notification; called while a transaction is applied, so it is ahead of every
    /// reply that reflects the change (specification 7.5).
    pub(crate) fn notify(&mut self, event: &WatchEvent<'_>, fx: &mut Effects) {
        let start = fx.bytes.len();
        let at = begin_frame(&mut fx.bytes);
        let header = ReplyHeader {
            xid: ReplyHeader::NOTIFICATION_XID,
            zxid: Zxid(-1),
            err: ErrorCode::OK,
        };
        header.encode(&mut fx.bytes);
        WatcherEvent::new(event.kind, event.path).encode(&mut fx.bytes);
        end_frame(&mut fx.bytes, at);
        fx.client(event.conn, start);
        self.count_sent(event.conn);
    }
}

/// Appends a whole reply frame for `conn`: header, and `body` if there is no error.
pub(crate) fn reply(
    fx: &mut Effects,
    conn: ConnId,
    header: ReplyHeader,
    body: impl FnOnce(&mut Vec<u8>),
) {
    let start = fx.bytes.len();
    let at = begin_frame(&mut fx.bytes);
    header.encode(&mut fx.bytes);
    if header.err == ErrorCode::OK {
        body(&mut fx.bytes);
    }
    end_frame(&mut fx.bytes, at);
    fx.client(conn, start);
}
