//! A non-blocking stream with buffers for unconsumed input and unsent output.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};

use super::poller::Interest;

/// A connection with more unsent bytes than this is closed. A single message may exceed the limit: a
/// snapshot for a learner does.
const UNSENT_MAX: usize = if cfg!(test) { 1 << 20 } else { 256 << 20 };
/// While a client has this many unsent bytes, the server reads no more of its requests.
const UNSENT_PAUSE: usize = 4 << 20;
/// An empty buffer is shrunk to this capacity.
const KEEP_BYTES: usize = 256 << 10;
/// Below so many unsent bytes there is room for the next slice of a snapshot.
const ROOM_BYTES: usize = 128 << 10;

#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    /// Received bytes that the peer has not consumed.
    pub(super) inbox: Vec<u8>,
    outbox: Vec<u8>,
    /// How many bytes at the start of `outbox` are sent.
    sent: usize,
    unsent_max: usize,
    /// As registered with the poller.
    pub(super) interest: Interest,
    /// The connection closes once everything is sent.
    pub(super) closing: bool,
    /// The connection is on the list of connections to flush.
    pub(super) dirty: bool,
    /// The inbox is full; the socket is not read until the peer has consumed some of it.
    pub(super) starved: bool,
    /// The inbox is offered to the peer again once the connection is no longer backed up.
    pub(super) postponed: bool,
    /// The peer is told when there is room for more of what it sends.
    pub(super) awaits_room: bool,
}

/// Why a connection ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The other side closed the connection, or it broke.
    Closed,
    /// The other side does not read: more than [`UNSENT_MAX`] bytes are unsent.
    Stuck,
}

impl Socket {
    /// Takes over a stream that is connected or still connecting.
    pub(super) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            inbox: Vec::new(),
            outbox: Vec::new(),
            sent: 0,
            unsent_max: UNSENT_MAX,
            interest: Interest::NONE,
            closing: false,
            dirty: false,
            starved: false,
            postponed: false,
            awaits_room: false,
        })
    }

    pub(super) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Reads once into `buffer`. Returns `Ok(0)` if no bytes are available now.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Ended> {
        loop {
            return match self.stream.read(buffer) {
                Ok(0) => Err(Ended::Closed),
                Ok(count) => Ok(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_broken) => Err(Ended::Closed),
            };
        }
    }

    pub(super) fn queue(&mut self, bytes: &[u8]) {
        self.unsent_max = self.unsent_max.max(UNSENT_MAX + bytes.len());
        self.outbox.extend_from_slice(bytes);
    }

    /// Sends as many bytes as the socket takes.
    pub(super) fn flush(&mut self) -> Result<(), Ended> {
        while self.sent < self.outbox.len() {
            match self.stream.write(&self.outbox[self.sent..]) {
                Ok(0) => return Err(Ended::Closed),
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_broken) => return Err(Ended::Closed),
            }
        }
        if self.sent == self.outbox.len() {
            self.sent = 0;
            self.outbox.clear();
            self.unsent_max = UNSENT_MAX;
            if self.outbox.capacity() > KEEP_BYTES {
                self.outbox.shrink_to(KEEP_BYTES);
            }
        } else if self.unsent() > self.unsent_max {
            return Err(Ended::Stuck);
        } else if self.sent > KEEP_BYTES {
            self.outbox.drain(..self.sent);
            self.sent = 0;
        }
        Ok(())
    }

    fn unsent(&self) -> usize {
        self.outbox.len() - self.sent
    }

    /// Whether [`UNSENT_PAUSE`] bytes or more are unsent.
    pub(super) fn is_backed_up(&self) -> bool {
        self.unsent() >= UNSENT_PAUSE
    }

    /// Whether so little is unsent that the next slice of a stream should be encoded.
    pub(super) fn has_room(&self) -> bool {
        self.unsent() < ROOM_BYTES
    }

    pub(super) fn is_flushed(&self) -> bool {
        self.outbox.is_empty()
    }

    /// Returns the events to poll for: input unless reading is suspended, output if bytes are unsent.
    pub(super) fn wanted_interest(&self) -> Interest {
        Interest {
            read: !self.starved && !self.closing,
            write: self.unsent() > 0,
        }
    }

    /// Removes the first `count` bytes of the inbox.
    pub(super) fn consume(&mut self, count: usize) {
        if count == self.inbox.len() {
            self.inbox.clear();
            if self.inbox.capacity() > KEEP_BYTES {
                self.inbox.shrink_to(KEEP_BYTES);
            }
        } else if count > 0 {
            self.inbox.drain(..count);
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn pair() -> (Socket, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        let other = TcpStream::connect(address).expect("the listener accepts");
        let (stream, _) = listener.accept().expect("dialled");
        (Socket::new(stream).expect("a socket"), other)
    }

    #[test]
    fn one_message_above_the_limit_is_sent() {
        let (mut socket, mut other) = pair();
        let whole = vec![7; 64 * UNSENT_MAX];
        socket.queue(&whole);
        assert_eq!(socket.flush(), Ok(()));
        assert!(socket.unsent() > UNSENT_MAX && socket.is_backed_up());
        let mut received = 0;
        let mut buffer = vec![0; UNSENT_MAX];
        while received < whole.len() {
            received += other.read(&mut buffer).expect("the connection is open");
            assert_eq!(socket.flush(), Ok(()));
        }
        assert!(socket.is_flushed());
    }

    #[test]
    fn many_unread_messages_close_the_connection() {
        let (mut socket, _other) = pair();
        let outcome = (0..1024).try_for_each(|_| {
            socket.queue(&[7; UNSENT_MAX / 8]);
            socket.flush()
        });
        assert_eq!(outcome, Err(Ended::Stuck));
    }
}
