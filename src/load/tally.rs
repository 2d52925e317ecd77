//! The samples of one worker by interval, and its events.

use std::sync::mpsc::Sender;

use super::link::Times;
use super::message::{Message, Snapshot, Summary};
use crate::measure::{
    ErrorId, Event, EventKind, Layout, OUTAGES_MAX, OpCounts, Outcome, Recorder, Sample,
    SessionGap, SessionGaps, SessionOutage,
};
use crate::workload::{OpPlan, Plan};

/// Maximum number of events that a worker reports. Further events are only counted.
const EVENTS_MAX: u64 = 500;

/// Records samples and hands them over per interval.
#[derive(Debug)]
pub(super) struct Tally {
    recorder: Recorder,
    sender: Sender<Message>,
    interval_ns: i64,
    /// Start of the measured phase; 0 until it is known.
    start_ns: i64,
    /// End of the current interval.
    roll_ns: i64,
    events: u64,
    /// Operations acknowledged, per server and operation index.
    acknowledged: Vec<u64>,
    /// Counts of failures and connections. The other fields are filled in when the snapshot is
    /// sent.
    pub(super) snapshot: Snapshot,
    pub(super) summary: Summary,
}

impl Tally {
    pub(super) fn new(plan: &Plan, servers: usize, sender: Sender<Message>) -> Self {
        let ns = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX / 1_000_000) * 1_000_000;
        let interval_ns = ns(plan.load.interval_ms.max(1));
        let layout = Layout {
            interval_ns,
            measured_ns: ns(plan.load.duration_ms),
            drain_ns: ns(plan.load.drain_ms),
        };
        Self {
            recorder: Recorder::new(plan.ops.len(), servers, layout)
                .with_writes(plan.ops.iter().map(OpPlan::is_write)),
            sender,
            interval_ns,
            start_ns: 0,
            roll_ns: i64::MAX,
            events: 0,
            acknowledged: vec![0; servers * plan.ops.len()],
            snapshot: Snapshot {
                ops: vec![OpCounts::default(); plan.ops.len()],
                ..Snapshot::default()
            },
            summary: Summary::default(),
        }
    }

    /// Starts the measured phase at `start_ns`. The intervals of the warm-up are aligned to it.
    pub(super) fn start(&mut self, now_ns: i64, start_ns: i64) {
        self.start_ns = start_ns;
        self.enter(now_ns);
    }

    /// Ends the measured phase at `end_ns`, which may be earlier than planned. The drain follows.
    pub(super) fn end(&mut self, end_ns: i64) {
        self.roll_to(end_ns);
        let measured_ns = (end_ns - self.start_ns).max(0);
        self.recorder.end_at(measured_ns);
        self.summary.measured_ns = measured_ns;
    }

    /// Returns the id of an error, which outcomes refer to.
    pub(super) fn error(&mut self, name: &str) -> ErrorId {
        self.recorder.error(name)
    }

    /// Counts one operation that finished or was given up. Instants are on the run's clock.
    #[inline]
    pub(super) fn record(
        &mut self,
        op: u32,
        server: u32,
        times: Times,
        done_ns: i64,
        outcome: Outcome,
    ) {
        if done_ns >= self.roll_ns {
            self.roll_to(done_ns);
        }
        let since_start = |at_ns: i64| at_ns - self.start_ns;
        let sample = Sample {
            op: op as usize,
            server: Some(server as usize),
            intended_ns: since_start(times.intended_ns),
            ready_ns: times.ready_ns.map(since_start),
            sent_ns: times.sent_ns.map(since_start),
            done_ns: since_start(done_ns),
            outcome,
        };
        self.recorder.record(&sample);
        if outcome == Outcome::Ok {
            self.acknowledged[sample.op + server as usize * self.snapshot.ops.len()] += 1;
        } else {
            self.snapshot.ops[sample.op].count(outcome, self.recorder.names());
        }
    }

    /// Returns the worker's counts for the collector.
    pub(super) fn snapshot_at(&self, now_ns: i64, in_flight: u64, waiting: u64) -> Snapshot {
        let mut snapshot = Snapshot {
            at_ns: now_ns,
            in_flight,
            waiting,
            ..self.snapshot.clone()
        };
        for of_server in self.acknowledged.chunks(snapshot.ops.len().max(1)) {
            snapshot.servers.push(of_server.iter().sum());
            for (op, ok) in snapshot.ops.iter_mut().zip(of_server) {
                op.ok += ok;
            }
        }
        snapshot
    }

    /// Hands over the interval that ended by `now_ns`, if one did.
    pub(super) fn roll_to(&mut self, now_ns: i64) {
        if now_ns >= self.roll_ns {
            self.enter(now_ns);
        }
    }

    /// Sends the last interval and the summary.
    pub(super) fn finish(mut self) {
        self.hand_over(i64::MAX / self.interval_ns - 1);
        self.summary.events_dropped = self.events.saturating_sub(EVENTS_MAX);
        self.summary.whole = self.recorder.finish();
        // The collector stops receiving only after an error, which it reports itself.
        let _nobody_listens = self.sender.send(Message::Done(Box::new(self.summary)));
    }

    /// Notes that a session was without a connection. Instants are on the run's clock.
    pub(super) fn outage(&mut self, mut outage: SessionOutage) {
        if self.start_ns == 0 {
            return;
        }
        if self.summary.outages.len() >= OUTAGES_MAX {
            self.summary.outages_dropped += 1;
            return;
        }
        outage.lost_ns -= self.start_ns;
        if let Some(back) = &mut outage.back {
            back.at_ns -= self.start_ns;
        }
        self.summary.outages.push(outage);
    }

    /// Notes the gaps of a session. Call it after [`Tally::end`].
    pub(super) fn session_gaps(&mut self, session: u32, gaps: SessionGaps) {
        let end_ns = self.start_ns + self.summary.measured_ns;
        let gaps = gaps.finish(self.start_ns, end_ns).into_iter();
        self.summary
            .session_gaps
            .extend(gaps.map(|gap| SessionGap { session, gap }));
    }

    /// Notes an event. `make` is called only if the event is kept.
    pub(super) fn event(&mut self, now_ns: i64, make: impl FnOnce() -> EventKind) {
        self.events += 1;
        if self.events <= EVENTS_MAX {
            let at_ns = if self.start_ns == 0 {
                -1
            } else {
                now_ns - self.start_ns
            };
            let kind = make();
            self.send(Message::Event(Event { at_ns, kind }));
        }
    }

    pub(super) fn send(&self, message: Message) {
        // The collector stops receiving only after an error, which it reports itself.
        let _nobody_listens = self.sender.send(message);
    }

    fn hand_over(&mut self, current: i64) {
        let parts = self.recorder.take(current);
        self.send(Message::Parts(Box::new(parts)));
    }

    /// Starts the interval that contains `now_ns`.
    fn enter(&mut self, now_ns: i64) {
        let index = (now_ns - self.start_ns).div_euclid(self.interval_ns);
        self.hand_over(index);
        self.roll_ns = self.start_ns + (index + 1) * self.interval_ns;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::fixture;
    use std::sync::mpsc::{Receiver, channel};

    const MS: i64 = 1_000_000;
    const START: i64 = 1_000_000 * MS;

    fn tally() -> (Tally, Receiver<Message>) {
        let (sender, receiver) = channel();
        let load = "rate = 10\ninterval = \"1s\"\nduration = \"2500ms\"\n";
        let plan = fixture::plan(load, "kind = \"set\"");
        let mut tally = Tally::new(&plan, 1, sender);
        tally.start(START - 500 * MS, START);
        (tally, receiver)
    }

    fn record(tally: &mut Tally, intended_ms: i64, done_ms: i64) {
        let at = |ms: i64| START + ms * MS;
        let times = Times {
            intended_ns: at(intended_ms),
            ready_ns: Some(at(intended_ms)),
            sent_ns: Some(at(intended_ms)),
        };
        tally.record(0, 0, times, at(done_ms), Outcome::Ok);
    }

    /// Returns index, operations intended and operations acknowledged per interval, summed over the
    /// parts.
    fn reported(receiver: &Receiver<Message>) -> Vec<(u32, u64, u64)> {
        let mut sums = std::collections::BTreeMap::new();
        for message in receiver.try_iter() {
            if let Message::Parts(parts) = message {
                for part in parts.intervals {
                    let sum: &mut (u64, u64) = sums.entry(part.index).or_default();
                    sum.0 += part.ops[0].counts.total();
                    sum.1 += part.ops[0].acknowledged;
                }
            }
        }
        let reported = sums.into_iter().map(|(index, (due, ok))| (index, due, ok));
        reported.filter(|(_, due, ok)| due + ok > 0).collect()
    }

    #[test]
    fn a_sample_belongs_to_the_interval_of_its_intended_time() {
        let (mut tally, receiver) = tally();
        for (intended, done) in [
            (-200, -100),
            (-1, 0),
            (0, 999),
            (900, 1_000),
            (2_400, 2_499),
        ] {
            record(&mut tally, intended, done);
        }
        tally.end(START + 2_500 * MS);
        record(&mut tally, 1_900, 3_000);
        tally.finish();
        assert_eq!(reported(&receiver), [(0, 2, 2), (1, 1, 1), (2, 1, 1)]);
    }

    #[test]
    fn replies_after_an_early_end_do_not_count_as_throughput() {
        let (mut tally, receiver) = tally();
        record(&mut tally, 90, 100);
        tally.end(START + 1_400 * MS);
        record(&mut tally, 1_399, 1_450);
        let measured_ns = tally.summary.measured_ns;
        tally.finish();
        assert_eq!(measured_ns, 1_400 * MS);
        assert_eq!(reported(&receiver), [(0, 1, 1), (1, 1, 0)]);
    }

    #[test]
    fn a_snapshot_counts_by_operation_and_by_server_from_the_warm_up_on() {
        let (sender, _receiver) = channel();
        let load = "rate = 10\ninterval = \"1s\"\nduration = \"2500ms\"\n";
        let plan = fixture::plan(load, "kind = \"set\"\n[[op]]\nkind = \"get\"");
        let mut tally = Tally::new(&plan, 2, sender);
        tally.start(START - 500 * MS, START);
        let at = START - 400 * MS;
        let times = Times {
            intended_ns: at,
            ready_ns: Some(at),
            sent_ns: Some(at),
        };
        for (op, server, outcome) in [
            (0, 0, Outcome::Ok),
            (0, 1, Outcome::Ok),
            (1, 1, Outcome::Ok),
            (1, 1, Outcome::TimedOut),
        ] {
            tally.record(op, server, times, at + MS, outcome);
        }
        let snapshot = tally.snapshot_at(at + 2 * MS, 3, 4);
        assert_eq!((snapshot.in_flight, snapshot.waiting), (3, 4));
        assert_eq!(snapshot.servers, [1, 2]);
        let counts = snapshot.ops.iter().map(|op| (op.ok, op.timed_out));
        assert_eq!(counts.collect::<Vec<_>>(), [(2, 0), (1, 1)]);
        assert_eq!(
            tally.snapshot_at(at + 3 * MS, 3, 4).servers,
            [1, 2],
            "again"
        );
    }

    #[test]
    fn events_beyond_the_limit_are_only_counted() {
        let (mut tally, receiver) = tally();
        for _ in 0..EVENTS_MAX + 3 {
            tally.event(START - 1, || EventKind::Note("lost".to_owned()));
        }
        tally.finish();
        let mut events = 0;
        let mut dropped = 0;
        for message in receiver.try_iter() {
            match message {
                Message::Event(event) => {
                    assert_eq!(event.at_ns, -1);
                    events += 1;
                }
                Message::Done(summary) => dropped = summary.events_dropped,
                _ => {}
            }
        }
        assert_eq!((events, dropped), (EVENTS_MAX, 3));
    }
}
