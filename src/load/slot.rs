//! One session of the load: its connection, its operations, and how it comes back when it is lost.

use super::arrivals::Arrivals;
use super::context::{Context, ms_to_ns};
use super::guest::Wanted;
use super::key;
use super::link::{Link, Loss, TOO_MANY, Ticket, Times};
use super::payload::Payload;
use super::poller::Ready;
use crate::measure::{EventKind, Outcome, Unsent};
use crate::protocol::zookeeper::{
    Backoff, BackoffPolicy, ErrorCode, Event, OpCode, ServerOrder, Session,
};
use crate::protocol::zookeeper::{created_path, request};
use crate::workload::{Mix, OpKind, Operation, Plan, Reconnect};

/// Rounds over its servers that a session makes before the run, until it is said to be impossible.
const CONNECT_ROUNDS_MAX: u32 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No connection; another attempt is made then.
    Down { retry_ns: i64 },
    /// Connecting or shaking hands since then.
    Opening { since_ns: i64 },
    /// Attached.
    Up,
    /// Ended for good.
    Gone,
}

/// One session of the load.
#[derive(Debug)]
pub(super) struct Slot {
    /// The session's number in the plan.
    pub(super) number: u32,
    /// Its position among the worker's slots.
    position: usize,
    link: Link,
    state: State,
    order: ServerOrder,
    backoff: Backoff,
    mix: Mix,
    pub(super) arrivals: Arrivals,
    /// Operations in flight, those that are sessions of their own included.
    in_flight: usize,
    /// Since when it could send: connected, and with room under the cap. What was intended before was
    /// held back by the target until then.
    free_ns: i64,
    /// Already on the worker's list of slots with something due.
    pub(super) listed: bool,
    /// Connections so far; distinguishes their events.
    connections: u32,
    /// Rounds over the servers without ever having been attached.
    rounds: u32,
    /// When the connection was lost; `None` before the first one and while all is well.
    lost_ns: Option<i64>,
    was_attached: bool,
}

impl Slot {
    pub(super) fn new(
        plan: &Plan,
        run: u32,
        (number, position): (u32, usize),
        order: ServerOrder,
        arrivals: Arrivals,
    ) -> Self {
        let policy = policy(plan.load.reconnect);
        Self {
            number,
            position,
            link: Link::new(plan.load.session_timeout_ms),
            state: State::Down { retry_ns: 0 },
            order,
            backoff: Backoff::new(policy, plan.run_seed(run) ^ u64::from(number)),
            mix: Mix::new(plan, run, number),
            arrivals,
            in_flight: 0,
            free_ns: i64::MIN,
            listed: false,
            connections: 0,
            rounds: 0,
            lost_ns: None,
            was_attached: false,
        }
    }

    /// What is in the epoll set under `key`: this slot's present connection?
    pub(super) fn is(&self, key: u64) -> bool {
        self.link.is(key)
    }

    /// Was it attached at least once?
    pub(super) fn was_attached(&self) -> bool {
        self.was_attached
    }

    pub(super) fn is_gone(&self) -> bool {
        self.state == State::Gone
    }

    /// Something happened on the socket.
    pub(super) fn on_ready(&mut self, cx: &mut Context<'_>, ready: Ready) {
        if let Err(loss) = self.handle(cx, ready) {
            self.lose(cx, &loss);
        }
    }

    fn handle(&mut self, cx: &mut Context<'_>, ready: Ready) -> Result<(), Loss> {
        if self.link.is_connecting() {
            if ready.writable {
                self.link.connected()?;
            }
        } else if ready.readable
            && let Some((size, now)) = self.link.read(&mut cx.buffer)?
        {
            self.receive(cx, size, now)?;
            self.fill(cx, now);
        }
        self.link.flush(&cx.poller)
    }

    /// Takes in what was just read: all of it was done `now`.
    fn receive(&mut self, cx: &mut Context<'_>, size: usize, now: i64) -> Result<(), Loss> {
        let mut attached = None;
        let mut expired = false;
        let mut closed = false;
        let server = self.order.current();
        let was_full = self.in_flight >= cx.in_flight_cap;
        let received =
            self.link
                .session
                .received(&cx.buffer[..size], now, &mut |event| match event {
                    Event::Reply(reply) => {
                        let outcome = match reply.error {
                            ErrorCode::OK => Outcome::Ok,
                            ErrorCode(code) => Outcome::Error(code),
                        };
                        if reply.op == OpCode::Create
                            && outcome == Outcome::Ok
                            && let Some(path) = created_path(reply.body)
                        {
                            self.mix.created(path);
                        }
                        let times = reply.token.times(reply.sent);
                        cx.tally.record(reply.token.op, server, times, now, outcome);
                        cx.in_flight -= 1;
                        self.in_flight -= 1;
                        cx.waiting += u64::from(now < cx.end_ns && self.arrivals.freed(now));
                    }
                    Event::Attached { resumed } => attached = Some(resumed),
                    Event::Expired => expired = true,
                    Event::Closed => closed = true,
                    Event::Notified(_) => {}
                });
        if was_full && self.in_flight < cx.in_flight_cap {
            self.free_ns = now;
        }
        received.map_err(Loss::Protocol)?;
        if expired {
            return Err(Loss::Expired);
        }
        if closed {
            self.end(cx);
        }
        if let Some(resumed) = attached {
            self.attached(cx, resumed, now);
        }
        Ok(())
    }

    fn attached(&mut self, cx: &mut Context<'_>, resumed: bool, now: i64) {
        self.set_state(cx, State::Up);
        self.backoff.reset();
        self.was_attached = true;
        self.free_ns = now;
        if let Some(lost_ns) = self.lost_ns.take() {
            cx.tally.summary.reconnects += u64::from(resumed);
            let server = cx.name(self.order.current());
            cx.tally.event(now, || EventKind::SessionBack {
                session: self.number,
                server: server.to_owned(),
                after_ns: (now - lost_ns).unsigned_abs(),
                resumed,
            });
        }
    }

    /// Starts what waits, as far as the cap allows. While there is no connection, whatever waits
    /// for longer than the operation timeout is given up: never sent.
    pub(super) fn fill(&mut self, cx: &mut Context<'_>, now: i64) {
        while let Some(intended_ns) = self.arrivals.front(cx.schedule.as_ref(), cx.start_ns) {
            if !self.is_connected(cx) {
                if now - intended_ns < cx.operation_timeout_ns {
                    break;
                }
                self.give_up_front(cx, intended_ns, now);
                continue;
            }
            if self.in_flight >= cx.in_flight_cap {
                break;
            }
            self.arrivals.pop();
            cx.waiting -= 1;
            cx.in_flight += 1;
            self.in_flight += 1;
            self.mix.next(&mut cx.operation);
            let ticket = Ticket {
                op: u32::try_from(cx.operation.op).unwrap_or(u32::MAX),
                intended_ns,
                ready_ns: self.free_ns.max(intended_ns),
            };
            if cx.operation.kind == OpKind::Session {
                cx.wanted_guests.push_back(Wanted {
                    slot: self.position,
                    ticket,
                });
            } else {
                submit(
                    &mut self.link.session,
                    (&cx.operation, &cx.payload),
                    ticket,
                    now,
                );
            }
        }
    }

    /// Has what its operations need to be sent.
    fn is_connected(&self, cx: &Context<'_>) -> bool {
        self.link.session.is_attached() || cx.only_guests
    }

    /// The oldest waiting operation will not be sent any more.
    fn give_up_front(&mut self, cx: &mut Context<'_>, intended_ns: i64, now: i64) {
        self.arrivals.pop();
        cx.waiting -= 1;
        self.mix.next(&mut cx.operation);
        let why = if !self.is_connected(cx) {
            Unsent::NoConnection
        } else if self.in_flight >= cx.in_flight_cap {
            Unsent::CapFull
        } else {
            Unsent::NotIssued
        };
        let times = Times {
            intended_ns,
            ready_ns: (why == Unsent::NotIssued).then(|| self.free_ns.max(intended_ns)),
            sent_ns: None,
        };
        let op = u32::try_from(cx.operation.op).unwrap_or(u32::MAX);
        let server = self.order.current();
        cx.tally
            .record(op, server, times, now, Outcome::NotSent(why));
        cx.waiting += u64::from(now < cx.end_ns && self.arrivals.freed(now));
    }

    /// Writes what waits for the socket.
    pub(super) fn flush(&mut self, cx: &mut Context<'_>) {
        if let Err(loss) = self.link.flush(&cx.poller) {
            self.lose(cx, &loss);
        }
    }

    /// The periodic look: time-outs, pings, attempts to connect.
    pub(super) fn sweep(&mut self, cx: &mut Context<'_>, now: i64) {
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
                } else if self.link.session.is_silent(now) {
                    self.lose(cx, &Loss::Silent);
                } else {
                    self.link.session.tick(now);
                    self.flush(cx);
                }
            }
        }
        self.fill(cx, now);
    }

    fn open(&mut self, cx: &mut Context<'_>, now: i64) {
        self.connections = self.connections.wrapping_add(1);
        let address = cx.address(self.order.current());
        let key = key::slot(self.position, self.connections);
        self.set_state(cx, State::Opening { since_ns: now });
        if let Err(loss) = self.link.open(address, key, &cx.poller) {
            self.lose(cx, &loss);
        }
    }

    /// The connection is gone. What was in flight is unknown, unless it timed out.
    fn lose(&mut self, cx: &mut Context<'_>, loss: &Loss) {
        let now = super::clock::now_ns();
        let server = self.order.current();
        let was_up = self.state == State::Up;
        let in_flight = self.give_up_in_flight(cx, matches!(loss, Loss::TimedOut), now);
        let expired = matches!(loss, Loss::Expired) && self.was_attached;
        let mut retry_ns = now;
        if expired {
            // The same server opens a new one at once.
            self.mix.session_replaced();
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
            self.lost_ns = Some(now);
        }
        if was_up || expired {
            let name = cx.name(server);
            cx.tally.event(now, || EventKind::SessionLost {
                session: self.number,
                server: name.to_owned(),
                cause: loss.to_string(),
                in_flight,
            });
        }
        self.set_state(cx, State::Down { retry_ns });
        cx.wake(retry_ns, self.position);
        if cx.ending {
            self.set_state(cx, State::Gone);
        }
    }

    /// An attempt failed before the session ever was attached: only servers that it is meant for
    /// are tried then, and not for ever.
    fn connect_failed(&mut self, cx: &mut Context<'_>, server: u32, loss: &Loss) {
        let reason = match loss {
            Loss::Expired => "it refuses to open a session".to_owned(),
            Loss::Closed => format!("{loss}; {TOO_MANY}"),
            loss => loss.to_string(),
        };
        cx.connect_failures.insert(server, reason);
        if self.order.advance_preferred() {
            self.rounds += 1;
            if self.rounds >= CONNECT_ROUNDS_MAX {
                cx.cannot_connect = cx.cannot_connect.or(Some(self.number));
            }
        }
    }

    /// Closes the socket; records what was in flight and returns how many operations that were.
    fn give_up_in_flight(&mut self, cx: &mut Context<'_>, timed_out: bool, now: i64) -> u64 {
        self.link.close();
        let mut count = 0;
        let server = self.order.current();
        self.link.session.detach(|given| {
            let late = |at_ns: i64| now - at_ns >= cx.operation_timeout_ns;
            let mut times = given.token.times(given.sent);
            let outcome = match given.sent {
                // The oldest is why the connection was given up.
                _ if timed_out && count == 0 => Outcome::TimedOut,
                Some(sent) if timed_out && late(sent.at_ns) => Outcome::TimedOut,
                Some(_) => Outcome::Unknown,
                // The peer took nothing more from the socket.
                None => Outcome::NotSent(Unsent::NoConnection),
            };
            if given.sent.is_none() {
                times.ready_ns = None;
            }
            count += 1;
            cx.tally.record(given.token.op, server, times, now, outcome);
            cx.in_flight -= 1;
            self.in_flight -= 1;
            cx.waiting += u64::from(now < cx.end_ns && self.arrivals.freed(now));
        });
        count
    }

    /// Nothing that waits is to be sent any more.
    pub(super) fn give_up_waiting(&mut self, cx: &mut Context<'_>, now: i64) {
        while let Some(intended_ns) = self.arrivals.front(cx.schedule.as_ref(), cx.start_ns) {
            self.give_up_front(cx, intended_ns, now);
        }
    }

    /// The end of the drain. What still has no reply is given up; an idle session is closed
    /// properly, which [`Slot::is_gone`] tells when it is done.
    pub(super) fn finish(&mut self, cx: &mut Context<'_>, now: i64) {
        self.give_up_waiting(cx, now);
        if self.link.session.is_attached() && self.link.session.in_flight() == 0 {
            self.link.session.close();
            self.flush(cx);
        } else {
            cx.tally.summary.in_flight_at_end += self.give_up_in_flight(cx, false, now);
            self.set_state(cx, State::Gone);
        }
    }

    fn end(&mut self, cx: &mut Context<'_>) {
        self.link.close();
        self.set_state(cx, State::Gone);
    }

    /// Keeps the context's counts of connections in step.
    fn set_state(&mut self, cx: &mut Context<'_>, state: State) {
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

    /// The server this session is at, or tries next.
    pub(super) fn server(&self) -> u32 {
        self.order.current()
    }

    /// An operation that was a session of its own is over.
    pub(super) fn guest_ended(&mut self, cx: &mut Context<'_>, now: i64) {
        if self.in_flight >= cx.in_flight_cap {
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

/// Appends one operation's request to the session's output.
fn submit(
    session: &mut Session<Ticket>,
    (operation, payload): (&Operation, &Payload),
    ticket: Ticket,
    now: i64,
) {
    let path = operation.path.as_str();
    let data = || payload.get(operation.size);
    match operation.kind {
        OpKind::Create => session.submit(OpCode::Create, ticket, now, |out| {
            request::create(out, path, data(), operation.flags);
        }),
        OpKind::Set => session.submit(OpCode::SetData, ticket, now, |out| {
            request::set(out, path, data());
        }),
        OpKind::Delete => session.submit(OpCode::Delete, ticket, now, |out| {
            request::delete(out, path);
        }),
        OpKind::Sync => session.submit(OpCode::Sync, ticket, now, |out| {
            request::sync(out, path);
        }),
        OpKind::Multi => session.submit(OpCode::Multi, ticket, now, |out| {
            let sets = operation.batch.iter();
            request::multi_set(
                out,
                sets.map(|(path, size)| (path.as_str(), payload.get(*size))),
            );
        }),
        OpKind::Get => read(session, OpCode::GetData, path, ticket, now),
        OpKind::Exists => read(session, OpCode::Exists, path, ticket, now),
        OpKind::List => read(session, OpCode::GetChildren, path, ticket, now),
        OpKind::Session => unreachable!("a guest does that"),
    }
}

fn read(session: &mut Session<Ticket>, op: OpCode, path: &str, ticket: Ticket, now: i64) {
    session.submit(op, ticket, now, |out| request::read(out, path));
}
