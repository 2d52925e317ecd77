//! Sessions that live for one operation: connect, open a session, close it again.
//!
//! Such an operation is *sent* when the kernel is told to connect, *done* when the server confirmed
//! that the session is closed: how long the server takes to accept is the server's time, not the
//! generator's.

use super::clock::now_ns;
use super::context::Context;
use super::key;
use super::link::{Link, Loss, Ticket, Times};
use super::poller::Ready;
use crate::measure::Outcome;
use crate::protocol::zookeeper::{ErrorCode, Event};

/// One operation of that kind.
#[derive(Debug)]
struct Guest {
    link: Link,
    ticket: Ticket,
    /// Position of the slot whose operation it is.
    slot: usize,
    server: u32,
    sent_ns: i64,
    /// The session was open.
    attached: bool,
}

/// An operation that is to be begun.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// Position of the slot whose operation it is.
    pub(super) slot: usize,
    pub(super) ticket: Ticket,
}

/// Those of one worker.
#[derive(Debug, Default)]
pub(super) struct Guests {
    places: Vec<Option<Guest>>,
    free: Vec<usize>,
    /// Connections so far.
    connections: u32,
}

impl Guests {
    /// Begins one at the given server. Returns the slot that owns it if it ended at once.
    pub(super) fn begin(
        &mut self,
        cx: &mut Context<'_>,
        wanted: Wanted,
        server: u32,
        session_timeout_ms: u64,
    ) -> Option<usize> {
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(None);
            self.places.len() - 1
        });
        self.connections = self.connections.wrapping_add(1);
        let mut link = Link::new(session_timeout_ms);
        let key = key::guest(place, self.connections);
        let sent_ns = now_ns();
        let opened = link.open(cx.address(server), key, &cx.poller);
        self.places[place] = Some(Guest {
            link,
            ticket: wanted.ticket,
            slot: wanted.slot,
            server,
            sent_ns,
            attached: false,
        });
        match opened {
            Ok(()) => None,
            Err(_) => self.end(cx, place, Outcome::Refused, now_ns()),
        }
    }

    /// Something happened on a guest's socket. Returns the slot that owns it if it ended.
    pub(super) fn on_ready(
        &mut self,
        cx: &mut Context<'_>,
        place: usize,
        ready: Ready,
    ) -> Option<usize> {
        let guest = self.places.get_mut(place)?.as_mut()?;
        if !guest.link.is(ready.key) {
            return None;
        }
        let outcome = match guest.step(cx, ready) {
            Ok(None) => return None,
            Ok(Some(outcome)) => outcome,
            Err(_) if guest.attached => Outcome::Unknown,
            Err(_) => Outcome::Refused,
        };
        self.end(cx, place, outcome, now_ns())
    }

    /// Gives up those that took too long. Returns the slots that own them.
    pub(super) fn sweep(&mut self, cx: &mut Context<'_>, now: i64) -> Vec<usize> {
        let late = |guest: &Guest| now - guest.sent_ns >= cx.operation_timeout_ns;
        let late: Vec<usize> = self
            .occupied()
            .filter(|(_, guest)| late(guest))
            .map(|(place, _)| place)
            .collect();
        late.into_iter()
            .filter_map(|place| self.end(cx, place, Outcome::TimedOut, now))
            .collect()
    }

    /// Gives up all.
    pub(super) fn finish(&mut self, cx: &mut Context<'_>, now: i64) {
        let places: Vec<usize> = self.occupied().map(|(place, _)| place).collect();
        for place in places {
            self.end(cx, place, Outcome::Unknown, now);
            cx.tally.summary.in_flight_at_end += 1;
        }
    }

    fn occupied(&self) -> impl Iterator<Item = (usize, &Guest)> {
        let places = self.places.iter().enumerate();
        places.filter_map(|(place, guest)| Some((place, guest.as_ref()?)))
    }

    fn end(
        &mut self,
        cx: &mut Context<'_>,
        place: usize,
        outcome: Outcome,
        now: i64,
    ) -> Option<usize> {
        let guest = self.places[place].take()?;
        self.free.push(place);
        let times = Times {
            intended_ns: guest.ticket.intended_ns,
            ready_ns: Some(guest.ticket.ready_ns),
            sent_ns: Some(guest.sent_ns),
        };
        cx.tally
            .record(guest.ticket.op, guest.server, times, now, outcome);
        cx.in_flight -= 1;
        Some(guest.slot)
    }
}

impl Guest {
    /// What became of it, if it is over.
    fn step(&mut self, cx: &mut Context<'_>, ready: Ready) -> Result<Option<Outcome>, Loss> {
        let mut outcome = None;
        if self.link.is_connecting() {
            if ready.writable {
                self.link.connected()?;
            }
        } else if ready.readable
            && let Some((size, now)) = self.link.read(&mut cx.buffer)?
        {
            let mut attached = false;
            self.link
                .session
                .received(&cx.buffer[..size], now, &mut |event| match event {
                    Event::Attached { .. } => attached = true,
                    Event::Expired => {
                        outcome = Some(Outcome::Error(ErrorCode::SESSION_EXPIRED.0));
                    }
                    Event::Closed => outcome = Some(Outcome::Ok),
                    Event::Reply(_) | Event::Notified(_) => {}
                })
                .map_err(Loss::Protocol)?;
            if attached {
                self.attached = true;
                self.link.session.close();
            }
        }
        self.link.flush(&cx.poller)?;
        Ok(outcome)
    }
}
