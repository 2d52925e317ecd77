//! The queues of the disks: the log and the epoch files make one operation after the other durable, and
//! the snapshot writer one snapshot after the other beside them.

use quorate::ensemble::peer::Input;
use rand::RngExt as _;

use super::{Cluster, Event};
use crate::disk::Op;

impl Cluster {
    pub(super) fn queue(&mut self, server: usize, op: Op) {
        self.servers[server].disk.queue.push_back(op);
        self.disk_next(server);
    }

    fn disk_next(&mut self, server: usize) {
        let state = &self.servers[server];
        if state.disk_busy || state.disk.queue.is_empty() {
            return;
        }
        let slow = state.disk_slow_until.saturating_sub(self.now);
        let life = state.life;
        self.servers[server].disk_busy = true;
        let delay = slow + self.rng.random_range(0..4);
        self.after(delay, Event::Disk(server, life));
    }

    pub(super) fn disk_done(&mut self, server: usize, life: u64) {
        let state = &mut self.servers[server];
        if state.life != life || state.peer.is_none() {
            return;
        }
        state.disk_busy = false;
        match state.disk.queue.front() {
            Some(Op::Append(..)) => self.sync_group(server),
            Some(&Op::Truncate(zxid)) => {
                self.note(format!("server {server} cuts its log to {zxid}"));
                // The snapshots that are being written are completed first.
                while self.servers[server].disk.save() {
                    self.step(server, Input::SnapshotSaved);
                }
                let disk = &mut self.servers[server].disk;
                disk.complete();
                let recovered = Box::new(disk.recover(self.committed_max));
                self.step(server, Input::Truncated(recovered));
            }
            _ => {
                if let Some(Op::EpochsWritten(ticket)) = state.disk.complete() {
                    self.step(server, Input::EpochsWritten(ticket));
                }
            }
        }
        self.disk_next(server);
    }

    /// Group commit: consecutive appends become durable together.
    fn sync_group(&mut self, server: usize) {
        let disk = &mut self.servers[server].disk;
        let mut last = None;
        while let Some(Op::Append(zxid, _)) = disk.queue.front() {
            last = Some(*zxid);
            disk.complete();
        }
        if let Some(last) = last {
            self.step(server, Input::Synced(last));
        }
    }

    /// Hands a whole snapshot to the snapshot writer.
    pub(super) fn end_snapshot(&mut self, server: usize) {
        let state = &mut self.servers[server];
        if state.disk.end_snapshot() {
            let life = state.life;
            let ms = self.rng.random_range(0..=self.longest_save_ms);
            self.seen.snapshots_taken += 1;
            self.after(ms, Event::Saved(server, life));
        }
    }

    /// The snapshot writer has completed a snapshot. It completes them in order, however long each takes.
    pub(super) fn snapshot_saved(&mut self, server: usize, life: u64) {
        let state = &mut self.servers[server];
        if state.life == life && state.peer.is_some() && state.disk.save() {
            self.step(server, Input::SnapshotSaved);
        }
    }
}
