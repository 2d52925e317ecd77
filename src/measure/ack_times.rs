//! When operations were acknowledged, precisely enough to measure an outage.
//!
//! The counts of a timeline say in which bucket of 10 ms an acknowledgement came. Here are the exact
//! first and last one of each bucket, so every gap that is longer than a bucket is exact. They exist
//! only while a run is measured: [`super::Recording::find_gaps`] reduces them.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::gap::{GAPS_MAX, Gap, Gaps};
use super::sample::{Outcome, Sample};
use super::timeline::Place;

/// Buckets by send time per bucket of the timeline.
const SENT_PER_BUCKET: i64 = 10;

/// The acknowledgements and the response times of one class of operations. In all lists 0 means
/// none, so that untouched pages of a long list cost no memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AckTimes {
    /// Length of a bucket of the timeline; 0 if there are no times.
    bucket_ns: i64,
    /// Per bucket of the timeline.
    edges: Vec<Edges>,
    /// Per tenth of a bucket: the earliest acknowledgement of an operation that was sent in it.
    by_sent: Vec<i64>,
    /// The bucket of the latest send time. A division per sample is expensive.
    sent: Place,
    /// Per bucket of the timeline.
    response: Vec<BucketResponse>,
}

/// The first and the last acknowledgement in a bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Edges {
    first_ns: i64,
    last_ns: i64,
}

/// The response times of the operations that were intended in a bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BucketResponse {
    pub count: u32,
    pub sum_us: u64,
    pub max_us: u32,
}

/// The indices of the buckets of a sample.
#[derive(Clone, Copy, Debug)]
pub(super) struct Buckets {
    pub(super) due: usize,
    pub(super) done: usize,
}

impl AckTimes {
    pub(super) fn new(bucket_ns: i64, buckets: usize) -> Self {
        let sent = buckets * usize::try_from(SENT_PER_BUCKET).unwrap_or(1);
        Self {
            bucket_ns,
            edges: vec![Edges::default(); buckets],
            by_sent: vec![0; sent],
            sent: Place::default(),
            response: vec![BucketResponse::default(); buckets],
        }
    }

    /// Whether nothing was prepared, as in a recording that was read from a file.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bucket_ns == 0
    }

    /// Counts a sample. The caller has found its buckets in the timeline.
    #[inline]
    pub(super) fn record(&mut self, sample: &Sample, buckets: Buckets) {
        if sample.intended_ns >= 0
            && let Some(response) = self.response.get_mut(buckets.due)
        {
            let us = (sample.done_ns - sample.intended_ns).max(0).unsigned_abs() / 1_000;
            response.count = response.count.saturating_add(1);
            response.sum_us = response.sum_us.saturating_add(us);
            response.max_us = response.max_us.max(u32::try_from(us).unwrap_or(u32::MAX));
        }
        if sample.outcome != Outcome::Ok || sample.done_ns < 0 {
            return;
        }
        let done_ns = sample.done_ns.max(1);
        if let Some(edges) = self.edges.get_mut(buckets.done) {
            edges.add(done_ns);
        }
        if let Some(sent_ns) = sample.sent_ns.filter(|sent_ns| *sent_ns >= 0) {
            self.sent.go_to(sent_ns, self.sent_bucket_ns());
            if let Some(first) = self.by_sent.get_mut(self.sent.index)
                && (*first == 0 || done_ns < *first)
            {
                *first = done_ns;
            }
        }
    }

    /// Length of a bucket of send times.
    #[inline]
    fn sent_bucket_ns(&self) -> i64 {
        (self.bucket_ns / SENT_PER_BUCKET).max(1)
    }

    /// Adds the times of another worker.
    pub(super) fn merge(&mut self, other: &Self) {
        if self.is_empty() {
            self.clone_from(other);
            return;
        }
        for (own, other) in self.edges.iter_mut().zip(&other.edges) {
            if other.last_ns > 0 {
                own.add(other.first_ns);
                own.add(other.last_ns);
            }
        }
        for (own, other) in self.by_sent.iter_mut().zip(&other.by_sent) {
            if *other > 0 && (*own == 0 || other < own) {
                *own = *other;
            }
        }
        for (own, other) in self.response.iter_mut().zip(&other.response) {
            own.count = own.count.saturating_add(other.count);
            own.sum_us = own.sum_us.saturating_add(other.sum_us);
            own.max_us = own.max_us.max(other.max_us);
        }
    }

    /// Returns the longest gaps between acknowledgements from the start of the measured phase to
    /// `until_ns`. Only gaps that are longer than a bucket are known to be complete.
    pub(super) fn gaps(&self, until_ns: i64) -> Gaps {
        let mut list: Vec<Gap> = Vec::new();
        let mut last_ns = 0;
        for edges in self.edges.iter().filter(|edges| edges.last_ns > 0) {
            if last_ns >= until_ns {
                break;
            }
            if edges.first_ns - last_ns > self.bucket_ns {
                list.push(Gap {
                    from_ns: last_ns,
                    to_ns: Some(edges.first_ns),
                });
            }
            last_ns = edges.last_ns;
        }
        if until_ns - last_ns > self.bucket_ns {
            list.push(Gap {
                from_ns: last_ns,
                to_ns: None,
            });
        }
        let mut complete_above_ns = self.bucket_ns.unsigned_abs();
        if list.len() > GAPS_MAX {
            list.sort_by_key(|gap| std::cmp::Reverse(gap.length_ns(until_ns)));
            complete_above_ns = list[GAPS_MAX].length_ns(until_ns);
            list.truncate(GAPS_MAX);
            list.sort_by_key(|gap| gap.from_ns);
        }
        Gaps {
            list,
            complete_above_ns,
        }
    }

    /// Returns when the first operation was acknowledged that was sent after `at_ns`; `None` if none
    /// was. The bucket of a send time is a tenth of the timeline's, and operations that were sent in
    /// the bucket of `at_ns` are left out, so the answer may be late by that tenth.
    pub(super) fn first_sent_after(&self, at_ns: i64) -> Option<i64> {
        let from = usize::try_from(at_ns.max(0) / self.sent_bucket_ns()).ok()?;
        let later = self.by_sent.get(from.saturating_add(1)..)?;
        later.iter().filter(|done_ns| **done_ns > 0).min().copied()
    }

    /// Returns the response times per bucket of the timeline, without the empty buckets at the end.
    pub(super) fn into_response(mut self) -> Vec<BucketResponse> {
        let used = self.response.iter().rposition(|bucket| bucket.count > 0);
        self.response.truncate(used.map_or(0, |last| last + 1));
        self.response
    }
}

impl Edges {
    #[inline]
    fn add(&mut self, done_ns: i64) {
        if self.last_ns == 0 {
            (self.first_ns, self.last_ns) = (done_ns, done_ns);
        } else {
            self.first_ns = self.first_ns.min(done_ns);
            self.last_ns = self.last_ns.max(done_ns);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    fn add(times: &mut AckTimes, sent_ns: i64, done_ns: i64) {
        let sample = Sample {
            op: 0,
            server: None,
            intended_ns: sent_ns,
            ready_ns: Some(sent_ns),
            sent_ns: Some(sent_ns),
            done_ns,
            outcome: Outcome::Ok,
        };
        let index = |at_ns: i64| usize::try_from(at_ns / (10 * MS)).unwrap();
        let buckets = Buckets {
            due: index(sent_ns),
            done: index(done_ns),
        };
        times.record(&sample, buckets);
    }

    /// An operation each millisecond that takes 0.3 ms, except from `from_ms` to `to_ms`: what was sent in that time
    /// is acknowledged at its end.
    fn outage(from_ms: i64, to_ms: i64) -> AckTimes {
        let mut times = AckTimes::new(10 * MS, 200);
        for at in 0..2_000 {
            let sent_ns = at * MS;
            let done_ns = if (from_ms..to_ms).contains(&at) {
                to_ms * MS + 7
            } else {
                sent_ns + 300_000
            };
            add(&mut times, sent_ns, done_ns);
        }
        times
    }

    #[test]
    fn a_gap_longer_than_a_bucket_is_exact() {
        let gaps = outage(503, 717).gaps(2_000 * MS);
        let expected = Gap {
            from_ns: 502 * MS + 300_000,
            to_ns: Some(717 * MS + 7),
        };
        assert_eq!(gaps.list, [expected]);
        assert_eq!(gaps.complete_above_ns, 10_000_000);
    }

    #[test]
    fn a_gap_of_one_worker_is_none_if_another_worker_was_served() {
        let mut merged = outage(503, 717);
        merged.merge(&outage(600, 800));
        let gaps = merged.gaps(2_000 * MS);
        let expected = Gap {
            from_ns: 599 * MS + 300_000,
            to_ns: Some(717 * MS + 7),
        };
        assert_eq!(gaps.list, [expected]);
        let mut none = AckTimes::default();
        none.merge(&merged);
        assert_eq!(none, merged);
    }

    #[test]
    fn an_outage_until_the_end_has_no_end() {
        let gaps = outage(1_500, 9_000).gaps(2_000 * MS);
        assert_eq!(gaps.list.len(), 1);
        assert_eq!(gaps.list[0].to_ns, None);
        assert_eq!(gaps.list[0].length_ns(2_000 * MS), 500_700_000);
    }

    #[test]
    fn of_too_many_gaps_the_longest_are_kept_in_order_of_time() {
        let mut times = AckTimes::new(10 * MS, 100_000);
        let mut at = 0;
        for index in 0..2 * GAPS_MAX as i64 {
            at += 20 * MS + index * 1_000;
            add(&mut times, at, at);
        }
        let gaps = times.gaps(at);
        assert_eq!(gaps.list.len(), GAPS_MAX);
        assert!(gaps.list.is_sorted_by_key(|gap| gap.from_ns));
        assert!(
            gaps.list
                .iter()
                .all(|gap| gap.length_ns(at) > gaps.complete_above_ns)
        );
    }

    #[test]
    fn the_first_acknowledgement_of_a_later_send_is_found() {
        let mut times = AckTimes::new(10 * MS, 200);
        // Sent before the fault at 500 ms and acknowledged after it.
        add(&mut times, 499 * MS, 650 * MS);
        add(&mut times, 502 * MS, 731 * MS);
        add(&mut times, 503 * MS, 730 * MS);
        assert_eq!(times.first_sent_after(500 * MS), Some(730 * MS));
        assert_eq!(times.first_sent_after(502 * MS + 5), Some(730 * MS));
        assert_eq!(times.first_sent_after(504 * MS), None);
        assert_eq!(times.first_sent_after(i64::MAX), None);
    }

    #[test]
    fn response_times_count_in_the_bucket_of_the_intended_time() {
        let response = outage(503, 717).into_response();
        assert_eq!(response.len(), 200);
        let before = response[49];
        assert_eq!(
            (before.count, before.sum_us, before.max_us),
            (10, 3_000, 300)
        );
        assert_eq!(response[50].max_us, 214_000);
    }
}
