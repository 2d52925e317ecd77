//! Sends replies to clients in the order of their requests (specification 11.3).

use super::account::LastReply;
use super::clients::{ConnStage, Parked, STEP_BYTES_MAX, reply};
use super::core::Core;
use super::effects::{Effect, Effects};
use super::work::RequestWork;
use crate::ensemble::database::{Applied, Caller, ConnId, WatchEvent, authenticate};
use crate::wire::jute::{
    AuthPacket, ErrorCode, OpCode, Reader, ReplyHeader, RequestHeader, TxnHeader, WriteJute, Zxid,
};

/// A request that the server answers from its own state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LocalRequest<'a> {
    pub(crate) frame: &'a [u8],
    /// When it arrived, monotonic ms.
    pub(crate) since_ms: u64,
    /// How many of the connection's identities were known then.
    pub(crate) identities: usize,
}

impl Core {
    /// Answers the client that waits for this transaction, if it is connected here.
    pub(super) fn answer(&mut self, applied: &Applied, fx: &mut Effects) {
        let TxnHeader {
            session,
            cxid,
            zxid,
            op,
            ..
        } = applied.header;
        let abandoned = self.clients.was_abandoned(session, cxid);
        let Some((conn, state, figures)) = self.clients.of_session(session) else {
            return;
        };
        let now = self.now;
        if op == OpCode::CreateSession {
            if state.stage == ConnStage::Establishing {
                let last = LastReply::new(Some(op), zxid, state.asked_ms, now);
                figures.answered(&mut state.account, 0, last);
                self.clients.open(conn, fx);
            }
            return;
        }
        match state.parked.front() {
            Some(Parked::Write {
                xid,
                op: requested,
                since_ms,
                ..
            }) if *xid == cxid && !abandoned => {
                let (xid, requested, since_ms) = (*xid, *requested, *since_ms);
                state.unpark();
                let err = applied.error();
                if err != ErrorCode::SESSION_MOVED {
                    let done = (op != OpCode::Error).then_some(requested);
                    let last = LastReply::new(done, zxid, since_ms, now);
                    figures.answered(&mut state.account, xid, last);
                    figures.sent(&mut state.account);
                }
                self.clients.outstanding -= 1;
                if err == ErrorCode::SESSION_MOVED {
                    self.clients.close(conn, fx);
                    return;
                }
                let bytes = reply(fx, conn, ReplyHeader { xid, zxid, err }, |out| {
                    applied.encode_response(requested, out);
                });
                self.clients.figures.responded(bytes);
                if requested == OpCode::CloseSession {
                    self.clients.close(conn, fx);
                    return;
                }
                self.drain(conn, fx);
            }
            // The session has expired or was closed through another connection.
            _ if op == OpCode::CloseSession => self.clients.close(conn, fx),
            _ => {}
        }
    }

    /// Answers the parked requests of a connection that no longer have to wait.
    pub(crate) fn drain(&mut self, conn: ConnId, fx: &mut Effects) {
        loop {
            let over_limit = self.is_over_limit();
            let Some((state, figures)) = self.clients.counted(conn) else {
                return;
            };
            let full = fx.bytes.len() >= STEP_BYTES_MAX;
            let waits = |frame: &[u8]| full || self.work.must_wait(RequestWork::of(frame, 0));
            match state.parked.front() {
                Some(Parked::Local { frame, .. }) if waits(frame) => {
                    self.clients.put_off(conn, fx);
                    return;
                }
                Some(Parked::Local { .. }) => {
                    if let Some(Parked::Local {
                        frame,
                        since_ms,
                        identities,
                    }) = state.unpark()
                    {
                        self.clients.outstanding -= 1;
                        self.work.add(1);
                        let request = LocalRequest {
                            frame: &frame,
                            since_ms,
                            identities,
                        };
                        self.local_request(conn, request, fx);
                    }
                }
                Some(Parked::Auth { xid, outcome }) => {
                    let (xid, outcome) = (*xid, *outcome);
                    state.unpark();
                    self.clients.outstanding -= 1;
                    self.answer_auth(conn, xid, outcome, fx);
                }
                Some(Parked::Sync { answered: true, .. }) => {
                    let Some(Parked::Sync {
                        xid,
                        path,
                        since_ms,
                        ..
                    }) = state.unpark()
                    else {
                        return;
                    };
                    let zxid = self.db.last_processed();
                    let last = LastReply::new(Some(OpCode::Sync), zxid, since_ms, self.now);
                    figures.answered(&mut state.account, xid, last);
                    figures.sent(&mut state.account);
                    self.clients.outstanding -= 1;
                    let err = path.as_ref().err().copied().unwrap_or(ErrorCode::OK);
                    let bytes = reply(fx, conn, ReplyHeader { xid, zxid, err }, |out| {
                        out.put_buffer(path.ok().flatten().as_deref());
                    });
                    self.clients.figures.responded(bytes);
                }
                _ => {
                    if state.take_starved(over_limit) {
                        fx.push(Effect::ResumeClient(conn));
                    }
                    return;
                }
            }
        }
    }

    /// Marks the oldest unanswered sync of a connection as answered, and sends the replies that are due.
    pub(crate) fn sync_done(&mut self, conn: ConnId, fx: &mut Effects) {
        if let Some(state) = self.clients.get_mut(conn) {
            let waiting = state.parked.iter_mut().find_map(|parked| match parked {
                Parked::Sync { answered, .. } if !*answered => Some(answered),
                _ => None,
            });
            if let Some(answered) = waiting {
                *answered = true;
            }
            self.drain(conn, fx);
        }
    }

    /// Handles an auth packet. The requests behind it have the new identities, even if earlier requests
    /// still wait for their commit; the reply waits for theirs.
    pub(super) fn auth_packet(
        &mut self,
        conn: ConnId,
        xid: i32,
        mut reader: Reader<'_>,
        fx: &mut Effects,
    ) {
        let Some((state, figures)) = self.clients.counted(conn) else {
            return;
        };
        let digest = self.settings.super_digest.as_deref();
        let outcome = AuthPacket::decode(&mut reader)
            .map_err(|_malformed| ErrorCode::AUTH_FAILED)
            .and_then(|packet| authenticate(packet.scheme, packet.auth, digest))
            .and_then(|ids| state.identify(ids));
        state.auth_failed = outcome.is_err();
        figures.failed_authentications += u64::from(outcome.is_err());
        if state.must_park() {
            state.park(Parked::Auth { xid, outcome });
            self.clients.outstanding += 1;
        } else {
            self.answer_auth(conn, xid, outcome, fx);
        }
    }

    fn answer_auth(
        &mut self,
        conn: ConnId,
        xid: i32,
        outcome: Result<(), ErrorCode>,
        fx: &mut Effects,
    ) {
        let header = ReplyHeader {
            xid,
            zxid: Zxid::ZERO,
            err: outcome.err().unwrap_or(ErrorCode::OK),
        };
        let bytes = reply(fx, conn, header, |_no_body| {});
        self.clients.figures.responded(bytes);
        self.clients.count_sent(conn);
        if outcome.is_err() {
            self.clients.close(conn, fx);
        }
    }

    /// Answers a request that needs no commit: a read, ping or watch request.
    #[expect(
        clippy::too_many_lines,
        reason = "one arm for each kind, one frame around them"
    )]
    pub(crate) fn local_request(
        &mut self,
        conn: ConnId,
        request: LocalRequest<'_>,
        fx: &mut Effects,
    ) {
        let LocalRequest {
            frame,
            since_ms,
            identities,
        } = request;
        let mut reader = Reader::new(frame);
        let Ok(RequestHeader { xid, op }) = RequestHeader::decode(&mut reader) else {
            self.clients.close(conn, fx);
            return;
        };
        let Some((state, figures)) = self.clients.counted(conn) else {
            return;
        };
        figures.sent(&mut state.account);
        let mut header = ReplyHeader {
            xid,
            zxid: self.db.last_processed(),
            err: ErrorCode::OK,
        };
        let (mut start, mut body) = begin_reply(fx);
        let mut closes = false;
        let code = OpCode::from_i32(op);
        if code.is_some_and(|op| op == OpCode::Ping || is_read(op)) {
            let last = LastReply::new(code, header.zxid, since_ms, self.now);
            figures.answered(&mut state.account, xid, last);
        }
        let result = match code {
            Some(OpCode::Ping) => {
                header.xid = RequestHeader::PING_XID;
                Ok(())
            }
            Some(OpCode::Sasl) => {
                header.zxid = Zxid::ZERO;
                fx.bytes.put_buffer(None);
                Ok(())
            }
            Some(op) if is_read(op) => {
                let caller = Caller {
                    conn,
                    session: state.session,
                    auth: state.auth.get(..identities).unwrap_or(&state.auth),
                };
                let mut missed = Vec::new();
                let read = self
                    .db
                    .read(op, reader.rest(), &caller, &mut fx.bytes, &mut |event| {
                        missed.push((event.kind, event.path.to_owned()));
                    });
                self.work.add(self.db.take_work());
                if !missed.is_empty() {
                    // This is setWatches. Its reply has no body and must follow the missed notifications.
                    fx.bytes.truncate(start);
                    for (kind, path) in missed {
                        let path = &path;
                        self.clients.notify(&WatchEvent { conn, kind, path }, fx);
                    }
                    (start, body) = begin_reply(fx);
                }
                read
            }
            _ => {
                header.zxid = Zxid(-1);
                closes = true;
                Err(ErrorCode::UNIMPLEMENTED)
            }
        };
        if let Err(code) = result {
            header.err = code;
            fx.bytes.truncate(body);
        }
        let length = i32::try_from(fx.bytes.len() - start - 4).unwrap_or(i32::MAX);
        let mut prefix = [0; 20];
        prefix[0..4].copy_from_slice(&length.to_be_bytes());
        prefix[4..8].copy_from_slice(&header.xid.to_be_bytes());
        prefix[8..16].copy_from_slice(&header.zxid.0.to_be_bytes());
        prefix[16..20].copy_from_slice(&header.err.0.to_be_bytes());
        fx.bytes[start..start + 20].copy_from_slice(&prefix);
        self.clients.figures.responded(fx.bytes.len() - start - 4);
        fx.client(conn, start);
        if closes {
            self.clients.close(conn, fx);
        }
    }
}

/// Reserves space for the length and the header, which are filled in last. Returns where the reply and
/// its body begin.
fn begin_reply(fx: &mut Effects) -> (usize, usize) {
    let start = fx.bytes.len();
    fx.bytes.put(&[0; 20]);
    (start, fx.bytes.len())
}

/// Whether a server answers the request from its own tree.
const fn is_read(op: OpCode) -> bool {
    matches!(
        op,
        OpCode::Exists
            | OpCode::GetData
            | OpCode::GetAcl
            | OpCode::GetChildren
            | OpCode::GetChildren2
            | OpCode::GetEphemerals
            | OpCode::GetAllChildrenNumber
            | OpCode::MultiRead
            | OpCode::SetWatches
            | OpCode::SetWatches2
            | OpCode::AddWatch
            | OpCode::CheckWatches
            | OpCode::RemoveWatches
            | OpCode::WhoAmI
    )
}
