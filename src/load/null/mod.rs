//! The null responder: a server that keeps no data and answers every request as cheaply as
//! possible.
//!
//! Measurements against it show the generator itself. It answers each request at once or after a
//! constant delay, in any protocol that has a [`NullPeer`]. A [`NullScript`] makes it misbehave for
//! tests. It has one thread and listens on loopback only.

mod connection;
mod server;

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::measure::Histogram;
use crate::protocol::NullPeer;

#[derive(Clone, Debug, Default)]
pub struct NullScript {
    /// Time from a request's arrival to its reply.
    pub delay: Duration,
    /// Never sleeps, so that the delay is exact. This occupies one processor.
    pub spin: bool,
    /// Faults, in order, each with the number of requests after which it happens. Pings and
    /// handshakes do not count.
    pub faults: Vec<(u64, Fault)>,
    /// Treats a session that reconnects as expired.
    pub forgets: bool,
    /// Refuses every handshake.
    pub refuses: bool,
    /// Keeps the bytes of all requests per session.
    pub records: bool,
    /// Measures how long replies took even if there is no delay.
    pub accounts: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Answers the request that triggers the stall, and then neither reads nor answers for this
    /// long.
    Stall(Duration),
    /// Closes every connection without an answer.
    Drop,
    /// Reads but does not answer on the connections that are open now.
    Mute,
    /// Sends these bytes instead of the answer.
    Raw(Vec<u8>),
    /// Closes everything, the listener included.
    Quit,
}

/// A stall as the responder's own clock saw it. Instants are on the clock of
/// [`Moment::StartKnown`](super::Moment::StartKnown).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stall {
    /// After the last reply before it was written.
    pub from_ns: i64,
    /// Before the first request after it was read.
    pub to_ns: i64,
}

/// What a null responder counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NullReport {
    /// Requests without pings and handshakes.
    pub requests: u64,
    pub pings: u64,
    pub opened: u64,
    /// Sessions resumed after a reconnect.
    pub resumed: u64,
    /// Sessions closed by the client.
    pub closed: u64,
    /// The stalls that have ended.
    pub stalls: Vec<Stall>,
    /// Bytes of the requests per session, if the script keeps them.
    pub transcript: BTreeMap<i64, Vec<u8>>,
    /// Actual delays: from the read that brought a request to the write that took its reply. Empty
    /// without a delay, unless the script sets `accounts`.
    pub kept: Histogram,
}

/// A running null responder. Dropping it stops it.
#[derive(Debug)]
pub struct NullResponder {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<io::Result<NullReport>>>,
}

impl NullResponder {
    /// Starts a responder on a free port of the loopback interface.
    ///
    /// # Errors
    /// If no port or no thread is available.
    pub fn start<P: NullPeer>(script: NullScript) -> io::Result<Self> {
        Self::start_on::<P>(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?, script)
    }

    /// Starts a responder on the given listener.
    ///
    /// # Errors
    /// If no thread is available.
    pub fn start_on<P: NullPeer>(listener: TcpListener, script: NullScript) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let stop = Arc::new(AtomicBool::new(false));
        let thread = {
            let stop = Arc::clone(&stop);
            thread::Builder::new()
                .name("null".to_owned())
                .spawn(move || server::Server::<P>::new(listener, script)?.run(&stop))?
        };
        Ok(Self {
            address,
            stop,
            thread: Some(thread),
        })
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops the responder and returns what it counted.
    ///
    /// # Errors
    /// If it has already ended with an error.
    pub fn stop(mut self) -> io::Result<NullReport> {
        self.end().unwrap_or_else(|| Ok(NullReport::default()))
    }

    fn end(&mut self) -> Option<io::Result<NullReport>> {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take()?;
        thread.thread().unpark(); // ends a stall
        let ended = thread.join();
        Some(ended.unwrap_or_else(|_| Err(io::Error::other("the null responder panicked"))))
    }
}

impl Drop for NullResponder {
    fn drop(&mut self) {
        // The report and a late error have no reader here.
        let _unasked = self.end();
    }
}
