//! What became of a transaction, and the reply that its asker gets (specification 4, 5).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::sync::Arc;

use crate::wire::jute::{ErrorCode, JuteError, OpCode, Stat, TxnHeader, WriteJute, Zxid};

/// Why an entry could not be applied; nothing of it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// Not even its zxid can be read.
    #[error(
        "a transaction's header is damaged ({0}); the log or the leader it came from cannot be trusted"
    )]
    Header(JuteError),
    /// Its record cannot be read.
    #[error(
        "transaction {zxid} is damaged ({reason}); the log or the leader it came from cannot be trusted"
    )]
    Record {
        zxid: Zxid,
        /// What is wrong with it.
        reason: JuteError,
    },
}

/// The outcome of one change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApplyResult {
    /// Nothing changed.
    Error(ErrorCode),
    /// delete, check, createSession, closeSession.
    Done,
    /// create and its kin.
    Created {
        /// With the sequential suffix, if any.
        path: Arc<str>,
        /// The new node's.
        stat: Stat,
    },
    /// setData, setACL, reconfig: the node's metadata afterwards.
    Changed(Stat),
    /// multi: type and outcome of each part.
    Multi(Vec<(OpCode, ApplyResult)>),
}

/// An applied transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    pub header: TxnHeader,
    pub result: ApplyResult,
}

impl Applied {
    /// The code for the reply header; a failed multi succeeds there.
    #[must_use]
    pub const fn error(&self) -> ErrorCode {
        match self.result {
            ApplyResult::Error(code) => code,
            _ => ErrorCode::OK,
        }
    }

    /// Appends the response record for a client that asked for `requested`; nothing if the reply
    /// has no body.
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
        // All that answer with a Stat are one kind.
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
        // A multi cannot hold another one.
        ApplyResult::Done | ApplyResult::Multi(_) => {}
    }
}
