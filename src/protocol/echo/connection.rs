//! The client side of the echo protocol.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::{LENGTH_BYTES, Null, length};
use crate::protocol::{
    Event, Leftovers, NoLedger, Pending, Protocol, Reply, Sent, Setup, SetupError, SetupJob, Step,
    Ticket, Violation,
};
use crate::workload::{OpPlan, Plan};

/// A connection that sends messages and receives them back.
#[derive(Debug, Default)]
pub struct Echo {
    /// Bytes of each message.
    size: usize,
    pending: Pending<Ticket>,
    /// Bytes appended since the connection began.
    appended: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Down,
    /// Connected, before [`Event::Ready`].
    Opened,
    Ready,
    /// The driver closes the connection, before [`Event::Closed`].
    Ending,
}

impl Protocol for Echo {
    /// Empty, because there is one kind of operation.
    type Op = ();
    type Shared = ();
    type Setup = Nothing;
    type Ledger = NoLedger;
    type Null = Null;

    const REFUSED: &'static str = "Refused";
    const REJECTION: &'static str = "an echo server accepts every connection";

    fn shared(_plan: &Plan) {}

    fn take_ledger(_shared: &()) -> Option<NoLedger> {
        None
    }

    fn new(plan: &Plan, _run: u32, _session: u32, _shared: &()) -> Self {
        let size = plan.ops.first().map_or(0, |op| op.size.max_bytes());
        Self {
            size: usize::try_from(size).unwrap_or(0),
            ..Self::default()
        }
    }

    fn visitor(_plan: &Plan, _shared: &()) -> Self {
        Self::default()
    }

    fn draw(&mut self, _op: &mut ()) -> usize {
        0
    }

    fn opens_connection(_op: &OpPlan) -> bool {
        false
    }

    fn open(&mut self, _now_ns: i64, _out: &mut Vec<u8>) {
        self.state = State::Opened;
        self.appended = 0;
    }

    fn room(&self) -> usize {
        usize::MAX
    }

    fn submit(&mut self, _op: &(), ticket: Ticket, now_ns: i64, out: &mut Vec<u8>) {
        let length = u32::try_from(self.size).unwrap_or(u32::MAX);
        out.extend_from_slice(&length.to_be_bytes());
        out.resize(out.len() + self.size, 0);
        self.appended += (LENGTH_BYTES + self.size) as u64;
        self.pending.push(ticket, self.appended, now_ns);
    }

    #[inline]
    fn wrote(&mut self, end: u64, sent: Sent) {
        self.pending.wrote(end, sent);
    }

    fn heard(&mut self, _now_ns: i64) {}

    #[inline]
    fn next<'b>(
        &mut self,
        input: &mut &'b [u8],
        _now_ns: i64,
        _out: &mut Vec<u8>,
    ) -> Step<Event<'b>> {
        match self.state {
            State::Opened => {
                self.state = State::Ready;
                return Step::Event(Event::Ready { resumed: false });
            }
            State::Ending => {
                self.state = State::Down;
                return Step::Event(Event::Closed);
            }
            State::Down | State::Ready => {}
        }
        let end = match length(input) {
            Ok(Some(length)) => LENGTH_BYTES + length,
            Ok(None) => return Step::Need(LENGTH_BYTES),
            Err(violation) => return Step::Broken(violation),
        };
        let bytes: &'b [u8] = input;
        let Some((_message, rest)) = bytes.split_at_checked(end) else {
            return Step::Need(end);
        };
        *input = rest;
        match self.pending.pop() {
            Some((ticket, sent)) => Step::Event(Event::Done {
                ticket,
                sent,
                reply: Reply::Ok,
            }),
            None => Step::Broken(Violation("an echo without a message in flight".into())),
        }
    }

    fn deadline_ns(&self) -> i64 {
        i64::MAX
    }

    fn tick(&mut self, _now_ns: i64, _out: &mut Vec<u8>) -> Result<(), Violation> {
        Ok(())
    }

    fn in_flight(&self) -> usize {
        self.pending.len()
    }

    fn oldest_ns(&self) -> Option<i64> {
        self.pending.oldest_ns()
    }

    fn lost(&mut self, mut given_up: impl FnMut(Ticket, Option<Sent>)) {
        self.state = State::Down;
        while let Some((ticket, sent)) = self.pending.pop() {
            given_up(ticket, sent);
        }
    }

    fn close(&mut self, _now_ns: i64, _out: &mut Vec<u8>) {
        self.state = State::Ending;
    }

    fn replaced(&mut self) {}
}

/// The setup of the echo protocol, which creates nothing.
#[derive(Debug, Default)]
pub struct Nothing;

impl Setup for Nothing {
    fn prepare(&mut self, _job: &SetupJob<'_>) -> Result<(), SetupError> {
        Ok(())
    }

    fn recycle(&self, _job: &SetupJob<'_>) -> Result<(), SetupError> {
        Ok(())
    }

    fn clean_up(&self, _job: &SetupJob<'_>) -> Result<(), SetupError> {
        Ok(())
    }

    fn place_below(&self, _plan: &mut Plan, _root: &str) {}

    fn expected(&self, _plan: &Plan) -> u64 {
        0
    }

    fn leftovers(&self, _plan: &Plan, _servers: &[String]) -> Option<Leftovers> {
        None
    }
}
