//! The outcome of a transaction, and the reply to the client that requested it (specification 4,
//! 5).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::wire::jute::{ErrorCode, JuteError, OpCode, Stat, TxnHeader, WriteJute, Zxid};

/// Why an entry could not be applied. The database is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The header is unreadable, including its zxid.
    #[error(
        "a transaction's header is damaged ({0}); the log or the leader it came from cannot be trusted"
    )]
    Header(JuteError),
    /// The record is unreadable.
    #[error(
        "transaction {zxid} is damaged ({reason}); the log or the leader it came from cannot be trusted"
    )]
    Record { zxid: Zxid, reason: JuteError },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApplyResult {
    /// An error transaction: the tree is unchanged.
    Error(ErrorCode),
    /// delete, check, createSession and closeSession.
    Done,
    /// create, create2, createContainer and createTTL.
    Created {
        /// Includes the sequential suffix.
        path: Box<str>,
        /// Metadata of the new node.
        stat: Stat,
    },
    /// setData, setACL and reconfig: the node's metadata after the change.
    Changed(Stat),
    /// multi: the type and outcome of each part.
    Multi(Vec<(OpCode, ApplyResult)>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    pub header: TxnHeader,
    pub result: ApplyResult,
}

impl Applied {
    /// The code for the reply header. A failed multi has code 0 there; its parts carry the errors.
    #[must_use]
    pub const fn error(&self) -> ErrorCode {
        match self.result {
            ApplyResult::Error(code) => code,
            _ => ErrorCode::OK,
        }
    }

    /// Appends the response record for a client that sent operation `requested`. Appends nothing if
    /// the reply has no body.
    pub fn encode_response(&self, requested: OpCode, out: &mut Vec<u8>) {
        match &self.result {
            ApplyResult::Error(_) | ApplyResult::Done => {}
            ApplyResult::Created { path, stat } => {
                out.put_string(path);
                if requested != OpCode::Create {
                    stat.encode(out);
                }
            }
            ApplyResult::Changed(stat) => stat.encode(out),
            ApplyResult::Multi(parts) => {
                for (op, part) in parts {
                    encode_part(*op, part, out);
                }
                out.put_i32(-1);
                out.put_bool(true);
                out.put_i32(-1);
            }
        }
    }
}

fn encode_part(op: OpCode, part: &ApplyResult, out: &mut Vec<u8>) {
    let (code, error) = match (part, op) {
        (ApplyResult::Error(error), _) => (OpCode::Error, *error),
        // In a multi, every create that returns a Stat is answered with the type create2.
        (ApplyResult::Created { .. }, OpCode::CreateContainer | OpCode::CreateTtl) => {
            (OpCode::Create2, ErrorCode::OK)
        }
        _ => (op, ErrorCode::OK),
    };
    out.put_i32(code.code());
    out.put_bool(false);
    out.put_i32(error.0);
    match part {
        ApplyResult::Error(error) => out.put_i32(error.0),
        ApplyResult::Created { path, stat } => {
            out.put_string(path);
            if code != OpCode::Create {
                stat.encode(out);
            }
        }
        ApplyResult::Changed(stat) => stat.encode(out),
        // A multi cannot contain another multi.
        ApplyResult::Done | ApplyResult::Multi(_) => {}
    }
}
