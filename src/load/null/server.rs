//! The null responder's loop.

use std::collections::VecDeque;
use std::io;
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::connection::Connection;
use super::{Fault, NullReport, NullScript, Stall};
use crate::load::clock::now_ns;
use crate::load::key::{self, Owner};
use crate::load::poller::{Poller, Ready, Spin};
use crate::protocol::{Admit, MessageKind, NullPeer, Opened, Violation};

const BUFFER_BYTES: usize = 256 << 10;
/// Longest time between two checks of the stop flag.
const LOOK_NS: i64 = 10_000_000;
/// The listener's key. No connection can have it.
const LISTENER_KEY: u64 = u64::MAX - 1;

/// Replies that wait for their delay.
#[derive(Debug)]
struct Delayed {
    read_ns: i64,
    due_ns: i64,
    key: u64,
    replies: u64,
    bytes: Vec<u8>,
}

/// The responder's thread.
pub(super) struct Server<P: NullPeer> {
    peer: P,
    listener: Option<TcpListener>,
    faults: VecDeque<(u64, Fault)>,
    delay_ns: i64,
    admit: Admit,
    records: bool,
    accounts: bool,
    poller: Poller,
    connections: Vec<Option<Connection<P::Session>>>,
    accepted: u32,
    delayed: VecDeque<Delayed>,
    /// Empty vectors of former replies, for reuse.
    spare: Vec<Vec<u8>>,
    buffer: Vec<u8>,
    /// End of the stall, during which nothing is read.
    stalled_until_ns: i64,
    /// When the present stall began.
    stalled_from_ns: Option<i64>,
    report: NullReport,
}

impl<P: NullPeer> Server<P> {
    pub(super) fn new(listener: TcpListener, script: NullScript) -> io::Result<Self> {
        let spin = if script.spin {
            Spin::Always
        } else {
            Spin::Sparing
        };
        let admit = match (script.refuses, script.forgets) {
            (true, _) => Admit::None,
            (false, true) => Admit::New,
            (false, false) => Admit::All,
        };
        let poller = Poller::new(spin)?;
        poller.add_reader(&listener, LISTENER_KEY)?;
        Ok(Self {
            peer: P::default(),
            listener: Some(listener),
            faults: script.faults.into(),
            delay_ns: ns(script.delay),
            admit,
            records: script.records,
            accounts: script.accounts,
            poller,
            connections: Vec::new(),
            accepted: 0,
            delayed: VecDeque::new(),
            spare: Vec::new(),
            buffer: vec![0; BUFFER_BYTES],
            stalled_until_ns: 0,
            stalled_from_ns: None,
            report: NullReport::default(),
        })
    }

    pub(super) fn run(mut self, stop: &AtomicBool) -> io::Result<NullReport> {
        while !stop.load(Ordering::Relaxed) {
            let now = now_ns();
            self.release(now);
            let due_ns = self.delayed.front().map_or(i64::MAX, |first| first.due_ns);
            let until_ns = due_ns.min(now + LOOK_NS);
            if self.stalled_until_ns > now {
                self.stalled_from_ns.get_or_insert(now);
                // During a stall the thread neither reads nor replies. `NullResponder::end` unparks
                // it.
                let stall_ns = (self.stalled_until_ns - now).unsigned_abs();
                std::thread::park_timeout(Duration::from_nanos(stall_ns));
                continue;
            }
            if let Some(from_ns) = self.stalled_from_ns.take() {
                self.report.stalls.push(Stall {
                    from_ns,
                    to_ns: now,
                });
            }
            self.poller.wait(until_ns, due_ns <= until_ns)?;
            let mut index = 0;
            while let Some(ready) = self.poller.ready(index) {
                index += 1;
                if ready.key == LISTENER_KEY {
                    self.accept()?;
                } else if let Owner::Slot(place) = key::owner(ready.key) {
                    self.serve(place, ready);
                }
                if self.stalled_until_ns > now {
                    break;
                }
            }
        }
        Ok(self.report)
    }

    fn accept(&mut self) -> io::Result<()> {
        let Some(listener) = &self.listener else {
            return Ok(());
        };
        loop {
            let socket = match listener.accept() {
                Ok((socket, _)) => socket,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                // The peer closed the connection before it was accepted.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                Err(error) => return Err(error),
            };
            socket.set_nonblocking(true)?;
            socket.set_nodelay(true)?;
            let free = self.connections.iter().position(Option::is_none);
            let place = free.unwrap_or_else(|| {
                self.connections.push(None);
                self.connections.len() - 1
            });
            self.accepted = self.accepted.wrapping_add(1);
            let key = key::slot(place, self.accepted);
            self.poller.add_reader(&socket, key)?;
            self.connections[place] = Some(Connection::new(socket, key));
        }
    }

    fn serve(&mut self, place: usize, ready: Ready) {
        let Some(mut connection) = self.connections.get_mut(place).and_then(Option::take) else {
            return;
        };
        // The event belongs to an earlier connection at this place.
        let stays =
            connection.key != ready.key || self.step(&mut connection, ready).unwrap_or(false);
        if stays {
            self.connections[place] = Some(connection);
        }
    }

    /// Returns false when the connection is over.
    fn step(&mut self, connection: &mut Connection<P::Session>, ready: Ready) -> io::Result<bool> {
        if ready.readable && !connection.read(&mut self.buffer)? {
            return Ok(false);
        }
        let now = now_ns();
        let inbox = connection.take_inbox();
        let mut unread = inbox.as_slice();
        let before = self.report.requests;
        let mut replies = self.spare.pop().unwrap_or_default();
        while !connection.closing
            && self.stalled_until_ns <= now
            && let Some(message) = P::take(&mut unread).map_err(malformed)?
        {
            self.take(connection, message, &mut replies)?;
        }
        let used = inbox.len() - unread.len();
        connection.put_inbox(inbox, used);
        if self.delay_ns > 0 && !replies.is_empty() {
            self.delayed.push_back(Delayed {
                read_ns: now,
                due_ns: now + self.delay_ns,
                key: connection.key,
                replies: self.report.requests - before,
                bytes: replies,
            });
        } else {
            connection.out.extend_from_slice(&replies);
            self.keep(replies);
        }
        self.write(connection)?;
        let answered = self.report.requests - before;
        if self.accounts && self.delay_ns == 0 && answered > 0 {
            let kept_ns = (now_ns() - now).unsigned_abs();
            self.report.kept.record_n_ns(kept_ns, answered);
        }
        Ok(!(connection.closing && connection.out.is_empty()))
    }

    fn take(
        &mut self,
        connection: &mut Connection<P::Session>,
        message: &[u8],
        replies: &mut Vec<u8>,
    ) -> io::Result<()> {
        let kind = P::kind(&connection.session, message).map_err(malformed)?;
        match kind {
            MessageKind::Open => return self.open(connection, message),
            MessageKind::Ping => self.report.pings += 1,
            MessageKind::Close => {
                self.report.closed += 1;
                connection.closing = true;
            }
            MessageKind::Request => {
                self.report.requests += 1;
                if self.records {
                    let session = P::id(&connection.session);
                    let transcript = self.report.transcript.entry(session).or_default();
                    transcript.extend_from_slice(message);
                }
                if self.fault(connection) {
                    return Ok(());
                }
            }
        }
        if connection.mute {
            return Ok(());
        }
        let out = if kind == MessageKind::Close {
            &mut connection.out
        } else {
            replies
        };
        self.peer.answer(message, out).map_err(malformed)
    }

    fn open(&mut self, connection: &mut Connection<P::Session>, message: &[u8]) -> io::Result<()> {
        let Connection { session, out, .. } = connection;
        let opened = self.peer.open(session, message, self.admit, out);
        match opened.map_err(malformed)? {
            Opened::New => self.report.opened += 1,
            Opened::Resumed => self.report.resumed += 1,
            Opened::Refused => connection.closing = true,
        }
        Ok(())
    }

    /// Runs the fault that the script has for this request. Returns true if the request gets no
    /// answer.
    fn fault(&mut self, connection: &mut Connection<P::Session>) -> bool {
        let Some((at, _)) = self.faults.front() else {
            return false;
        };
        if self.report.requests < *at {
            return false;
        }
        match self.faults.pop_front() {
            Some((_, Fault::Stall(length))) => {
                self.stalled_until_ns = now_ns() + ns(length);
                false
            }
            Some((_, Fault::Drop)) => {
                self.close_all(connection);
                true
            }
            Some((_, Fault::Quit)) => {
                self.listener = None;
                self.close_all(connection);
                true
            }
            Some((_, Fault::Mute)) => {
                let others = self.connections.iter_mut().flatten();
                others.for_each(|other| other.mute = true);
                connection.mute = true;
                true
            }
            Some((_, Fault::Raw(bytes))) => {
                connection.out.extend_from_slice(&bytes);
                true
            }
            None => false,
        }
    }

    fn close_all(&mut self, present: &mut Connection<P::Session>) {
        self.connections.iter_mut().for_each(|other| *other = None);
        present.out.clear();
        present.closing = true;
    }

    /// Sends the replies whose delay is over.
    fn release(&mut self, now: i64) {
        while self
            .delayed
            .front()
            .is_some_and(|first| first.due_ns <= now)
        {
            let Some(delayed) = self.delayed.pop_front() else {
                return;
            };
            let Delayed { key, bytes, .. } = delayed;
            let Owner::Slot(place) = key::owner(key) else {
                continue;
            };
            let taken = self.connections.get_mut(place).and_then(Option::take);
            if let Some(mut connection) = taken {
                let present = connection.key == key;
                if present {
                    connection.out.extend_from_slice(&bytes);
                }
                if !present || self.write(&mut connection).is_ok() {
                    self.connections[place] = Some(connection);
                }
            }
            let kept_ns = (now_ns() - delayed.read_ns).unsigned_abs();
            self.report.kept.record_n_ns(kept_ns, delayed.replies);
            self.keep(bytes);
        }
    }

    fn write(&mut self, connection: &mut Connection<P::Session>) -> io::Result<()> {
        let full = !connection.flush()?;
        if full != connection.watches_writes {
            self.poller
                .watch(&connection.socket, connection.key, full)?;
            connection.watches_writes = full;
        }
        Ok(())
    }

    fn keep(&mut self, mut bytes: Vec<u8>) {
        bytes.clear();
        self.spare.push(bytes);
    }
}

fn malformed(violation: Violation) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, violation)
}

fn ns(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX / 2)
}
