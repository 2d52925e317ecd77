//! A session's connection: a non-blocking socket in an epoll set, and the session on it.
//!
//! The clock is read once per system call that moves bytes: an operation is *sent* right before the
//! write that carries its last byte, *done* right after the read that carried its reply's last
//! byte. What shares a call shares the instant. Before, because on loopback a server may have answered
//! by the time that the write returns: its work would count as the generator's delay.

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use socket2::{Domain, Protocol, Socket, Type};

use super::clock::now_ns;
use super::poller::Poller;
use crate::protocol::zookeeper::{ProtocolError, Sent, Session};

/// What the driver wants to know again when a reply comes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticket {
    /// Index in the plan's operations.
    pub(super) op: u32,
    /// When it should have started.
    pub(super) intended_ns: i64,
    /// When in-flight cap and connection let it go.
    pub(super) ready_ns: i64,
}

impl Ticket {
    /// When it was ready and sent: what waited for room in the socket was held back by the peer.
    pub(super) fn times(&self, sent: Option<Sent>) -> Times {
        let ready_ns = match sent {
            Some(sent) if sent.held => sent.at_ns,
            _ => self.ready_ns,
        };
        Times {
            intended_ns: self.intended_ns,
            ready_ns: Some(ready_ns),
            sent_ns: sent.map(|sent| sent.at_ns),
        }
    }
}

/// The instants of an operation up to its sending, on the run's clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) intended_ns: i64,
    pub(super) ready_ns: Option<i64>,
    pub(super) sent_ns: Option<i64>,
}

/// Why a server that serves others may turn a connection away. Whether that shows as a reset or as an end
/// depends on which side is faster.
pub(super) const TOO_MANY: &str =
    "a server does so when one address has more connections than its maxClientCnxns allows";

/// Why a connection ended.
#[derive(Debug)]
pub(super) enum Loss {
    /// It could not be opened.
    Connect(io::Error),
    /// No handshake in time.
    ConnectTimeout,
    /// Reading or writing failed.
    Io(io::Error),
    /// The server closed it.
    Closed,
    /// The server broke the protocol.
    Protocol(ProtocolError),
    /// The server was silent for too long.
    Silent,
    /// An operation had no reply in time.
    TimedOut,
    /// The server does not know the session.
    Expired,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) | Self::Io(error) if is_reset(error) => {
                write!(f, "{error}; {TOO_MANY}")
            }
            Self::Connect(error) | Self::Io(error) => write!(f, "{error}"),
            Self::ConnectTimeout => f.write_str("no handshake in time"),
            Self::Closed => f.write_str("closed by the server"),
            Self::Protocol(error) => write!(f, "{error}"),
            Self::Silent => f.write_str("server silent for two thirds of the session timeout"),
            Self::TimedOut => f.write_str("operation timed out"),
            Self::Expired => f.write_str("session expired"),
        }
    }
}

/// A session and its connection, if it has one.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) session: Session<Ticket>,
    socket: Option<TcpStream>,
    /// `connect` has not finished.
    connecting: bool,
    /// Watched for writing as well.
    watches_writes: bool,
    /// Identifies this connection in the epoll set; another one of the same link has another.
    key: u64,
}

impl Link {
    pub(super) fn new(session_timeout_ms: u64) -> Self {
        Self {
            session: Session::new(session_timeout_ms),
            socket: None,
            connecting: false,
            watches_writes: false,
            key: 0,
        }
    }

    /// Does an event with this key concern the present connection?
    pub(super) fn is(&self, key: u64) -> bool {
        self.socket.is_some() && self.key == key
    }

    pub(super) fn is_connecting(&self) -> bool {
        self.connecting
    }

    /// Begins to connect.
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

    /// The socket is writable or broken: the connection stands, and the handshake begins.
    pub(super) fn connected(&mut self) -> Result<(), Loss> {
        let Some(socket) = &self.socket else {
            return Ok(());
        };
        if let Some(error) = socket.take_error().map_err(Loss::Connect)? {
            return Err(Loss::Connect(error));
        }
        let peer = socket.peer_addr().map_err(Loss::Connect)?;
        if socket.local_addr().map_err(Loss::Connect)? == peer {
            // A port of the ephemeral range without a listener can be connected to itself.
            let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
            return Err(Loss::Connect(refused));
        }
        self.connecting = false;
        self.session.attach(now_ns());
        Ok(())
    }

    /// Reads once: how many bytes are in `buffer` and when they came. `None` if there were none.
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

    /// Writes what waits, as far as the socket takes it; the rest when it is writable again.
    #[inline]
    pub(super) fn flush(&mut self, poller: &Poller) -> Result<(), Loss> {
        let Some(socket) = &mut self.socket else {
            return Ok(());
        };
        if self.connecting {
            return Ok(());
        }
        let held = self.watches_writes;
        let mut full = false;
        while !full && !self.session.output().is_empty() {
            let at_ns = now_ns();
            match socket.write(self.session.output()) {
                Ok(0) => return Err(Loss::Closed),
                Ok(size) => self.session.wrote(size, Sent { at_ns, held }),
                Err(error) if is_not_now(&error) => full = true,
                Err(error) => return Err(Loss::Io(error)),
            }
        }
        if full != self.watches_writes {
            poller.watch(&*socket, self.key, full).map_err(Loss::Io)?;
            self.watches_writes = full;
        }
        Ok(())
    }

    /// Ends the connection at once; the session must be detached by the caller.
    pub(super) fn close(&mut self) {
        self.socket = None; // closing takes it out of the epoll set
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

/// A non-blocking socket that is being connected.
fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let kind = Type::STREAM.nonblocking().cloexec();
    let socket = Socket::new(Domain::for_address(address), kind, Some(Protocol::TCP))?;
    socket.set_tcp_nodelay(true)?;
    match socket.connect(&address.into()) {
        Ok(()) => {}
        Err(error) if error.raw_os_error() == Some(IN_PROGRESS) => {}
        Err(error) => return Err(error),
    }
    Ok(socket.into())
}

/// `connect` goes on in the background.
const IN_PROGRESS: i32 = rustix::io::Errno::INPROGRESS.raw_os_error();
