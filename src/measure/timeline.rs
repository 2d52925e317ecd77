//! Counts due, ended and acknowledged operations in buckets of 10 ms.
//!
//! Recording intervals are too long to measure an outage. Silences are computed from these buckets.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::ack_times::Buckets;
use super::sample::{Outcome, Sample};

/// Length of a bucket. Long runs use a multiple of it.
const BUCKET_MS: u64 = 10;
/// Limit of the buckets of a run: ten minutes at full resolution. Longer runs get wider buckets.
const BUCKETS_MAX: u64 = 60_000;

/// Counts per bucket, from the start of the measured phase to the end of the drain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    /// Length of a bucket in milliseconds; 0 if there is no timeline.
    pub bucket_ms: u64,
    /// Per bucket: operations intended in it.
    pub due: Vec<u32>,
    /// Per bucket: operations that ended in it, with any outcome.
    pub ended: Vec<u32>,
    /// Per operation index and bucket: operations acknowledged in it.
    pub acknowledged: Vec<Vec<u32>>,
}

impl Timeline {
    /// Creates an empty timeline for `ops` kinds of operation. `length_ms` covers the measured
    /// phase and the drain.
    #[must_use]
    pub fn new(ops: usize, length_ms: u64) -> Self {
        let mut bucket_ms = BUCKET_MS;
        while length_ms.div_ceil(bucket_ms) > BUCKETS_MAX {
            bucket_ms *= 2;
        }
        let buckets = usize::try_from(length_ms.div_ceil(bucket_ms)).unwrap_or(0);
        Self {
            bucket_ms,
            due: vec![0; buckets],
            ended: vec![0; buckets],
            acknowledged: vec![vec![0; buckets]; ops],
        }
    }

    /// Adds the counts of another worker.
    pub fn merge(&mut self, other: &Self) {
        if self.bucket_ms == 0 {
            self.clone_from(other);
            return;
        }
        add(&mut self.due, &other.due);
        add(&mut self.ended, &other.ended);
        for (own, others) in self.acknowledged.iter_mut().zip(&other.acknowledged) {
            add(own, others);
        }
    }

    /// Removes the empty buckets at the end. Most of a drain is empty.
    pub fn trim(&mut self) {
        let used = |counts: &Vec<u32>| counts.iter().rposition(|count| *count > 0);
        let others = [&self.due, &self.ended];
        let last = self.acknowledged.iter().chain(others).filter_map(used);
        let length = last.max().map_or(0, |last| last + 1);
        let others = [&mut self.due, &mut self.ended];
        for counts in self.acknowledged.iter_mut().chain(others) {
            counts.truncate(length);
        }
    }

    /// Returns the acknowledged operations of all kinds, per bucket.
    #[must_use]
    pub fn acknowledged_of_all(&self) -> Vec<u32> {
        let mut all = vec![0; self.due.len()];
        for counts in &self.acknowledged {
            add(&mut all, counts);
        }
        all
    }

    /// Returns the silences: periods of at least `least_ms` in which operations waited and none was
    /// acknowledged. Each is `(from, to)` in seconds since the start of the measured phase. Nothing
    /// after `until_s` is looked at.
    #[must_use]
    pub fn silences_s(&self, least_ms: u64, until_s: f64) -> Vec<(f64, f64)> {
        if self.bucket_ms == 0 {
            return Vec::new();
        }
        let bucket_s = seconds(self.bucket_ms);
        let acknowledged = self.acknowledged_of_all();
        let mut found = Vec::new();
        let mut from: Option<usize> = None;
        let mut close = |from: Option<usize>, to: usize| {
            let Some(from) = from else { return };
            // Check the length first: most gaps are too short, and `operations_wait` is expensive.
            if (to - from) as u64 * self.bucket_ms >= least_ms && self.operations_wait(from, to) {
                let end_s = (count_f64(to) * bucket_s).min(until_s);
                found.push((count_f64(from) * bucket_s, end_s));
            }
        };
        let mut end = 0;
        for (index, count) in acknowledged.iter().enumerate() {
            if count_f64(index) * bucket_s >= until_s {
                break;
            }
            end = index + 1;
            if *count > 0 {
                close(from.take(), index);
            } else {
                from = from.or(Some(index));
            }
        }
        // The time after the last bucket is silent too.
        while count_f64(end) * bucket_s < until_s {
            from = from.or(Some(end));
            end += 1;
        }
        close(from, end);
        found
    }
}

/// Records a timeline. It keeps the buckets of the last sample, because the next sample usually
/// falls into the same ones and a division per sample is expensive.
#[derive(Debug)]
pub(super) struct TimelineWriter {
    timeline: Timeline,
    bucket_ns: i64,
    due: Place,
    done: Place,
}

/// A bucket and the start of its time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    from_ns: i64,
    pub(super) index: usize,
}

impl TimelineWriter {
    pub(super) fn new(ops: usize, length_ms: u64) -> Self {
        let timeline = Timeline::new(ops, length_ms);
        let bucket_ns = i64::try_from(timeline.bucket_ms * 1_000_000).unwrap_or(i64::MAX);
        Self {
            timeline,
            bucket_ns,
            due: Place::default(),
            done: Place::default(),
        }
    }

    /// Counts one sample and returns its buckets. Times before the measured phase or after the drain
    /// are ignored.
    #[inline]
    pub(super) fn record(&mut self, sample: &Sample) -> Buckets {
        if sample.intended_ns >= 0 {
            self.due.go_to(sample.intended_ns, self.bucket_ns);
            if let Some(due) = self.timeline.due.get_mut(self.due.index) {
                *due = due.saturating_add(1);
            }
        }
        if sample.done_ns < 0 {
            return Buckets {
                due: self.due.index,
                done: usize::MAX,
            };
        }
        self.done.go_to(sample.done_ns, self.bucket_ns);
        if sample.intended_ns >= 0
            && let Some(ended) = self.timeline.ended.get_mut(self.done.index)
        {
            *ended = ended.saturating_add(1);
        }
        if sample.outcome == Outcome::Ok {
            let counts = &mut self.timeline.acknowledged[sample.op];
            if let Some(count) = counts.get_mut(self.done.index) {
                *count = count.saturating_add(1);
            }
        }
        Buckets {
            due: self.due.index,
            done: self.done.index,
        }
    }

    pub(super) fn bucket_ns(&self) -> i64 {
        self.bucket_ns
    }

    /// Returns the number of buckets.
    pub(super) fn len(&self) -> usize {
        self.timeline.due.len()
    }

    pub(super) fn finish(self) -> Timeline {
        self.timeline
    }
}

impl Place {
    /// Moves to the bucket of a time that is not negative.
    #[inline]
    pub(super) fn go_to(&mut self, at_ns: i64, bucket_ns: i64) {
        if !(0..bucket_ns).contains(&(at_ns - self.from_ns)) {
            let index = at_ns / bucket_ns;
            self.from_ns = index * bucket_ns;
            self.index = usize::try_from(index).unwrap_or(usize::MAX);
        }
    }
}

impl Timeline {
    /// Whether an operation was unfinished at the start of `from..to` or became due in it.
    fn operations_wait(&self, from: usize, to: usize) -> bool {
        let sum = |counts: &[u32], to: usize| -> u64 {
            counts.iter().take(to).copied().map(u64::from).sum()
        };
        sum(&self.due, to) > sum(&self.due, from) || sum(&self.due, from) > sum(&self.ended, from)
    }
}

fn add(own: &mut Vec<u32>, others: &[u32]) {
    if own.len() < others.len() {
        own.resize(others.len(), 0);
    }
    for (count, other) in own.iter_mut().zip(others) {
        *count = count.saturating_add(*other);
    }
}

#[expect(clippy::cast_precision_loss, reason = "a length below 2^53 ms")]
fn seconds(ms: u64) -> f64 {
    ms as f64 / 1_000.0
}

#[expect(clippy::cast_precision_loss, reason = "at most 60,000 buckets")]
fn count_f64(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::ErrorNames;

    const MS: i64 = 1_000_000;

    fn sample(intended_ms: i64, done_ms: i64, outcome: Outcome) -> Sample {
        Sample {
            op: 0,
            server: None,
            intended_ns: intended_ms * MS,
            ready_ns: None,
            sent_ns: None,
            done_ns: done_ms * MS,
            outcome,
        }
    }

    #[test]
    fn due_counts_at_the_intended_time_and_acknowledged_at_the_done_time() {
        let mut writer = TimelineWriter::new(1, 100);
        writer.record(&sample(-5, 5, Outcome::Ok));
        writer.record(&sample(10, 35, Outcome::Ok));
        writer.record(&sample(19, 36, Outcome::Unknown));
        writer.record(&sample(95, 500, Outcome::Ok));
        let mut timeline = writer.finish();
        assert_eq!(timeline.due, [0, 2, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(timeline.ended, [0, 0, 0, 2, 0, 0, 0, 0, 0, 0]);
        let mut expected = [0; 10];
        expected[0] = 1;
        expected[3] = 1;
        assert_eq!(timeline.acknowledged, [expected.to_vec()]);
        let one = timeline.clone();
        timeline.merge(&one);
        assert_eq!(timeline.due[1], 4);
        let mut none = Timeline::default();
        none.merge(&one);
        assert_eq!(none, one);
    }

    #[test]
    fn a_silence_is_a_period_in_which_operations_waited_without_an_acknowledgement() {
        let mut writer = TimelineWriter::new(1, 1_000);
        for at in (0..200).chain(600..700) {
            writer.record(&sample(at, at, Outcome::Ok));
        }
        writer.record(&sample(250, 600, Outcome::Ok));
        // This operation still waits at the end.
        writer.record(&sample(650, 5_000, Outcome::Unknown));
        let mut timeline = writer.finish();
        let close = |found: &[(f64, f64)], expected: &[(f64, f64)]| {
            assert_eq!(found.len(), expected.len(), "{found:?}");
            for (found, expected) in found.iter().zip(expected) {
                assert!((found.0 - expected.0).abs() < 1e-9, "{found:?}");
                assert!((found.1 - expected.1).abs() < 1e-9, "{found:?}");
            }
        };
        close(&timeline.silences_s(100, 1.0), &[(0.2, 0.6), (0.7, 1.0)]);
        close(&timeline.silences_s(350, 1.0), &[(0.2, 0.6)]);
        timeline.trim();
        close(&timeline.silences_s(100, 1.0), &[(0.2, 0.6), (0.7, 1.0)]);
        assert!(Timeline::default().silences_s(1, 1.0).is_empty());
    }

    #[test]
    fn there_is_no_silence_while_no_operation_is_due() {
        let mut writer = TimelineWriter::new(1, 1_000);
        writer.record(&sample(100, 105, Outcome::Ok));
        writer.record(&sample(
            300,
            305,
            Outcome::Error(ErrorNames::default().intern("NoNode")),
        ));
        writer.record(&sample(900, 905, Outcome::Ok));
        let timeline = writer.finish();
        // The failed operation was due, and none was acknowledged.
        let silences = timeline.silences_s(100, 1.0);
        assert_eq!(silences.len(), 1, "{silences:?}");
        assert!(silences[0].0 < 0.3 && silences[0].1 > 0.3);
    }

    #[test]
    fn a_long_run_gets_wider_buckets() {
        let week = Timeline::new(1, 7 * 86_400_000);
        assert!(week.due.len() as u64 <= BUCKETS_MAX);
        assert_eq!(week.bucket_ms % BUCKET_MS, 0);
        assert_eq!(Timeline::new(1, 30_000).bucket_ms, 10);
    }
}
