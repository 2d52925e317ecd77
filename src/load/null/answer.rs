//! Requests to replies, without knowing anything: correct in form, empty in substance.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::io::Write as _;

use crate::wire::jute::{
    CreateMode, CreateRequest, ErrorCode, JuteError, MultiOp, MultiOps, MultiResult, OpCode,
    Reader, ReplyHeader, RequestHeader, Stat, WriteJute as _, Zxid, begin_frame, end_frame,
};

/// Size of the data that every znode seems to have.
const DATA_BYTES: usize = 100;

/// What kind of request it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Ping,
    Close,
    Other,
}

/// The code of a request, without answering it.
pub(super) fn asked(frame: &[u8]) -> Result<Asked, JuteError> {
    let header = RequestHeader::decode(&mut Reader::new(frame))?;
    Ok(match OpCode::from_i32(header.op) {
        Some(OpCode::Ping) => Asked::Ping,
        Some(OpCode::CloseSession) => Asked::Close,
        _ => Asked::Other,
    })
}

/// Appends the reply to one request.
pub(super) fn answer(frame: &[u8], zxid: i64, out: &mut Vec<u8>) -> Result<(), JuteError> {
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
