//! One session of the load: its connection, its operations, and its reconnects.

use super::arrivals::Arrivals;
use super::backoff::{Backoff, BackoffPolicy};
use super::context::{Context, ms_to_ns};
use super::key;
use super::link::{Link, Loss, Times, times};
use super::poller::Ready;
use super::server_order::ServerOrder;
use super::visit::Wanted;
use crate::measure::{EventKind, Outcome, SessionGaps, SessionOutage, SessionReturn, Unsent};
use crate::protocol::{Event, Protocol, Reply, Ticket};
use crate::workload::{Plan, Reconnect};

/// Rounds over its servers in which a session may fail to connect before the run is given up.
const CONNECT_ROUNDS_MAX: u32 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Not connected. The next attempt starts at `retry_ns`.
    Down { retry_ns: i64 },
    /// Connecting or in the handshake since `since_ns`.
    Opening { since_ns: i64 },
    /// The session can submit operations.
    Up,
    /// The session has ended and does not reconnect.
    Gone,
}

/// A lost connection.
#[derive(Clone, Copy, Debug)]
struct Lost {
    at_ns: i64,
    /// Index of the server.
    server: u32,
}

/// The session that a slot holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct SlotSpec<'a> {
    pub(super) plan: &'a Plan,
    pub(super) run: u32,
    pub(super) number: u32,
    /// Its position among the worker's slots.
    pub(super) position: usize,
}

/// One session of the load.
#[derive(Debug)]
pub(super) struct Slot<P> {
    /// The session's number in the plan.
    pub(super) number: u32,
    /// Its position among the worker's slots.
    position: usize,
    link: Link<P>,
    state: State,
    order: ServerOrder,
    backoff: Backoff,
    pub(super) arrivals: Arrivals,
    /// Operations in flight, including those that open a connection of their own.
    in_flight: usize,
    /// Since when the session could send: it was connected and below its cap. Until then the target
    /// held back operations that were intended earlier.
    free_ns: i64,
    /// Whether the slot is on the worker's list of slots with due operations.
    pub(super) listed: bool,
    /// Number of connections so far, which distinguishes their events.
    connections: u32,
    /// Rounds over the servers in which the session could not connect.
    rounds: u32,
    /// The connection that was lost; `None` before the first connection and while connected.
    lost: Option<Lost>,
    gaps: SessionGaps,
    was_attached: bool,
}

impl<P: Protocol> Slot<P> {
    /// The session `number` of a run, at `position` among the worker's slots.
    pub(super) fn new(
        spec: SlotSpec<'_>,
        session: P,
        order: ServerOrder,
        arrivals: Arrivals,
    ) -> Self {
        let SlotSpec {
            plan,
            run,
            number,
            position,
        } = spec;
        let policy = policy(plan.load.reconnect);
        Self {
            number,
            position,
            link: Link::new(session),
            state: State::Down { retry_ns: 0 },
            order,
            backoff: Backoff::new(policy, plan.run_seed(run) ^ u64::from(number)),
            arrivals,
            in_flight: 0,
            free_ns: i64::MIN,
            listed: false,
            connections: 0,
            rounds: 0,
            lost: None,
            gaps: SessionGaps::default(),
            was_attached: false,
        }
    }

    /// Whether `key` identifies this slot's present connection.
    pub(super) fn is(&self, key: u64) -> bool {
        self.link.is(key)
    }

    /// Whether the session was attached at least once.
    pub(super) fn was_attached(&self) -> bool {
        self.was_attached
    }

    pub(super) fn is_gone(&self) -> bool {
        self.state == State::Gone
    }

    /// Handles an event of the socket.
    pub(super) fn on_ready(&mut self, cx: &mut Context<'_, P>, ready: Ready) {
        if let Err(loss) = self.handle(cx, ready) {
            self.lose(cx, &loss);
        }
    }

    fn handle(&mut self, cx: &mut Context<'_, P>, ready: Ready) -> Result<(), Loss> {
        if self.link.is_connecting() {
            if ready.writable {
                self.link.connected(&mut cx.out)?;
                self.link.flush(&mut cx.out, &cx.poller)?;
                let now = super::clock::now_ns();
                self.take_in(cx, 0, now)?;
                self.fill(cx, now);
            }
        } else if ready.readable
            && let Some((size, now)) = self.link.read(&mut cx.buffer)?
        {
            self.link.session.heard(now);
            self.take_in(cx, size, now)?;
            self.fill(cx, now);
        }
        self.link.flush(&mut cx.out, &cx.poller)
    }

    /// Processes the first `size` bytes of the worker's buffer, which were read at `now`. All
    /// operations that they complete were done at `now`.
    fn take_in(&mut self, cx: &mut Context<'_, P>, size: usize, now: i64) -> Result<(), Loss> {
        let mut ready = None;
        let mut expired = false;
        let mut closed = false;
        let server = self.order.current();
        let was_full = self.is_full(cx);
        let input = &cx.buffer[..size];
        let received = self
            .link
            .receive(input, now, &mut cx.out, |event| match event {
                Event::Done {
                    ticket,
                    sent,
                    reply,
                } => {
                    let outcome = match reply {
                        Reply::Ok => Outcome::Ok,
                        Reply::Error(name) => Outcome::Error(cx.tally.error(&name)),
                    };
                    let times = times(ticket, sent);
                    cx.tally.record(ticket.op, server, times, now, outcome);
                    if outcome == Outcome::Ok && cx.probes[ticket.op as usize] {
                        self.gaps.acknowledged(now, cx.start_ns);
                    }
                    cx.in_flight -= 1;
                    self.in_flight -= 1;
                    cx.waiting += u64::from(now < cx.end_ns && self.arrivals.freed(now));
                }
                Event::Ready { resumed } => ready = Some(resumed),
                Event::Expired => expired = true,
                Event::Closed => closed = true,
                Event::Arrived(_) => {}
            });
        if was_full && !self.is_full(cx) {
            self.free_ns = now;
        }
        received?;
        if expired {
            return Err(Loss::Expired);
        }
        if closed {
            self.end(cx);
        }
        if let Some(resumed) = ready {
            self.attached(cx, resumed, now);
        }
        Ok(())
    }

    /// Whether the plan's cap or the peer's own limit forbids another operation before an answer.
    fn is_full(&self, cx: &Context<'_, P>) -> bool {
        self.in_flight >= cx.in_flight_cap || self.link.session.room() == 0
    }

    fn attached(&mut self, cx: &mut Context<'_, P>, resumed: bool, now: i64) {
        self.set_state(cx, State::Up);
        self.backoff.reset();
        self.was_attached = true;
        self.free_ns = now;
        if let Some(lost) = self.lost.take() {
            cx.tally.summary.reconnects += u64::from(resumed);
            self.outage(
                cx,
                lost,
                Some(SessionReturn {
                    at_ns: now,
                    server: self.order.current(),
                    resumed,
                }),
            );
            let server = cx.name(self.order.current());
            cx.tally.event(now, || EventKind::SessionBack {
                session: self.number,
                server: server.to_owned(),
                after_ns: (now - lost.at_ns).unsigned_abs(),
                resumed,
            });
        }
    }

    /// Notes that this session was without a connection. Instants are on the run's clock.
    fn outage(&self, cx: &mut Context<'_, P>, lost: Lost, back: Option<SessionReturn>) {
        cx.tally.outage(SessionOutage {
            session: self.number,
            server: lost.server,
            lost_ns: lost.at_ns,
            back,
        });
    }

    /// Starts waiting operations as far as the cap allows. Without a connection, operations that
    /// have waited longer than the operation timeout are recorded as not sent.
    pub(super) fn fill(&mut self, cx: &mut Context<'_, P>, now: i64) {
        while let Some(intended_ns) = self.arrivals.front(cx.schedule.as_ref(), cx.start_ns) {
            if !self.is_connected(cx) {
                if now - intended_ns < cx.operation_timeout_ns {
                    break;
                }
                self.give_up_front(cx, intended_ns, now);
                continue;
            }
            if self.is_full(cx) {
                break;
            }
            self.arrivals.pop();
            cx.waiting -= 1;
            cx.in_flight += 1;
            self.in_flight += 1;
            let op = self.link.session.draw(&mut cx.operation);
            let ticket = Ticket {
                op: u32::try_from(op).unwrap_or(u32::MAX),
                intended_ns,
                ready_ns: self.free_ns.max(intended_ns),
            };
            if cx.visits[op] {
                cx.wanted_visits.push_back(Wanted {
                    slot: self.position,
                    op: cx.operation.clone(),
                    ticket,
                });
            } else {
                let session = &mut self.link.session;
                session.submit(&cx.operation, ticket, now, &mut cx.out);
            }
        }
    }

    /// Whether operations can be sent.
    fn is_connected(&self, cx: &Context<'_, P>) -> bool {
        self.state == State::Up || cx.only_visits
    }

    /// Records the oldest waiting operation as not sent.
    fn give_up_front(&mut self, cx: &mut Context<'_, P>, intended_ns: i64, now: i64) {
        self.arrivals.pop();
        cx.waiting -= 1;
        let op = self.link.session.draw(&mut cx.operation);
        let why = if !self.is_connected(cx) {
            Unsent::NoConnection
        } else if self.is_full(cx) {
            Unsent::CapFull
        } else {
            Unsent::NotIssued
        };
        let times = Times {
            intended_ns,
            ready_ns: (why == Unsent::NotIssued).then(|| self.free_ns.max(intended_ns)),
            sent_ns: None,
        };
        let op = u32::try_from(op).unwrap_or(u32::MAX);
        let server = self.order.current();
        cx.tally
            .record(op, server, times, now, Outcome::NotSent(why));
        cx.waiting += u64::from(now < cx.end_ns && self.arrivals.freed(now));
    }

    /// Writes the bytes that wait for the socket.
    pub(super) fn flush(&mut self, cx: &mut Context<'_, P>) {
        if let Err(loss) = self.link.flush(&mut cx.out, &cx.poller) {
            self.lose(cx, &loss);
        }
    }

    /// Checks for time-outs, sends pings, and starts attempts to connect. The worker calls it
    /// periodically.
    pub(super) fn sweep(&mut self, cx: &mut Context<'_, P>, now: i64) {
        match self.state {
            State::Gone => return,
            State::Down { retry_ns } => {
                if retry_ns <= now && cx.may_open() {
                    self.open(cx, now);
                }
            }
            State::Opening { since_ns } => {
                if now - since_ns >= cx.connect_timeout_ns {
                    self.lose(cx, &Loss::ConnectTimeout);
                }
            }
            State::Up => {
                let oldest_ns = self.link.session.oldest_ns();
                if oldest_ns.is_some_and(|at| now - at >= cx.operation_timeout_ns) {
                    self.lose(cx, &Loss::TimedOut);
                } else if now >= self.link.session.deadline_ns()
                    && let Err(violation) = self.link.session.tick(now, &mut cx.out)
                {
                    self.lose(cx, &Loss::Violation(violation));
                }
            }
        }
        self.fill(cx, now);
        self.flush(cx);
    }

    fn open(&mut self, cx: &mut Context<'_, P>, now: i64) {
        self.connections = self.connections.wrapping_add(1);
        let address = cx.address(self.order.current());
        let key = key::slot(self.position, self.connections);
        self.set_state(cx, State::Opening { since_ns: now });
        if let Err(loss) = self.link.open(address, key, &cx.poller) {
            self.lose(cx, &loss);
        }
    }

    /// Handles a lost connection. The operations in flight become unknown or timed out.
    fn lose(&mut self, cx: &mut Context<'_, P>, loss: &Loss) {
        let now = super::clock::now_ns();
        let server = self.order.current();
        let was_up = self.state == State::Up;
        if let Loss::Violation(_) = loss {
            // The protocol may have appended a closing frame. A failed write adds nothing to a
            // connection that ends anyway.
            let _already_lost = self.link.flush(&mut cx.out, &cx.poller);
        }
        let in_flight = self.give_up_in_flight(cx, matches!(loss, Loss::TimedOut), now);
        let expired = matches!(loss, Loss::Expired) && self.was_attached;
        let mut retry_ns = now;
        if expired {
            // The same server opens a new session at once.
            self.link.session.replaced();
            cx.tally.summary.expired_sessions += 1;
        } else {
            retry_ns += self.backoff.next_ns();
            if self.was_attached {
                self.order.advance();
            } else {
                self.connect_failed(cx, server, loss);
            }
        }
        if was_up {
            self.lost = Some(Lost { at_ns: now, server });
        }
        if was_up || expired {
            let name = cx.name(server);
            cx.tally.event(now, || EventKind::SessionLost {
                session: self.number,
                server: name.to_owned(),
                cause: loss.explained::<P>(),
                in_flight,
            });
        }
        self.set_state(cx, State::Down { retry_ns });
        cx.wake(retry_ns, self.position);
        if cx.ending {
            self.set_state(cx, State::Gone);
        }
    }

    /// Notes a failed attempt before the session was attached for the first time. Only preferred
    /// servers are tried then, and for a limited number of rounds.
    fn connect_failed(&mut self, cx: &mut Context<'_, P>, server: u32, loss: &Loss) {
        let reason = match loss {
            Loss::Expired => "it refuses to open a session".to_owned(),
            Loss::Closed => format!("{loss}; {}", P::REJECTION),
            loss => loss.explained::<P>(),
        };
        cx.connect_failures.insert(server, reason);
        if self.order.advance_preferred() {
            self.rounds += 1;
            if self.rounds >= CONNECT_ROUNDS_MAX {
                cx.cannot_connect = cx.cannot_connect.or(Some(self.number));
            }
        }
    }

    /// Closes the socket, records the operations that were in flight, and returns their number.
    fn give_up_in_flight(&mut self, cx: &mut Context<'_, P>, timed_out: bool, now: i64) -> u64 {
        self.link.close();
        cx.out.clear();
        let mut count = 0;
        let server = self.order.current();
        self.link.session.lost(|ticket, sent| {
            let late = |at_ns: i64| now - at_ns >= cx.operation_timeout_ns;
            let mut times = times(ticket, sent);
            let outcome = match sent {
                // The oldest operation is the one whose time-out ended the connection.
                _ if timed_out && count == 0 => Outcome::TimedOut,
                Some(sent) if timed_out && late(sent.at_ns) => Outcome::TimedOut,
                Some(_) => Outcome::Unknown,
                // The socket did not accept the operation's last byte.
                None => Outcome::NotSent(Unsent::NoConnection),
            };
            if sent.is_none() {
                times.ready_ns = None;
            }
            count += 1;
            cx.tally.record(ticket.op, server, times, now, outcome);
            cx.in_flight -= 1;
            self.in_flight -= 1;
            cx.waiting += u64::from(now < cx.end_ns && self.arrivals.freed(now));
        });
        count
    }

    /// Records all waiting operations as not sent.
    pub(super) fn give_up_waiting(&mut self, cx: &mut Context<'_, P>, now: i64) {
        while let Some(intended_ns) = self.arrivals.front(cx.schedule.as_ref(), cx.start_ns) {
            self.give_up_front(cx, intended_ns, now);
        }
    }

    /// Ends the session after the drain. Operations without a reply are given up. An idle session
    /// is closed properly, and [`Slot::is_gone`] is true once that is done.
    pub(super) fn finish(&mut self, cx: &mut Context<'_, P>, now: i64) {
        if let Some(lost) = self.lost.take() {
            self.outage(cx, lost, None);
        }
        let gaps = std::mem::take(&mut self.gaps);
        cx.tally.session_gaps(self.number, gaps);
        self.give_up_waiting(cx, now);
        if self.state == State::Up && self.link.session.in_flight() == 0 {
            self.link.session.close(now, &mut cx.out);
            match self.take_in(cx, 0, now) {
                Ok(()) => self.flush(cx),
                Err(loss) => self.lose(cx, &loss),
            }
        } else {
            cx.tally.summary.in_flight_at_end += self.give_up_in_flight(cx, false, now);
            self.set_state(cx, State::Gone);
        }
    }

    fn end(&mut self, cx: &mut Context<'_, P>) {
        self.link.close();
        self.set_state(cx, State::Gone);
    }

    /// Changes the state and updates the counts of connections in the context.
    fn set_state(&mut self, cx: &mut Context<'_, P>, state: State) {
        match self.state {
            State::Opening { .. } => cx.opening -= 1,
            State::Up => cx.tally.snapshot.connected -= 1,
            State::Down { .. } => {}
            State::Gone => return,
        }
        match state {
            State::Opening { .. } => cx.opening += 1,
            State::Up => cx.tally.snapshot.connected += 1,
            State::Down { .. } | State::Gone => {}
        }
        self.state = state;
    }

    /// Returns the server that this session is connected to or tries next.
    pub(super) fn server(&self) -> u32 {
        self.order.current()
    }

    /// Notes that an operation with a connection of its own has ended.
    pub(super) fn visit_ended(&mut self, cx: &mut Context<'_, P>, now: i64) {
        if self.is_full(cx) {
            self.free_ns = now;
        }
        self.in_flight -= 1;
        cx.waiting += u64::from(now < cx.end_ns && self.arrivals.freed(now));
        self.fill(cx, now);
        self.flush(cx);
    }
}

fn policy(reconnect: Reconnect) -> BackoffPolicy {
    BackoffPolicy {
        first_ns: ms_to_ns(reconnect.first_ms),
        max_ns: ms_to_ns(reconnect.max_ms),
        growth: reconnect.growth,
        jitter: reconnect.jitter,
    }
}
