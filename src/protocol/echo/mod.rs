//! Length-prefixed echo: the least that can be called a protocol.
//!
//! A message is four bytes of length, big-endian, and so many bytes; the peer sends it back. There is no
//! handshake, no session and no error. What is measured with it is the generator (`load::calibrate`).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod connection;
mod null;
mod vocabulary;

pub use connection::{Echo, Nothing};
pub use null::Null;
pub use vocabulary::EchoVocabulary;

use super::Violation;

/// Bytes of a message's length.
const LENGTH_BYTES: usize = 4;
/// Longest message taken.
const MESSAGE_BYTES_MAX: u32 = 4 << 20;

/// Bytes of the message at the start of `bytes`, without its length; `None` if not even that is there.
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
