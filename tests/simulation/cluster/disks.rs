//! The queues of the disks, which make one operation after the other durable.

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
        // Group commit: consecutive appends become durable together.
        let mut last = None;
        while let Some(Op::Append(zxid, _)) = state.disk.queue.front() {
            last = Some(*zxid);
            state.disk.complete();
        }
        let done = if last.is_none() {
            state.disk.complete()
        } else {
            None
        };
        if let Some(last) = last {
            self.step(server, Input::Synced(last));
        }
        if let Some(Op::Epochs { ticket, .. }) = done {
            self.step(server, Input::EpochsWritten(ticket));
        }
        self.disk_next(server);
    }
}
