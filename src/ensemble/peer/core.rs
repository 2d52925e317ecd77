//! State and functions that all roles share: the database, the log position, the clients, and the
//! application of transactions.

use std::collections::VecDeque;

use super::clients::Clients;
use super::effects::{Effect, Effects};
use super::history::History;
use super::settings::{Now, Settings};
use super::work::Work;
use crate::ensemble::database::{Database, SnapshotCursor};
use crate::wire::jute::{MAX_ENTRY_BYTES, OpCode, SessionId, TxnHeader, Zxid};

/// Znodes per slice of a background snapshot. A slice takes about a millisecond.
const SNAPSHOT_SLICE_NODES: usize = 2_000;

/// A logged proposal that is not committed yet.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) zxid: Zxid,
    pub(crate) entry: Box<[u8]>,
    pub(crate) since_ms: u64,
}

/// What recovery found on disk.
#[derive(Debug)]
pub struct Recovered {
    /// The database with every logged transaction applied.
    pub database: Database,
    pub accepted_epoch: i64,
    pub current_epoch: i64,
    /// The zxid of the last log entry, or of the snapshot if the log is empty.
    pub last_logged: Zxid,
    /// The newest log entries, oldest first.
    pub committed: VecDeque<(Zxid, Box<[u8]>)>,
}

/// State that is kept when the role changes.
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
    pub(crate) work: Work,
    /// The time of the current step.
    pub(crate) now: Now,
    /// The zxid of the last applied transaction. The database's last processed zxid may instead be the
    /// start of an epoch, with counter 0.
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
            db: Database::new(settings.database()),
            history: History::default(),
            accepted_epoch: recovered.accepted_epoch,
            current_epoch: recovered.current_epoch,
            last_logged: recovered.last_logged,
            pending: VecDeque::new(),
            clients: Clients::default(),
            work: Work::default(),
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

    /// Replaces the database by one that was recovered from disk.
    pub(crate) fn load(&mut self, recovered: Recovered) {
        self.db = recovered.database;
        self.db.set_config_node(&self.settings.config_text);
        self.last_logged = recovered.last_logged;
        self.last_applied = recovered.last_logged;
        self.snapshot = None; // the restart of the disk thread has dropped its part of the snapshot
        self.history.clear();
        for (zxid, entry) in recovered.committed {
            self.history.push(zxid, entry);
        }
    }

    /// Replaces the database by one that the leader has sent.
    pub(crate) fn replace(&mut self, db: Database, last_processed: Zxid, fx: &mut Effects) {
        self.db = db;
        self.db.set_last_processed(last_processed);
        self.db.set_config_node(&self.settings.config_text);
        self.last_logged = last_processed;
        self.last_applied = last_processed;
        self.history.clear();
        self.abort_snapshot(fx);
    }

    fn abort_snapshot(&mut self, fx: &mut Effects) {
        if self.snapshot.take().is_some() {
            fx.push(Effect::AbortSnapshot);
        }
    }

    /// Returns a session id that no other server uses.
    pub(crate) fn new_session(&mut self) -> SessionId {
        let session = self.next_session;
        self.next_session = self.next_session.wrapping_add(1);
        SessionId(session)
    }

    /// Requests that both epochs be made durable.
    pub(crate) fn write_epochs(&mut self, fx: &mut Effects) {
        self.epoch_ticket += 1;
        fx.push(Effect::WriteEpochs {
            ticket: self.epoch_ticket,
            accepted: self.accepted_epoch,
            current: self.current_epoch,
        });
    }

    /// Whether `ticket` belongs to the newest `write_epochs` of the current role.
    pub(crate) const fn awaits_epochs(&self, ticket: u64) -> bool {
        self.epoch_ticket == ticket
    }

    /// Appends to the log the entry at range `entry` of the arena. Starts a background snapshot when one is
    /// due.
    ///
    /// # Panics
    /// If the entry is too long. The preparer and the decoder of quorum packets refuse such entries, and
    /// a server must not acknowledge what others cannot read.
    pub(crate) fn append(&mut self, zxid: Zxid, entry: std::ops::Range<usize>, fx: &mut Effects) {
        assert!(
            entry.len() <= MAX_ENTRY_BYTES,
            "transaction {zxid} has {} bytes",
            entry.len()
        );
        fx.push(Effect::Append(zxid, entry));
        self.last_logged = zxid;
        self.since_snapshot += 1;
        if self.since_snapshot >= self.snapshot_after && self.snapshot.is_none() {
            self.since_snapshot = 0;
            self.snapshot = Some(self.db.snapshot_cursor());
            fx.push(Effect::BeginSnapshot(self.db.last_processed()));
        }
    }

    /// Whether a background snapshot waits for its next slice.
    pub(crate) const fn is_snapshotting(&self) -> bool {
        self.snapshot.is_some()
    }

    /// Writes the next slice of the background snapshot. The tree changes between slices, so the snapshot
    /// is fuzzy; replaying the log corrects it (specification 15.4).
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
    /// If no proposal is pending. The caller must check that.
    pub(crate) fn commit_oldest(&mut self, fx: &mut Effects) -> TxnHeader {
        let pending = self
            .pending
            .pop_front()
            .expect("the caller saw a pending proposal");
        self.apply(pending.zxid, pending.entry, fx)
    }

    /// Applies a committed entry, notifies watchers, and answers the client if it is connected here.
    pub(crate) fn apply(&mut self, zxid: Zxid, entry: Box<[u8]>, fx: &mut Effects) -> TxnHeader {
        let clients = &mut self.clients;
        let applied = self
            .db
            .apply(&entry, &mut |event| clients.notify(&event, fx));
        let applied = match applied {
            Ok(applied) => applied,
            Err(error) => {
                // The other replicas apply the same bytes. Continuing would make this one differ.
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

    /// Ends the current role: closes the clients and applies every logged entry, so that the database
    /// matches the log that the next vote reports (specification 19, ZOOKEEPER-3911).
    pub(crate) fn settle(&mut self, fx: &mut Effects) {
        self.clients.close_all(fx);
        self.epoch_ticket += 1; // ignore later confirmations of this role's epoch writes
        if !self.pending.is_empty() {
            // The snapshot is named by an earlier zxid but would contain these entries. If the next leader
            // cuts them from the log, loading the snapshot would bring them back.
            self.abort_snapshot(fx);
        }
        while !self.pending.is_empty() {
            self.commit_oldest(fx);
        }
        self.clients.forget_abandoned();
    }
}

/// Whether a request becomes a transaction.
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
