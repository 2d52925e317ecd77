//! Messages of the election port (specification 12.1-12.3).

use super::{JuteError, PeerId, Reader, WriteJute, Zxid, begin_frame, end_frame};

/// The state that a server announces in an election message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PeerState {
    Looking = 0,
    Following = 1,
    Leading = 2,
    Observing = 3,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    pub state: PeerState,
    /// The server that the sender votes for.
    pub leader: PeerId,
    /// The last zxid that `leader` logged.
    pub zxid: Zxid,
    /// The election round of the sender (its logical clock).
    pub round: i64,
    /// The epoch of `leader`.
    pub peer_epoch: i64,
    /// Format version: 2 since 3.5, 0 before (40 bytes or fewer).
    pub version: i32,
    /// The configuration text; empty below version 2.
    pub config: String,
}

impl Notification {
    /// Largest message that is accepted, in bytes.
    pub const MAX_BYTES: usize = 524_288;

    /// Reads the content of a frame of 28 or at least 40 bytes. Like Apache ZooKeeper, reads a
    /// configuration only from version 2 on and ignores further bytes.
    pub fn decode(frame: &[u8]) -> Result<Self, JuteError> {
        let mut reader = Reader::new(frame);
        let code = reader.i32()?;
        let state = match code {
            0 => PeerState::Looking,
            1 => PeerState::Following,
            2 => PeerState::Leading,
            3 => PeerState::Observing,
            _ => {
                return Err(JuteError::Value {
                    what: "peer state",
                    value: code.into(),
                });
            }
        };
        let leader = PeerId(reader.i64()?);
        let zxid = Zxid(reader.i64()?);
        let round = reader.i64()?;
        let (peer_epoch, mut version) = if reader.is_empty() {
            (zxid.epoch(), 0) // Messages from before 3.4 have 28 bytes.
        } else {
            (reader.i64()?, reader.i32()?)
        };
        let mut config = String::new();
        if reader.is_empty() {
            // Messages from 3.4 have 40 bytes. Their version number has another meaning.
            version = 0;
        } else if version > 1 {
            config = reader.string()?.unwrap_or_default().to_owned();
        }
        Ok(Self {
            state,
            leader,
            zxid,
            round,
            peer_epoch,
            version,
            config,
        })
    }

    /// Appends a complete frame in the format of 3.5 and later.
    pub fn encode_frame(&self, out: &mut Vec<u8>) {
        let at = begin_frame(out);
        out.put_i32(self.state as i32);
        out.put_i64(self.leader.0);
        out.put_i64(self.zxid.0);
        out.put_i64(self.round);
        out.put_i64(self.peer_epoch);
        out.put_i32(2);
        out.put_string(&self.config);
        end_frame(out, at);
    }
}

/// The first message of a server that connects to an election port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoteHello {
    /// The connecting server.
    pub sid: PeerId,
    /// The server's election address, `host:port`; `None` from 3.4.
    pub address: Option<String>,
}

impl VoteHello {
    const V1: i64 = -65_536;
    const V2: i64 = -65_535;

    /// Decodes the message at the start of a stream. Returns it with its length, or `Ok(None)` if
    /// it is incomplete.
    pub fn decode(bytes: &[u8]) -> Result<Option<(Self, usize)>, JuteError> {
        let mut reader = Reader::new(bytes);
        match Self::decode_from(&mut reader) {
            Ok(hello) => Ok(Some((hello, reader.position()))),
            Err(JuteError::Truncated) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn decode_from(reader: &mut Reader<'_>) -> Result<Self, JuteError> {
        let first = reader.i64()?;
        if first >= 0 {
            return Ok(Self {
                sid: PeerId(first),
                address: None,
            });
        }
        if first != Self::V1 && first != Self::V2 {
            return Err(JuteError::Value {
                what: "election protocol version",
                value: first,
            });
        }
        let sid = PeerId(reader.i64()?);
        let length = reader.i32()?;
        if !(1..=2048).contains(&length) {
            return Err(JuteError::Length(length));
        }
        let raw = reader
            .bytes(usize::try_from(length).map_err(|_negative| JuteError::Length(length))?)?;
        let address = std::str::from_utf8(raw).map_err(|_invalid| JuteError::Utf8)?;
        Ok(Self {
            sid,
            address: Some(address.to_owned()),
        })
    }

    /// Appends the message in the format of 3.5, or of 3.4 if there is no address.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match &self.address {
            None => out.put_i64(self.sid.0),
            Some(address) => {
                out.put_i64(Self::V1);
                out.put_i64(self.sid.0);
                out.put_string(address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notifications_of_all_three_formats_are_read() {
        let message = Notification {
            state: PeerState::Looking,
            leader: PeerId(3),
            zxid: Zxid::new(5, 7),
            round: 2,
            peer_epoch: 6,
            version: 2,
            config: "version=0".to_owned(),
        };
        let mut out = Vec::new();
        message.encode_frame(&mut out);
        assert_eq!(Notification::decode(&out[4..]).as_ref(), Ok(&message));
        let old = Notification::decode(&out[4..44]).expect("40 bytes, 3.4");
        assert_eq!(
            (old.version, old.peer_epoch, old.config.as_str()),
            (0, 6, "")
        );
        let oldest = Notification::decode(&out[4..32]).expect("28 bytes, before 3.4");
        assert_eq!((oldest.version, oldest.peer_epoch), (0, 5));
        out[40..44].copy_from_slice(&1_i32.to_be_bytes());
        let first = Notification::decode(&out[4..46]).expect("version 1 has no configuration");
        assert_eq!((first.version, first.config.as_str()), (1, ""));
        assert_eq!(Notification::decode(&out[4..31]), Err(JuteError::Truncated));
        assert_eq!(
            Notification::decode(&out[4..40]),
            Err(JuteError::Truncated),
            "36 bytes"
        );
    }

    #[test]
    fn hello_messages_of_both_formats_are_read() {
        for hello in [
            VoteHello {
                sid: PeerId(2),
                address: Some("127.0.0.1:3888".to_owned()),
            },
            VoteHello {
                sid: PeerId(2),
                address: None,
            },
        ] {
            let mut out = Vec::new();
            hello.encode(&mut out);
            assert_eq!(VoteHello::decode(&out), Ok(Some((hello, out.len()))));
            assert_eq!(VoteHello::decode(&out[..out.len() - 1]), Ok(None));
        }
        let mut hostile = Vec::new();
        hostile.put_i64(-65_536);
        hostile.put_i64(1);
        hostile.put_i32(1 << 30);
        assert_eq!(VoteHello::decode(&hostile), Err(JuteError::Length(1 << 30)));
    }
}
