//! Implements [`Protocol`] for ZooKeeper: a session with its operations.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::ledger::{Witness, ZooKeeperLedger};
use super::session::{Session, SessionEvent, SessionReply};
use super::{
    ErrorCode, Mix, Null, OpCode, OpKind, Operation, Tree, created_path, error_name, request,
};
use crate::protocol::{Event, Payload, Protocol, Reply, Sent, Step, Ticket, Violation};
use crate::workload::{OpPlan, Plan};

/// Data that all sessions of one driver thread share.
#[derive(Debug)]
pub struct Shared {
    payload: Arc<Payload>,
    /// The acknowledged writes, if the plan asks to verify them.
    ledger: Option<Rc<RefCell<ZooKeeperLedger>>>,
}

/// A ZooKeeper session under load.
#[derive(Debug)]
pub struct ZooKeeper {
    session: Session<Ticket>,
    /// `None` for a session that carries a single operation.
    mix: Option<Box<Mix>>,
    payload: Arc<Payload>,
    /// Notes writes, if the plan asks to verify them.
    witness: Option<Box<Witness>>,
    /// The operation of kind `session` that this session performs, once it is being closed.
    closing: Option<Ticket>,
}

impl ZooKeeper {
    fn with_mix(plan: &Plan, shared: &Shared, mix: Option<Box<Mix>>) -> Self {
        Self {
            session: Session::new(plan.load.session_timeout_ms),
            mix,
            payload: Arc::clone(&shared.payload),
            witness: None,
            closing: None,
        }
    }

    #[inline(always)]
    fn done<'b>(&mut self, reply: &SessionReply<'b, Ticket>) -> Event<'b> {
        let created = if reply.op == OpCode::Create && reply.error == ErrorCode::OK {
            created_path(reply.body)
        } else {
            None
        };
        if let Some(path) = created
            && let Some(mix) = &mut self.mix
        {
            mix.created(path);
        }
        if let Some(witness) = &mut self.witness {
            witness.hears(reply, created);
        }
        Event::Done {
            ticket: reply.token,
            sent: reply.sent,
            reply: match reply.error {
                ErrorCode::OK => Reply::Ok,
                code => Reply::Error(error_name(code)),
            },
        }
    }

    fn closed<'b>(&mut self) -> Event<'b> {
        match self.closing.take() {
            Some(ticket) => Event::Done {
                ticket,
                sent: None,
                reply: Reply::Ok,
            },
            None => Event::Closed,
        }
    }
}

impl Protocol for ZooKeeper {
    type Op = Operation;
    type Shared = Shared;
    type Setup = Tree;
    type Ledger = ZooKeeperLedger;
    type Null = Null;

    const REFUSED: &'static str = "SessionExpired";
    const REJECTION: &'static str =
        "the server may allow fewer connections from one address (maxClientCnxns)";

    fn shared(plan: &Plan) -> Shared {
        let largest = plan.ops.iter().map(|op| op.size.max_bytes()).max();
        let largest = usize::try_from(largest.unwrap_or(0)).unwrap_or(0);
        Shared {
            payload: Arc::new(Payload::new(plan.seed, largest)),
            ledger: plan.load.verify.then(Rc::default),
        }
    }

    fn take_ledger(shared: &Shared) -> Option<ZooKeeperLedger> {
        let ledger = shared.ledger.as_ref()?;
        Some(std::mem::take(&mut ledger.borrow_mut()))
    }

    fn new(plan: &Plan, run: u32, session: u32, shared: &Shared) -> Self {
        let mix = Box::new(Mix::new(plan, run, session));
        let ledger = shared.ledger.as_ref();
        let witness = ledger.map(|ledger| Box::new(Witness::new(plan, session, Rc::clone(ledger))));
        Self {
            witness,
            ..Self::with_mix(plan, shared, Some(mix))
        }
    }

    fn visitor(plan: &Plan, shared: &Shared) -> Self {
        Self::with_mix(plan, shared, None)
    }

    #[inline]
    fn draw(&mut self, op: &mut Operation) -> usize {
        let mix = self.mix.as_mut();
        mix.expect("a visitor has no operations of its own")
            .next(op);
        op.op
    }

    fn opens_connection(op: &OpPlan) -> bool {
        op.kind == OpKind::Session.name()
    }

    fn open(&mut self, now_ns: i64, out: &mut Vec<u8>) {
        self.session.attach(now_ns, out);
    }

    #[inline]
    fn room(&self) -> usize {
        usize::MAX
    }

    #[inline]
    fn submit(&mut self, op: &Operation, ticket: Ticket, now_ns: i64, out: &mut Vec<u8>) {
        if let Some(witness) = &mut self.witness {
            witness.sends(op);
        }
        match code(op.kind) {
            OpCode::CloseSession => {
                self.closing = Some(ticket);
                self.session.close(out);
            }
            code => self.session.submit(code, ticket, now_ns, out, |out| {
                encode(op, &self.payload, out);
            }),
        }
    }

    #[inline]
    fn wrote(&mut self, end: u64, sent: Sent) {
        self.session.wrote(end, sent);
    }

    #[inline]
    fn heard(&mut self, now_ns: i64) {
        self.session.heard(now_ns);
    }

    // Always inlined: passing an event through memory costs 5 % of the highest throughput.
    #[inline(always)]
    fn next<'b>(
        &mut self,
        input: &mut &'b [u8],
        _now_ns: i64,
        _out: &mut Vec<u8>,
    ) -> Step<Event<'b>> {
        let event = match self.session.next(input) {
            Step::Need(bytes) => return Step::Need(bytes),
            Step::Broken(violation) => return Step::Broken(violation),
            Step::Event(event) => event,
        };
        Step::Event(match event {
            SessionEvent::Reply(reply) => self.done(&reply),
            SessionEvent::Attached { resumed } => Event::Ready { resumed },
            SessionEvent::Expired => Event::Expired,
            SessionEvent::Notified(event) => Event::Arrived(event.path.as_bytes()),
            SessionEvent::Closed => self.closed(),
        })
    }

    #[inline]
    fn deadline_ns(&self) -> i64 {
        self.session.deadline_ns()
    }

    fn tick(&mut self, now_ns: i64, out: &mut Vec<u8>) -> Result<(), Violation> {
        if self.session.is_silent(now_ns) {
            return Err(Violation(Cow::Borrowed(
                "server silent for two thirds of the session timeout",
            )));
        }
        self.session.tick(now_ns, out);
        Ok(())
    }

    fn in_flight(&self) -> usize {
        self.session.in_flight()
    }

    fn oldest_ns(&self) -> Option<i64> {
        self.session.oldest_ns()
    }

    fn lost(&mut self, mut given_up: impl FnMut(Ticket, Option<Sent>)) {
        self.session
            .detach(|given| given_up(given.token, given.sent));
        if let Some(witness) = &mut self.witness {
            witness.loses_connection();
        }
    }

    fn close(&mut self, _now_ns: i64, out: &mut Vec<u8>) {
        self.session.close(out);
    }

    fn replaced(&mut self) {
        if let Some(mix) = &mut self.mix {
            mix.session_replaced();
        }
    }
}

/// Returns the request code of an operation.
fn code(kind: OpKind) -> OpCode {
    match kind {
        OpKind::Create => OpCode::Create,
        OpKind::Set => OpCode::SetData,
        OpKind::Delete => OpCode::Delete,
        OpKind::Sync => OpCode::Sync,
        OpKind::Multi => OpCode::Multi,
        OpKind::Get => OpCode::GetData,
        OpKind::Exists => OpCode::Exists,
        OpKind::List => OpCode::GetChildren,
        OpKind::Session => OpCode::CloseSession,
    }
}

/// Appends the record of an operation.
#[inline]
fn encode(op: &Operation, payload: &Payload, out: &mut Vec<u8>) {
    let path = op.path.as_str();
    match op.kind {
        OpKind::Create => request::create(out, path, payload.get(op.size), op.flags),
        OpKind::Set => request::set(out, path, payload.get(op.size)),
        OpKind::Delete => request::delete(out, path),
        OpKind::Sync => request::sync(out, path),
        OpKind::Multi => {
            let sets = op.batch.iter();
            let sets = sets.map(|(path, size)| (path.as_str(), payload.get(*size)));
            request::multi_set(out, sets);
        }
        OpKind::Get | OpKind::Exists | OpKind::List => request::read(out, path),
        OpKind::Session => {}
    }
}
