//! The null responder: a server that knows nothing and answers everything, as cheaply as possible.
//!
//! What is measured against it is the generator itself. It answers each request at once or after a
//! constant delay, in whatever protocol has a [`NullPeer`]; a [`NullScript`] makes it misbehave for tests.
//! One thread, loopback only.

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

/// How a null responder behaves.
#[derive(Clone, Debug, Default)]
pub struct NullScript {
    /// From a request's arrival to its reply.
    pub delay: Duration,
    /// Never sleep, so that the delay is exact. Costs one processor.
    pub spin: bool,
    /// What happens when that many requests (pings and handshakes apart) have come, in this order.
    pub faults: Vec<(u64, Fault)>,
    /// Answer a session that comes back as if it had expired.
    pub forgets: bool,
    /// Refuse every handshake.
    pub refuses: bool,
    /// Keep the bytes of all requests, per session.
    pub records: bool,
    /// Keep account of how long replies took, also without a delay.
    pub accounts: bool,
}

/// One misbehaviour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Neither read nor answer for so long. The request that sets it off is answered afterwards.
    Stall(Duration),
    /// Close every connection, without answering.
    Drop,
    /// Read, but answer nothing on the connections open now.
    Mute,
    /// Send these bytes instead of the answer.
    Raw(Vec<u8>),
    /// Close everything, the listener too.
    Quit,
}

/// What a null responder saw.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NullReport {
    /// Requests, pings and handshakes apart.
    pub requests: u64,
    /// Pings.
    pub pings: u64,
    /// Sessions opened.
    pub opened: u64,
    /// Sessions that came back.
    pub resumed: u64,
    /// Sessions closed properly.
    pub closed: u64,
    /// Requests per session, as they came, if they were kept.
    pub transcript: BTreeMap<i64, Vec<u8>>,
    /// The delay as it was kept: from the read that brought a request to the write that took its
    /// reply away. Empty without a delay, unless the script asks for accounts.
    pub kept: Histogram,
}

/// A running null responder. Dropping it ends it.
#[derive(Debug)]
pub struct NullResponder {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<io::Result<NullReport>>>,
}

impl NullResponder {
    /// Starts one on a free port of the loopback interface.
    ///
    /// # Errors
    /// If there is no port, or no thread.
    pub fn start<P: NullPeer>(script: NullScript) -> io::Result<Self> {
        Self::start_on::<P>(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?, script)
    }

    /// Starts one on a given listener.
    ///
    /// # Errors
    /// If there is no thread.
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

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it.
    ///
    /// # Errors
    /// If it had ended already, by an error.
    pub fn stop(mut self) -> io::Result<NullReport> {
        self.end().unwrap_or_else(|| Ok(NullReport::default()))
    }

    fn end(&mut self) -> Option<io::Result<NullReport>> {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take()?;
        thread.thread().unpark(); // from a stall
        let ended = thread.join();
        Some(ended.unwrap_or_else(|_| Err(io::Error::other("the null responder panicked"))))
    }
}

impl Drop for NullResponder {
    fn drop(&mut self) {
        // What it saw, or how it failed, nobody asked for.
        let _unasked = self.end();
    }
}
