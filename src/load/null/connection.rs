//! One connection of the null responder.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;

#[derive(Debug)]
pub(super) struct Connection<S> {
    pub(super) socket: TcpStream,
    pub(super) key: u64,
    /// Bytes that were read and do not form a whole frame yet.
    inbox: Vec<u8>,
    pub(super) out: Vec<u8>,
    pub(super) session: S,
    pub(super) mute: bool,
    /// Whether the connection is closed once everything is written.
    pub(super) closing: bool,
    pub(super) watches_writes: bool,
}

impl<S: Default> Connection<S> {
    pub(super) fn new(socket: TcpStream, key: u64) -> Self {
        Self {
            socket,
            key,
            inbox: Vec::new(),
            out: Vec::new(),
            session: S::default(),
            mute: false,
            closing: false,
            watches_writes: false,
        }
    }

    /// Reads once. Returns false at the end of the stream.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<bool> {
        match self.socket.read(buffer) {
            Ok(0) => Ok(false),
            Ok(size) => {
                self.inbox.extend_from_slice(&buffer[..size]);
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Takes the inbox out, so that frames can be read from it while the connection changes.
    pub(super) fn take_inbox(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.inbox)
    }

    /// Puts the inbox back without its first `used` bytes, which were handled.
    pub(super) fn put_inbox(&mut self, mut inbox: Vec<u8>, used: usize) {
        inbox.drain(..used);
        self.inbox = inbox;
    }

    /// Writes as much as the socket accepts. Returns false if something is left.
    pub(super) fn flush(&mut self) -> io::Result<bool> {
        let mut written = 0;
        while written < self.out.len() {
            match self.socket.write(&self.out[written..]) {
                Ok(size) => written += size,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        self.out.drain(..written);
        Ok(self.out.is_empty())
    }
}
