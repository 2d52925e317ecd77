//! Figures that the node reports in `mntr`, since it started or since `srst`.

use crate::ensemble::peer::Latency;

#[derive(Debug, Default)]
pub(super) struct Traffic {
    /// Bytes received from clients.
    pub(super) received_bytes: u64,
    /// Connections refused because their host had too many.
    pub(super) rejected: u64,
    /// Connections that the client ended without closing its session.
    pub(super) dropped: u64,
    /// Durations of the written snapshots.
    pub(super) snapshot_ms: Latency,
    /// When the snapshot that is being written started, monotonic ms.
    snapshot_since_ms: Option<u64>,
}

impl Traffic {
    pub(super) fn snapshot_begun(&mut self, now_ms: u64) {
        self.snapshot_since_ms = Some(now_ms);
    }

    pub(super) fn snapshot_written(&mut self, now_ms: u64) {
        if let Some(since_ms) = self.snapshot_since_ms.take() {
            self.snapshot_ms.record(now_ms.saturating_sub(since_ms));
        }
    }

    /// Sets the figures to zero. A snapshot that is being written is counted once it is written.
    pub(super) fn reset(&mut self) {
        *self = Self {
            snapshot_since_ms: self.snapshot_since_ms,
            ..Self::default()
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_that_is_being_written_survives_a_reset() {
        let mut traffic = Traffic::default();
        traffic.snapshot_written(5);
        assert_eq!(traffic.snapshot_ms.count, 0);
        traffic.snapshot_begun(10);
        traffic.rejected = 3;
        traffic.reset();
        assert_eq!(traffic.rejected, 0);
        traffic.snapshot_written(25);
        assert_eq!(traffic.snapshot_ms.count, 1);
        assert_eq!(traffic.snapshot_ms.max_ms, 15);
    }
}
