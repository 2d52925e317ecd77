//! Transactions, as servers propose, log and apply them (specification 15.2).
//!
//! The entry bytes (header, record, optional digest) are copied unchanged from the leader's
//! proposal to every log.

use super::{Acl, ErrorCode, JuteError, OpCode, Reader, SessionId, WriteJute, Zxid};

/// The header of a transaction, 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TxnHeader {
    /// The session that sent the request.
    pub session: SessionId,
    pub cxid: i32,
    pub zxid: Zxid,
    /// The leader's wall clock, ms since the epoch.
    pub time_ms: i64,
    /// The type, which decides the record that follows.
    pub op: OpCode,
}

impl TxnHeader {
    /// Reads the header. The record of type `op` follows it.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, JuteError> {
        let session = SessionId(reader.i64()?);
        let cxid = reader.i32()?;
        let zxid = Zxid(reader.i64()?);
        let time_ms = reader.i64()?;
        let code = reader.i32()?;
        let op = OpCode::from_i32(code).ok_or(JuteError::Value {
            what: "transaction type",
            value: code.into(),
        })?;
        Ok(Self {
            session,
            cxid,
            zxid,
            time_ms,
            op,
        })
    }

    pub fn encode(&self, out: &mut Vec<u8>) {
        out.put_i64(self.session.0);
        out.put_i32(self.cxid);
        out.put_i64(self.zxid.0);
        out.put_i64(self.time_ms);
        out.put_i32(self.op.code());
    }
}

/// The record of a transaction: an idempotent change of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Txn<'a> {
    Create {
        path: &'a str,
        data: Option<&'a [u8]>,
        acl: Vec<Acl>,
        ephemeral: bool,
        parent_cversion: i32,
    },
    CreateContainer {
        path: &'a str,
        data: Option<&'a [u8]>,
        acl: Vec<Acl>,
        parent_cversion: i32,
    },
    CreateTtl {
        path: &'a str,
        data: Option<&'a [u8]>,
        acl: Vec<Acl>,
        parent_cversion: i32,
        ttl_ms: i64,
    },
    Delete {
        path: &'a str,
    },
    SetData {
        path: &'a str,
        data: Option<&'a [u8]>,
        version: i32,
    },
    SetAcl {
        path: &'a str,
        acl: Vec<Acl>,
        version: i32,
    },
    Check {
        path: &'a str,
        version: i32,
    },
    CreateSession {
        timeout_ms: i32,
    },
    /// `paths` is `None` in entries from before 3.6. The server then deletes all ephemerals that it
    /// knows for the session.
    CloseSession {
        paths: Option<Vec<&'a str>>,
    },
    Error(ErrorCode),
    Multi(Vec<(OpCode, Txn<'a>)>),
}

impl<'a> Txn<'a> {
    /// Reads the record of type `op`.
    pub fn decode(reader: &mut Reader<'a>, op: OpCode) -> Result<Self, JuteError> {
        let acl = |reader: &mut Reader<'a>| Ok(Acl::decode_list(reader)?.unwrap_or_default());
        Ok(match op {
            OpCode::Create | OpCode::Create2 => Self::Create {
                path: reader.required_string()?,
                data: reader.buffer()?,
                acl: acl(reader)?,
                ephemeral: reader.bool()?,
                // Entries from before 3.4 end here.
                parent_cversion: if reader.is_empty() { -1 } else { reader.i32()? },
            },
            OpCode::CreateContainer => Self::CreateContainer {
                path: reader.required_string()?,
                data: reader.buffer()?,
                acl: acl(reader)?,
                parent_cversion: reader.i32()?,
            },
            OpCode::CreateTtl => Self::CreateTtl {
                path: reader.required_string()?,
                data: reader.buffer()?,
                acl: acl(reader)?,
                parent_cversion: reader.i32()?,
                ttl_ms: reader.i64()?,
            },
            OpCode::Delete | OpCode::DeleteContainer => Self::Delete {
                path: reader.required_string()?,
            },
            OpCode::SetData | OpCode::Reconfig => Self::SetData {
                path: reader.required_string()?,
                data: reader.buffer()?,
                version: reader.i32()?,
            },
            OpCode::SetAcl => Self::SetAcl {
                path: reader.required_string()?,
                acl: acl(reader)?,
                version: reader.i32()?,
            },
            OpCode::Check => Self::Check {
                path: reader.required_string()?,
                version: reader.i32()?,
            },
            OpCode::CreateSession => Self::CreateSession {
                timeout_ms: reader.i32()?,
            },
            OpCode::CloseSession => Self::CloseSession {
                paths: if reader.is_empty() {
                    None
                } else {
                    Some(reader.strings()?)
                },
            },
            OpCode::Error => Self::Error(ErrorCode(reader.i32()?)),
            OpCode::Multi => Self::decode_multi(reader)?,
            other => {
                return Err(JuteError::Value {
                    what: "transaction type",
                    value: other.code().into(),
                });
            }
        })
    }

    fn decode_multi(reader: &mut Reader<'a>) -> Result<Self, JuteError> {
        let count = reader.count()?.unwrap_or(0);
        let mut parts = Vec::with_capacity(count);
        for _ in 0..count {
            let code = reader.i32()?;
            let op = OpCode::from_i32(code)
                .filter(|op| *op != OpCode::Multi)
                .ok_or(JuteError::Value {
                    what: "transaction type",
                    value: code.into(),
                })?;
            let data = reader.buffer()?.unwrap_or_default();
            parts.push((op, Self::decode(&mut Reader::new(data), op)?));
        }
        Ok(Self::Multi(parts))
    }

    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Create {
                path,
                data,
                acl,
                ephemeral,
                parent_cversion,
            } => {
                encode_node(out, path, *data, acl);
                out.put_bool(*ephemeral);
                out.put_i32(*parent_cversion);
            }
            Self::CreateContainer {
                path,
                data,
                acl,
                parent_cversion,
            } => {
                encode_node(out, path, *data, acl);
                out.put_i32(*parent_cversion);
            }
            Self::CreateTtl {
                path,
                data,
                acl,
                parent_cversion,
                ttl_ms,
            } => {
                encode_node(out, path, *data, acl);
                out.put_i32(*parent_cversion);
                out.put_i64(*ttl_ms);
            }
            Self::Delete { path } => out.put_string(path),
            Self::SetData {
                path,
                data,
                version,
            } => {
                out.put_string(path);
                out.put_buffer(*data);
                out.put_i32(*version);
            }
            Self::SetAcl { path, acl, version } => {
                out.put_string(path);
                Acl::encode_list(acl, out);
                out.put_i32(*version);
            }
            Self::Check { path, version } => {
                out.put_string(path);
                out.put_i32(*version);
            }
            Self::CreateSession { timeout_ms } => out.put_i32(*timeout_ms),
            Self::CloseSession { paths: None } => {}
            Self::CloseSession { paths: Some(paths) } => {
                out.put_len(paths.len());
                for path in paths {
                    out.put_string(path);
                }
            }
            Self::Error(code) => out.put_i32(code.0),
            Self::Multi(parts) => {
                out.put_len(parts.len());
                for (op, txn) in parts {
                    out.put_i32(op.code());
                    let at = super::begin_frame(out);
                    txn.encode(out);
                    super::end_frame(out, at);
                }
            }
        }
    }
}

fn encode_node(out: &mut Vec<u8>, path: &str, data: Option<&[u8]>, acl: &[Acl]) {
    out.put_string(path);
    out.put_buffer(data);
    Acl::encode_list(acl, out);
}

/// Reads the header and record of an entry and ignores a digest after them.
pub fn decode_entry(entry: &[u8]) -> Result<(TxnHeader, Txn<'_>), JuteError> {
    let mut reader = Reader::new(entry);
    let header = TxnHeader::decode(&mut reader)?;
    let txn = Txn::decode(&mut reader, header.op)?;
    Ok((header, txn))
}

/// Appends an entry: header and record.
pub fn encode_entry(header: &TxnHeader, txn: &Txn<'_>, out: &mut Vec<u8>) {
    header.encode(out);
    txn.encode(out);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first log entry of a fresh Java 3.8.0 server, with its digest (specification 22).
    #[test]
    fn reads_an_entry_of_java() {
        let raw: [u8; 48] = [
            0x01, 0x00, 0x00, 0x0c, 0xea, 0xde, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0,
            0x01, 0xa2, 0x05, 0x99, 0x49, 0xd1, 0xff, 0xff, 0xff, 0xf6, 0, 0, 0x27, 0x10, 0, 0, 0,
            2, 0, 0, 0, 0, 0x51, 0xc6, 0xd6, 0x60,
        ];
        let (header, txn) = decode_entry(&raw).expect("well formed");
        assert_eq!(header.session, SessionId(0x0100_000c_eade_0000));
        assert_eq!((header.zxid, header.op), (Zxid(1), OpCode::CreateSession));
        assert_eq!(txn, Txn::CreateSession { timeout_ms: 10_000 });
        let mut out = Vec::new();
        encode_entry(&header, &txn, &mut out);
        assert_eq!(out, raw[..36]);
    }

    #[test]
    fn every_type_survives_a_round_trip_and_no_prefix_panics() {
        let create = Txn::Create {
            path: "/a",
            data: Some(b"x"),
            acl: Acl::open(),
            ephemeral: true,
            parent_cversion: 7,
        };
        let all = [
            (OpCode::Create, create.clone()),
            (OpCode::Delete, Txn::Delete { path: "/a" }),
            (
                OpCode::SetData,
                Txn::SetData {
                    path: "/a",
                    data: None,
                    version: 3,
                },
            ),
            (
                OpCode::SetAcl,
                Txn::SetAcl {
                    path: "/a",
                    acl: Acl::open(),
                    version: 1,
                },
            ),
            (
                OpCode::CloseSession,
                Txn::CloseSession {
                    paths: Some(vec!["/a", "/b"]),
                },
            ),
            (OpCode::Error, Txn::Error(ErrorCode::NO_NODE)),
            (
                OpCode::Multi,
                Txn::Multi(vec![
                    (OpCode::Create, create),
                    (
                        OpCode::Check,
                        Txn::Check {
                            path: "/a",
                            version: 0,
                        },
                    ),
                ]),
            ),
        ];
        for (op, txn) in all {
            let header = TxnHeader {
                session: SessionId(1),
                cxid: 2,
                zxid: Zxid(3),
                time_ms: 4,
                op,
            };
            let mut out = Vec::new();
            encode_entry(&header, &txn, &mut out);
            assert_eq!(decode_entry(&out), Ok((header, txn)));
            for cut in 0..32 {
                assert_eq!(decode_entry(&out[..cut]), Err(JuteError::Truncated));
            }
            for cut in 32..out.len() {
                let _either_way = decode_entry(&out[..cut]);
            }
        }
    }
}
