//! Replies and notifications on the client port (specification 3.1, 5, 7.4).

use super::{ErrorCode, EventType, JuteError, OpCode, Reader, Stat, WriteJute, Zxid};

/// The header of every reply, 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyHeader {
    /// The xid of the request; -1 in a notification.
    pub xid: i32,
    /// See specification 3.1.
    pub zxid: Zxid,
    /// 0, or the error, in which case the reply has no body.
    pub err: ErrorCode,
}

impl ReplyHeader {
    /// Encoded length.
    pub const BYTES: usize = 16;
    /// Xid of watch notifications.
    pub const NOTIFICATION_XID: i32 = -1;

    /// Reads the header. The response record follows it.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, JuteError> {
        Ok(Self {
            xid: reader.i32()?,
            zxid: Zxid(reader.i64()?),
            err: ErrorCode(reader.i32()?),
        })
    }

    pub fn encode(&self, out: &mut Vec<u8>) {
        out.put_i32(self.xid);
        out.put_i64(self.zxid.0);
        out.put_i32(self.err.0);
    }
}

/// The body of a watch notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatcherEvent<'a> {
    pub kind: i32,
    /// Servers always send 3.
    pub state: i32,
    pub path: &'a str,
}

impl<'a> WatcherEvent<'a> {
    /// Creates an event as servers send it.
    #[must_use]
    pub const fn new(kind: EventType, path: &'a str) -> Self {
        Self {
            kind: kind as i32,
            state: 3,
            path,
        }
    }

    pub fn decode(reader: &mut Reader<'a>) -> Result<Self, JuteError> {
        Ok(Self {
            kind: reader.i32()?,
            state: reader.i32()?,
            path: reader.required_string()?,
        })
    }

    pub fn encode(&self, out: &mut Vec<u8>) {
        out.put_i32(self.kind);
        out.put_i32(self.state);
        out.put_string(self.path);
    }
}

/// The result of one operation in a multi response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MultiResult {
    Create { path: String },
    Create2 { path: String, stat: Stat },
    SetData { stat: Stat },
    Delete,
    Check,
    GetData { data: Option<Vec<u8>>, stat: Stat },
    GetChildren { children: Vec<String> },
    Error(ErrorCode),
}

impl MultiResult {
    /// Appends the result's header and payload.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let (code, err) = match self {
            Self::Create { .. } => (OpCode::Create, 0),
            Self::Create2 { .. } => (OpCode::Create2, 0),
            Self::SetData { .. } => (OpCode::SetData, 0),
            Self::Delete => (OpCode::Delete, 0),
            Self::Check => (OpCode::Check, 0),
            Self::GetData { .. } => (OpCode::GetData, 0),
            Self::GetChildren { .. } => (OpCode::GetChildren, 0),
            Self::Error(code) => (OpCode::Error, code.0),
        };
        out.put_i32(code.code());
        out.put_bool(false);
        out.put_i32(err);
        match self {
            Self::Create { path } => out.put_string(path),
            Self::Create2 { path, stat } => {
                out.put_string(path);
                stat.encode(out);
            }
            Self::SetData { stat } => stat.encode(out),
            Self::Delete | Self::Check => {}
            Self::GetData { data, stat } => {
                out.put_buffer(data.as_deref());
                stat.encode(out);
            }
            Self::GetChildren { children } => {
                out.put_len(children.len());
                for child in children {
                    out.put_string(child);
                }
            }
            Self::Error(code) => out.put_i32(code.0),
        }
    }

    /// Appends the terminating header.
    pub fn encode_end(out: &mut Vec<u8>) {
        out.put_i32(-1);
        out.put_bool(true);
        out.put_i32(-1);
    }

    /// Reads the header of one result of a multi that succeeded.
    pub fn skip_header(reader: &mut Reader<'_>) -> Result<(), JuteError> {
        reader.i32()?;
        reader.bool()?;
        reader.i32()?;
        Ok(())
    }

    /// Returns the first error in the body of a multi response, or 0. The load generator needs only
    /// this, so the results are not built.
    pub fn first_error(reader: &mut Reader<'_>) -> Result<ErrorCode, JuteError> {
        let mut first = ErrorCode::OK;
        loop {
            let code = reader.i32()?;
            let done = reader.bool()?;
            let _err = reader.i32()?;
            if done {
                return Ok(first);
            }
            match OpCode::from_i32(code) {
                Some(OpCode::Error) => {
                    let error = ErrorCode(reader.i32()?);
                    // Entries before the failed one carry 0, entries after it -2.
                    if first == ErrorCode::OK {
                        first = error;
                    }
                }
                Some(OpCode::Create) => drop(reader.string()?),
                Some(OpCode::Create2) => {
                    reader.string()?;
                    Stat::decode(reader)?;
                }
                Some(OpCode::SetData) => drop(Stat::decode(reader)?),
                Some(OpCode::Delete | OpCode::Check) => {}
                Some(OpCode::GetData) => {
                    reader.buffer()?;
                    Stat::decode(reader)?;
                }
                Some(OpCode::GetChildren) => drop(reader.strings()?),
                _ => {
                    return Err(JuteError::Value {
                        what: "multi result",
                        value: code.into(),
                    });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_error_of_a_failed_multi_is_the_failed_parts_code() {
        let mut out = Vec::new();
        for code in [
            ErrorCode::OK,
            ErrorCode::NODE_EXISTS,
            ErrorCode::RUNTIME_INCONSISTENCY,
        ] {
            MultiResult::Error(code).encode(&mut out);
        }
        // The bytes of the second entry were observed on Java (specification 5).
        assert_eq!(
            out[13..26],
            [
                255, 255, 255, 255, 0, 255, 255, 255, 146, 255, 255, 255, 146
            ]
        );
        MultiResult::encode_end(&mut out);
        let first = MultiResult::first_error(&mut Reader::new(&out));
        assert_eq!(first, Ok(ErrorCode::NODE_EXISTS));
    }
}
