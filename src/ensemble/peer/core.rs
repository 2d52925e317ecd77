//! What every role shares: the database, the log's position, the clients, and applying a
//! transaction.

use std::collections::VecDeque;

use super::clients::Clients;
use super::effects::{Effect, Effects};
use super::history::History;
use super::settings::{Now, Settings};
use crate::ensemble::database::{Database, SnapshotCursor};
use crate::wire::jute::{OpCode, SessionId, TxnHeader, Zxid};

/// How many znodes one slice of a background snapshot holds: about a millisecond.
const SNAPSHOT_SLICE_NODES: usize = 2_000;

/// A proposal that is in the log but not yet committed.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) zxid: Zxid,
    pub(crate) entry: Box<[u8]>,
    pub(crate) since_ms: u64,
}

/// What recovery found on disk.
#[derive(Debug)]
pub struct Recovered {
    /// The tree with every logged transaction applied.
    pub database: Database,
    /// `acceptedEpoch`.
    pub accepted_epoch: i64,
    /// `currentEpoch`.
    pub current_epoch: i64,
    /// The last entry of the log (or the snapshot's zxid).
    pub last_logged: Zxid,
    /// The newest entries, oldest first.
    pub committed: VecDeque<(Zxid, Box<[u8]>)>,
}

/// State that outlives a role.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) settings: Settings,
    pub(crate) db: Database,
    pub(crate) history: History,
    pub(crate) accepted_epoch: i64,
    pub(crate) current_epoch: i64,
    pub(crate) last_logged: Zxid,
    pub(crate) pending: VecDeque<Pending>,
    pub(crate) clients: Clients,
    /// The clocks of the present step.
    pub(crate) now: Now,
    /// The last transaction applied; unlike the database's position never a bare epoch.
    pub(crate) last_applied: Zxid,
    epoch_ticket: u64,
    next_session: i64,
    since_snapshot: u64,
    snapshot_after: u64,
    snapshot: Option<SnapshotCursor>,
}

impl Core {
    pub(crate) fn new(settings: Settings, recovered: Recovered) -> Self {
        // Specification 2.5: the server's id in the top byte, then 40 bits of the clock.
        let clock = (settings.start_ms << 24) >> 8;
        let next_session = clock.cast_signed() | (settings.me.0 << 56);
        let mut core = Self {
            snapshot_after: settings.snap_count,
            db: Database::new(),
            history: History::default(),
            accepted_epoch: recovered.accepted_epoch,
            current_epoch: recovered.current_epoch,
            last_logged: recovered.last_logged,
            pending: VecDeque::new(),
            clients: Clients::default(),
            now: Now::default(),
            last_applied: recovered.last_logged,
            epoch_ticket: 0,
            next_session,
            since_snapshot: 0,
            snapshot: None,
            settings,
        };
        core.load(recovered);
        core
    }

    /// Takes over a freshly recovered database.
    pub(crate) fn load(&mut self, recovered: Recovered) {
        self.db = recovered.database;
        self.configure_database();
        self.last_logged = recovered.last_logged;
        self.last_applied = recovered.last_logged;
        self.snapshot = None; // of the tree that was; the disk dropped its part with the restart
        self.history.clear();
        for (zxid, entry) in recovered.committed {
            self.history.push(zxid, entry);
        }
    }

    /// Takes over a database that the leader sent.
    pub(crate) fn replace(&mut self, db: Database, last_processed: Zxid, fx: &mut Effects) {
        self.db = db;
        self.db.set_last_processed(last_processed);
        self.configure_database();
        self.last_logged = last_processed;
        self.last_applied = last_processed;
        self.history.clear();
        self.abort_snapshot(fx);
    }

    /// Tells a new database what the configuration says.
    fn configure_database(&mut self) {
        self.db.set_config_node(&self.settings.config_text);
        self.db.set_skip_acl(self.settings.skip_acl);
    }

    fn abort_snapshot(&mut self, fx: &mut Effects) {
        if self.snapshot.take().is_some() {
            fx.push(Effect::AbortSnapshot);
        }
    }

    /// Whether more requests wait than `globalOutstandingLimit` allows this server.
    pub(crate) fn is_over_limit(&self) -> bool {
        self.clients.outstanding > self.settings.outstanding_limit
    }

    /// A session id that no other server will give out.
    pub(crate) fn new_session(&mut self) -> SessionId {
        let session = self.next_session;
        self.next_session = self.next_session.wrapping_add(1);
        SessionId(session)
    }

    /// Has both epochs made durable.
    pub(crate) fn write_epochs(&mut self, fx: &mut Effects) {
        self.epoch_ticket += 1;
        fx.push(Effect::WriteEpochs {
            ticket: self.epoch_ticket,
            accepted: self.accepted_epoch,
            current: self.current_epoch,
        });
    }

    /// Is this the answer to the newest `write_epochs` of the present role?
    pub(crate) const fn awaits_epochs(&self, ticket: u64) -> bool {
        self.epoch_ticket == ticket
    }

    /// Sends an entry in the arena to the log.
    pub(crate) fn append(&mut self, zxid: Zxid, entry: std::ops::Range<usize>, fx: &mut Effects) {
        fx.push(Effect::Append(zxid, entry));
        self.last_logged = zxid;
        self.since_snapshot += 1;
        if self.since_snapshot >= self.snapshot_after && self.snapshot.is_none() {
            self.since_snapshot = 0;
            self.snapshot = Some(self.db.snapshot_cursor());
            fx.push(Effect::BeginSnapshot(self.db.last_processed()));
        }
    }

    /// Is a background snapshot waiting for its next slice?
    pub(crate) const fn is_snapshotting(&self) -> bool {
        self.snapshot.is_some()
    }

    /// Writes its next slice. Slices are taken while the tree changes: a fuzzy snapshot, put
    /// right by replaying the log (specification 15.4).
    pub(crate) fn snapshot_slice(&mut self, fx: &mut Effects) {
        let Some(cursor) = &mut self.snapshot else {
            return;
        };
        let start = fx.bytes.len();
        let done = cursor.step(&self.db, &mut fx.bytes, SNAPSHOT_SLICE_NODES);
        fx.push(Effect::SnapshotSlice(start..fx.bytes.len()));
        if done {
            self.snapshot = None;
            fx.push(Effect::EndSnapshot);
        }
    }

    /// Applies the oldest pending proposal.
    ///
    /// # Panics
    /// If there is none: the caller has just looked.
    pub(crate) fn commit_oldest(&mut self, fx: &mut Effects) -> TxnHeader {
        let pending = self
            .pending
            .pop_front()
            .expect("the caller saw a pending proposal");
        self.apply(pending.zxid, pending.entry, fx)
    }

    /// Applies a committed entry, notifies watchers, answers the client if it is ours.
    pub(crate) fn apply(&mut self, zxid: Zxid, entry: Box<[u8]>, fx: &mut Effects) -> TxnHeader {
        let clients = &mut self.clients;
        let applied = self
            .db
            .apply(&entry, &mut |event| clients.notify(&event, fx));
        let applied = match applied {
            Ok(applied) => applied,
            Err(error) => {
                // Every replica sees the same bytes: going on would diverge from them.
                fx.push(Effect::Fatal(1, format!("cannot apply {zxid}: {error}")));
                return TxnHeader {
                    session: SessionId(0),
                    cxid: 0,
                    zxid,
                    time_ms: 0,
                    op: OpCode::Error,
                };
            }
        };
        self.last_applied = zxid;
        self.history.push(zxid, entry);
        self.answer(&applied, fx);
        applied.header
    }

    /// The role ends: whatever is in the log counts from now on, so that memory equals log and the
    /// next vote is honest (specification 19, ZOOKEEPER-3911).
    pub(crate) fn settle(&mut self, fx: &mut Effects) {
        self.clients.close_all(fx);
        self.epoch_ticket += 1; // answers still to come were asked for by the ending role
        if !self.pending.is_empty() {
            // Its name says that it holds less: should the next leader have these cut again, a
            // snapshot that saw them would bring them back.
            self.abort_snapshot(fx);
        }
        while !self.pending.is_empty() {
            self.commit_oldest(fx);
        }
        self.clients.forget_abandoned();
    }
}

/// Requests that become transactions.
pub(crate) const fn is_write(op: OpCode) -> bool {
    matches!(
        op,
        OpCode::Create
            | OpCode::Create2
            | OpCode::CreateContainer
            | OpCode::CreateTtl
            | OpCode::Delete
            | OpCode::SetData
            | OpCode::SetAcl
            | OpCode::Multi
            | OpCode::Reconfig
            | OpCode::CloseSession
    )
}
