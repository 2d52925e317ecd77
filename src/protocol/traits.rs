//! The protocol trait: what the load driver asks of every protocol.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::borrow::Cow;
use std::fmt;

use super::{NullPeer, Sent, Setup};
use crate::workload::{OpPlan, Plan};

/// One connection's side of a conversation, and the operations that it is to carry. It reads no clock and
/// touches no socket: `now_ns` is an argument, output is appended to `out`, which the caller owns.
///
/// It outlives its connections. [`open`](Self::open) begins a fresh one, [`lost`](Self::lost) ends it;
/// what a protocol keeps over a reconnect (a session id, a password) stays inside.
///
/// Operations may be answered in any order. An operation is data in a slot that is used again and again:
/// [`draw`](Self::draw) overwrites it, [`submit`](Self::submit) encodes it.
pub trait Protocol: fmt::Debug + Sized + 'static {
    /// One operation, ready to be encoded.
    type Op: Clone + fmt::Debug + Default;
    /// What all connections of one driver thread share.
    type Shared;
    /// What is created before a load and removed after it.
    type Setup: Setup + Default + 'static;
    /// The server's side for a null responder.
    type Null: NullPeer;

    /// What an operation that is a connection of its own counts as when the peer refuses it.
    const REFUSED: &'static str;
    /// Why a server that serves others may turn a connection away. Whether that shows as a reset or as an
    /// end depends on which side is faster.
    const TURNED_AWAY: &'static str;

    /// What the connections of one driver thread share in a run of `plan`.
    fn shared(plan: &Plan) -> Self::Shared;

    /// The session number `session` of run number `run`, both counted from 0. It is not connected.
    fn new(plan: &Plan, run: u32, session: u32, shared: &Self::Shared) -> Self;

    /// A connection for one operation that [opens one](Self::opens_connection).
    fn visitor(plan: &Plan, shared: &Self::Shared) -> Self;

    /// Overwrites `op` with the session's next operation and returns its index in the plan.
    fn draw(&mut self, op: &mut Self::Op) -> usize;

    /// Whether operations of this kind are connections of their own: the driver opens a
    /// [visitor](Self::visitor) for each, submits it there when that is ready, and ends the connection when it
    /// is done.
    fn opens_connection(op: &OpPlan) -> bool;

    /// A connection was opened: appends what opens the conversation. [`Event::Ready`] follows: from the next
    /// call of [`next`](Self::next), which needs no input, or when the peer has answered.
    fn open(&mut self, now_ns: i64, out: &mut Vec<u8>);

    /// How many more operations the peer lets us send (a credit, a receive maximum); what waits for it
    /// is held back by the target.
    fn room(&self) -> usize;

    /// Appends an operation. [`Event::Done`] follows with the ticket, or [`Protocol::lost`] gives it
    /// back.
    ///
    /// # Panics
    /// If the connection is not ready.
    fn submit(&mut self, op: &Self::Op, ticket: Ticket, now_ns: i64, out: &mut Vec<u8>);

    /// The first `end` bytes of what was appended since [`open`](Self::open) were written, the last of
    /// them so.
    fn wrote(&mut self, end: u64, sent: Sent);

    /// Some bytes came. They reach [`next`](Self::next) now or, while it needs more, later.
    fn heard(&mut self, now_ns: i64);

    /// Takes one event off the front of `input`. What the peer is owed for it (an acknowledgement, an
    /// answer to a ping) is appended to `out`.
    fn next<'b>(&mut self, input: &mut &'b [u8], now_ns: i64, out: &mut Vec<u8>)
    -> Step<Event<'b>>;

    /// When [`tick`](Self::tick) has something to do; `i64::MAX` if never.
    fn deadline_ns(&self) -> i64;

    /// Keeps the connection alive.
    ///
    /// # Errors
    /// If the peer was silent for too long.
    fn tick(&mut self, now_ns: i64, out: &mut Vec<u8>) -> Result<(), Violation>;

    /// Operations without a reply.
    fn in_flight(&self) -> usize;

    /// When the oldest of them was sent (or, if it still waits for the socket, submitted).
    fn oldest_ns(&self) -> Option<i64>;

    /// The connection is gone: gives back what was in flight, oldest first, with how it was sent (`None`
    /// if not all of it was).
    fn lost(&mut self, given_up: impl FnMut(Ticket, Option<Sent>));

    /// Appends what ends the conversation; [`Event::Closed`] follows as [`Event::Ready`] follows
    /// [`open`](Self::open).
    fn close(&mut self, now_ns: i64, out: &mut Vec<u8>);

    /// The peer has lost what it knew of this session, and a new one takes its place.
    fn replaced(&mut self);
}

/// What the driver wants back when an operation is done. Instants are of the run's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ticket {
    /// Index in the plan's operations.
    pub op: u32,
    /// When it should have started.
    pub intended_ns: i64,
    /// When the in-flight cap and the connection let it go.
    pub ready_ns: i64,
}

/// What came of the unread input.
#[derive(Debug)]
pub enum Step<E> {
    /// This many unread bytes are needed before there is anything to take; at least one more than there
    /// are. A protocol whose messages tell no length asks for one more.
    Need(usize),
    /// An event was taken off.
    Event(E),
    /// The peer broke the protocol. The driver writes what was appended, such as a closing frame, as
    /// far as the socket accepts it at once, and then closes the connection.
    Broken(Violation),
}

/// Something that the peer told.
#[derive(Debug, PartialEq)]
pub enum Event<'b> {
    /// Operations can be submitted.
    Ready {
        /// The session is the same as before the connection was lost.
        resumed: bool,
    },
    /// An operation is done.
    Done {
        /// What was given with it.
        ticket: Ticket,
        /// How it was sent; `None` if it was answered before its last byte was written.
        sent: Option<Sent>,
        /// The answer.
        reply: Reply<'b>,
    },
    /// Something came that answers no operation of this connection: a delivery, a notification.
    Arrived(&'b [u8]),
    /// The peer does not know the session any more, or refuses a new one.
    Expired,
    /// The conversation has ended, as asked.
    Closed,
}

/// What an operation was answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply<'b> {
    /// Done.
    Ok,
    /// The error of this name.
    Error(Cow<'b, str>),
}

/// The peer did what no peer should, or nothing at all; the connection is of no more use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Violation(pub Cow<'static, str>);
