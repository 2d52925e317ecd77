//! Packets between a leader and its learners (specification 13.1).

use super::{Id, JuteError, Reader, SessionId, WriteJute, Zxid};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum PacketType {
    Request = 1,
    Proposal = 2,
    Ack = 3,
    Commit = 4,
    Ping = 5,
    Revalidate = 6,
    Sync = 7,
    Inform = 8,
    CommitAndActivate = 9,
    NewLeader = 10,
    FollowerInfo = 11,
    UpToDate = 12,
    Diff = 13,
    Trunc = 14,
    Snap = 15,
    ObserverInfo = 16,
    LeaderInfo = 17,
    AckEpoch = 18,
    InformAndActivate = 19,
}

impl PacketType {
    const fn from_i32(code: i32) -> Option<Self> {
        Some(match code {
            1 => Self::Request,
            2 => Self::Proposal,
            3 => Self::Ack,
            4 => Self::Commit,
            5 => Self::Ping,
            6 => Self::Revalidate,
            7 => Self::Sync,
            8 => Self::Inform,
            9 => Self::CommitAndActivate,
            10 => Self::NewLeader,
            11 => Self::FollowerInfo,
            12 => Self::UpToDate,
            13 => Self::Diff,
            14 => Self::Trunc,
            15 => Self::Snap,
            16 => Self::ObserverInfo,
            17 => Self::LeaderInfo,
            18 => Self::AckEpoch,
            19 => Self::InformAndActivate,
            _ => return None,
        })
    }
}

/// A packet of the quorum port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuorumPacket<'a> {
    pub kind: PacketType,
    /// The meaning depends on `kind`.
    pub zxid: Zxid,
    /// Null is `None`. The meaning depends on `kind`.
    pub data: Option<&'a [u8]>,
    /// The client's identities in a REQUEST, otherwise empty.
    pub auth: Vec<Id>,
}

impl<'a> QuorumPacket<'a> {
    /// Creates a packet without identities.
    #[must_use]
    pub const fn new(kind: PacketType, zxid: Zxid, data: Option<&'a [u8]>) -> Self {
        Self {
            kind,
            zxid,
            data,
            auth: Vec::new(),
        }
    }

    /// Decodes the packet at the start of a stream. Returns it with its length, or `Ok(None)` if it
    /// is incomplete. Packets have no length prefix.
    pub fn decode(bytes: &'a [u8]) -> Result<Option<(Self, usize)>, JuteError> {
        let mut reader = Reader::new(bytes);
        match Self::decode_from(&mut reader) {
            Ok(packet) => Ok(Some((packet, reader.position()))),
            Err(JuteError::Truncated) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn decode_from(reader: &mut Reader<'a>) -> Result<Self, JuteError> {
        let code = reader.i32()?;
        let kind = PacketType::from_i32(code).ok_or(JuteError::Value {
            what: "packet type",
            value: code.into(),
        })?;
        let zxid = Zxid(reader.i64()?);
        let data = reader.buffer()?;
        let count = reader.i32()?;
        if count > 1000 {
            return Err(JuteError::Length(count));
        }
        let auth = (0..count.max(0))
            .map(|_| Id::decode(reader))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            kind,
            zxid,
            data,
            auth,
        })
    }

    pub fn encode(&self, out: &mut Vec<u8>) {
        out.put_i32(self.kind as i32);
        out.put_i64(self.zxid.0);
        out.put_buffer(self.data);
        if self.auth.is_empty() {
            out.put_i32(-1);
        } else {
            out.put_len(self.auth.len());
            for id in &self.auth {
                id.encode(out);
            }
        }
    }
}

/// The data of FOLLOWERINFO and OBSERVERINFO, which a learner sends first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LearnerInfo {
    /// `None` for a learner that sends no server id.
    pub server: Option<i64>,
    /// 0x10000 for ZAB 1.0.
    pub protocol_version: i32,
    /// Version of the learner's configuration; 0 before 3.5.
    pub config_version: i64,
}

impl LearnerInfo {
    /// Protocol version of ZAB 1.0.
    pub const PROTOCOL: i32 = 0x10000;

    /// Reads 0, 8, 12 or 20 bytes, depending on the release.
    pub fn decode(data: Option<&[u8]>) -> Result<Self, JuteError> {
        let mut reader = Reader::new(data.unwrap_or_default());
        let mut info = Self {
            server: None,
            protocol_version: 0,
            config_version: 0,
        };
        if !reader.is_empty() {
            info.server = Some(reader.i64()?);
        }
        if !reader.is_empty() {
            info.protocol_version = reader.i32()?;
        }
        if !reader.is_empty() {
            info.config_version = reader.i64()?;
        }
        Ok(info)
    }

    /// Returns the 20 bytes of the current format.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(20);
        out.put_i64(self.server.unwrap_or(-1));
        out.put_i32(self.protocol_version);
        out.put_i64(self.config_version);
        out
    }
}

/// Decodes the data of a REQUEST into session, xid, operation code and request record
/// (specification 13.8).
pub fn forwarded_request(data: &[u8]) -> Result<(SessionId, i32, i32, &[u8]), JuteError> {
    let mut reader = Reader::new(data);
    let session = SessionId(reader.i64()?);
    let cxid = reader.i32()?;
    let op = reader.i32()?;
    Ok((session, cxid, op, reader.rest()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first packet that a learner sends (specification 22).
    #[test]
    fn follower_info_equals_the_captured_bytes() {
        let info = LearnerInfo {
            server: Some(3),
            protocol_version: 0x10000,
            config_version: 0,
        };
        let data = info.encode();
        let mut out = Vec::new();
        QuorumPacket::new(PacketType::FollowerInfo, Zxid(0), Some(&data)).encode(&mut out);
        let hex: String = out.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "0000000b00000000000000000000001400000000000000030001000000000000\
             00000000ffffffff"
        );
        let (packet, length) = QuorumPacket::decode(&out)
            .expect("valid")
            .expect("complete");
        assert_eq!((packet.kind, length), (PacketType::FollowerInfo, out.len()));
        assert_eq!(LearnerInfo::decode(packet.data), Ok(info));
        for cut in 0..out.len() {
            assert_eq!(QuorumPacket::decode(&out[..cut]), Ok(None), "cut at {cut}");
        }
        out[3] = 99;
        assert!(QuorumPacket::decode(&out).is_err());
    }
}
