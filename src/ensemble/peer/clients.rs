//! The client connections of this server, and the order of their replies.
//!
//! Replies leave in request order (specification 11.3). A request that needs a commit is parked, and so
//! are all later requests of the same connection.

use std::collections::{BTreeMap, VecDeque};

use super::account::Account;
use super::effects::{Effect, Effects};
use super::figures::Figures;
use super::settings::Now;
use crate::ensemble::database::{ConnId, WatchEvent};
use crate::wire::jute::{
    ConnectResponse, ErrorCode, Id, OpCode, ReplyHeader, SessionId, WatcherEvent, Zxid,
    begin_frame, end_frame, session_password,
};

/// The server stops reading from a connection with this many parked requests.
const PARKED_MAX: usize = 2048;
/// The server stops reading from a connection whose parked requests hold this many bytes, including
/// those that are on their way to the leader.
const PARKED_BYTES_MAX: usize = 4 << 20;
/// Most identities that a connection may add with auth packets.
const IDENTITIES_MAX: usize = 100;
/// Largest total length of these identities. Every write carries them to the leader.
const IDENTITIES_BYTES_MAX: usize = 64 << 10;
/// A step that has produced this many bytes leaves the remaining requests to the next step. A small
/// request can have a reply of a megabyte, and the client may not read it.
pub(crate) const STEP_BYTES_MAX: usize = 4 << 20;
/// A connection that has not requested a session is closed after this time (specification 2.6), ms.
pub(crate) const SESSIONLESS_MS: u64 = 10_000;

/// A connection whose requests were put off so often is reported: it has made about a second of work.
const ROUNDS_REPORTED: u32 = 1000;

/// A request whose reply must wait.
#[derive(Debug)]
pub(crate) enum Parked {
    /// Submitted to the leader; waits for its commit.
    Write {
        xid: i32,
        op: OpCode,
        since_ms: u64,
        /// Length of the request.
        bytes: usize,
    },
    /// Waits for the SYNC from the leader. On the leader, waits for the commit of the last proposal.
    Sync {
        xid: i32,
        /// `None` is null. The error is that of a request that cannot be decoded.
        path: Result<Option<Box<[u8]>>, ErrorCode>,
        answered: bool,
        since_ms: u64,
    },
    /// An auth packet. Its identities apply to later requests from the moment it arrives; only its reply
    /// waits.
    Auth {
        xid: i32,
        outcome: Result<(), ErrorCode>,
    },
    /// Waits for earlier requests only. Holds the whole frame.
    Local {
        frame: Box<[u8]>,
        since_ms: u64,
        /// How many of the connection's identities were known when the request arrived.
        identities: usize,
    },
}

impl Parked {
    /// Whether the request counts as queued. Pings, auth packets and setWatches have reserved xids and do
    /// not count.
    fn is_numbered(&self) -> bool {
        match self {
            Self::Write { xid, .. } | Self::Sync { xid, .. } | Self::Auth { xid, .. } => *xid > 0,
            Self::Local { frame, .. } => frame
                .first_chunk::<4>()
                .is_some_and(|xid| i32::from_be_bytes(*xid) > 0),
        }
    }

    /// How many bytes count towards [`PARKED_BYTES_MAX`].
    fn bytes(&self) -> usize {
        match self {
            Self::Write { bytes, .. } => *bytes,
            Self::Sync { path, .. } => path.iter().flatten().map(|path| path.len()).sum(),
            Self::Auth { .. } => 0,
            Self::Local { frame, .. } => frame.len(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConnStage {
    /// The ConnectRequest has not arrived.
    Fresh,
    /// The session is being created or validated. Later requests stay in the inbox.
    Establishing,
    Open,
    /// Closes once its bytes are sent. Further requests are ignored.
    Closing,
}

#[derive(Debug)]
pub(crate) struct Conn {
    pub(crate) stage: ConnStage,
    /// When the client connected, monotonic ms.
    pub(crate) since_ms: u64,
    /// When the client connected, wall clock, ms since 1970.
    pub(crate) established_ms: i64,
    /// When the ConnectRequest arrived, monotonic ms.
    pub(crate) asked_ms: u64,
    pub(crate) session: SessionId,
    pub(crate) timeout_ms: i32,
    /// Whether the ConnectRequest carried the read-only byte.
    pub(crate) read_only_byte: bool,
    /// Only grows, so a parked request can name the identities that it had by their number.
    pub(crate) auth: Vec<Id>,
    /// Whether an auth packet failed. The connection closes after the reply; later requests are ignored.
    pub(crate) auth_failed: bool,
    pub(crate) parked: VecDeque<Parked>,
    parked_bytes: usize,
    /// Whether input was refused because the connection was full.
    starved: bool,
    /// How often requests were left to the next round.
    rounds: u32,
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
            auth_failed: false,
            parked: VecDeque::new(),
            parked_bytes: 0,
            starved: false,
            rounds: 0,
            account: Account::default(),
        }
    }

    /// Whether the next request must wait for an earlier one.
    pub(crate) fn must_park(&self) -> bool {
        !self.parked.is_empty()
    }

    /// Counts the parked requests, except pings and other requests with a reserved xid.
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

    /// Adds identities that the client has proved.
    ///
    /// # Errors
    /// `AUTH_FAILED` if the connection then has too many identities.
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

    /// Whether the parked requests have reached a limit. If so, notes that the input must be offered again.
    /// If `over_limit`, all connections together have too many waiting requests, so one parked request is the limit.
    pub(crate) fn is_full(&mut self, over_limit: bool) -> bool {
        self.starved = self.parked.len() >= PARKED_MAX
            || self.parked_bytes >= PARKED_BYTES_MAX
            || (over_limit && !self.parked.is_empty());
        self.starved
    }

    /// Returns `true` once after input was refused, when [`Self::is_full`] would accept it again: at most half of
    /// the limits is used, and all connections together are within theirs or nothing of this one is parked.
    /// Answering `true` earlier would make the server offer and refuse the same input for ever.
    pub(crate) fn take_starved(&mut self, over_limit: bool) -> bool {
        let refreshed = self.starved
            && self.parked.len() <= PARKED_MAX / 2
            && self.parked_bytes <= PARKED_BYTES_MAX / 2
            && (!over_limit || self.parked.is_empty());
        if refreshed {
            self.starved = false;
        }
        refreshed
    }
}

#[derive(Debug, Default)]
pub(crate) struct Clients {
    conns: BTreeMap<ConnId, Conn>,
    by_session: BTreeMap<SessionId, ConnId>,
    /// The xids of writes whose connection closed before the reply, oldest first. A new connection of the
    /// session may use the same xids again.
    abandoned: BTreeMap<SessionId, VecDeque<i32>>,
    /// Sessions that were active since the last ping of the leader, with their timeouts (learners only).
    touched: BTreeMap<SessionId, i32>,
    /// Parked requests of all connections.
    pub(crate) outstanding: usize,
    pub(crate) figures: Figures,
}

impl Clients {
    pub(crate) fn insert(&mut self, conn: ConnId, address: &str, now: Now) {
        self.conns.insert(conn, Conn::new(address, now));
    }

    /// Returns a connection together with the server's figures, for callers that update both.
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

    /// Resets the figures of every connection (`crst`).
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

    /// Returns this server's connection of the session, and the server's figures.
    pub(crate) fn of_session(
        &mut self,
        session: SessionId,
    ) -> Option<(ConnId, &mut Conn, &mut Figures)> {
        let conn = *self.by_session.get(&session)?;
        let state = self.conns.get_mut(&conn)?;
        Some((conn, state, &mut self.figures))
    }

    /// Binds a session to a connection and closes its older connection, if any (specification 2.4).
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

    /// Drops the parked requests of a connection that has ended. Remembers the xids of its writes.
    fn abandon(&mut self, session: SessionId, parked: VecDeque<Parked>) {
        self.outstanding -= parked.len().min(self.outstanding);
        for parked in parked {
            if let Parked::Write { xid, .. } = parked {
                self.abandoned.entry(session).or_default().push_back(xid);
            }
        }
    }

    /// Whether this write is the oldest abandoned write of the session. If so, removes it.
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

    /// For the end of a role: the abandoned writes will not be committed any more.
    pub(crate) fn forget_abandoned(&mut self) {
        self.abandoned.clear();
    }

    /// Leaves the remaining requests of a connection to the next round. A connection that needs many
    /// rounds is reported once.
    pub(crate) fn put_off(&mut self, conn: ConnId, fx: &mut Effects) {
        fx.push(Effect::YieldClient(conn));
        if let Some(state) = self.conns.get_mut(&conn) {
            state.rounds = state.rounds.saturating_add(1);
            if state.rounds == ROUNDS_REPORTED {
                fx.log(format!(
                    "the requests of session {} make much work; they take turns with those of other clients",
                    state.session
                ));
            }
        }
    }

    /// Closes a connection once its bytes are sent.
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

    /// Closes all connections, because the server stops serving.
    pub(crate) fn close_all(&mut self, fx: &mut Effects) {
        let all: Vec<ConnId> = self.conns.keys().copied().collect();
        for conn in all {
            self.close(conn, fx);
        }
        self.touched.clear();
    }

    /// Closes connections that have not requested a session within [`SESSIONLESS_MS`].
    pub(crate) fn close_sessionless(&mut self, now_ms: u64, fx: &mut Effects) {
        let late: Vec<ConnId> = self
            .conns
            .iter()
            .filter(|(_, conn)| {
                conn.stage == ConnStage::Fresh && now_ms >= conn.since_ms + SESSIONLESS_MS
            })
            .map(|(id, _)| *id)
            .collect();
        self.figures.sessionless_expired += late.len() as u64;
        for conn in late {
            self.close(conn, fx);
        }
    }

    /// Notes that a session was active.
    pub(crate) fn touch(&mut self, session: SessionId, timeout_ms: i32) {
        self.touched.insert(session, timeout_ms);
    }

    /// Returns the sessions that were active since the last call.
    pub(crate) fn take_touched(&mut self) -> BTreeMap<SessionId, i32> {
        std::mem::take(&mut self.touched)
    }

    /// Completes a handshake. Does nothing if the connection has closed meanwhile.
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

    /// Answers a handshake with an invalid session and closes the connection.
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

    /// Sends a watch notification. Called while a transaction is applied, so the notification precedes
    /// every reply that reflects the change (specification 7.5).
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
        let bytes = fx.bytes.len() - start - 4;
        fx.client(event.conn, start);
        self.count_sent(event.conn);
        self.figures.responded(bytes);
        self.figures.watch_bytes += bytes as u64;
    }
}

/// Appends a reply frame for `conn`: the header, and the body unless the header has an error. Returns
/// the size of the frame without its length field, in bytes.
pub(crate) fn reply(
    fx: &mut Effects,
    conn: ConnId,
    header: ReplyHeader,
    body: impl FnOnce(&mut Vec<u8>),
) -> usize {
    let start = fx.bytes.len();
    let at = begin_frame(&mut fx.bytes);
    header.encode(&mut fx.bytes);
    if header.err == ErrorCode::OK {
        body(&mut fx.bytes);
    }
    end_frame(&mut fx.bytes, at);
    let bytes = fx.bytes.len() - start - 4;
    fx.client(conn, start);
    bytes
}
