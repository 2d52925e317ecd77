//! Rates of one worker: the difference of its snapshots over the last second.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::VecDeque;

use super::message::Snapshot;

/// Rates are averages over this time. Snapshots come four times a second, and the counts between
/// two of them vary too much to read.
const WINDOW_NS: i64 = 1_000_000_000;

/// The latest snapshots of one worker, oldest first.
#[derive(Debug, Default)]
pub(super) struct Pace {
    snapshots: VecDeque<Snapshot>,
}

impl Pace {
    /// Adds a snapshot and removes those that are too old for a rate.
    pub(super) fn push(&mut self, snapshot: Snapshot) {
        let newest_ns = snapshot.at_ns;
        self.snapshots.push_back(snapshot);
        // The time before the first operation would lower the rate.
        while let Some(second) = self.snapshots.get(1)
            && (newest_ns - second.at_ns >= WINDOW_NS || is_idle(second))
        {
            self.snapshots.pop_front();
        }
    }

    pub(super) fn latest(&self) -> Option<&Snapshot> {
        self.snapshots.back()
    }

    /// Returns the operations acknowledged per second for one operation index.
    pub(super) fn op_per_s(&self, op: usize) -> f64 {
        self.per_s(|snapshot| snapshot.ops.get(op).map_or(0, |counts| counts.ok))
    }

    /// Returns the operations acknowledged per second by one server.
    pub(super) fn server_per_s(&self, server: usize) -> f64 {
        self.per_s(|snapshot| snapshot.servers.get(server).copied().unwrap_or(0))
    }

    fn per_s(&self, count: impl Fn(&Snapshot) -> u64) -> f64 {
        let (Some(oldest), Some(newest)) = (self.snapshots.front(), self.snapshots.back()) else {
            return 0.0;
        };
        rate(
            count(newest).saturating_sub(count(oldest)),
            newest.at_ns - oldest.at_ns,
        )
    }
}

fn is_idle(snapshot: &Snapshot) -> bool {
    snapshot.ops.iter().all(|counts| counts.total() == 0)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a rate for display needs no more than 53 bits"
)]
fn rate(count: u64, ns: i64) -> f64 {
    if ns <= 0 {
        return 0.0;
    }
    count as f64 * 1e9 / ns as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::OpCounts;

    fn snapshot(at_ms: i64, ok: u64) -> Snapshot {
        Snapshot {
            at_ns: at_ms * 1_000_000,
            ops: vec![
                OpCounts::default(),
                OpCounts {
                    ok,
                    ..OpCounts::default()
                },
            ],
            servers: vec![ok / 2, 0],
            ..Snapshot::default()
        }
    }

    fn pace(snapshots: &[(i64, u64)]) -> Pace {
        let mut pace = Pace::default();
        for &(at_ms, ok) in snapshots {
            pace.push(snapshot(at_ms, ok));
        }
        pace
    }

    fn is(value: f64, expected: f64) -> bool {
        (value - expected).abs() < 1e-9
    }

    #[test]
    fn a_rate_covers_the_last_second() {
        let pace = pace(&[(0, 1), (250, 901), (1_250, 1_001), (1_500, 1_101)]);
        // The window starts at 250 ms, because the snapshot at 1,500 ms is more than one second
        // later.
        assert!(is(pace.op_per_s(1), 160.0), "{pace:?}");
        assert!(is(pace.server_per_s(0), 80.0), "{pace:?}");
        assert!(is(pace.op_per_s(0), 0.0) && is(pace.server_per_s(1), 0.0));
        assert!(is(pace.op_per_s(7), 0.0), "no such operation");
    }

    #[test]
    fn time_before_the_first_operation_does_not_count() {
        let pace = pace(&[(0, 0), (250, 0), (500, 0), (750, 100)]);
        assert!(is(pace.op_per_s(1), 400.0), "{pace:?}");
    }

    #[test]
    fn one_snapshot_gives_no_rate() {
        assert!(is(pace(&[]).op_per_s(1), 0.0));
        assert!(is(pace(&[(0, 100)]).op_per_s(1), 0.0));
        assert!(is(pace(&[(0, 100), (0, 200)]).op_per_s(1), 0.0));
    }
}
