//! Length-prefixed echo, the smallest protocol.
//!
//! A message is a length of four bytes, big-endian, followed by that many bytes. The peer sends it
//! back. There is no handshake, no session and no error. Calibration (`load::calibrate`) uses it to
//! measure the generator.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod connection;
mod null;
mod vocabulary;

pub use connection::{Echo, Nothing};
pub use null::Null;
pub use vocabulary::EchoVocabulary;

use super::Violation;

/// Size of the length prefix.
const LENGTH_BYTES: usize = 4;
/// Maximum length of a message.
const MESSAGE_BYTES_MAX: u32 = 4 << 20;

/// Returns the length of the message at the start of `bytes`, without the prefix; `None` if the
/// prefix is incomplete.
fn length(bytes: &[u8]) -> Result<Option<usize>, Violation> {
    let Some(raw) = bytes.first_chunk::<LENGTH_BYTES>() else {
        return Ok(None);
    };
    match u32::from_be_bytes(*raw) {
        length if length <= MESSAGE_BYTES_MAX => Ok(Some(length as usize)),
        length => Err(Violation(
            format!("a message of {length} bytes (at most {MESSAGE_BYTES_MAX} are accepted)")
                .into(),
        )),
    }
}
