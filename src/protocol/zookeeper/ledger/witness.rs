//! One session's view of its writes: notes what was sent and what was acknowledged.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use super::ZooKeeperLedger;
use super::names::NamesKey;
use crate::protocol::zookeeper::mix::{CreatedName, parse_name};
use crate::protocol::zookeeper::paths::prepared_index;
use crate::protocol::zookeeper::{OpKind, OpValues, Operation, SessionReply};
use crate::wire::jute::{ErrorCode, MultiResult, OpCode, Reader, Stat};
use crate::workload::Plan;

/// The writes of one session. Replies come in the order of the requests.
#[derive(Debug)]
pub(in crate::protocol::zookeeper) struct Witness {
    ledger: Rc<RefCell<ZooKeeperLedger>>,
    session: u32,
    /// For each create operation of the plan, whether its znodes are ephemeral.
    ephemeral: Vec<bool>,
    /// The keys of the writes without a reply, oldest first. Creates have none: their replies have the path.
    sent: VecDeque<Key>,
}

/// The znode that a write changes.
#[derive(Clone, Copy, Debug)]
enum Key {
    Set(u64),
    /// A multi with this many sets, whose keys follow.
    Multi(usize),
    Delete(Option<CreatedName>),
}

impl Witness {
    pub(in crate::protocol::zookeeper) fn new(
        plan: &Plan,
        session: u32,
        ledger: Rc<RefCell<ZooKeeperLedger>>,
    ) -> Self {
        let creates = plan
            .ops
            .iter()
            .filter(|op| OpKind::of(op) == OpKind::Create);
        Self {
            ledger,
            session,
            ephemeral: creates.map(|op| OpValues::of(op).ephemeral).collect(),
            sent: VecDeque::new(),
        }
    }

    /// Notes a request.
    pub(in crate::protocol::zookeeper) fn sends(&mut self, op: &Operation) {
        let key = |path: &str| Key::Set(prepared_index(path).unwrap_or(u64::MAX));
        match op.kind {
            OpKind::Set => self.sent.push_back(key(&op.path)),
            OpKind::Multi => {
                self.sent.push_back(Key::Multi(op.batch.len()));
                self.sent.extend(op.batch.iter().map(|(path, _)| key(path)));
            }
            OpKind::Delete => {
                let name = parse_name(&op.path);
                self.sent.push_back(Key::Delete(name));
                if let Some(name) = name {
                    self.names(name, |names| names.deleting(name.number));
                }
            }
            _ => {}
        }
    }

    /// Notes a reply.
    pub(in crate::protocol::zookeeper) fn hears<T>(
        &mut self,
        reply: &SessionReply<'_, T>,
        created: Option<&str>,
    ) {
        match reply.op {
            OpCode::SetData => {
                if let Some(Key::Set(znode)) = self.sent.pop_front()
                    && reply.error == ErrorCode::OK
                {
                    self.set(znode, &mut Reader::new(reply.body));
                }
            }
            OpCode::Multi => self.multi(reply.error == ErrorCode::OK, reply.body),
            OpCode::Delete => {
                let Some(Key::Delete(Some(name))) = self.sent.pop_front() else {
                    return;
                };
                match reply.error {
                    ErrorCode::OK => self.names(name, |names| names.deleted(name.number)),
                    ErrorCode::NO_NODE => self.names(name, |names| names.missing(name.number)),
                    _ => {}
                }
            }
            OpCode::Create => {
                let Some(name) = created.and_then(parse_name) else {
                    return;
                };
                if self.is_ephemeral(name) {
                    self.ledger.borrow_mut().unverifiable += 1;
                } else {
                    self.names(name, |names| names.created(name.number));
                }
            }
            _ => {}
        }
    }

    /// Forgets the requests without a reply. Their outcome is unknown.
    pub(in crate::protocol::zookeeper) fn loses_connection(&mut self) {
        self.sent.clear();
    }

    fn multi(&mut self, succeeded: bool, body: &[u8]) {
        let Some(Key::Multi(count)) = self.sent.pop_front() else {
            return;
        };
        let mut reader = Reader::new(body);
        for _ in 0..count {
            let Some(Key::Set(znode)) = self.sent.pop_front() else {
                return;
            };
            if succeeded && MultiResult::skip_header(&mut reader).is_ok() {
                self.set(znode, &mut reader);
            }
        }
    }

    fn set(&self, znode: u64, reader: &mut Reader<'_>) {
        if let Ok(stat) = Stat::decode(reader)
            && znode != u64::MAX
        {
            self.ledger.borrow_mut().sets.acknowledge(znode, &stat);
        }
    }

    fn is_ephemeral(&self, name: CreatedName) -> bool {
        self.ephemeral.get(name.create).copied().unwrap_or(false)
    }

    /// Changes the names of a create whose znodes outlive their session.
    fn names(&self, name: CreatedName, change: impl FnOnce(&mut super::Names)) {
        if !self.is_ephemeral(name) {
            let key = NamesKey {
                session: self.session,
                create: name.create,
            };
            change(self.ledger.borrow_mut().names(key));
        }
    }
}
