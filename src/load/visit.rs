//! Operations that open a connection of their own.
//!
//! Such an operation is *sent* when the kernel is told to connect, and *done* when the server has
//! answered it. The time that the server takes to accept counts as the server's time.

use super::clock::now_ns;
use super::context::Context;
use super::key;
use super::link::{Link, Loss, Times};
use super::poller::Ready;
use crate::measure::Outcome;
use crate::protocol::{Event, Protocol, Reply, Ticket};
use crate::workload::Plan;

/// An operation in progress on its own connection.
#[derive(Debug)]
struct Visit<P: Protocol> {
    link: Link<P>,
    op: P::Op,
    ticket: Ticket,
    /// Position of the slot that owns the operation.
    slot: usize,
    server: u32,
    sent_ns: i64,
    /// Whether the operation was submitted.
    submitted: bool,
}

/// An operation that is about to begin.
#[derive(Debug)]
pub(super) struct Wanted<O> {
    /// Position of the slot that owns the operation.
    pub(super) slot: usize,
    pub(super) op: O,
    pub(super) ticket: Ticket,
}

/// The visits of one worker. The place of an ended visit is reused.
#[derive(Debug)]
pub(super) struct Visits<P: Protocol> {
    places: Vec<Option<Visit<P>>>,
    free: Vec<usize>,
    /// Number of connections so far.
    connections: u32,
}

impl<P: Protocol> Default for Visits<P> {
    fn default() -> Self {
        Self {
            places: Vec::new(),
            free: Vec::new(),
            connections: 0,
        }
    }
}

impl<P: Protocol> Visits<P> {
    /// Begins a visit at the given server. Returns the slot that owns it if it ended at once.
    pub(super) fn begin(
        &mut self,
        cx: &mut Context<'_, P>,
        wanted: Wanted<P::Op>,
        server: u32,
        plan: &Plan,
    ) -> Option<usize> {
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(None);
            self.places.len() - 1
        });
        self.connections = self.connections.wrapping_add(1);
        let mut link = Link::new(P::visitor(plan, &cx.shared));
        let key = key::visit(place, self.connections);
        let sent_ns = now_ns();
        let opened = link.open(cx.address(server), key, &cx.poller);
        self.places[place] = Some(Visit {
            link,
            op: wanted.op,
            ticket: wanted.ticket,
            slot: wanted.slot,
            server,
            sent_ns,
            submitted: false,
        });
        match opened {
            Ok(()) => None,
            Err(_) => self.end(cx, place, Outcome::Refused, now_ns()),
        }
    }

    /// Handles an event of a visit's socket. Returns the slot that owns the visit if it ended.
    pub(super) fn on_ready(
        &mut self,
        cx: &mut Context<'_, P>,
        place: usize,
        ready: Ready,
    ) -> Option<usize> {
        let visit = self.places.get_mut(place)?.as_mut()?;
        if !visit.link.is(ready.key) {
            return None;
        }
        let outcome = match visit.step(cx, ready) {
            Ok(None) => return None,
            Ok(Some(outcome)) => outcome,
            Err(_) if visit.submitted => Outcome::Unknown,
            Err(_) => Outcome::Refused,
        };
        self.end(cx, place, outcome, now_ns())
    }

    /// Ends the visits that have timed out. Returns the slots that own them.
    pub(super) fn sweep(&mut self, cx: &mut Context<'_, P>, now: i64) -> Vec<usize> {
        let late = |visit: &Visit<P>| now - visit.sent_ns >= cx.operation_timeout_ns;
        let late: Vec<usize> = self
            .occupied()
            .filter(|(_, visit)| late(visit))
            .map(|(place, _)| place)
            .collect();
        late.into_iter()
            .filter_map(|place| self.end(cx, place, Outcome::TimedOut, now))
            .collect()
    }

    /// Ends all visits. Their outcome is unknown.
    pub(super) fn finish(&mut self, cx: &mut Context<'_, P>, now: i64) {
        let places: Vec<usize> = self.occupied().map(|(place, _)| place).collect();
        for place in places {
            self.end(cx, place, Outcome::Unknown, now);
            cx.tally.summary.in_flight_at_end += 1;
        }
    }

    fn occupied(&self) -> impl Iterator<Item = (usize, &Visit<P>)> {
        let places = self.places.iter().enumerate();
        places.filter_map(|(place, visit)| Some((place, visit.as_ref()?)))
    }

    fn end(
        &mut self,
        cx: &mut Context<'_, P>,
        place: usize,
        outcome: Outcome,
        now: i64,
    ) -> Option<usize> {
        let visit = self.places[place].take()?;
        cx.out.clear();
        self.free.push(place);
        let times = Times {
            intended_ns: visit.ticket.intended_ns,
            ready_ns: Some(visit.ticket.ready_ns),
            sent_ns: Some(visit.sent_ns),
        };
        cx.tally
            .record(visit.ticket.op, visit.server, times, now, outcome);
        cx.in_flight -= 1;
        Some(visit.slot)
    }
}

impl<P: Protocol> Visit<P> {
    /// Advances the visit. Returns its outcome if it is over.
    fn step(&mut self, cx: &mut Context<'_, P>, ready: Ready) -> Result<Option<Outcome>, Loss> {
        let outcome = if self.link.is_connecting() {
            if !ready.writable {
                return Ok(None);
            }
            self.link.connected(&mut cx.out)?;
            self.link.flush(&mut cx.out, &cx.poller)?;
            self.take_in(cx, 0, now_ns())
        } else if ready.readable
            && let Some((size, now)) = self.link.read(&mut cx.buffer)?
        {
            self.link.session.heard(now);
            self.take_in(cx, size, now)
        } else {
            Ok(None)
        };
        self.link.flush(&mut cx.out, &cx.poller)?;
        outcome
    }

    /// Processes the first `size` bytes of the worker's buffer.
    fn take_in(
        &mut self,
        cx: &mut Context<'_, P>,
        size: usize,
        now: i64,
    ) -> Result<Option<Outcome>, Loss> {
        let mut ready = false;
        let mut outcome = None;
        let tally = &mut cx.tally;
        let input = &cx.buffer[..size];
        self.link
            .receive(input, now, &mut cx.out, |event| match event {
                Event::Ready { .. } => ready = true,
                Event::Done { reply, .. } => {
                    outcome = Some(match reply {
                        Reply::Ok => Outcome::Ok,
                        Reply::Error(name) => Outcome::Error(tally.error(&name)),
                    });
                }
                Event::Expired => outcome = Some(Outcome::Error(tally.error(P::REFUSED))),
                Event::Arrived(_) | Event::Closed => {}
            })?;
        if ready {
            self.submitted = true;
            self.link
                .session
                .submit(&self.op, self.ticket, now, &mut cx.out);
        }
        Ok(outcome)
    }
}
