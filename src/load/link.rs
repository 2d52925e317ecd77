//! A session's connection: a non-blocking socket in an epoll set, and the session on it.
//!
//! The clock is read once per system call that moves bytes: an operation is *sent* right before the
//! write that carries its last byte, *done* right after the read that carried its reply's last
//! byte. What shares a call shares the instant. Before, because on loopback a server may have answered
//! by the time that the write returns: its work would count as the generator's delay.

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use socket2::{Domain, Socket, Type};

use super::clock::now_ns;
use super::poller::Poller;
use crate::protocol::{Event, Inbox, Protocol, Sent, Step, Ticket, Violation};

/// When an operation was ready and sent: what waited for room in the socket was held back by the peer.
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

/// The instants of an operation up to its sending, on the run's clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) intended_ns: i64,
    pub(super) ready_ns: Option<i64>,
    pub(super) sent_ns: Option<i64>,
}

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
    /// The server broke the protocol, or was silent for too long.
    Violation(Violation),
    /// An operation had no reply in time.
    TimedOut,
    /// The server does not know the session.
    Expired,
}

impl Loss {
    /// In words, with what a reset may mean in this protocol.
    pub(super) fn explained<P: Protocol>(&self) -> String {
        match self {
            Self::Connect(error) | Self::Io(error) if is_reset(error) => {
                format!("{error}; {}", P::TURNED_AWAY)
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

/// A protocol's session and its connection, if it has one. Whatever the session appends goes to a buffer
/// of the worker's; the link keeps what the socket did not take, and what was read of an incomplete message.
/// So an idle session holds no buffer.
#[derive(Debug)]
pub(super) struct Link<P> {
    pub(super) session: P,
    socket: Option<TcpStream>,
    /// `connect` has not finished.
    connecting: bool,
    /// Watched for writing as well.
    watches_writes: bool,
    /// Identifies this connection in the epoll set; another one of the same link has another.
    key: u64,
    inbox: Inbox,
    /// What the socket did not take yet.
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

    /// The socket is writable or broken: the connection stands, and the conversation begins.
    pub(super) fn connected(&mut self, out: &mut Vec<u8>) -> Result<(), Loss> {
        let Some(socket) = &self.socket else {
            return Ok(());
        };
        if let Some(error) = socket.take_error().map_err(Loss::Connect)? {
            return Err(Loss::Connect(error));
        }
        let peer = socket.peer_addr().map_err(Loss::Connect)?;
        if socket.local_addr().map_err(Loss::Connect)? == peer {
            // A port that the system gives to clients, without a listener can be connected to itself.
            let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
            return Err(Loss::Connect(refused));
        }
        self.connecting = false;
        self.session.open(now_ns(), out);
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

    /// Hands over the events in `input`, which was just read, as far as they are complete; without input,
    /// those that need none. `take` gets the session back with each, to submit to.
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

    /// Writes what waits and what is in `out`, as far as the socket takes it; the rest when it is writable
    /// again. `out` is empty afterwards.
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

    /// Writes `bytes` as far as the socket takes them: how many.
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

    /// Ends the connection at once; the caller must tell the session.
    pub(super) fn close(&mut self) {
        self.socket = None; // closing takes it out of the epoll set
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

/// A non-blocking socket that is being connected.
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

/// `connect` goes on in the background.
const IN_PROGRESS: i32 = rustix::io::Errno::INPROGRESS.raw_os_error();
