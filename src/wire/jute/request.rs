//! Requests on the client port (specification 3.1, 4, 5).

use super::{Acl, JuteError, OpCode, Reader, WriteJute, Zxid, begin_frame, end_frame};

/// The header of every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestHeader {
    /// The client's sequence number. Specification 3.1 lists the reserved values.
    pub xid: i32,
    /// Operation code; may be unknown.
    pub op: i32,
}

impl RequestHeader {
    pub const PING_XID: i32 = -2;
    pub const AUTH_XID: i32 = -4;
    pub const SET_WATCHES_XID: i32 = -8;

    /// Reads the header. The request record follows it.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, JuteError> {
        Ok(Self {
            xid: reader.i32()?,
            op: reader.i32()?,
        })
    }

    /// Appends a complete frame: the header, then what `body` appends.
    pub fn encode_frame(out: &mut Vec<u8>, xid: i32, op: OpCode, body: impl FnOnce(&mut Vec<u8>)) {
        let at = begin_frame(out);
        out.put_i32(xid);
        out.put_i32(op.code());
        body(out);
        end_frame(out, at);
    }
}

/// create, create2, createContainer (without TTL) and createTTL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateRequest<'a> {
    /// The requested path. Null is malformed.
    pub path: &'a str,
    /// Null and empty data differ.
    pub data: Option<&'a [u8]>,
    /// The leader refuses null and empty lists.
    pub acl: Vec<Acl>,
    /// A [`super::CreateMode`].
    pub flags: i32,
    /// Milliseconds; only in createTTL.
    pub ttl_ms: Option<i64>,
}

impl<'a> CreateRequest<'a> {
    /// Reads the record of operation `op`.
    pub fn decode(reader: &mut Reader<'a>, op: OpCode) -> Result<Self, JuteError> {
        Ok(Self {
            path: reader.required_string()?,
            data: reader.buffer()?,
            acl: Acl::decode_list(reader)?.unwrap_or_default(),
            flags: reader.i32()?,
            ttl_ms: if op == OpCode::CreateTtl {
                Some(reader.i64()?)
            } else {
                None
            },
        })
    }

    pub fn encode(&self, out: &mut Vec<u8>) {
        out.put_string(self.path);
        out.put_buffer(self.data);
        Acl::encode_list(&self.acl, out);
        out.put_i32(self.flags);
        if let Some(ttl_ms) = self.ttl_ms {
            out.put_i64(ttl_ms);
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeleteRequest<'a> {
    pub path: &'a str,
    /// Expected version; -1 matches any.
    pub version: i32,
}

impl<'a> DeleteRequest<'a> {
    pub fn decode(reader: &mut Reader<'a>) -> Result<Self, JuteError> {
        Ok(Self {
            path: reader.required_string()?,
            version: reader.i32()?,
        })
    }

    pub fn encode(&self, out: &mut Vec<u8>) {
        out.put_string(self.path);
        out.put_i32(self.version);
    }
}

/// check, which occurs only in a multi. Its layout equals that of delete.
pub type CheckVersion<'a> = DeleteRequest<'a>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetDataRequest<'a> {
    pub path: &'a str,
    /// Null and empty data differ.
    pub data: Option<&'a [u8]>,
    /// Expected version; -1 matches any.
    pub version: i32,
}

impl<'a> SetDataRequest<'a> {
    pub fn decode(reader: &mut Reader<'a>) -> Result<Self, JuteError> {
        Ok(Self {
            path: reader.required_string()?,
            data: reader.buffer()?,
            version: reader.i32()?,
        })
    }

    pub fn encode(&self, out: &mut Vec<u8>) {
        out.put_string(self.path);
        out.put_buffer(self.data);
        out.put_i32(self.version);
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAclRequest<'a> {
    pub path: &'a str,
    pub acl: Vec<Acl>,
    /// Expected aversion; -1 matches any.
    pub version: i32,
}

impl<'a> SetAclRequest<'a> {
    pub fn decode(reader: &mut Reader<'a>) -> Result<Self, JuteError> {
        Ok(Self {
            path: reader.required_string()?,
            acl: Acl::decode_list(reader)?.unwrap_or_default(),
            version: reader.i32()?,
        })
    }

    pub fn encode(&self, out: &mut Vec<u8>) {
        out.put_string(self.path);
        Acl::encode_list(&self.acl, out);
        out.put_i32(self.version);
    }
}

/// exists, getData, getChildren and getChildren2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathWatch<'a> {
    pub path: &'a str,
    /// Whether to set a watch.
    pub watch: bool,
}

impl<'a> PathWatch<'a> {
    pub fn decode(reader: &mut Reader<'a>) -> Result<Self, JuteError> {
        Ok(Self {
            path: reader.required_string()?,
            watch: reader.bool()?,
        })
    }

    pub fn encode(&self, out: &mut Vec<u8>) {
        out.put_string(self.path);
        out.put_bool(self.watch);
    }
}

/// sync, getACL, deleteContainer, getEphemerals and getAllChildrenNumber, which contain only a
/// path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathRequest<'a> {
    /// Null becomes the empty string.
    pub path: &'a str,
}

impl<'a> PathRequest<'a> {
    pub fn decode(reader: &mut Reader<'a>) -> Result<Self, JuteError> {
        Ok(Self {
            path: reader.string()?.unwrap_or_default(),
        })
    }

    pub fn encode(&self, out: &mut Vec<u8>) {
        out.put_string(self.path);
    }
}

/// A path and a number: addWatch, checkWatches and removeWatches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathNumber<'a> {
    pub path: &'a str,
    /// The mode of addWatch, or the watcher type of checkWatches and removeWatches.
    pub number: i32,
}

impl<'a> PathNumber<'a> {
    pub fn decode(reader: &mut Reader<'a>) -> Result<Self, JuteError> {
        Ok(Self {
            path: reader.required_string()?,
            number: reader.i32()?,
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthPacket<'a> {
    /// For example `digest`.
    pub scheme: &'a str,
    pub auth: &'a [u8],
}

impl<'a> AuthPacket<'a> {
    pub fn decode(reader: &mut Reader<'a>) -> Result<Self, JuteError> {
        let _kind = reader.i32()?;
        Ok(Self {
            scheme: reader.string()?.unwrap_or_default(),
            auth: reader.buffer()?.unwrap_or_default(),
        })
    }
}

/// setWatches and setWatches2.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetWatches<'a> {
    pub relative_zxid: Zxid,
    pub data: Vec<&'a str>,
    pub exist: Vec<&'a str>,
    pub child: Vec<&'a str>,
    pub persistent: Vec<&'a str>,
    pub persistent_recursive: Vec<&'a str>,
}

impl<'a> SetWatches<'a> {
    /// Reads the record of operation `op`.
    pub fn decode(reader: &mut Reader<'a>, op: OpCode) -> Result<Self, JuteError> {
        let mut watches = Self {
            relative_zxid: Zxid(reader.i64()?),
            data: reader.strings()?,
            exist: reader.strings()?,
            child: reader.strings()?,
            ..Self::default()
        };
        if op == OpCode::SetWatches2 {
            watches.persistent = reader.strings()?;
            watches.persistent_recursive = reader.strings()?;
        }
        Ok(watches)
    }

    #[must_use]
    pub const fn len(&self) -> usize {
        self.data.len()
            + self.exist.len()
            + self.child.len()
            + self.persistent.len()
            + self.persistent_recursive.len()
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// One operation of a multi.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MultiOp<'a> {
    Create(OpCode, CreateRequest<'a>),
    Delete(DeleteRequest<'a>),
    SetData(SetDataRequest<'a>),
    Check(CheckVersion<'a>),
    GetData(PathWatch<'a>),
    GetChildren(PathWatch<'a>),
}

/// The body of multi and multiRead: headers and records up to the terminating header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MultiOps<'a>(pub Vec<MultiOp<'a>>);

impl<'a> MultiOps<'a> {
    /// Reads the body. An operation that `kind` does not allow is malformed (specification 5).
    pub fn decode(reader: &mut Reader<'a>, kind: OpCode) -> Result<Self, JuteError> {
        let mut ops = Vec::new();
        loop {
            let code = reader.i32()?;
            let done = reader.bool()?;
            let _err = reader.i32()?;
            if done {
                return Ok(Self(ops));
            }
            let op = OpCode::from_i32(code);
            let unexpected = JuteError::Value {
                what: "multi operation",
                value: code.into(),
            };
            ops.push(match (kind, op.ok_or(unexpected)?) {
                (
                    OpCode::Multi,
                    op @ (OpCode::Create
                    | OpCode::Create2
                    | OpCode::CreateContainer
                    | OpCode::CreateTtl),
                ) => MultiOp::Create(op, CreateRequest::decode(reader, op)?),
                (OpCode::Multi, OpCode::Delete) => MultiOp::Delete(DeleteRequest::decode(reader)?),
                (OpCode::Multi, OpCode::SetData) => {
                    MultiOp::SetData(SetDataRequest::decode(reader)?)
                }
                (OpCode::Multi, OpCode::Check) => MultiOp::Check(CheckVersion::decode(reader)?),
                (OpCode::MultiRead, OpCode::GetData) => {
                    MultiOp::GetData(PathWatch::decode(reader)?)
                }
                (OpCode::MultiRead, OpCode::GetChildren) => {
                    MultiOp::GetChildren(PathWatch::decode(reader)?)
                }
                _ => return Err(unexpected),
            });
        }
    }

    /// Appends the header of one operation. The caller must append its record.
    pub fn encode_op_header(out: &mut Vec<u8>, op: OpCode) {
        out.put_i32(op.code());
        out.put_bool(false);
        out.put_i32(-1);
    }

    /// Appends the terminating header.
    pub fn encode_end(out: &mut Vec<u8>) {
        out.put_i32(-1);
        out.put_bool(true);
        out.put_i32(-1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_data_has_the_specified_layout() {
        let mut out = Vec::new();
        RequestHeader::encode_frame(&mut out, 1, OpCode::SetData, |out| {
            SetDataRequest {
                path: "/a",
                data: Some(b"xy"),
                version: -1,
            }
            .encode(out);
        });
        let expected: &[u8] = &[
            0, 0, 0, 24, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0, 2, b'/', b'a', 0, 0, 0, 2, b'x', b'y',
            255, 255, 255, 255,
        ];
        assert_eq!(out, expected);
        let mut reader = Reader::new(&out[4..]);
        assert_eq!(
            RequestHeader::decode(&mut reader),
            Ok(RequestHeader { xid: 1, op: 5 })
        );
        let read = SetDataRequest::decode(&mut reader).expect("well formed");
        assert_eq!(
            (read.path, read.data, read.version),
            ("/a", Some(&b"xy"[..]), -1)
        );
    }

    #[test]
    fn multi_and_multi_read_refuse_each_others_operations() {
        let mut out = Vec::new();
        MultiOps::encode_op_header(&mut out, OpCode::Check);
        CheckVersion {
            path: "/a",
            version: 3,
        }
        .encode(&mut out);
        MultiOps::encode_end(&mut out);
        let ops = MultiOps::decode(&mut Reader::new(&out), OpCode::Multi).expect("a check");
        assert_eq!(
            ops.0,
            vec![MultiOp::Check(CheckVersion {
                path: "/a",
                version: 3
            })]
        );
        assert!(MultiOps::decode(&mut Reader::new(&out), OpCode::MultiRead).is_err());
        for cut in 0..out.len() {
            let short = MultiOps::decode(&mut Reader::new(&out[..cut]), OpCode::Multi);
            assert_eq!(short, Err(JuteError::Truncated), "cut at {cut}");
        }
    }

    #[test]
    fn huge_counts_do_not_allocate() {
        let raw = i32::MAX.to_be_bytes();
        assert_eq!(Reader::new(&raw).strings(), Err(JuteError::Truncated));
        assert_eq!(Reader::new(&raw).buffer(), Err(JuteError::Length(i32::MAX)));
        assert_eq!(
            Reader::new(&(-2i32).to_be_bytes()).buffer(),
            Err(JuteError::Length(-2))
        );
        assert_eq!(Reader::new(&(-1i32).to_be_bytes()).buffer(), Ok(None));
    }
}
