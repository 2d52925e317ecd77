//! Counts in buckets of 10 ms: what was due, and what was acknowledged, at which moment.
//!
//! Histograms per interval are too coarse to tell how long nobody could write. The timeline is what
//! gaps are read from.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::sample::{Outcome, Sample};

/// Length of a bucket, unless the run is so long that wider ones are needed.
const BUCKET_MS: u64 = 10;
/// Buckets of a run, at most: ten minutes at full resolution. Longer runs get wider buckets.
const BUCKETS_MAX: u64 = 60_000;

/// What happened when, from the start of the measured phase to the end of the drain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    /// Length of a bucket, milliseconds; 0 where there is no timeline.
    pub bucket_ms: u64,
    /// Per bucket: operations that were intended in it.
    pub due: Vec<u32>,
    /// Per bucket: operations that came to an end in it, whatever became of them.
    pub ended: Vec<u32>,
    /// Per operation index and bucket: operations acknowledged in it.
    pub acknowledged: Vec<Vec<u32>>,
}

impl Timeline {
    /// An empty one of `ops` kinds of operation for a measured phase and drain of `length_ms`.
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

    /// Adds another worker's counts.
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

    /// Drops the empty buckets at the end: most of a drain.
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

    /// Per bucket: acknowledged operations of all kinds.
    #[must_use]
    pub fn acknowledged_of_all(&self) -> Vec<u32> {
        let mut all = vec![0; self.due.len()];
        for counts in &self.acknowledged {
            add(&mut all, counts);
        }
        all
    }

    /// Stretches of at least `least_ms` in which operations waited and none was acknowledged, as from-to
    /// in seconds since the start of the measured phase, within the first `until_s`.
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
            // Most gaps are too short, and asking who waits is dear.
            if (to - from) as u64 * self.bucket_ms >= least_ms && self.someone_waits(from, to) {
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
        // What lies behind the last bucket is silent too.
        while count_f64(end) * bucket_s < until_s {
            from = from.or(Some(end));
            end += 1;
        }
        close(from, end);
        found
    }
}

/// A timeline that is being recorded: remembers the buckets of the last sample, which the next one
/// mostly shares, because a division per sample is dear.
#[derive(Debug)]
pub(super) struct TimelineWriter {
    timeline: Timeline,
    bucket_ns: i64,
    due: Place,
    done: Place,
}

/// A bucket and the time it covers.
#[derive(Clone, Copy, Debug)]
struct Place {
    from_ns: i64,
    index: usize,
}

impl TimelineWriter {
    pub(super) fn new(ops: usize, length_ms: u64) -> Self {
        let timeline = Timeline::new(ops, length_ms);
        let bucket_ns = i64::try_from(timeline.bucket_ms * 1_000_000).unwrap_or(i64::MAX);
        let start = Place {
            from_ns: 0,
            index: 0,
        };
        Self {
            timeline,
            bucket_ns,
            due: start,
            done: start,
        }
    }

    /// Counts one sample. What lies before the measured phase or behind the drain is left out.
    #[inline]
    pub(super) fn record(&mut self, sample: &Sample) {
        if sample.intended_ns >= 0 {
            self.due.go_to(sample.intended_ns, self.bucket_ns);
            if let Some(due) = self.timeline.due.get_mut(self.due.index) {
                *due = due.saturating_add(1);
            }
        }
        if sample.done_ns < 0 {
            return;
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
    }

    pub(super) fn finish(self) -> Timeline {
        self.timeline
    }
}

impl Place {
    #[inline]
    fn go_to(&mut self, at_ns: i64, bucket_ns: i64) {
        if !(0..bucket_ns).contains(&(at_ns - self.from_ns)) {
            let index = at_ns / bucket_ns;
            self.from_ns = index * bucket_ns;
            self.index = usize::try_from(index).unwrap_or(usize::MAX);
        }
    }
}

impl Timeline {
    /// Whether an operation was without its end at the beginning of `from..to`, or fell due in it.
    fn someone_waits(&self, from: usize, to: usize) -> bool {
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
    fn due_is_counted_when_intended_and_acknowledged_when_done() {
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
    fn a_silence_is_a_stretch_in_which_something_waited_and_nothing_came() {
        let mut writer = TimelineWriter::new(1, 1_000);
        for at in (0..200).chain(600..700) {
            writer.record(&sample(at, at, Outcome::Ok));
        }
        writer.record(&sample(250, 600, Outcome::Ok));
        // Still waiting at the end.
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
    fn where_nothing_is_due_nothing_is_missing() {
        let mut writer = TimelineWriter::new(1, 1_000);
        writer.record(&sample(100, 105, Outcome::Ok));
        writer.record(&sample(
            300,
            305,
            Outcome::Error(ErrorNames::default().intern("NoNode")),
        ));
        writer.record(&sample(900, 905, Outcome::Ok));
        let timeline = writer.finish();
        // The failed one was due, and nothing was acknowledged.
        let silences = timeline.silences_s(100, 1.0);
        assert_eq!(silences.len(), 1, "{silences:?}");
        assert!(silences[0].0 < 0.3 && silences[0].1 > 0.3);
    }

    #[test]
    fn a_week_has_wider_buckets_not_more() {
        let week = Timeline::new(1, 7 * 86_400_000);
        assert!(week.due.len() as u64 <= BUCKETS_MAX);
        assert_eq!(week.bucket_ms % BUCKET_MS, 0);
        assert_eq!(Timeline::new(1, 30_000).bucket_ms, 10);
    }
}
