//! What a run measured: merged intervals and events.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::op_record::merged;
use super::{
    AckTimes, ByClass, Event, Interruptions, IntervalPart, OpRecord, ServerRecord, ServerRun,
    Timeline, WholeRun,
};

/// Limit of the events kept per run. Further events only count in `events_dropped`.
pub const EVENTS_MAX: usize = 1_000;

/// Limit of the intervals of a run, so that a wrong index cannot exhaust the memory.
const INTERVALS_MAX: u32 = 10_000_000;

/// One recording interval, merged over all workers.
#[derive(Clone, Debug, PartialEq)]
pub struct Interval {
    /// 0 is the first interval of the measured phase.
    pub index: u32,
    /// Per operation index.
    pub ops: Vec<OpRecord>,
}

impl Interval {
    /// Returns all kinds of operation merged.
    #[must_use]
    pub fn all(&self) -> OpRecord {
        merged(&self.ops)
    }
}

/// Processor time of a driver thread in the measured phase.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DriverThread {
    /// Share of one core that the thread used, including spinning, 0..1.
    pub busy: f64,
    /// Share of the time in which the thread was runnable but waited for a core, 0..1; `None` if
    /// the kernel does not report it.
    pub waiting: Option<f64>,
    /// Priority of the thread as a nice value; negative values raise it above others.
    pub nice: i32,
}

/// Sync time of the servers' disk before a run, compared with the idle disk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DiskState {
    /// Median time of a sync before any server was started, in microseconds.
    pub baseline_us: f64,
    /// Median time of a sync right before this run, in microseconds.
    pub before_us: f64,
    /// How long Quorate waited for the disk to settle, in seconds.
    pub waited_s: f64,
    /// Whether the sync time was back at the baseline.
    pub settled: bool,
}

/// Limit of the examples in [`Verified`].
pub const EXAMPLES_MAX: usize = 10;

/// The acknowledged writes of a run, read back after it. The warm-up is included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Acknowledged writes that were read back.
    pub writes: u64,
    /// At least this many of them were lost.
    pub lost: u64,
    /// Acknowledged writes that cannot be read back.
    pub unverifiable: u64,
    /// The first findings in words, at most [`EXAMPLES_MAX`].
    pub examples: Vec<String>,
}

impl Verified {
    /// Notes that `count` writes were lost, for the reason `why`.
    pub fn lose(&mut self, count: u64, why: impl FnOnce() -> String) {
        self.lost += count;
        if count > 0 && self.examples.len() < EXAMPLES_MAX {
            self.examples.push(why());
        }
    }
}

/// The end of the log of a server that did not come back after a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerLog {
    /// `host:port` of the server.
    pub server: String,
    pub text: String,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recording {
    /// Number of the run, from 0. Runs of several targets with the same number belong to one round
    /// and make the same random choices.
    pub number: u32,
    /// Wall clock at the start of the measured phase, Unix time in milliseconds.
    pub started_unix_ms: u64,
    pub interval_ms: u64,
    /// Real length of the measured phase in seconds; shorter than planned if interrupted.
    pub measured_s: f64,
    /// Merged intervals by index, without gaps.
    pub intervals: Vec<Interval>,
    /// In the order in which the target lists its servers.
    pub servers: Vec<ServerRun>,
    /// `None` if the disk was not probed before the run.
    pub disk: Option<DiskState>,
    /// Due and acknowledged operations in buckets of 10 ms.
    pub timeline: Timeline,
    /// Exact times of acknowledgements, until [`Recording::find_gaps`] has reduced them.
    pub acks: ByClass<AckTimes>,
    pub interruptions: Interruptions,
    /// In time order, at most [`EVENTS_MAX`].
    pub events: Vec<Event>,
    /// Number of events beyond [`EVENTS_MAX`].
    pub events_dropped: u64,
    pub driver: Vec<DriverThread>,
    /// Share of the time of all processors that the hypervisor gave to other guests in the measured
    /// phase, 0..1; `None` if the kernel does not report it.
    pub stolen: Option<f64>,
    /// Share of the time of all processors of this machine that was not idle in the measured phase, 0..1.
    /// Stolen time and time in which the driver spins count as busy. `None` if it is not known.
    pub processors_busy: Option<f64>,
    /// Operations that were due in the warm-up and not yet sent when it ended.
    pub backlog_at_start: u64,
    /// Operations without a reply at the end of the drain.
    pub in_flight_at_end: u64,
    /// How often a session lost its connection and came back with the same id.
    pub reconnects: u64,
    /// Sessions that the server declared expired.
    pub expired_sessions: u64,
    /// The user ended the run early.
    pub interrupted: bool,
    /// The acknowledged writes, read back; `None` if they were not.
    pub verified: Option<Verified>,
    /// Logs that are kept in files beside the result. The result itself does not contain them.
    pub server_logs: Vec<ServerLog>,
}

impl Recording {
    /// Merges the part of one worker. Parts may come in any order. Missing intervals before it are
    /// filled with empty ones.
    ///
    /// # Panics
    ///
    /// If the part's index is 10,000,000 or more, which is a bug of the caller.
    pub fn add(&mut self, part: IntervalPart) {
        assert!(
            part.index < INTERVALS_MAX,
            "interval {} exceeds the limit of a run",
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
            if record.is_empty() {
                *record = part;
            } else if !part.is_empty() {
                record.merge(&part);
            }
            record.pack();
        }
    }

    /// Merges what one worker recorded beside the intervals.
    pub fn add_whole(&mut self, whole: &WholeRun) {
        self.add_servers(&whole.servers);
        self.timeline.merge(&whole.timeline);
        self.acks.writes.merge(&whole.acks.writes);
        self.acks.reads.merge(&whole.acks.reads);
    }

    /// Merges the figures of one worker by server.
    pub fn add_servers(&mut self, servers: &[Vec<ServerRecord>]) {
        if self.servers.len() < servers.len() {
            self.servers.resize_with(servers.len(), ServerRun::default);
        }
        for (own, others) in self.servers.iter_mut().zip(servers) {
            if own.ops.len() < others.len() {
                own.ops.resize_with(others.len(), ServerRecord::default);
            }
            for (record, other) in own.ops.iter_mut().zip(others) {
                record.merge(other);
            }
        }
    }

    /// Adds an event, or counts it as dropped if there are too many.
    pub fn note(&mut self, event: Event) {
        if self.events.len() >= EVENTS_MAX {
            self.events_dropped += 1;
            return;
        }
        let position = self.events.partition_point(|e| e.at_ns <= event.at_ns);
        self.events.insert(position, event);
    }

    /// Returns the whole run merged, per operation index.
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

    /// Returns all operations of the run merged.
    #[must_use]
    pub fn all(&self) -> OpRecord {
        merged(&self.totals())
    }

    /// Returns the operations acknowledged in the measured phase, whenever they were intended.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged_per_op().iter().sum()
    }

    /// Returns [`Recording::acknowledged`] per operation index.
    #[must_use]
    pub fn acknowledged_per_op(&self) -> Vec<u64> {
        let mut counts = Vec::new();
        for interval in &self.intervals {
            if counts.len() < interval.ops.len() {
                counts.resize(interval.ops.len(), 0);
            }
            for (count, record) in counts.iter_mut().zip(&interval.ops) {
                *count += record.acknowledged;
            }
        }
        counts
    }

    /// Returns the acknowledged operations per second of the measured phase; `None` if it has no
    /// length.
    #[must_use]
    pub fn throughput_per_s(&self) -> Option<f64> {
        per_second(self.acknowledged(), self.measured_s)
    }

    /// Returns how much of interval `index` lies in the measured phase, in seconds. Only the last
    /// interval can be shorter than the others.
    #[must_use]
    pub fn interval_s(&self, index: u32) -> f64 {
        let length_s = ms_to_s(self.interval_ms);
        let rest_s = self.measured_s - f64::from(index) * length_s;
        rest_s.clamp(0.0, length_s)
    }

    /// Returns the acknowledged operations per second of one interval; `None` if it has no length.
    #[must_use]
    pub fn interval_throughput_per_s(&self, interval: &Interval) -> Option<f64> {
        let ok = interval.ops.iter().map(|record| record.acknowledged).sum();
        per_second(ok, self.interval_s(interval.index))
    }
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
    use crate::measure::{ErrorNames, EventKind, Layout, Outcome, Recorder, Sample};

    fn part(index: u32, op: usize, times: u32, outcome: Outcome) -> IntervalPart {
        let second = i64::from(index) * 1_000_000_000;
        let mut recorder = Recorder::new(
            2,
            1,
            Layout {
                interval_ns: 1_000_000_000,
                measured_ns: 100_000_000_000,
                drain_ns: 0,
            },
        );
        recorder.take(i64::from(index));
        recorder.error("NoNode");
        for _ in 0..times {
            recorder.record(&Sample {
                op,
                server: Some(0),
                intended_ns: second,
                ready_ns: Some(second),
                sent_ns: Some(second + 1_000),
                done_ns: second + 2_000_000,
                outcome,
            });
        }
        recorder.take(i64::from(index) + 1).intervals.remove(0)
    }

    #[test]
    fn parts_come_in_any_order_and_gaps_are_filled_with_empty_intervals() {
        let mut recording = Recording::default();
        recording.add(part(3, 0, 5, Outcome::Ok));
        recording.add(part(
            1,
            1,
            2,
            Outcome::Error(ErrorNames::default().intern("NoNode")),
        ));
        recording.add(part(3, 0, 4, Outcome::Ok));
        let indices: Vec<u32> = recording.intervals.iter().map(|i| i.index).collect();
        assert_eq!(indices, [0, 1, 2, 3]);
        assert_eq!(recording.intervals[3].ops[0].counts.ok, 9);
        assert_eq!(recording.intervals[3].ops[0].acknowledged, 9);
        assert_eq!(recording.intervals[3].ops[0].response.count(), 9);
        assert_eq!(recording.intervals[1].ops[1].counts.errors["NoNode"], 2);
        assert_eq!(recording.intervals[2].all().counts.total(), 0);
        assert_eq!(recording.intervals[2].ops.len(), 2);
    }

    #[test]
    fn totals_are_per_operation_and_for_all_operations() {
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
    fn the_throughput_of_a_short_last_interval_uses_its_real_length() {
        let mut recording = Recording {
            interval_ms: 1_000,
            measured_s: 1.02,
            ..Recording::default()
        };
        recording.add(part(1, 0, 10, Outcome::Ok));
        let throughput = recording.interval_throughput_per_s(&recording.intervals[1]);
        assert!(throughput.is_some_and(|rate| (rate - 500.0).abs() < 1e-6));
        assert_eq!(recording.acknowledged(), 10, "no operation is lost");
    }

    #[test]
    fn an_empty_recording_has_no_throughput() {
        assert_eq!(Recording::default().throughput_per_s(), None);
        assert!(Recording::default().totals().is_empty());
    }

    #[test]
    fn events_are_sorted_and_limited() {
        let mut recording = Recording::default();
        for at_ns in (0..EVENTS_MAX as i64 + 3).rev() {
            recording.note(Event {
                at_ns,
                kind: EventKind::Note(String::new()),
            });
        }
        assert_eq!(recording.events.len(), EVENTS_MAX);
        assert_eq!(recording.events_dropped, 3);
        assert!(recording.events.is_sorted_by_key(|e| e.at_ns));
    }

    #[test]
    fn servers_of_several_workers_are_merged() {
        let mut recording = Recording::default();
        let one = |failed| {
            vec![vec![ServerRecord {
                failed,
                acknowledged: 2,
                ..ServerRecord::default()
            }]]
        };
        recording.add_servers(&one(1));
        recording.add_servers(&one(3));
        let server = &recording.servers[0].ops[0];
        assert_eq!((server.failed, server.acknowledged), (4, 4));
    }
}
