//! The session handshake on the client port (specification 2.2-2.5).

use super::{JuteError, Reader, SessionId, WriteJute, Zxid, begin_frame, end_frame};

/// The first frame that a client sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectRequest<'a> {
    /// The highest zxid that the client has seen in a reply.
    pub last_zxid_seen: Zxid,
    /// Requested session timeout, ms.
    pub timeout_ms: i32,
    /// 0 requests a new session.
    pub session: SessionId,
    /// 16 bytes. Null is read as empty.
    pub password: &'a [u8],
    /// An optional trailing byte; `None` if absent (before 3.4).
    pub read_only: Option<bool>,
}

impl<'a> ConnectRequest<'a> {
    /// Reads the content of a frame.
    pub fn decode(frame: &'a [u8]) -> Result<Self, JuteError> {
        let mut reader = Reader::new(frame);
        let _protocol_version = reader.i32()?;
        Ok(Self {
            last_zxid_seen: Zxid(reader.i64()?),
            timeout_ms: reader.i32()?,
            session: SessionId(reader.i64()?),
            password: reader.buffer()?.unwrap_or_default(),
            read_only: if reader.is_empty() {
                None
            } else {
                Some(reader.bool()?)
            },
        })
    }

    /// Appends a complete frame.
    pub fn encode_frame(&self, out: &mut Vec<u8>) {
        let at = begin_frame(out);
        out.put_i32(0);
        out.put_i64(self.last_zxid_seen.0);
        out.put_i32(self.timeout_ms);
        out.put_i64(self.session.0);
        out.put_buffer(Some(self.password));
        if let Some(read_only) = self.read_only {
            out.put_bool(read_only);
        }
        end_frame(out, at);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectResponse {
    /// Negotiated session timeout, ms. 0 means that the session is invalid or expired.
    pub timeout_ms: i32,
    pub session: SessionId,
    pub password: [u8; 16],
    /// Present only if the request contained the byte.
    pub read_only: Option<bool>,
}

impl ConnectResponse {
    /// Reads the content of a frame.
    pub fn decode(frame: &[u8]) -> Result<Self, JuteError> {
        let mut reader = Reader::new(frame);
        let _protocol_version = reader.i32()?;
        let timeout_ms = reader.i32()?;
        let session = SessionId(reader.i64()?);
        let raw = reader.buffer()?.unwrap_or_default();
        let mut password = [0; 16];
        let size = raw.len().min(16);
        password[..size].copy_from_slice(&raw[..size]);
        let read_only = if reader.is_empty() {
            None
        } else {
            Some(reader.bool()?)
        };
        Ok(Self {
            timeout_ms,
            session,
            password,
            read_only,
        })
    }

    /// Appends a complete frame.
    pub fn encode_frame(&self, out: &mut Vec<u8>) {
        let at = begin_frame(out);
        out.put_i32(0);
        out.put_i32(self.timeout_ms);
        out.put_i64(self.session.0);
        out.put_buffer(Some(&self.password));
        if let Some(read_only) = self.read_only {
            out.put_bool(read_only);
        }
        end_frame(out, at);
    }
}

/// Derives a session's password from its id. Every server derives the same one (specification 2.5).
#[must_use]
pub fn session_password(session: SessionId) -> [u8; 16] {
    const MULTIPLIER: u64 = 0x5_DEEC_E66D;
    const MASK: u64 = (1 << 48) - 1;
    let seed = session.0.cast_unsigned() ^ 0xB341_5C00;
    let mut state = (seed ^ MULTIPLIER) & MASK;
    let mut password = [0; 16];
    for word in password.chunks_exact_mut(4) {
        state = state.wrapping_mul(MULTIPLIER).wrapping_add(0xB) & MASK;
        // The upper 32 of 48 bits.
        let [_, _, high @ .., _, _] = state.to_be_bytes();
        let value = u32::from_be_bytes(high);
        word.copy_from_slice(&value.to_le_bytes());
    }
    password
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Values observed on Java 3.8.0 (specification 2.5).
    #[test]
    fn passwords_equal_javas() {
        let first = session_password(SessionId(0x0100_000c_eade_0000));
        assert_eq!(hex(&first), "40083c72cd348e7a1e75f90c5e1aba36");
        let tenth = session_password(SessionId(0x0100_000c_eade_0009));
        assert_eq!(hex(&tenth), "ec3107726ddd67e6bdcf9a93cfe9726c");
    }

    #[test]
    fn handshake_frames_have_the_specified_sizes() {
        let mut out = Vec::new();
        let request = ConnectRequest {
            last_zxid_seen: Zxid(7),
            timeout_ms: 10_000,
            session: SessionId(0),
            password: &[0; 16],
            read_only: Some(false),
        };
        request.encode_frame(&mut out);
        assert_eq!(out.len(), 4 + 45);
        assert_eq!(ConnectRequest::decode(&out[4..]), Ok(request));
        let short =
            ConnectRequest::decode(&out[4..48]).expect("a request without the optional byte");
        assert_eq!(short.read_only, None);
        assert_eq!(
            ConnectRequest::decode(&out[4..40]),
            Err(JuteError::Truncated)
        );
        let response = ConnectResponse {
            timeout_ms: 4000,
            session: SessionId(5),
            password: [9; 16],
            read_only: None,
        };
        out.clear();
        response.encode_frame(&mut out);
        assert_eq!(out.len(), 4 + 36);
        assert_eq!(ConnectResponse::decode(&out[4..]), Ok(response));
    }
}
