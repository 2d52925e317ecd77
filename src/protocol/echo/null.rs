//! The server side of the echo protocol.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{LENGTH_BYTES, length};
use crate::protocol::{Admit, MessageKind, NullPeer, Opened, Violation};

/// A server that sends every message back.
#[derive(Debug, Default)]
pub struct Null;

impl NullPeer for Null {
    type Session = ();

    fn take<'b>(input: &mut &'b [u8]) -> Result<Option<&'b [u8]>, Violation> {
        let Some(length) = length(input)? else {
            return Ok(None);
        };
        let bytes: &'b [u8] = input;
        let Some((message, rest)) = bytes.split_at_checked(LENGTH_BYTES + length) else {
            return Ok(None);
        };
        *input = rest;
        Ok(Some(message))
    }

    fn kind((): &(), _message: &[u8]) -> Result<MessageKind, Violation> {
        Ok(MessageKind::Request)
    }

    fn open(
        &mut self,
        (): &mut (),
        _message: &[u8],
        _admit: Admit,
        _out: &mut Vec<u8>,
    ) -> Result<Opened, Violation> {
        Ok(Opened::New)
    }

    fn answer(&mut self, message: &[u8], out: &mut Vec<u8>) -> Result<(), Violation> {
        out.extend_from_slice(message);
        Ok(())
    }

    fn id((): &()) -> i64 {
        0
    }
}
