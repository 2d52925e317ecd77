//! What a run measured: merged intervals and what happened meanwhile.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use super::{Histogram, IntervalPart, OpPart};

/// Events kept per run; further ones are counted in `events_dropped`.
pub const EVENTS_MAX: usize = 1_000;

/// Intervals of a run, at most, so that a wrong index cannot exhaust the memory.
const INTERVALS_MAX: u32 = 10_000_000;

/// Counts by outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpCounts {
    /// Acknowledged.
    pub ok: u64,
    /// Replies with an error code, by code.
    pub errors: BTreeMap<i32, u64>,
    /// Connection lost before the reply.
    pub unknown: u64,
    /// No reply in time.
    pub timed_out: u64,
    /// Never sent.
    pub not_sent: u64,
}

impl OpCounts {
    /// Replies with an error code.
    #[must_use]
    pub fn error_replies(&self) -> u64 {
        self.errors.values().sum()
    }

    /// Everything that was not acknowledged.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.error_replies() + self.unknown + self.timed_out + self.not_sent
    }

    /// Everything that finished or was given up.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.ok + self.failed()
    }

    /// Adds another's counts.
    pub fn merge(&mut self, other: &Self) {
        self.ok += other.ok;
        for (code, count) in &other.errors {
            *self.errors.entry(*code).or_default() += count;
        }
        self.unknown += other.unknown;
        self.timed_out += other.timed_out;
        self.not_sent += other.not_sent;
    }
}

/// One operation kind within one interval (or, merged, within the run).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OpRecord {
    /// done - intended.
    pub response: Histogram,
    /// done - sent.
    pub service: Histogram,
    /// sent - intended.
    pub send_delay: Histogram,
    /// Counts by outcome.
    pub counts: OpCounts,
}

impl OpRecord {
    /// Adds another's histograms and counts.
    pub fn merge(&mut self, other: &Self) {
        self.response.merge(&other.response);
        self.service.merge(&other.service);
        self.send_delay.merge(&other.send_delay);
        self.counts.merge(&other.counts);
    }

    /// Gives back the memory of empty buckets.
    pub fn pack(&mut self) {
        self.response.pack();
        self.service.pack();
        self.send_delay.pack();
    }
}

impl From<OpPart> for OpRecord {
    fn from(part: OpPart) -> Self {
        Self {
            response: part.response,
            service: part.service,
            send_delay: part.send_delay,
            counts: OpCounts {
                ok: part.ok,
                errors: part.errors,
                unknown: part.unknown,
                timed_out: part.timed_out,
                not_sent: part.not_sent,
            },
        }
    }
}

/// One recording interval, all workers merged.
#[derive(Clone, Debug, PartialEq)]
pub struct Interval {
    /// Interval index, 0 = first of the measured phase.
    pub index: u32,
    /// Per operation index.
    pub ops: Vec<OpRecord>,
}

impl Interval {
    /// All operation kinds merged.
    #[must_use]
    pub fn all(&self) -> OpRecord {
        merged(&self.ops)
    }
}

/// Something that happened during the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Milliseconds since the start of the measured phase (negative = before).
    pub at_ms: i64,
    /// One line: "session 3 lost 127.0.0.1:2181 (connection reset), 4 operations unknown".
    pub text: String,
}

/// What one run measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recording {
    /// Wall clock at the start of the measured phase, ms since the epoch.
    pub started_unix_ms: u64,
    /// Length of an interval.
    pub interval_ms: u64,
    /// Length of the measured phase as it really was (shorter when interrupted), seconds.
    pub measured_s: f64,
    /// Merged intervals, by index, without gaps.
    pub intervals: Vec<Interval>,
    /// Connection losses, reconnects, expiries ... in time order (bounded; `events_dropped` beyond).
    pub events: Vec<Event>,
    /// Events beyond the bound.
    pub events_dropped: u64,
    /// Share of one core that each driver thread used in the measured phase, 0..1.
    pub driver_cpu: Vec<f64>,
    /// Share of all processors' time that the hypervisor gave to somebody else in the measured
    /// phase, 0..1; `None` where the kernel does not tell.
    pub stolen: Option<f64>,
    /// Operations still without a reply at the end of the drain.
    pub in_flight_at_end: u64,
    /// Sessions lost and re-established with the same id.
    pub reconnects: u64,
    /// Sessions the server declared expired.
    pub expired_sessions: u64,
    /// Ended by the user before the planned end.
    pub interrupted: bool,
}

impl Recording {
    /// Merges one worker's part. Parts may come in any order; intervals that nobody has reported
    /// yet are filled in as empty ones.
    ///
    /// # Panics
    /// If the part's index is 10,000,000 or more: a bug of the caller.
    pub fn add(&mut self, part: IntervalPart) {
        assert!(
            part.index < INTERVALS_MAX,
            "interval {} is beyond any run",
            part.index
        );
        let ops = part.ops.len();
        let position = part.index as usize;
        for index in u32::try_from(self.intervals.len()).unwrap_or(u32::MAX)..=part.index {
            let mut empty = Interval {
                index,
                ops: (0..ops).map(|_| OpRecord::default()).collect(),
            };
            empty.ops.iter_mut().for_each(OpRecord::pack);
            self.intervals.push(empty);
        }
        let interval = &mut self.intervals[position];
        if interval.ops.len() < ops {
            interval.ops.resize_with(ops, OpRecord::default);
        }
        for (record, part) in interval.ops.iter_mut().zip(part.ops) {
            let part = OpRecord::from(part);
            if record.counts.total() == 0 {
                *record = part;
            } else {
                record.merge(&part);
            }
            record.pack();
        }
    }

    /// Notes an event, or counts it as dropped when there are too many.
    pub fn note(&mut self, event: Event) {
        if self.events.len() >= EVENTS_MAX {
            self.events_dropped += 1;
            return;
        }
        let position = self.events.partition_point(|e| e.at_ms <= event.at_ms);
        self.events.insert(position, event);
    }

    /// Per operation index: everything of the run merged.
    #[must_use]
    pub fn totals(&self) -> Vec<OpRecord> {
        let ops = self.intervals.iter().map(|i| i.ops.len()).max();
        let mut totals: Vec<OpRecord> =
            (0..ops.unwrap_or(0)).map(|_| OpRecord::default()).collect();
        for interval in &self.intervals {
            for (total, record) in totals.iter_mut().zip(&interval.ops) {
                total.merge(record);
            }
        }
        totals
    }

    /// All operations of the run merged.
    #[must_use]
    pub fn all(&self) -> OpRecord {
        merged(&self.totals())
    }

    /// Operations acknowledged in the measured phase. What was acknowledged during the drain is in
    /// the histograms and counts, but must not raise the throughput.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged_per_op().iter().sum()
    }

    /// [`Recording::acknowledged`] per operation index.
    #[must_use]
    pub fn acknowledged_per_op(&self) -> Vec<u64> {
        let mut counts = Vec::new();
        for interval in &self.intervals {
            if counts.len() < interval.ops.len() {
                counts.resize(interval.ops.len(), 0);
            }
            if self.is_measured(interval.index) {
                for (count, record) in counts.iter_mut().zip(&interval.ops) {
                    *count += record.counts.ok;
                }
            }
        }
        counts
    }

    /// Whether an interval belongs to the measured phase; one that reaches into it by less than a
    /// twentieth of its length belongs to the drain.
    #[must_use]
    pub fn is_measured(&self, index: u32) -> bool {
        let length_s = self.interval_s(index);
        length_s > 0.0 && length_s >= ms_to_s(self.interval_ms) / 20.0
    }

    /// Acknowledged operations per second of the measured phase; `None` when nothing was measured.
    #[must_use]
    pub fn throughput_per_s(&self) -> Option<f64> {
        per_second(self.acknowledged(), self.measured_s)
    }

    /// How much of interval `index` lies in the measured phase, seconds: 0 for those of the drain.
    #[must_use]
    pub fn interval_s(&self, index: u32) -> f64 {
        let length_s = ms_to_s(self.interval_ms);
        let rest_s = self.measured_s - f64::from(index) * length_s;
        rest_s.clamp(0.0, length_s)
    }

    /// Acknowledged operations per second within one interval; `None` for one of the drain.
    #[must_use]
    pub fn interval_throughput_per_s(&self, interval: &Interval) -> Option<f64> {
        if !self.is_measured(interval.index) {
            return None;
        }
        let seconds = self.interval_s(interval.index);
        let ok = interval.ops.iter().map(|record| record.counts.ok).sum();
        per_second(ok, seconds)
    }
}

/// Merges records of several operation kinds.
fn merged(records: &[OpRecord]) -> OpRecord {
    let mut all = OpRecord::default();
    for record in records {
        all.merge(record);
    }
    all
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a count below 2^53 operations, a length below 2^53 ms"
)]
fn per_second(count: u64, seconds: f64) -> Option<f64> {
    (seconds > 0.0).then(|| count as f64 / seconds)
}

#[expect(clippy::cast_precision_loss, reason = "a length below 2^53 ms")]
fn ms_to_s(ms: u64) -> f64 {
    ms as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{Outcome, Recorder, Sample};

    fn part(index: u32, op: usize, times: u32, outcome: Outcome) -> IntervalPart {
        let mut recorder = Recorder::new(2);
        for _ in 0..times {
            recorder.record(&Sample {
                op,
                intended_ns: 0,
                sent_ns: Some(1_000),
                done_ns: 2_000_000,
                outcome,
            });
        }
        recorder.take(index)
    }

    #[test]
    fn parts_come_in_any_order_and_gaps_are_filled() {
        let mut recording = Recording::default();
        recording.add(part(3, 0, 5, Outcome::Ok));
        recording.add(part(1, 1, 2, Outcome::Error(-101)));
        recording.add(part(3, 0, 4, Outcome::Ok));
        let indices: Vec<u32> = recording.intervals.iter().map(|i| i.index).collect();
        assert_eq!(indices, [0, 1, 2, 3]);
        assert_eq!(recording.intervals[3].ops[0].counts.ok, 9);
        assert_eq!(recording.intervals[3].ops[0].response.count(), 9);
        assert_eq!(recording.intervals[1].ops[1].counts.errors[&-101], 2);
        assert_eq!(recording.intervals[2].all().counts.total(), 0);
        assert_eq!(recording.intervals[2].ops.len(), 2);
    }

    #[test]
    fn totals_are_per_operation_and_all_together() {
        let mut recording = Recording {
            interval_ms: 1_000,
            measured_s: 2.0,
            ..Recording::default()
        };
        recording.add(part(0, 0, 5, Outcome::Ok));
        recording.add(part(1, 1, 3, Outcome::Ok));
        recording.add(part(1, 1, 1, Outcome::TimedOut));
        let totals = recording.totals();
        assert_eq!((totals[0].counts.ok, totals[1].counts.ok), (5, 3));
        assert_eq!(recording.all().response.count(), 9);
        assert_eq!(recording.acknowledged(), 8);
        assert_eq!(recording.throughput_per_s(), Some(4.0));
        assert_eq!(
            recording.interval_throughput_per_s(&recording.intervals[1]),
            Some(3.0)
        );
    }

    #[test]
    fn a_short_last_interval_has_its_own_length() {
        let mut recording = Recording {
            interval_ms: 1_000,
            measured_s: 1.5,
            ..Recording::default()
        };
        recording.add(part(2, 0, 1, Outcome::Ok));
        recording.add(part(1, 0, 10, Outcome::Ok));
        assert_eq!(
            recording.interval_throughput_per_s(&recording.intervals[1]),
            Some(20.0)
        );
        assert_eq!(
            recording.interval_throughput_per_s(&recording.intervals[2]),
            None,
            "interval 2 lies behind the measured phase"
        );
    }

    #[test]
    fn what_is_acknowledged_during_the_drain_does_not_raise_the_throughput() {
        let mut recording = Recording {
            interval_ms: 1_000,
            measured_s: 2.001,
            ..Recording::default()
        };
        for index in 0..4 {
            recording.add(part(index, 0, 10, Outcome::Ok));
        }
        assert_eq!(recording.acknowledged_per_op(), [20, 0]);
        assert_eq!(recording.acknowledged(), 20);
        assert_eq!(recording.all().counts.ok, 40, "but it is counted");
        assert!(recording.is_measured(1) && !recording.is_measured(2));
    }

    #[test]
    fn nothing_measured_is_no_throughput() {
        assert_eq!(Recording::default().throughput_per_s(), None);
        assert!(Recording::default().totals().is_empty());
    }

    #[test]
    fn events_are_sorted_and_bounded() {
        let mut recording = Recording::default();
        for at_ms in (0..EVENTS_MAX as i64 + 3).rev() {
            recording.note(Event {
                at_ms,
                text: String::new(),
            });
        }
        assert_eq!(recording.events.len(), EVENTS_MAX);
        assert_eq!(recording.events_dropped, 3);
        assert!(recording.events.is_sorted_by_key(|e| e.at_ms));
    }
}
