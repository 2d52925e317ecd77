//! The per-worker recorder: owned by one thread, no lock, no allocation per sample.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use super::tally::Tally;
use super::{Histogram, Outcome, Sample};

/// What one worker saw of one operation kind within one interval.
#[derive(Clone, Debug, Default)]
pub struct OpPart {
    /// done - intended, every finished or given-up operation.
    pub response: Histogram,
    /// done - sent, where it was sent.
    pub service: Histogram,
    /// sent - intended, where it was sent.
    pub send_delay: Histogram,
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

/// What one worker saw within one interval.
#[derive(Clone, Debug)]
pub struct IntervalPart {
    /// Interval index, 0 = first of the measured phase. Operations belong to the interval in which
    /// they were done.
    pub index: u32,
    /// Per operation index.
    pub ops: Vec<OpPart>,
}

/// Records samples of one worker.
#[derive(Debug)]
pub struct Recorder {
    ops: Vec<OpTally>,
}

/// What is being recorded of one operation kind.
#[derive(Debug)]
struct OpTally {
    response: Tally,
    service: Tally,
    send_delay: Tally,
    ok: u64,
    errors: BTreeMap<i32, u64>,
    unknown: u64,
    timed_out: u64,
    not_sent: u64,
}

impl OpTally {
    fn new() -> Self {
        Self {
            response: Tally::new(),
            service: Tally::new(),
            send_delay: Tally::new(),
            ok: 0,
            errors: BTreeMap::new(),
            unknown: 0,
            timed_out: 0,
            not_sent: 0,
        }
    }

    fn take(&mut self) -> OpPart {
        OpPart {
            response: self.response.take(),
            service: self.service.take(),
            send_delay: self.send_delay.take(),
            ok: std::mem::take(&mut self.ok),
            errors: std::mem::take(&mut self.errors),
            unknown: std::mem::take(&mut self.unknown),
            timed_out: std::mem::take(&mut self.timed_out),
            not_sent: std::mem::take(&mut self.not_sent),
        }
    }
}

impl Recorder {
    /// A recorder for `ops` kinds of operation.
    #[must_use]
    pub fn new(ops: usize) -> Self {
        Self {
            ops: (0..ops).map(|_| OpTally::new()).collect(),
        }
    }

    /// Counts one sample: its response time at full age whatever became of it; service time and
    /// send delay where it was sent.
    ///
    /// # Panics
    /// If the sample names an operation that the recorder was not made for.
    #[inline]
    pub fn record(&mut self, sample: &Sample) {
        let op = &mut self.ops[sample.op];
        op.response
            .record_ns(elapsed_ns(sample.intended_ns, sample.done_ns));
        if let Some(sent_ns) = sample.sent_ns {
            op.service.record_ns(elapsed_ns(sent_ns, sample.done_ns));
            op.send_delay
                .record_ns(elapsed_ns(sample.intended_ns, sent_ns));
        }
        match sample.outcome {
            Outcome::Ok => op.ok += 1,
            // A map node is allocated once per code and interval, not per sample.
            Outcome::Error(code) => *op.errors.entry(code).or_default() += 1,
            Outcome::Unknown => op.unknown += 1,
            Outcome::TimedOut => op.timed_out += 1,
            Outcome::NotSent => op.not_sent += 1,
        }
    }

    /// Hands over what was recorded since the last call.
    ///
    /// Copies the buckets in use, a few microseconds per operation kind; making histograms of them
    /// is the collector's business.
    pub fn take(&mut self, index: u32) -> IntervalPart {
        IntervalPart {
            index,
            ops: self.ops.iter_mut().map(OpTally::take).collect(),
        }
    }
}

/// `to - from`, or zero when a coarse clock makes them seem reversed.
#[inline]
fn elapsed_ns(from_ns: i64, to_ns: i64) -> u64 {
    u64::try_from(to_ns.saturating_sub(from_ns)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(sent_ns: Option<i64>, outcome: Outcome) -> Sample {
        Sample {
            op: 1,
            intended_ns: 1_000_000,
            sent_ns,
            done_ns: 9_000_000,
            outcome,
        }
    }

    fn is_about(actual_us: Option<f64>, expected_us: f64) -> bool {
        actual_us.is_some_and(|us| (us - expected_us).abs() <= expected_us * 0.001)
    }

    #[test]
    fn the_three_times_come_from_the_three_instants() {
        let mut recorder = Recorder::new(2);
        recorder.record(&sample(Some(3_000_000), Outcome::Ok));
        let part = recorder.take(0);
        let op = &part.ops[1];
        assert!(is_about(op.response.max_us(), 8_000.0));
        assert!(is_about(op.service.max_us(), 6_000.0));
        assert!(is_about(op.send_delay.max_us(), 2_000.0));
        assert_eq!(op.ok, 1);
        assert_eq!(part.ops[0].response.count(), 0);
    }

    #[test]
    fn an_operation_without_a_reply_counts_at_its_full_age() {
        for outcome in [Outcome::TimedOut, Outcome::Unknown, Outcome::Error(-101)] {
            let mut recorder = Recorder::new(2);
            recorder.record(&sample(Some(1_000_000), outcome));
            let part = recorder.take(0);
            assert!(
                is_about(part.ops[1].response.max_us(), 8_000.0),
                "{outcome:?}"
            );
            assert_eq!(part.ops[1].ok, 0);
        }
    }

    #[test]
    fn an_operation_never_sent_has_a_response_time_only() {
        let mut recorder = Recorder::new(2);
        recorder.record(&sample(None, Outcome::NotSent));
        let part = recorder.take(7);
        assert_eq!(part.index, 7);
        let op = &part.ops[1];
        assert_eq!(
            (
                op.response.count(),
                op.service.count(),
                op.send_delay.count()
            ),
            (1, 0, 0)
        );
        assert_eq!(op.not_sent, 1);
    }

    #[test]
    fn errors_are_counted_by_code_and_taking_starts_afresh() {
        let mut recorder = Recorder::new(2);
        for code in [-101, -101, -110] {
            recorder.record(&sample(Some(1_000_000), Outcome::Error(code)));
        }
        let errors = recorder.take(0).ops.swap_remove(1).errors;
        assert_eq!(errors, BTreeMap::from([(-101, 2), (-110, 1)]));
        assert!(recorder.take(1).ops[1].errors.is_empty());
    }

    #[test]
    fn a_clock_that_seems_to_run_backwards_is_zero() {
        let mut recorder = Recorder::new(2);
        recorder.record(&sample(Some(999_999), Outcome::Ok));
        let part = recorder.take(0);
        assert!(part.ops[1].send_delay.max_us().unwrap() < 1.0);
    }
}
