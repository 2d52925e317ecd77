//! The protocol trait: the interface between the load driver and every protocol.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::borrow::Cow;
use std::fmt;

use super::{Ledger, NullPeer, Sent, Setup};
use crate::workload::{OpPlan, Plan};

/// One side of a connection, and the operations that it carries. It reads no clock and uses no
/// socket: `now_ns` is an argument, and output is appended to `out`, which the caller owns.
///
/// It outlives its connections. [`open`](Self::open) begins a new one and [`lost`](Self::lost) ends
/// it. The protocol keeps what must survive a reconnect, such as a session id or a password.
///
/// Operations may be answered in any order. An operation is data in a slot that is reused:
/// [`draw`](Self::draw) overwrites it, and [`submit`](Self::submit) encodes it.
pub trait Protocol: fmt::Debug + Sized + 'static {
    /// An operation, ready to be encoded.
    type Op: Clone + fmt::Debug + Default;
    /// Data that all connections of one driver thread share.
    type Shared;
    /// Creates data before a load and removes it afterwards.
    type Setup: Setup + Default + 'static;
    /// A record of acknowledged writes.
    type Ledger: Ledger + 'static;
    /// The server side, for a null responder.
    type Null: NullPeer;

    /// The error name of an operation that opens a connection of its own when the peer refuses it.
    const REFUSED: &'static str;
    /// Why a server in use may reject a connection. The client sees a reset or an end of the
    /// stream, depending on timing.
    const REJECTION: &'static str;

    /// Makes the data that the connections of one driver thread share in a run of `plan`.
    fn shared(plan: &Plan) -> Self::Shared;

    /// Takes the ledger of one driver thread when its load has ended; `None` unless the plan asks to
    /// verify writes. Without a ledger, a connection must not spend time on it.
    fn take_ledger(shared: &Self::Shared) -> Option<Self::Ledger>;

    /// Makes the session number `session` of run number `run`, both counted from 0. It is not
    /// connected.
    fn new(plan: &Plan, run: u32, session: u32, shared: &Self::Shared) -> Self;

    /// Makes a connection for one operation that [opens one](Self::opens_connection).
    fn visitor(plan: &Plan, shared: &Self::Shared) -> Self;

    /// Overwrites `op` with the session's next operation and returns its index in the plan.
    fn draw(&mut self, op: &mut Self::Op) -> usize;

    /// Whether operations of this kind open a connection of their own. The driver makes a
    /// [visitor](Self::visitor) for each, submits the operation when the visitor is ready, and ends
    /// the connection when the operation is done.
    fn opens_connection(op: &OpPlan) -> bool;

    /// Called when a connection was opened. Appends the opening of the conversation.
    /// [`Event::Ready`] follows: at the next call of [`next`](Self::next) if it needs no input, or
    /// when the peer has answered.
    fn open(&mut self, now_ns: i64, out: &mut Vec<u8>);

    /// Returns how many more operations the peer allows at the moment (a credit, a receive
    /// maximum). The target holds back operations that wait for it.
    fn room(&self) -> usize;

    /// Appends an operation. Later [`Event::Done`] returns the ticket, or [`Protocol::lost`] does.
    ///
    /// # Panics
    /// If the connection is not ready.
    fn submit(&mut self, op: &Self::Op, ticket: Ticket, now_ns: i64, out: &mut Vec<u8>);

    /// Notes that the first `end` bytes since [`open`](Self::open) were written. `sent` applies to
    /// the last of them.
    fn wrote(&mut self, end: u64, sent: Sent);

    /// Notes that bytes arrived. They reach [`next`](Self::next) now, or later if it needs more.
    fn heard(&mut self, now_ns: i64);

    /// Takes one event off the front of `input`. Appends the answer that the peer expects, such as
    /// an acknowledgement or the answer to a ping, to `out`.
    fn next<'b>(&mut self, input: &mut &'b [u8], now_ns: i64, out: &mut Vec<u8>)
    -> Step<Event<'b>>;

    /// Returns when [`tick`](Self::tick) must be called; `i64::MAX` if never.
    fn deadline_ns(&self) -> i64;

    /// Keeps the connection alive.
    ///
    /// # Errors
    /// If the peer was silent for too long.
    fn tick(&mut self, now_ns: i64, out: &mut Vec<u8>) -> Result<(), Violation>;

    /// Returns the number of operations without a reply.
    fn in_flight(&self) -> usize;

    /// Returns when the oldest of them was sent or, if it still waits for the socket, submitted.
    fn oldest_ns(&self) -> Option<i64>;

    /// Called when the connection is gone. Returns the operations in flight to `given_up`, oldest
    /// first, with how each was sent (`None` if not all of it was).
    fn lost(&mut self, given_up: impl FnMut(Ticket, Option<Sent>));

    /// Appends the end of the conversation. [`Event::Closed`] follows as [`Event::Ready`] follows
    /// [`open`](Self::open).
    fn close(&mut self, now_ns: i64, out: &mut Vec<u8>);

    /// Called when the peer has lost its record of this session and a new session takes its place.
    fn replaced(&mut self);
}

/// What the driver gets back when an operation is done. Instants are on the run's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ticket {
    /// Index of the operation in the plan.
    pub op: u32,
    /// When the operation should have started.
    pub intended_ns: i64,
    /// When the in-flight cap and the connection allowed it to start.
    pub ready_ns: i64,
}

/// The result of reading from the unread input.
#[derive(Debug)]
pub enum Step<E> {
    /// This many unread bytes are needed for the next event, at least one more than there are. A
    /// protocol whose messages have no length asks for one more.
    Need(usize),
    /// An event was taken off the input.
    Event(E),
    /// The peer broke the protocol. The driver writes what was appended, such as a closing frame, as
    /// far as the socket accepts it at once, and then closes the connection.
    Broken(Violation),
}

/// An event that the peer caused.
#[derive(Debug, PartialEq)]
pub enum Event<'b> {
    /// Operations can be submitted.
    Ready {
        /// Whether the session is the same as before the connection was lost.
        resumed: bool,
    },
    /// An operation is done.
    Done {
        /// The ticket that was submitted with it.
        ticket: Ticket,
        /// How it was sent; `None` if the answer came before its last byte was written.
        sent: Option<Sent>,
        reply: Reply<'b>,
    },
    /// A message that answers no operation of this connection: a delivery or a notification.
    Arrived(&'b [u8]),
    /// The peer does not know the session any more, or it refuses a new session.
    Expired,
    /// The conversation has ended after [`Protocol::close`].
    Closed,
}

/// The answer to an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply<'b> {
    /// The operation succeeded.
    Ok,
    /// The operation failed with the error of this name.
    Error(Cow<'b, str>),
}

/// The peer broke the protocol or was silent for too long. The connection cannot be used any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Violation(pub Cow<'static, str>);
