//! A port on which connections arrive.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};

use rustix::io::Errno;

use super::poller::{Interest, Poller, Token};

/// How long a port takes no connections after the system had no descriptor or no memory for one, ms.
const RETRY_MS: u64 = 1_000;

#[derive(Debug)]
pub(super) struct Listener {
    socket: TcpListener,
    token: Token,
    /// The port is not polled before this time, monotonic ms. Connections wait in the kernel's queue.
    paused_until_ms: Option<u64>,
}

/// The outcome of one attempt to accept a connection.
#[derive(Debug)]
pub(super) enum Accepted {
    Connection(TcpStream, SocketAddr),
    /// No connection waits.
    Nothing,
    /// The system lacks the means for another connection.
    Exhausted(io::Error),
}

impl Listener {
    pub(super) fn new(socket: TcpListener, token: Token, poller: &Poller) -> io::Result<Self> {
        poller.add(&socket, token, Interest::READ)?;
        Ok(Self {
            socket,
            token,
            paused_until_ms: None,
        })
    }

    pub(super) fn accept(&self) -> Accepted {
        loop {
            let error = match self.socket.accept() {
                Ok((stream, address)) => return Accepted::Connection(stream, address),
                Err(error) => error,
            };
            let code = error.raw_os_error().map(Errno::from_raw_os_error);
            match code {
                Some(Errno::AGAIN) => return Accepted::Nothing,
                Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) | None => {
                    return Accepted::Exhausted(error);
                }
                // The connection has ended in the queue, or its network has failed. It leaves the queue.
                Some(_) => {}
            }
        }
    }

    /// Takes no connections until [`Self::resume`], or for [`RETRY_MS`] at least if the system is
    /// `exhausted`.
    pub(super) fn pause(
        &mut self,
        poller: &Poller,
        now_ms: u64,
        exhausted: bool,
    ) -> io::Result<()> {
        let until_ms = if exhausted { now_ms + RETRY_MS } else { now_ms };
        self.paused_until_ms = Some(until_ms);
        poller.modify(&self.socket, self.token, Interest::NONE)
    }

    pub(super) fn is_paused(&self) -> bool {
        self.paused_until_ms.is_some()
    }

    /// Takes connections again, if the port is paused and its time is over.
    pub(super) fn resume(&mut self, poller: &Poller, now_ms: u64) -> io::Result<()> {
        if self.paused_until_ms.is_none_or(|until| now_ms < until) {
            return Ok(());
        }
        self.paused_until_ms = None;
        poller.modify(&self.socket, self.token, Interest::READ)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_paused_port_leaves_connections_in_the_queue() {
        let socket = TcpListener::bind("127.0.0.1:0").expect("a port");
        socket.set_nonblocking(true).expect("a socket");
        let address = socket.local_addr().expect("bound");
        let mut poller = Poller::new().expect("a poller");
        let mut listener =
            Listener::new(socket, Token::ClientListener, &poller).expect("registered");
        assert!(matches!(listener.accept(), Accepted::Nothing));
        listener.pause(&poller, 5, true).expect("paused");
        let _waiting = TcpStream::connect(address).expect("the kernel accepts");
        let mut ready = Vec::new();
        poller.wait(Duration::ZERO, &mut ready).expect("polled");
        assert!(ready.is_empty(), "a paused port causes no wake-up");
        listener.resume(&poller, 1_004).expect("resumed");
        assert!(listener.is_paused());
        listener.resume(&poller, 1_005).expect("resumed");
        poller.wait(Duration::MAX, &mut ready).expect("polled");
        assert_eq!(ready.len(), 1);
        assert!(matches!(listener.accept(), Accepted::Connection(..)));
    }
}
