//! A non-blocking stream with what is not yet consumed and what is not yet sent.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};

/// Unsent bytes beyond which the connection counts as stuck; what is queued at once may be more, as a
/// snapshot for a learner is.
const UNSENT_MAX: usize = if cfg!(test) { 1 << 20 } else { 256 << 20 };
/// Unsent bytes beyond which a client is asked nothing more.
const UNSENT_PAUSE: usize = 4 << 20;
/// Capacity above which an emptied buffer is given back.
const KEEP_BYTES: usize = 256 << 10;

#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    /// Received, not yet consumed.
    pub(super) inbox: Vec<u8>,
    outbox: Vec<u8>,
    sent: usize,
    unsent_max: usize,
    /// Interest registered with the poller: read, write.
    pub(super) interest: (bool, bool),
    /// Close once everything is sent.
    pub(super) closing: bool,
    /// Has unsent bytes and is on the list of those to flush.
    pub(super) dirty: bool,
    /// Not read until its inbox is consumed.
    pub(super) starved: bool,
    /// Its inbox is offered again once it is no longer backed up.
    pub(super) postponed: bool,
}

/// Why a connection ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The other side closed it, or it broke.
    Closed,
    /// More is unsent than we keep.
    Stuck,
}

impl Socket {
    /// Takes over a connected (or connecting) stream.
    pub(super) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            inbox: Vec::new(),
            outbox: Vec::new(),
            sent: 0,
            unsent_max: UNSENT_MAX,
            interest: (false, false),
            closing: false,
            dirty: false,
            starved: false,
            postponed: false,
        })
    }

    pub(super) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Reads once into `buffer`; `Ok(0)` means nothing there right now.
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

    /// Sends what it can.
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

    /// Is so much unsent that nothing more should be asked of it?
    pub(super) fn is_backed_up(&self) -> bool {
        self.unsent() >= UNSENT_PAUSE
    }

    /// Is everything sent?
    pub(super) fn is_flushed(&self) -> bool {
        self.outbox.is_empty()
    }

    /// What to wait for: readable unless its input is held back, writable if something is unsent.
    pub(super) fn wanted_interest(&self) -> (bool, bool) {
        (!self.starved && !self.closing, self.unsent() > 0)
    }

    /// Drops the first bytes of the inbox.
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

    /// A connection and its other end.
    fn pair() -> (Socket, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        let other = TcpStream::connect(address).expect("it listens");
        let (stream, _) = listener.accept().expect("dialled");
        (Socket::new(stream).expect("a socket"), other)
    }

    #[test]
    fn one_large_message_does_not_make_it_stuck() {
        let (mut socket, mut other) = pair();
        let whole = vec![7; 64 * UNSENT_MAX];
        socket.queue(&whole);
        assert_eq!(socket.flush(), Ok(()));
        assert!(socket.unsent() > UNSENT_MAX && socket.is_backed_up());
        let mut received = 0;
        let mut buffer = vec![0; UNSENT_MAX];
        while received < whole.len() {
            received += other.read(&mut buffer).expect("it stands");
            assert_eq!(socket.flush(), Ok(()));
        }
        assert!(socket.is_flushed());
    }

    #[test]
    fn many_small_ones_do() {
        let (mut socket, _other) = pair();
        let outcome = (0..1024).try_for_each(|_| {
            socket.queue(&[7; UNSENT_MAX / 8]);
            socket.flush()
        });
        assert_eq!(outcome, Err(Ended::Stuck));
    }
}
