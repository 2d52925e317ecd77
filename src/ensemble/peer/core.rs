//! State and functions that all roles share: the database, the log position, the clients, and the
//! application of transactions.

use std::collections::VecDeque;

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::clients::Clients;
use super::effects::{Effect, Effects};
use super::figures::ProtocolFigures;
use super::history::History;
use super::settings::{Now, Settings};
use super::work::Work;
use crate::ensemble::database::{Applied, ApplyError, Database, SnapshotCursor};
use crate::wire::jute::{MAX_ENTRY_BYTES, OpCode, SessionId, TxnHeader, Zxid};

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
    pub(crate) figures: ProtocolFigures,
    /// The time of the current step.
    pub(crate) now: Now,
    /// The zxid of the last applied transaction. The database's last processed zxid may instead be the
    /// start of an epoch, with counter 0.
    pub(crate) last_applied: Zxid,
    epoch_ticket: u64,
    next_session: i64,
    since_snapshot: u64,
    /// Begin the next snapshot after this many transactions.
    snapshot_after: u64,
    random: Xoshiro256PlusPlus,
    snapshot: Option<SnapshotCursor>,
    /// Whether what is applied can no longer be cut from the log: the epoch is established.
    is_final: bool,
    /// The epoch of a leader that told us to cut our log to a transaction that is not in it. This leader
    /// has to send a snapshot.
    pub(crate) wants_snapshot_in: Option<i64>,
    /// How many snapshots were completed by `EndSnapshot`, and for how many of them the disk has reported
    /// the outcome. It reports them in order.
    snapshots_ended: u64,
    snapshots_reported: u64,
}

impl Core {
    pub(crate) fn new(settings: Settings, recovered: Recovered) -> Self {
        // Specification 2.5: the server's id in the top byte, then 40 bits of the clock.
        let clock = (settings.start_ms << 24) >> 8;
        let next_session = clock.cast_signed() | (settings.me.0 << 56);
        let mut core = Self {
            snapshot_after: 0,
            random: Xoshiro256PlusPlus::seed_from_u64(settings.seed),
            db: Database::new(settings.database()),
            history: History::default(),
            accepted_epoch: recovered.accepted_epoch,
            current_epoch: recovered.current_epoch,
            last_logged: recovered.last_logged,
            pending: VecDeque::new(),
            clients: Clients::default(),
            work: Work::default(),
            figures: ProtocolFigures::default(),
            now: Now::default(),
            last_applied: recovered.last_logged,
            epoch_ticket: 0,
            next_session,
            since_snapshot: 0,
            snapshot: None,
            is_final: false,
            wants_snapshot_in: None,
            snapshots_ended: 0,
            snapshots_reported: 0,
            settings,
        };
        core.snapshot_after = core.draw_snapshot_after();
        core.load(recovered);
        core
    }

    /// Replaces the database by one that was recovered from disk.
    pub(crate) fn load(&mut self, recovered: Recovered) {
        self.db = recovered.database;
        self.configure_database();
        self.last_logged = recovered.last_logged;
        self.last_applied = recovered.last_logged;
        // The restart of the disk thread has dropped the unfinished snapshot and completed the others.
        self.snapshot = None;
        self.snapshots_reported = self.snapshots_ended;
        self.history.clear();
        for (zxid, entry) in recovered.committed {
            self.history.push(zxid, entry);
        }
    }

    /// Replaces the database by one that the leader has sent. The disk must hold it as a snapshot.
    pub(crate) fn replace(&mut self, db: Database, last_processed: Zxid) {
        self.db = db;
        self.db.set_last_processed(last_processed);
        self.configure_database();
        self.last_logged = last_processed;
        self.last_applied = last_processed;
        self.history.clear();
    }

    /// Begins to save a snapshot that the leader sends. It replaces a background snapshot in progress.
    pub(crate) fn begin_received_snapshot(&mut self, zxid: Zxid, fx: &mut Effects) {
        self.abort_snapshot(fx);
        fx.push(Effect::BeginSnapshot(zxid));
    }

    /// Completes the snapshot that is being written. Returns the ticket that [`Self::snapshot_reported`]
    /// reports when its outcome is known.
    pub(crate) fn end_snapshot(&mut self, fx: &mut Effects) -> u64 {
        self.snapshots_ended += 1;
        fx.push(Effect::EndSnapshot);
        self.snapshots_ended
    }

    /// Takes a report of the disk, which belongs to the oldest snapshot without one. Returns the ticket of
    /// this snapshot.
    pub(crate) const fn snapshot_reported(&mut self) -> u64 {
        self.snapshots_reported += 1;
        self.snapshots_reported
    }

    /// Applies the settings to a new database.
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

    /// Returns a session id that no other server uses.
    pub(crate) fn new_session(&mut self) -> SessionId {
        let session = self.next_session;
        self.next_session = self.next_session.wrapping_add(1);
        SessionId(session)
    }

    /// Requests that the epoch be made durable as the accepted one. Writes no file if it already is.
    pub(crate) fn accept_epoch(&mut self, epoch: i64, fx: &mut Effects) {
        let changed = self.accepted_epoch != epoch;
        self.accepted_epoch = epoch;
        self.write_epochs(changed.then_some(epoch), None, fx);
    }

    /// Requests that the epoch be made durable as the current one, after everything that was appended
    /// before. Writes no file if it already is.
    pub(crate) fn enter_epoch(&mut self, epoch: i64, fx: &mut Effects) {
        let changed = self.current_epoch != epoch;
        self.current_epoch = epoch;
        self.write_epochs(None, changed.then_some(epoch), fx);
    }

    fn write_epochs(&mut self, accepted: Option<i64>, current: Option<i64>, fx: &mut Effects) {
        self.epoch_ticket += 1;
        fx.push(Effect::WriteEpochs {
            ticket: self.epoch_ticket,
            accepted,
            current,
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
        if self.since_snapshot >= self.snapshot_after && self.snapshot.is_none() && self.is_final {
            self.since_snapshot = 0;
            self.snapshot_after = self.draw_snapshot_after();
            self.snapshot = Some(self.db.snapshot_cursor());
            fx.push(Effect::BeginSnapshot(self.db.last_processed()));
        }
    }

    /// Draws after how many transactions the next snapshot begins, as Java does: replicas that have the
    /// same transactions must not all write their snapshots at the same time.
    fn draw_snapshot_after(&mut self) -> u64 {
        let half = self.settings.snap_count / 2;
        (half + self.random.random_range(0..=half)).max(1)
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
        let done = cursor.step(&self.db, &mut fx.bytes, self.settings.slice_bytes);
        fx.push(Effect::SnapshotSlice(start..fx.bytes.len()));
        if done {
            self.snapshot = None;
            self.end_snapshot(fx);
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
        let Some(applied) = self.applied(zxid, entry, applied, fx) else {
            return TxnHeader {
                session: SessionId(0),
                cxid: 0,
                zxid,
                time_ms: 0,
                op: OpCode::Error,
            };
        };
        self.answer(&applied, fx);
        applied.header
    }

    /// Applies an entry that is logged but not known to be committed. No client may learn of it.
    fn apply_silently(&mut self, zxid: Zxid, entry: Box<[u8]>, fx: &mut Effects) {
        let applied = self.db.apply(&entry, &mut |_event| {});
        self.applied(zxid, entry, applied, fx);
    }

    /// Records the outcome of applying an entry.
    fn applied(
        &mut self,
        zxid: Zxid,
        entry: Box<[u8]>,
        outcome: Result<Applied, ApplyError>,
        fx: &mut Effects,
    ) -> Option<Applied> {
        match outcome {
            Ok(applied) => {
                self.last_applied = zxid;
                self.history.push(zxid, entry);
                Some(applied)
            }
            Err(error) => {
                // The other replicas apply the same bytes. Continuing would make this one differ.
                fx.push(Effect::Fatal(1, format!("cannot apply {zxid}: {error}")));
                None
            }
        }
    }

    /// Allows background snapshots: an established leader commits what is applied from now on.
    pub(crate) const fn begin_serving(&mut self) {
        self.is_final = true;
    }

    /// Ends the current role: closes the clients and applies every logged entry, so that the database
    /// matches the log that the next vote reports (specification 19, ZOOKEEPER-3911). The closing
    /// connections get nothing of these entries: the next leader may cut them from the log.
    pub(crate) fn settle(&mut self, fx: &mut Effects) {
        self.clients.close_all(fx);
        self.epoch_ticket += 1; // ignore later confirmations of this role's epoch writes
        // The snapshot is named by an earlier zxid but would contain the entries below, and those of the next
        // synchronisation. If a leader cuts them from the log, loading the snapshot would bring them back.
        self.abort_snapshot(fx);
        self.is_final = false;
        for Pending { zxid, entry, .. } in std::mem::take(&mut self.pending) {
            self.apply_silently(zxid, entry, fx);
        }
        self.clients.forget_abandoned();
        self.history.retain_after(None, 0); // the streams to learners have ended
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
