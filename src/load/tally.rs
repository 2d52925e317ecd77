//! One worker's samples, by interval, and its events.

use std::fmt;
use std::sync::mpsc::Sender;

use super::message::{Message, Snapshot, Summary};
use crate::measure::{Event, Outcome, Recorder, Sample};
use crate::workload::Plan;

/// Events one worker reports; further ones are counted.
const EVENTS_MAX: u64 = 500;

/// Records samples and hands them over per interval.
#[derive(Debug)]
pub(super) struct Tally {
    recorder: Recorder,
    sender: Sender<Message>,
    interval_ns: i64,
    /// Start of the measured phase; 0 until it is known.
    start_ns: i64,
    /// End of the measured phase.
    end_ns: i64,
    /// Current interval: negative in the warm-up.
    index: i64,
    /// End of the current interval.
    roll_ns: i64,
    events: u64,
    pub(super) snapshot: Snapshot,
    pub(super) summary: Summary,
}

impl Tally {
    pub(super) fn new(plan: &Plan, sender: Sender<Message>) -> Self {
        let interval_ms = i64::try_from(plan.load.interval_ms).unwrap_or(i64::MAX / 1_000_000);
        Self {
            recorder: Recorder::new(plan.ops.len()),
            sender,
            interval_ns: interval_ms.max(1) * 1_000_000,
            start_ns: 0,
            end_ns: i64::MAX,
            index: -1,
            roll_ns: i64::MAX,
            events: 0,
            snapshot: Snapshot::default(),
            summary: Summary::default(),
        }
    }

    /// The measured phase is `start_ns..end_ns`; the warm-up's intervals lie on the same grid.
    pub(super) fn start(&mut self, now_ns: i64, start_ns: i64, end_ns: i64) {
        self.start_ns = start_ns;
        self.end_ns = end_ns;
        self.index = (now_ns - start_ns).div_euclid(self.interval_ns);
        self.roll_ns = self.roll_at();
    }

    /// The measured phase ends (perhaps earlier than planned): what follows is the drain, which
    /// belongs to the last interval.
    pub(super) fn end(&mut self, end_ns: i64) {
        self.roll_to(end_ns - 1);
        self.end_ns = end_ns;
        self.roll_ns = i64::MAX;
        self.summary.measured_ns = (end_ns - self.start_ns).max(0);
    }

    /// Counts one finished or given-up operation; instants of the run's clock. `done_ns` must not
    /// go back from call to call.
    #[inline]
    pub(super) fn record(
        &mut self,
        op: usize,
        (intended_ns, sent_ns): (i64, Option<i64>),
        done_ns: i64,
        outcome: Outcome,
    ) {
        if done_ns >= self.roll_ns {
            self.roll_to(done_ns);
        }
        let sample = Sample {
            op,
            intended_ns: intended_ns - self.start_ns,
            sent_ns: sent_ns.map(|at| at - self.start_ns),
            done_ns: done_ns - self.start_ns,
            outcome,
        };
        if done_ns >= self.end_ns {
            self.recorder.record_drained(&sample);
        } else {
            self.recorder.record(&sample);
        }
        match outcome {
            Outcome::Ok => self.snapshot.ok += 1,
            Outcome::Error(_) | Outcome::Unknown | Outcome::TimedOut | Outcome::NotSent => {
                self.snapshot.errors += 1;
            }
        }
    }

    /// Hands over the intervals that ended by `now_ns`.
    pub(super) fn roll_to(&mut self, now_ns: i64) {
        let now_ns = now_ns.min(self.end_ns - 1);
        if now_ns < self.roll_ns {
            return;
        }
        self.hand_over();
        self.index = (now_ns - self.start_ns).div_euclid(self.interval_ns);
        self.roll_ns = self.roll_at();
    }

    /// The last interval, and the summary.
    pub(super) fn finish(mut self) {
        if self.summary.measured_ns > 0 {
            self.hand_over();
        }
        self.summary.events_dropped = self.events.saturating_sub(EVENTS_MAX);
        self.send(Message::Done(self.summary));
    }

    /// Notes an event; the text is only made if it is kept.
    pub(super) fn event(&mut self, now_ns: i64, text: fmt::Arguments<'_>) {
        self.events += 1;
        if self.events <= EVENTS_MAX {
            let at_ns = if self.start_ns == 0 {
                -1
            } else {
                now_ns - self.start_ns
            };
            self.send(Message::Event(Event {
                at_ms: at_ns.div_euclid(1_000_000),
                text: text.to_string(),
            }));
        }
    }

    pub(super) fn send(&self, message: Message) {
        // The collector only goes away after an error of its own; then nobody wants to know.
        let _nobody_listens = self.sender.send(message);
    }

    fn hand_over(&mut self) {
        let message = match u32::try_from(self.index) {
            Ok(index) => Message::Part(self.recorder.take(index)),
            Err(_) => Message::WarmPart(self.recorder.take(0)),
        };
        self.send(message);
    }

    fn roll_at(&self) -> i64 {
        self.start_ns + (self.index + 1) * self.interval_ns
    }
}
