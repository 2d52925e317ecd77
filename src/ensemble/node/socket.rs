//! A non-blocking stream with buffers for unconsumed input and unsent output.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};

use super::poller::Interest;

/// While a client has this many unsent bytes, the server reads no more of its requests.
pub(super) const UNSENT_PAUSE: usize = 4 << 20;
/// Empty buffers of all connections together keep about this many bytes of memory.
const KEPT_ALL: usize = 8 << 20;
/// What the empty buffer of one connection may keep in any case.
pub(super) const KEPT_MIN: usize = 4 << 10;
/// What it keeps at most. Larger buffers are rare.
const KEPT_MAX: usize = 256 << 10;
/// Below so many unsent bytes there is room for the next slice of a snapshot.
const ROOM_BYTES: usize = 128 << 10;

#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    /// Received bytes that the peer has not consumed.
    pub(super) inbox: Vec<u8>,
    /// The memory of the inbox when it was counted last.
    pub(super) counted: usize,
    outbox: Vec<u8>,
    /// How many bytes at the start of `outbox` are sent.
    sent: usize,
    /// See [`Socket::new`].
    limit: usize,
    unsent_max: usize,
    /// When the other side last took bytes, or when the oldest unsent byte was queued; monotonic ms.
    progress_ms: u64,
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

/// Returns how much memory an empty buffer keeps when the server has so many connections.
pub(super) fn kept_bytes(connections: usize) -> usize {
    (KEPT_ALL / connections.max(1)).clamp(KEPT_MIN, KEPT_MAX)
}

/// Returns memory of a buffer that is much larger than its content.
fn shrink(buffer: &mut Vec<u8>, kept: usize) {
    if buffer.capacity() > kept && buffer.capacity() / 2 >= buffer.len() {
        buffer.shrink_to(kept);
    }
}

/// Why a connection ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The other side closed the connection, or it broke.
    Closed,
    /// The other side does not read: more bytes are unsent than the limit of the connection.
    Stuck,
}

impl Socket {
    /// Takes over a stream that is connected or still connecting. The connection ends once more than
    /// `limit` bytes are unsent. A single message may exceed the limit: a snapshot for a learner does.
    pub(super) fn new(stream: TcpStream, limit: usize) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            inbox: Vec::new(),
            counted: 0,
            outbox: Vec::new(),
            sent: 0,
            limit,
            unsent_max: limit,
            progress_ms: 0,
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

    pub(super) fn queue(&mut self, now_ms: u64, bytes: &[u8]) {
        if self.outbox.is_empty() {
            self.progress_ms = now_ms;
        }
        self.unsent_max = self.unsent_max.max(self.limit.saturating_add(bytes.len()));
        if self.outbox.len() + bytes.len() > self.outbox.capacity() {
            // The buffer has to be copied anyway.
            self.drop_sent();
        }
        self.outbox.extend_from_slice(bytes);
    }

    fn drop_sent(&mut self) {
        self.outbox.drain(..self.sent);
        self.sent = 0;
    }

    /// Sends as many bytes as the socket takes. An empty buffer keeps `kept` bytes of memory.
    pub(super) fn flush(&mut self, now_ms: u64, kept: usize) -> Result<(), Ended> {
        while self.sent < self.outbox.len() {
            match self.stream.write(&self.outbox[self.sent..]) {
                Ok(0) => return Err(Ended::Closed),
                Ok(count) => {
                    self.sent += count;
                    self.progress_ms = now_ms;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_broken) => return Err(Ended::Closed),
            }
        }
        if self.sent == self.outbox.len() {
            self.sent = 0;
            self.outbox.clear();
            self.unsent_max = self.limit;
            shrink(&mut self.outbox, kept);
        } else if self.unsent() > self.unsent_max {
            return Err(Ended::Stuck);
        } else if self.sent >= self.unsent() {
            self.drop_sent();
            shrink(&mut self.outbox, kept);
        }
        Ok(())
    }

    pub(super) fn unsent(&self) -> usize {
        self.outbox.len() - self.sent
    }

    /// Whether more than one message is unsent.
    pub(super) fn holds_several(&self) -> bool {
        self.unsent() > self.unsent_max - self.limit
    }

    /// When the other side last took bytes, or when the oldest unsent byte was queued; monotonic ms.
    pub(super) fn progress_ms(&self) -> u64 {
        self.progress_ms
    }

    /// Whether so little is unsent that the next slice of a stream should be encoded.
    pub(super) fn has_room(&self) -> bool {
        self.unsent() < ROOM_BYTES
    }

    /// Whether the first frame of the inbox, the request of a client, is incomplete.
    pub(super) fn lacks_bytes(&self) -> bool {
        let Some((prefix, rest)) = self.inbox.split_first_chunk::<4>() else {
            return true;
        };
        usize::try_from(i32::from_be_bytes(*prefix)).is_ok_and(|length| length > rest.len())
    }

    /// Memory of the buffers.
    pub(super) fn memory_bytes(&self) -> usize {
        self.inbox.capacity() + self.outbox.capacity()
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

    /// Removes the first `count` bytes of the inbox. An empty inbox keeps `kept` bytes of memory.
    pub(super) fn consume(&mut self, count: usize, kept: usize) {
        if count > 0 {
            self.inbox.drain(..count);
            shrink(&mut self.inbox, kept);
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

    const LIMIT: usize = 1 << 20;

    fn pair() -> (Socket, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        let other = TcpStream::connect(address).expect("the listener accepts");
        let (stream, _) = listener.accept().expect("dialled");
        (Socket::new(stream, LIMIT).expect("a socket"), other)
    }

    #[test]
    fn one_message_above_the_limit_is_sent() {
        let (mut socket, mut other) = pair();
        let whole = vec![7; 64 * LIMIT];
        socket.queue(0, &whole);
        assert_eq!(socket.flush(0, KEPT_MAX), Ok(()));
        assert!(socket.unsent() > LIMIT);
        let mut received = 0;
        let mut buffer = vec![0; LIMIT];
        while received < whole.len() {
            received += other.read(&mut buffer).expect("the connection is open");
            assert_eq!(socket.flush(0, KEPT_MAX), Ok(()));
        }
        assert!(socket.is_flushed());
    }

    #[test]
    fn the_memory_of_large_buffers_is_returned() {
        let (mut socket, mut other) = pair();
        socket.inbox.extend_from_slice(&[7; 8 * KEPT_MIN]);
        socket.consume(8 * KEPT_MIN - 1, KEPT_MIN);
        assert_eq!((socket.inbox.len(), socket.inbox.capacity()), (1, KEPT_MIN));
        let mut rest = vec![7; 64 * LIMIT];
        socket.queue(0, &rest);
        let whole = socket.outbox.capacity();
        while !socket.is_flushed() {
            assert_eq!(socket.flush(0, KEPT_MIN), Ok(()));
            let unsent = socket.unsent();
            let most = (4 * unsent).max(KEPT_MIN).min(whole);
            assert!(
                socket.outbox.capacity() <= most,
                "{unsent} bytes are unsent"
            );
            let count = other.read(&mut rest).expect("the connection is open");
            assert!(count > 0);
        }
        assert_eq!(socket.outbox.capacity(), KEPT_MIN);
    }

    #[test]
    fn many_connections_keep_less_memory_each() {
        assert_eq!(kept_bytes(0), KEPT_MAX);
        assert_eq!(
            kept_bytes(KEPT_ALL / KEPT_MAX + 1),
            KEPT_ALL / (KEPT_ALL / KEPT_MAX + 1)
        );
        assert_eq!(kept_bytes(1_000_000), KEPT_MIN);
    }

    #[test]
    fn many_unread_messages_close_the_connection() {
        let (mut socket, _other) = pair();
        let outcome = (0..1024).try_for_each(|_| {
            socket.queue(0, &[7; LIMIT / 8]);
            socket.flush(0, KEPT_MAX)
        });
        assert_eq!(outcome, Err(Ended::Stuck));
    }
}
