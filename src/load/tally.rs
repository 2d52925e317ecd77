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
        self.enter(now_ns);
    }

    /// The measured phase ends at `end_ns`, perhaps earlier than planned, but not in the past of
    /// what was recorded: what follows is the drain.
    pub(super) fn end(&mut self, end_ns: i64) {
        self.roll_to(end_ns - 1);
        self.end_ns = end_ns;
        self.hand_over();
        self.enter(end_ns);
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
        self.recorder.record(&sample);
        match outcome {
            Outcome::Ok => self.snapshot.ok += 1,
            Outcome::Error(_) | Outcome::Unknown | Outcome::TimedOut | Outcome::NotSent => {
                self.snapshot.errors += 1;
            }
        }
    }

    /// Hands over the interval that ended by `now_ns`, if one did.
    pub(super) fn roll_to(&mut self, now_ns: i64) {
        if now_ns >= self.roll_ns {
            self.hand_over();
            self.enter(now_ns);
        }
    }

    /// The last interval, and the summary.
    pub(super) fn finish(mut self) {
        self.hand_over();
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

    /// Begins the interval that `now_ns` lies in. Those of the drain come after those of the
    /// measured phase, even when the phase ended within one.
    fn enter(&mut self, now_ns: i64) {
        let index = |at: i64| (at - self.start_ns).div_euclid(self.interval_ns);
        let first_of_drain = index(self.end_ns - 1) + 1;
        self.index = index(now_ns);
        if now_ns >= self.end_ns {
            self.index = self.index.max(first_of_drain);
        }
        self.roll_ns = self.start_ns + (self.index + 1) * self.interval_ns;
        if now_ns < self.end_ns {
            self.roll_ns = self.roll_ns.min(self.end_ns);
        }
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
        let plan = fixture::plan("rate = 10\ninterval = \"1s\"\n", "kind = \"set\"");
        let mut tally = Tally::new(&plan, sender);
        tally.start(START - 500 * MS, START, START + 2_500 * MS);
        (tally, receiver)
    }

    fn record(tally: &mut Tally, done_ms: i64) {
        let done = START + done_ms * MS;
        tally.record(0, (done - 1, Some(done)), done, Outcome::Ok);
    }

    /// Index (-1 = warm-up) and acknowledged operations of each part that is not empty.
    fn parts(receiver: &Receiver<Message>) -> Vec<(i64, u64)> {
        let parts = receiver.try_iter().filter_map(|message| match message {
            Message::Part(part) => Some((i64::from(part.index), part.ops[0].ok)),
            Message::WarmPart(part) => Some((-1, part.ops[0].ok)),
            _ => None,
        });
        parts.filter(|(_, ok)| *ok > 0).collect()
    }

    #[test]
    fn samples_go_to_the_interval_in_which_they_were_done() {
        let (mut tally, receiver) = tally();
        for done_ms in [-100, -1, 0, 999, 1_000, 2_499, 2_500, 2_999, 3_000, 5_100] {
            record(&mut tally, done_ms);
        }
        tally.end(START + 2_500 * MS);
        tally.finish();
        let expected = [(-1, 2), (0, 2), (1, 1), (2, 1), (3, 3), (5, 1)];
        assert_eq!(parts(&receiver), expected);
    }

    #[test]
    fn an_early_end_begins_the_drain_in_an_interval_of_its_own() {
        let (mut tally, receiver) = tally();
        record(&mut tally, 100);
        tally.end(START + 1_400 * MS);
        record(&mut tally, 1_450);
        let measured_ns = tally.summary.measured_ns;
        tally.finish();
        assert_eq!(measured_ns, 1_400 * MS);
        assert_eq!(parts(&receiver), [(0, 1), (2, 1)]);
    }

    #[test]
    fn events_beyond_the_bound_are_counted() {
        let (mut tally, receiver) = tally();
        for _ in 0..EVENTS_MAX + 3 {
            tally.event(START - 1, format_args!("lost"));
        }
        tally.finish();
        let mut events = 0;
        let mut dropped = 0;
        for message in receiver.try_iter() {
            match message {
                Message::Event(event) => {
                    assert_eq!(event.at_ms, -1);
                    events += 1;
                }
                Message::Done(summary) => dropped = summary.events_dropped,
                _ => {}
            }
        }
        assert_eq!((events, dropped), (EVENTS_MAX, 3));
    }
}
