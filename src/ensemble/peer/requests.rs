//! Reads the bytes of clients: performs the handshake and dispatches requests (specification 2.4, 11.1).

use super::clients::{ConnStage, Parked, STEP_BYTES_MAX};
use super::core::{Core, is_write};
use super::effects::Effects;
use super::leader::Lost;
use super::replies::LocalRequest;
use super::work::RequestWork;
use super::{Peer, Role};
use crate::ensemble::database::{ConnId, WriteRequest};
use crate::wire::jute::{
    ConnectRequest, ErrorCode, OpCode, Reader, RequestHeader, SessionId, session_password,
};

impl Role {
    /// Hands a write to the leader, which may be this server.
    fn submit(
        &mut self,
        core: &mut Core,
        request: &WriteRequest<'_>,
        fx: &mut Effects,
    ) -> Result<(), Lost> {
        match self {
            Self::Leading(leader) => return leader.submit(core, request, fx),
            Self::Learning(learner) => learner.forward(request, fx),
            Self::Looking(_) => {}
        }
        Ok(())
    }
}

impl Peer {
    /// Handles the whole frames at the start of `bytes`, as far as the limits of the connection allow.
    pub(super) fn client_bytes(
        &mut self,
        conn: ConnId,
        bytes: &[u8],
        fx: &mut Effects,
    ) -> Result<(), Lost> {
        let serving = self.is_serving();
        let mut at = 0;
        let mut outcome = Ok(());
        self.core.drain(conn, fx); // a step that hit its limit may have left parked requests
        loop {
            let over_limit = self.core.is_over_limit();
            let Some(state) = self.core.clients.get_mut(conn) else {
                break;
            };
            if state.stage == ConnStage::Closing || state.auth_failed {
                at = bytes.len();
                break;
            }
            if state.stage == ConnStage::Establishing || state.is_full(over_limit) {
                break;
            }
            let rest = &bytes[at..];
            let Some(prefix) = rest.first_chunk::<4>() else {
                break;
            };
            let length = i32::from_be_bytes(*prefix);
            let Some(length) = usize::try_from(length)
                .ok()
                .filter(|len| *len <= self.core.settings.max_frame_bytes)
            else {
                self.core.clients.close(conn, fx);
                continue;
            };
            let Some(frame) = rest.get(4..4 + length) else {
                break;
            };
            let work = RequestWork::of(frame, state.auth.len());
            if fx.bytes.len() >= STEP_BYTES_MAX || self.core.work.must_wait(work) {
                self.core.clients.put_off(conn, fx);
                break;
            }
            at += 4 + length;
            if !serving {
                self.core.clients.close(conn, fx);
                continue;
            }
            state.account.received += 1;
            let stage = state.stage;
            self.core.work.add(work.units);
            self.core.clients.figures.received += 1;
            outcome = if stage == ConnStage::Fresh {
                self.handshake(conn, frame, fx)
            } else {
                self.request(conn, frame, fx)
            };
            if outcome.is_err() {
                break;
            }
        }
        if at > 0 {
            self.touch(conn);
        }
        fx.consumed = at;
        outcome
    }

    /// Extends the session of a connection. Every byte of a client does that.
    fn touch(&mut self, conn: ConnId) {
        let Some(state) = self.core.clients.get_mut(conn) else {
            return;
        };
        if state.stage != ConnStage::Open {
            return;
        }
        let (session, timeout_ms) = (state.session, state.timeout_ms);
        match &mut self.role {
            Role::Leading(leader) => {
                leader.tracker.touch(session, self.core.now.mono_ms);
            }
            Role::Learning(_) => self.core.clients.touch(session, timeout_ms),
            Role::Looking(_) => {}
        }
    }

    /// Handles a ConnectRequest (specification 2.4).
    fn handshake(&mut self, conn: ConnId, frame: &[u8], fx: &mut Effects) -> Result<(), Lost> {
        let Ok(request) = ConnectRequest::decode(frame) else {
            self.core.clients.close(conn, fx);
            return Ok(());
        };
        self.core.clients.figures.connection_requests += 1;
        if request.last_zxid_seen > self.core.db.last_processed() {
            let line = format!(
                "refusing a client that has seen {}, which is newer than our {}",
                request.last_zxid_seen,
                self.core.db.last_processed()
            );
            fx.log_limited("client ahead", line);
            self.core.clients.close(conn, fx);
            return Ok(());
        }
        let settings = &self.core.settings;
        let timeout_ms = request.timeout_ms.clamp(
            settings.session_timeout_min_ms,
            settings.session_timeout_max_ms,
        );
        let is_new = request.session == SessionId(0);
        let session = if is_new {
            self.core.new_session()
        } else {
            request.session
        };
        let clients = &mut self.core.clients;
        clients.bind(session, conn, fx);
        let Some(state) = clients.get_mut(conn) else {
            return Ok(());
        };
        state.timeout_ms = timeout_ms;
        state.read_only_byte = request.read_only.is_some();
        state.asked_ms = self.core.now.mono_ms;
        state.stage = ConnStage::Establishing;
        if is_new {
            let body = timeout_ms.to_be_bytes();
            let request = WriteRequest {
                session,
                cxid: 0,
                op: OpCode::CreateSession.code(),
                body: &body,
                auth: &[],
                time_ms: self.core.now.wall_ms,
            };
            return self.role.submit(&mut self.core, &request, fx);
        }
        clients.figures.revalidations += 1;
        if request.password != session_password(session) {
            clients.refuse(conn, fx);
            return Ok(());
        }
        match &mut self.role {
            Role::Leading(leader) => {
                if leader.reopen(session, timeout_ms, self.core.now.mono_ms) {
                    clients.open(conn, fx);
                } else {
                    clients.refuse(conn, fx);
                }
            }
            Role::Learning(learner) => learner.revalidate(session, timeout_ms, conn, fx),
            Role::Looking(_) => {}
        }
        Ok(())
    }

    fn request(&mut self, conn: ConnId, frame: &[u8], fx: &mut Effects) -> Result<(), Lost> {
        let core = &mut self.core;
        let Some(state) = core.clients.get_mut(conn) else {
            return Ok(());
        };
        let mut reader = Reader::new(frame);
        let Ok(RequestHeader { xid, op: code }) = RequestHeader::decode(&mut reader) else {
            core.clients.close(conn, fx);
            return Ok(());
        };
        match OpCode::from_i32(code) {
            Some(op) if is_write(op) => {
                state.park(Parked::Write {
                    xid,
                    op,
                    since_ms: core.now.mono_ms,
                    bytes: frame.len(),
                });
                core.clients.outstanding += 1;
                self.submit(conn, RequestHeader { xid, op: code }, reader.rest(), fx)
            }
            Some(OpCode::Sync) => self.sync(conn, xid, reader, fx),
            Some(OpCode::Auth) => {
                core.auth_packet(conn, xid, reader, fx);
                Ok(())
            }
            _ => {
                let (identities, since_ms) = (state.auth.len(), core.now.mono_ms);
                if state.must_park() {
                    state.park(Parked::Local {
                        frame: frame.into(),
                        since_ms,
                        identities,
                    });
                    core.clients.outstanding += 1;
                } else {
                    let request = LocalRequest {
                        frame,
                        since_ms,
                        identities,
                    };
                    core.local_request(conn, request, fx);
                }
                Ok(())
            }
        }
    }

    /// Handles a sync. If it cannot be decoded, only its turn is awaited, not the leader.
    fn sync(
        &mut self,
        conn: ConnId,
        xid: i32,
        mut reader: Reader<'_>,
        fx: &mut Effects,
    ) -> Result<(), Lost> {
        let core = &mut self.core;
        let Some(state) = core.clients.get_mut(conn) else {
            return Ok(());
        };
        let body = reader.rest();
        let path = reader.string().map_err(|_malformed| ErrorCode::MARSHALLING);
        let path = path.map(|path| path.map(|path| path.as_bytes().into()));
        let malformed = path.is_err();
        state.park(Parked::Sync {
            xid,
            path,
            answered: malformed,
            since_ms: core.now.mono_ms,
        });
        core.clients.outstanding += 1;
        if malformed {
            core.drain(conn, fx);
            return Ok(());
        }
        match &mut self.role {
            Role::Leading(leader) => {
                leader.sync_local(core, conn, fx);
                Ok(())
            }
            Role::Learning(learner) => {
                learner.expect_sync(conn);
                let header = RequestHeader {
                    xid,
                    op: OpCode::Sync.code(),
                };
                self.submit(conn, header, body, fx)
            }
            Role::Looking(_) => Ok(()),
        }
    }

    /// Hands a client's request to the leader.
    fn submit(
        &mut self,
        conn: ConnId,
        header: RequestHeader,
        body: &[u8],
        fx: &mut Effects,
    ) -> Result<(), Lost> {
        let core = &mut self.core;
        let Some(state) = core.clients.get_mut(conn) else {
            return Ok(());
        };
        let session = state.session;
        // Moves the identities out for the call and back afterwards, to avoid copying them.
        let auth = std::mem::take(&mut state.auth);
        let request = WriteRequest {
            session,
            cxid: header.xid,
            op: header.op,
            body,
            auth: &auth,
            time_ms: core.now.wall_ms,
        };
        let outcome = self.role.submit(core, &request, fx);
        if let Some(state) = self.core.clients.get_mut(conn) {
            state.auth = auth;
        }
        outcome
    }
}
