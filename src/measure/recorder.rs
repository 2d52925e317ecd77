//! The recorder of one worker. One thread owns it, so it needs no lock. It allocates nothing for an
//! operation that finishes within the interval in which it was intended.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;
use std::ops::Range;

use super::ack_times::AckTimes;
use super::bucket_counter::BucketCounter;
use super::sparse_counter::SparseCounter;
use super::timeline::TimelineWriter;
use super::{
    ByClass, ErrorId, ErrorNames, Histogram, OpCounts, OpRecord, Outcome, Sample, ServerRecord,
    Timeline,
};

/// The operations of one worker that were intended in one interval.
#[derive(Clone, Debug)]
pub struct IntervalPart {
    /// 0 is the first interval of the measured phase.
    pub index: u32,
    /// Per operation index.
    pub ops: Vec<OpRecord>,
}

/// What one worker recorded since the last hand-over.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    /// Intervals of the measured phase: the one that has ended, and earlier ones with operations
    /// that finished since the last hand-over.
    pub intervals: Vec<IntervalPart>,
    /// Response times of operations intended outside the measured phase, per operation index. For
    /// display only.
    pub warm_up: Vec<Histogram>,
}

/// The lengths of the phases of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    pub interval_ns: i64,
    pub measured_ns: i64,
    /// Largest length of the drain.
    pub drain_ns: i64,
}

/// Sorts the samples of one worker by the interval in which they were intended.
#[derive(Debug)]
pub struct Recorder {
    layout: Layout,
    /// Index of the current interval; negative in the warm-up.
    current: i64,
    /// The time of the current interval.
    now: Range<i64>,
    ops: Vec<OpCounters>,
    names: ErrorNames,
    /// Operations intended in an earlier interval, by interval and operation index.
    earlier: BTreeMap<(u32, usize), EarlierCounters>,
    /// Per operation index.
    warm_up: Vec<BucketCounter>,
    /// Per server and operation; allocated at the first sample.
    servers: Vec<Option<Box<ServerCounters>>>,
    timeline: TimelineWriter,
    acks: ByClass<AckTimes>,
    /// Whether an operation is a write, per operation index.
    writes: Vec<bool>,
}

/// What is recorded beside the intervals.
#[derive(Debug, Default)]
pub struct WholeRun {
    /// Per server and operation index.
    pub servers: Vec<Vec<ServerRecord>>,
    pub timeline: Timeline,
    pub acks: ByClass<AckTimes>,
}

/// Counters of one kind of operation in the current interval.
#[derive(Debug)]
struct OpCounters {
    response: BucketCounter,
    service: BucketCounter,
    blocked: BucketCounter,
    late: BucketCounter,
    counts: OpCounts,
    acknowledged: u64,
}

/// Counters of one kind of operation in an earlier interval.
#[derive(Debug, Default)]
struct EarlierCounters {
    response: SparseCounter,
    service: SparseCounter,
    blocked: SparseCounter,
    late: SparseCounter,
    counts: OpCounts,
}

#[derive(Debug)]
struct ServerCounters {
    response: BucketCounter,
    failed: u64,
    acknowledged: u64,
}

/// The four times of a sample in nanoseconds.
#[derive(Clone, Copy)]
struct Times {
    response: u64,
    service: Option<u64>,
    blocked: u64,
    late: Option<u64>,
}

impl Times {
    #[inline]
    fn of(sample: &Sample) -> Self {
        let sent = sample.sent_ns;
        let ready = sample.ready_ns;
        Self {
            response: elapsed_ns(sample.intended_ns, sample.done_ns),
            service: sent.map(|sent| elapsed_ns(sent, sample.done_ns)),
            blocked: elapsed_ns(sample.intended_ns, ready.unwrap_or(sample.done_ns)),
            late: ready.zip(sent).map(|(ready, sent)| elapsed_ns(ready, sent)),
        }
    }
}

impl OpCounters {
    fn new() -> Self {
        Self {
            response: BucketCounter::new(),
            service: BucketCounter::new(),
            blocked: BucketCounter::new(),
            late: BucketCounter::new(),
            counts: OpCounts::default(),
            acknowledged: 0,
        }
    }

    #[inline]
    fn record(&mut self, times: Times, outcome: Outcome, names: &ErrorNames) {
        self.response.record_ns(times.response);
        self.blocked.record_ns(times.blocked);
        if let Some(service) = times.service {
            self.service.record_ns(service);
        }
        if let Some(late) = times.late {
            self.late.record_ns(late);
        }
        self.counts.count(outcome, names);
    }

    fn take(&mut self) -> OpRecord {
        OpRecord {
            response: self.response.take(),
            service: self.service.take(),
            blocked: self.blocked.take(),
            late: self.late.take(),
            counts: std::mem::take(&mut self.counts),
            acknowledged: std::mem::take(&mut self.acknowledged),
        }
    }
}

impl EarlierCounters {
    fn record(&mut self, times: Times, outcome: Outcome, names: &ErrorNames) {
        self.response.record_ns(times.response);
        self.blocked.record_ns(times.blocked);
        if let Some(service) = times.service {
            self.service.record_ns(service);
        }
        if let Some(late) = times.late {
            self.late.record_ns(late);
        }
        self.counts.count(outcome, names);
    }

    fn into_record(self) -> OpRecord {
        OpRecord {
            response: self.response.into_histogram(),
            service: self.service.into_histogram(),
            blocked: self.blocked.into_histogram(),
            late: self.late.into_histogram(),
            counts: self.counts,
            acknowledged: 0,
        }
    }
}

impl Recorder {
    /// Creates a recorder for `ops` kinds of operation at `servers` servers.
    #[must_use]
    pub fn new(ops: usize, servers: usize, layout: Layout) -> Self {
        let length_ns = layout.measured_ns.saturating_add(layout.drain_ns);
        let length_ms = u64::try_from(length_ns / 1_000_000).unwrap_or(0);
        let timeline = TimelineWriter::new(ops, length_ms);
        let acks = || AckTimes::new(timeline.bucket_ns(), timeline.len());
        Self {
            layout,
            current: -1,
            now: 0..0,
            ops: (0..ops).map(|_| OpCounters::new()).collect(),
            names: ErrorNames::default(),
            earlier: BTreeMap::new(),
            warm_up: (0..ops).map(|_| BucketCounter::new()).collect(),
            servers: (0..servers * ops).map(|_| None).collect(),
            acks: ByClass {
                writes: acks(),
                reads: acks(),
            },
            writes: vec![false; ops],
            timeline,
        }
    }

    /// Says which operations are writes, per operation index. Without it all are reads.
    #[must_use]
    pub fn with_writes(mut self, writes: impl IntoIterator<Item = bool>) -> Self {
        for (own, write) in self.writes.iter_mut().zip(writes) {
            *own = write;
        }
        self
    }

    /// Ends the measured phase at `measured_ns`, earlier than planned.
    pub fn end_at(&mut self, measured_ns: i64) {
        self.layout.measured_ns = measured_ns;
    }

    /// Returns the id by which samples refer to an error.
    pub fn error(&mut self, name: &str) -> ErrorId {
        self.names.intern(name)
    }

    /// The error names seen so far.
    #[must_use]
    pub fn names(&self) -> &ErrorNames {
        &self.names
    }

    /// Counts one sample in the interval in which it was intended. An acknowledgement counts for
    /// the throughput of the current interval if it came in the measured phase.
    ///
    /// # Panics
    ///
    /// If the sample names an operation that the recorder was not made for.
    #[inline]
    pub fn record(&mut self, sample: &Sample) {
        let acknowledged = sample.outcome == Outcome::Ok;
        let in_phase = |at_ns: i64| (0..self.layout.measured_ns).contains(&at_ns);
        let done_in_phase = in_phase(sample.done_ns);
        let intended_in_phase = in_phase(sample.intended_ns);
        let times = Times::of(sample);
        if acknowledged && done_in_phase {
            self.ops[sample.op].acknowledged += 1;
        }
        let buckets = self.timeline.record(sample);
        let acks = if self.writes[sample.op] {
            &mut self.acks.writes
        } else {
            &mut self.acks.reads
        };
        acks.record(sample, buckets);
        if !intended_in_phase {
            self.warm_up[sample.op].record_ns(times.response);
            if acknowledged && done_in_phase {
                self.server(sample, |server| server.acknowledged += 1);
            }
            return;
        }
        self.server(sample, |server| {
            server.response.record_ns(times.response);
            server.failed += u64::from(!acknowledged);
            server.acknowledged += u64::from(acknowledged && done_in_phase);
        });
        if self.now.contains(&sample.intended_ns) {
            self.ops[sample.op].record(times, sample.outcome, &self.names);
        } else {
            let index = sample.intended_ns / self.layout.interval_ns.max(1);
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            let earlier = self.earlier.entry((index, sample.op)).or_default();
            earlier.record(times, sample.outcome, &self.names);
        }
    }

    #[inline]
    fn server(&mut self, sample: &Sample, change: impl FnOnce(&mut ServerCounters)) {
        let place = sample
            .server
            .and_then(|server| self.servers.get_mut(server * self.ops.len() + sample.op));
        if let Some(place) = place {
            change(place.get_or_insert_with(|| {
                Box::new(ServerCounters {
                    response: BucketCounter::new(),
                    failed: 0,
                    acknowledged: 0,
                })
            }));
        }
    }

    /// Returns what was recorded since the last call. `current` is the index of the interval that
    /// begins now, negative in the warm-up.
    ///
    /// This only copies the used buckets, a few microseconds per kind of operation. The collector
    /// makes histograms of them.
    pub fn take(&mut self, current: i64) -> Parts {
        let ended = std::mem::replace(&mut self.current, current);
        let from_ns = current.saturating_mul(self.layout.interval_ns).max(0);
        let to_ns = (current + 1).saturating_mul(self.layout.interval_ns);
        self.now = from_ns..to_ns;
        let mut parts = Parts::default();
        // Nothing is recorded in an interval after the measured phase.
        let measured = ended.saturating_mul(self.layout.interval_ns) < self.layout.measured_ns;
        if let Ok(index) = u32::try_from(ended)
            && measured
        {
            let ops = self.ops.iter_mut().map(OpCounters::take).collect();
            parts.intervals.push(IntervalPart { index, ops });
        }
        for ((index, op), earlier) in std::mem::take(&mut self.earlier) {
            let last = parts.intervals.last();
            if last.is_none_or(|part| part.index != index) {
                let ops = self.ops.iter().map(|_| OpRecord::default()).collect();
                parts.intervals.push(IntervalPart { index, ops });
            }
            if let Some(part) = parts.intervals.last_mut() {
                part.ops[op].merge(&earlier.into_record());
            }
        }
        parts.warm_up = self.warm_up.iter_mut().map(BucketCounter::take).collect();
        parts
    }

    /// Returns what is not kept by interval. Call it at the end of the run.
    #[must_use]
    pub fn finish(self) -> WholeRun {
        let ops = self.ops.len().max(1);
        let mut records = self.servers.into_iter().map(|server| {
            server.map_or_else(ServerRecord::default, |mut server| ServerRecord {
                response: server.response.take(),
                failed: server.failed,
                acknowledged: server.acknowledged,
            })
        });
        let mut servers = Vec::new();
        loop {
            let server: Vec<ServerRecord> = records.by_ref().take(ops).collect();
            if server.is_empty() {
                return WholeRun {
                    servers,
                    timeline: self.timeline.finish(),
                    acks: self.acks,
                };
            }
            servers.push(server);
        }
    }
}

/// Returns `to - from`, or zero if a coarse clock makes them seem reversed.
#[inline]
fn elapsed_ns(from_ns: i64, to_ns: i64) -> u64 {
    u64::try_from(to_ns.saturating_sub(from_ns)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::super::Unsent;
    use super::*;

    const MS: i64 = 1_000_000;
    const LAYOUT: Layout = Layout {
        interval_ns: 1_000 * MS,
        measured_ns: 2_500 * MS,
        drain_ns: 5_000 * MS,
    };

    fn recorder() -> Recorder {
        let mut recorder = Recorder::new(2, 2, LAYOUT);
        recorder.take(0);
        recorder
    }

    fn sample(sent_ns: Option<i64>, outcome: Outcome) -> Sample {
        Sample {
            op: 1,
            server: Some(0),
            intended_ns: MS,
            ready_ns: Some(2 * MS),
            sent_ns,
            done_ns: 9 * MS,
            outcome,
        }
    }

    fn done(intended_ms: i64, done_ms: i64) -> Sample {
        Sample {
            op: 0,
            server: Some(1),
            intended_ns: intended_ms * MS,
            ready_ns: Some(intended_ms * MS),
            sent_ns: Some(intended_ms * MS),
            done_ns: done_ms * MS,
            outcome: Outcome::Ok,
        }
    }

    /// Returns `(interval, intended, acknowledged)` for each interval of operation 0 that has any.
    fn counts_by_interval(parts: &Parts) -> Vec<(u32, u64, u64)> {
        let counts_by_interval = parts.intervals.iter().map(|part| {
            let op = &part.ops[0];
            (part.index, op.counts.total(), op.acknowledged)
        });
        counts_by_interval
            .filter(|(_, total, ok)| total + ok > 0)
            .collect()
    }

    #[test]
    fn the_four_times_come_from_the_four_instants() {
        let mut recorder = recorder();
        recorder.record(&sample(Some(3 * MS), Outcome::Ok));
        let parts = recorder.take(1);
        let op = &parts.intervals[0].ops[1];
        assert_eq!(op.response.max_us(), Some(8_000.0));
        assert_eq!(op.blocked.max_us(), Some(1_000.0));
        assert_eq!(op.late.max_us(), Some(1_000.0));
        assert_eq!(op.service.max_us(), Some(6_000.0));
        assert_eq!((op.counts.ok, op.acknowledged), (1, 1));
        assert!(parts.intervals[0].ops[0].is_empty());
    }

    #[test]
    fn an_operation_without_a_reply_counts_at_its_full_age() {
        for outcome in [Some(Outcome::TimedOut), Some(Outcome::Unknown), None] {
            let mut recorder = recorder();
            let outcome = outcome.unwrap_or_else(|| Outcome::Error(recorder.error("refused")));
            recorder.record(&sample(Some(2 * MS), outcome));
            let op = recorder.take(1).intervals.remove(0).ops.remove(1);
            assert_eq!(op.response.max_us(), Some(8_000.0), "{outcome:?}");
            assert_eq!((op.counts.ok, op.acknowledged), (0, 0));
        }
    }

    #[test]
    fn an_operation_that_was_never_ready_counts_as_blocked_and_not_as_late() {
        let mut recorder = recorder();
        recorder.record(&Sample {
            ready_ns: None,
            ..sample(None, Outcome::NotSent(Unsent::CapFull))
        });
        let op = recorder.take(1).intervals.remove(0).ops.remove(1);
        assert_eq!(op.blocked.max_us(), Some(8_000.0));
        assert!(op.late.is_empty() && op.service.is_empty());
        assert_eq!((op.counts.not_sent, op.counts.cap_full), (1, 1));
    }

    #[test]
    fn response_time_counts_at_the_intended_interval_and_throughput_at_the_done_interval() {
        let mut recorder = recorder();
        recorder.record(&done(-5, 5)); // intended in the warm-up
        recorder.record(&done(10, 20));
        recorder.record(&done(900, 950));
        let first = recorder.take(1);
        assert_eq!(counts_by_interval(&first), [(0, 2, 3)]);
        assert_eq!(first.warm_up[0].count(), 1);
        recorder.record(&done(999, 1_010));
        recorder.record(&done(990, 1_010));
        recorder.record(&done(1_500, 1_600));
        assert_eq!(
            counts_by_interval(&recorder.take(2)),
            [(1, 1, 3), (0, 2, 0)]
        );
        recorder.record(&done(1_700, 2_100));
        recorder.record(&done(2_499, 2_600)); // done in the drain
        recorder.record(&done(2_400, 2_499));
        assert_eq!(
            counts_by_interval(&recorder.take(3)),
            [(2, 2, 2), (1, 1, 0)]
        );
    }

    #[test]
    fn a_short_last_interval_keeps_its_operations() {
        let mut recorder = Recorder::new(1, 1, LAYOUT);
        recorder.take(2);
        recorder.end_at(2_001 * MS);
        recorder.record(&done(2_000, 2_000));
        recorder.record(&done(2_000, 2_050));
        assert_eq!(counts_by_interval(&recorder.take(3)), [(2, 2, 1)]);
    }

    #[test]
    fn every_server_has_its_own_response_times() {
        let mut recorder = recorder();
        recorder.record(&sample(Some(2 * MS), Outcome::Unknown));
        recorder.record(&done(10, 20));
        recorder.record(&done(-10, 20));
        recorder.record(&done(2_000, 3_000));
        let WholeRun {
            servers, timeline, ..
        } = recorder.finish();
        assert_eq!(servers.len(), 2);
        let (lost, fine) = (&servers[0][1], &servers[1][0]);
        assert_eq!(
            (lost.response.count(), lost.failed, lost.acknowledged),
            (1, 1, 0)
        );
        assert_eq!(
            (fine.response.count(), fine.failed, fine.acknowledged),
            (2, 0, 2)
        );
        assert!(servers[0][0].response.is_empty());
        assert_eq!(timeline.acknowledged_of_all().iter().sum::<u32>(), 3);
    }

    #[test]
    fn a_clock_that_runs_backwards_gives_zero() {
        let mut recorder = recorder();
        recorder.record(&sample(Some(MS), Outcome::Ok));
        let op = recorder.take(1).intervals.remove(0).ops.remove(1);
        assert_eq!(op.late.max_us(), Some(0.0));
    }
}
