//! Checks and reads the body of a reply in place.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::wire::jute::{ErrorCode, JuteError, MultiResult, OpCode, Reader, Stat};

/// Checks that `body` answers a successful `op` (specification 4), and returns the error inside.
/// The header of a failed multi contains no error (specification 5).
pub(super) fn check(op: OpCode, body: &[u8]) -> Result<ErrorCode, JuteError> {
    let mut reader = Reader::new(body);
    match op {
        OpCode::SetData | OpCode::Exists => stat(&mut reader)?,
        OpCode::GetData => {
            reader.buffer()?;
            stat(&mut reader)?;
        }
        OpCode::Create | OpCode::Sync => {
            reader.string()?;
        }
        OpCode::GetChildren => {
            reader.count()?;
        }
        OpCode::Multi => return MultiResult::first_error(&mut reader),
        _ => {}
    }
    Ok(ErrorCode::OK)
}

fn stat(reader: &mut Reader<'_>) -> Result<(), JuteError> {
    reader.bytes(Stat::BYTES).map(drop)
}

/// Returns the path in the body of a create's reply. The path of a sequential znode includes its
/// number.
#[must_use]
pub fn created_path(body: &[u8]) -> Option<&str> {
    Reader::new(body).string().ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_is_too_short_is_an_error() {
        let body = [0; Stat::BYTES];
        assert_eq!(check(OpCode::SetData, &body), Ok(ErrorCode::OK));
        assert_eq!(
            check(OpCode::SetData, &body[1..]),
            Err(JuteError::Truncated)
        );
        assert_eq!(check(OpCode::Delete, &[]), Ok(ErrorCode::OK));
        assert_eq!(check(OpCode::GetData, &body), Err(JuteError::Truncated));
        assert_eq!(
            check(OpCode::Create, &[255, 255, 255, 254]),
            Err(JuteError::Length(-2))
        );
        assert_eq!(created_path(&[0, 0, 0, 2, b'/', b'a', 9]), Some("/a"));
    }
}
