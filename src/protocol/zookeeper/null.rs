//! A ZooKeeper server for the null responder: replies have the correct form and no real content.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::io::Write as _;

use crate::protocol::{Admit, MessageKind, NullPeer, Opened, Violation};
use crate::wire::jute::{
    ConnectRequest, ConnectResponse, CreateMode, CreateRequest, ErrorCode, JuteError, MultiOp,
    MultiOps, MultiResult, OpCode, Reader, ReplyHeader, RequestHeader, SessionId, Stat,
    WriteJute as _, Zxid, begin_frame, end_frame, session_password,
};

/// Size of the data that every znode appears to have.
const DATA_BYTES: usize = 100;

/// Maximum length of a message. The generator sends none that is longer.
const FRAME_BYTES_MAX: usize = 2 << 20;

/// A ZooKeeper server that keeps no data and answers every request.
#[derive(Debug, Default)]
pub struct Null {
    zxid: i64,
    /// Sessions opened so far.
    sessions: i64,
}

impl NullPeer for Null {
    /// The session id, once the handshake is done.
    type Session = Option<SessionId>;

    fn take<'b>(input: &mut &'b [u8]) -> Result<Option<&'b [u8]>, Violation> {
        let bytes: &'b [u8] = input;
        let Some((raw, rest)) = bytes.split_first_chunk::<4>() else {
            return Ok(None);
        };
        let length = i32::from_be_bytes(*raw);
        let Some(length) = usize::try_from(length)
            .ok()
            .filter(|length| *length <= FRAME_BYTES_MAX)
        else {
            return Err(Violation(format!("a message of {length} bytes").into()));
        };
        let Some((message, rest)) = rest.split_at_checked(length) else {
            return Ok(None);
        };
        *input = rest;
        Ok(Some(message))
    }

    fn kind(session: &Self::Session, message: &[u8]) -> Result<MessageKind, Violation> {
        if session.is_none() {
            return Ok(MessageKind::Open);
        }
        let header = RequestHeader::decode(&mut Reader::new(message)).map_err(malformed)?;
        Ok(match OpCode::from_i32(header.op) {
            Some(OpCode::Ping) => MessageKind::Ping,
            Some(OpCode::CloseSession) => MessageKind::Close,
            _ => MessageKind::Request,
        })
    }

    fn open(
        &mut self,
        session: &mut Self::Session,
        message: &[u8],
        admit: Admit,
        out: &mut Vec<u8>,
    ) -> Result<Opened, Violation> {
        let request = ConnectRequest::decode(message).map_err(malformed)?;
        let is_new = request.session == SessionId(0);
        let mut response = ConnectResponse {
            timeout_ms: request.timeout_ms,
            session: request.session,
            password: session_password(request.session),
            read_only: request.read_only.map(|_| false),
        };
        let admitted = match admit {
            Admit::All => true,
            Admit::New => is_new,
            Admit::None => false,
        };
        let opened = if !admitted {
            response.timeout_ms = 0;
            response.session = SessionId(0);
            Opened::Refused
        } else if is_new {
            self.sessions += 1;
            response.session = SessionId(self.sessions);
            response.password = session_password(response.session);
            Opened::New
        } else {
            Opened::Resumed
        };
        *session = Some(response.session);
        response.encode_frame(out);
        Ok(opened)
    }

    fn answer(&mut self, message: &[u8], out: &mut Vec<u8>) -> Result<(), Violation> {
        self.zxid += 1;
        answer(message, self.zxid, out).map_err(malformed)
    }

    fn id(session: &Self::Session) -> i64 {
        session.map_or(0, |id| id.0)
    }
}

fn malformed(error: JuteError) -> Violation {
    Violation(format!("a malformed request: {error}").into())
}

/// Appends the reply to one request.
fn answer(frame: &[u8], zxid: i64, out: &mut Vec<u8>) -> Result<(), JuteError> {
    let mut reader = Reader::new(frame);
    let header = RequestHeader::decode(&mut reader)?;
    let at = begin_frame(out);
    let op = OpCode::from_i32(header.op);
    let known = op.is_some_and(|op| op != OpCode::Notification && (1..=14).contains(&op.code()));
    let err = match op {
        Some(OpCode::CloseSession) => ErrorCode::OK,
        _ if known => ErrorCode::OK,
        _ => ErrorCode::UNIMPLEMENTED,
    };
    ReplyHeader {
        xid: header.xid,
        zxid: Zxid(zxid),
        err,
    }
    .encode(out);
    match op {
        Some(OpCode::SetData | OpCode::Exists) => Stat::default().encode(out),
        Some(OpCode::GetData) => {
            out.put_buffer(Some(&[0; DATA_BYTES]));
            Stat::default().encode(out);
        }
        Some(OpCode::Create) => {
            let request = CreateRequest::decode(&mut reader, OpCode::Create)?;
            put_created(&request, zxid, out);
        }
        Some(OpCode::Sync) => out.put_string(reader.required_string()?),
        Some(OpCode::GetChildren) => out.put_len(0),
        Some(OpCode::Multi) => {
            for op in MultiOps::decode(&mut reader, OpCode::Multi)?.0 {
                result(&op).encode(out);
            }
            MultiResult::encode_end(out);
        }
        _ => {}
    }
    end_frame(out, at);
    Ok(())
}

fn put_created(request: &CreateRequest<'_>, zxid: i64, out: &mut Vec<u8>) {
    let sequential = CreateMode::from_flags(request.flags).is_some_and(CreateMode::is_sequential);
    if !sequential {
        out.put_string(request.path);
        return;
    }
    out.put_len(request.path.len() + 10);
    out.put(request.path.as_bytes());
    // Writing to a vector cannot fail.
    let _infallible = write!(out, "{:010}", zxid % 10_000_000_000);
}

fn result(op: &MultiOp<'_>) -> MultiResult {
    match op {
        MultiOp::Create(_, request) => MultiResult::Create {
            path: request.path.to_owned(),
        },
        MultiOp::SetData(_) => MultiResult::SetData {
            stat: Stat::default(),
        },
        MultiOp::Delete(_) => MultiResult::Delete,
        MultiOp::Check(_) | MultiOp::GetData(_) | MultiOp::GetChildren(_) => MultiResult::Check,
    }
}
