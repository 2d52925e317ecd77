//! A session's connection: a non-blocking socket in an epoll set, and the session on it.
//!
//! The clock is read once per system call that moves bytes. An operation is *sent* right before the
//! write that carries its last byte, and *done* right after the read that brings the last byte of
//! its reply. Operations that share a call share the instant. The time is taken before the write
//! because on loopback the server may have answered when the write returns; its work would
//! otherwise count as delay of the generator.

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use socket2::{Domain, Socket, Type};

use super::clock::now_ns;
use super::poller::Poller;
use crate::protocol::{Event, Inbox, Protocol, Sent, Step, Ticket, Violation};

/// Returns the instants of an operation. If it waited for room in the socket, it became ready only
/// when it was sent, because the peer held it back.
pub(super) fn times(ticket: Ticket, sent: Option<Sent>) -> Times {
    let ready_ns = match sent {
        Some(sent) if sent.held => sent.at_ns,
        _ => ticket.ready_ns,
    };
    Times {
        intended_ns: ticket.intended_ns,
        ready_ns: Some(ready_ns),
        sent_ns: sent.map(|sent| sent.at_ns),
    }
}

/// The instants of an operation until it was sent, on the run's clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) intended_ns: i64,
    pub(super) ready_ns: Option<i64>,
    pub(super) sent_ns: Option<i64>,
}

/// Why a connection ended.
#[derive(Debug)]
pub(super) enum Loss {
    /// The connection could not be opened.
    Connect(io::Error),
    /// The handshake took too long.
    ConnectTimeout,
    /// Reading or writing failed.
    Io(io::Error),
    /// The server closed the connection.
    Closed,
    /// The server broke the protocol or was silent for too long.
    Violation(Violation),
    /// An operation received no reply in time.
    TimedOut,
    /// The server does not know the session any more.
    Expired,
}

impl Loss {
    /// Describes the loss, with the meaning that a reset may have in this protocol.
    pub(super) fn explained<P: Protocol>(&self) -> String {
        match self {
            Self::Connect(error) | Self::Io(error) if is_reset(error) => {
                format!("{error}; {}", P::REJECTION)
            }
            loss => loss.to_string(),
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) | Self::Io(error) => write!(f, "{error}"),
            Self::ConnectTimeout => f.write_str("no handshake in time"),
            Self::Closed => f.write_str("closed by the server"),
            Self::Violation(violation) => write!(f, "{violation}"),
            Self::TimedOut => f.write_str("operation timed out"),
            Self::Expired => f.write_str("session expired"),
        }
    }
}

/// A protocol's session and its connection, if it has one. The session appends to a buffer that
/// belongs to the worker. The link keeps only the bytes that the socket did not accept and the
/// bytes of an incomplete message, so an idle session holds no buffer.
#[derive(Debug)]
pub(super) struct Link<P> {
    pub(super) session: P,
    socket: Option<TcpStream>,
    /// Whether `connect` is still in progress.
    connecting: bool,
    /// Whether the epoll set watches the socket for writing too.
    watches_writes: bool,
    /// Identifies this connection in the epoll set. Every connection of the link has its own key.
    key: u64,
    inbox: Inbox,
    /// Bytes that the socket did not accept yet.
    unsent: Vec<u8>,
    /// Bytes written since the connection began.
    written: u64,
}

impl<P: Protocol> Link<P> {
    pub(super) fn new(session: P) -> Self {
        Self {
            session,
            socket: None,
            connecting: false,
            watches_writes: false,
            key: 0,
            inbox: Inbox::default(),
            unsent: Vec::new(),
            written: 0,
        }
    }

    /// Whether an event with this key belongs to the present connection.
    pub(super) fn is(&self, key: u64) -> bool {
        self.socket.is_some() && self.key == key
    }

    pub(super) fn is_connecting(&self) -> bool {
        self.connecting
    }

    pub(super) fn open(
        &mut self,
        address: SocketAddr,
        key: u64,
        poller: &Poller,
    ) -> Result<(), Loss> {
        let socket = connect(address).map_err(Loss::Connect)?;
        poller.add(&socket, key).map_err(Loss::Connect)?;
        self.socket = Some(socket);
        self.connecting = true;
        self.watches_writes = true;
        self.key = key;
        Ok(())
    }

    /// Called when the socket is writable or broken: checks the connection and opens the
    /// conversation.
    pub(super) fn connected(&mut self, out: &mut Vec<u8>) -> Result<(), Loss> {
        let Some(socket) = &self.socket else {
            return Ok(());
        };
        if let Some(error) = socket.take_error().map_err(Loss::Connect)? {
            return Err(Loss::Connect(error));
        }
        let peer = socket.peer_addr().map_err(Loss::Connect)?;
        if socket.local_addr().map_err(Loss::Connect)? == peer {
            // Without a listener, a port that the system gives to clients can be connected to itself.
            let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
            return Err(Loss::Connect(refused));
        }
        self.connecting = false;
        self.session.open(now_ns(), out);
        Ok(())
    }

    /// Reads once. Returns how many bytes are in `buffer` and when they arrived, or `None` if there
    /// were none.
    #[inline]
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<Option<(usize, i64)>, Loss> {
        let Some(socket) = &mut self.socket else {
            return Ok(None);
        };
        match socket.read(buffer) {
            Ok(0) => Err(Loss::Closed),
            Ok(size) => Ok(Some((size, now_ns()))),
            Err(error) if is_not_now(&error) => Ok(None),
            Err(error) => Err(Loss::Io(error)),
        }
    }

    /// Passes each complete event in `input`, which was just read, to `take`. Empty input yields
    /// the events that need no input.
    ///
    /// # Errors
    /// If the peer broke the protocol.
    #[inline]
    pub(super) fn receive(
        &mut self,
        input: &[u8],
        now: i64,
        out: &mut Vec<u8>,
        mut take: impl FnMut(Event<'_>),
    ) -> Result<(), Loss> {
        let session = &mut self.session;
        let mut step = |input: &mut &[u8]| match session.next(input, now, out) {
            Step::Need(bytes) => Ok(Some(bytes)),
            Step::Event(event) => {
                take(event);
                Ok(None)
            }
            Step::Broken(violation) => Err(Loss::Violation(violation)),
        };
        if input.is_empty() {
            while step(&mut &[][..])?.is_none() {}
            return Ok(());
        }
        self.inbox.feed(input, step)
    }

    /// Writes the waiting bytes and `out` as far as the socket accepts them. The rest is kept until
    /// the socket is writable again. `out` is empty afterwards.
    #[inline]
    pub(super) fn flush(&mut self, out: &mut Vec<u8>, poller: &Poller) -> Result<(), Loss> {
        if self.unsent.is_empty() {
            if out.is_empty() && !self.watches_writes {
                return Ok(());
            }
            let written = self.write(out, poller)?;
            self.unsent.extend_from_slice(&out[written..]);
        } else {
            let mut unsent = std::mem::take(&mut self.unsent);
            unsent.append(out);
            let written = self.write(&unsent, poller)?;
            unsent.drain(..written);
            if !unsent.is_empty() {
                self.unsent = unsent;
            }
        }
        out.clear();
        Ok(())
    }

    /// Writes `bytes` as far as the socket accepts them, and returns how many it accepted.
    fn write(&mut self, bytes: &[u8], poller: &Poller) -> Result<usize, Loss> {
        let Some(socket) = &mut self.socket else {
            return Ok(bytes.len());
        };
        if self.connecting {
            return Ok(0);
        }
        let held = self.watches_writes;
        let mut full = false;
        let mut done = 0;
        while !full && done < bytes.len() {
            let at_ns = now_ns();
            match socket.write(&bytes[done..]) {
                Ok(0) => return Err(Loss::Closed),
                Ok(size) => {
                    done += size;
                    self.written += size as u64;
                    self.session.wrote(self.written, Sent { at_ns, held });
                }
                Err(error) if is_not_now(&error) => full = true,
                Err(error) => return Err(Loss::Io(error)),
            }
        }
        if full != self.watches_writes {
            poller.watch(&*socket, self.key, full).map_err(Loss::Io)?;
            self.watches_writes = full;
        }
        Ok(done)
    }

    /// Closes the connection at once. The caller must tell the session.
    pub(super) fn close(&mut self) {
        self.socket = None; // closing removes it from the epoll set
        self.inbox.reset();
        self.unsent = Vec::new();
        self.written = 0;
        self.connecting = false;
        self.watches_writes = false;
    }
}

fn is_reset(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::ConnectionReset
}

fn is_not_now(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

/// Returns a non-blocking socket that is connecting.
fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let kind = Type::STREAM.nonblocking().cloexec();
    let socket = Socket::new(
        Domain::for_address(address),
        kind,
        Some(socket2::Protocol::TCP),
    )?;
    socket.set_tcp_nodelay(true)?;
    match socket.connect(&address.into()) {
        Ok(()) => {}
        Err(error) if error.raw_os_error() == Some(IN_PROGRESS) => {}
        Err(error) => return Err(error),
    }
    Ok(socket.into())
}

/// `connect` continues in the background.
const IN_PROGRESS: i32 = rustix::io::Errno::INPROGRESS.raw_os_error();
