//! What one fault, or its end, did in one run.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::length::{Known, Length, ms};
use super::recovery::{Counts, Span, recovery_ms};
use super::sessions::SessionImpact;
use super::victim::victim;
use crate::measure::{EventKind, FaultTimes, Gap, Gaps, Recording};
use crate::workload::Plan;

/// The rate of the probe is taken of at most this long before the first fault, in milliseconds.
const PROBE_MS: u64 = 5_000;

/// What one fault, or its end, did in one run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Impact {
    /// Index of the run.
    pub run: usize,
    /// Index of the fault in the plan.
    pub fault: u32,
    /// What was done: "kill", or "restart" at its end.
    pub action: String,
    pub servers: Vec<String>,
    /// The fault in words: "kill of the leader", "restart after kill of the leader".
    pub what: String,
    /// Whether this is the end of the fault.
    pub ended: bool,
    /// In nanoseconds since the start of the measured phase.
    pub at_ns: i64,
    /// The next event of a fault, or the end of the measured phase.
    pub until_ns: i64,
    pub took_ms: f64,
    /// `None` if the plan has no writes.
    pub writes: Option<Unavailability>,
    /// `None` if the plan has only writes.
    pub reads: Option<Unavailability>,
    /// From the fault until the throughput of all operations was back, in milliseconds.
    pub recovery_ms: Option<f64>,
    pub sessions: SessionImpact,
}

/// How long nobody was served, for one class of operations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Unavailability {
    /// From the last acknowledgement before to the first one after, over all sessions.
    pub window: Length,
    /// When the window began, in milliseconds after the fault; negative before it. `None` if the
    /// window is only known to be short.
    pub window_from_ms: Option<f64>,
    /// From the fault to the first acknowledgement of an operation sent after it, in milliseconds.
    pub first_ms: Option<f64>,
    /// The longest gap before the first fault of the run.
    pub before: Length,
    /// The smallest difference that the load could show: the mean distance of two operations before
    /// the first fault, in milliseconds. `None` if there was none.
    pub resolution_ms: Option<f64>,
    /// From the fault until the throughput of this class was back, in milliseconds.
    pub recovery_ms: Option<f64>,
}

/// Returns what the faults did in one run, in order of time.
pub(crate) fn impacts(run: &Recording, index: usize, plan: &Plan) -> Vec<Impact> {
    let times = FaultTimes::of(run);
    let mut known: Vec<(u32, String)> = Vec::new();
    let mut found = Vec::new();
    for event in &run.events {
        let (fault, action, servers, took_ns, ended) = match &event.kind {
            EventKind::FaultBegan {
                fault,
                action,
                servers,
                took_ns,
            } => (fault, action, servers, took_ns, false),
            EventKind::FaultEnded {
                fault,
                action,
                servers,
                took_ns,
            } => (fault, action, servers, took_ns, true),
            _ => continue,
        };
        let mut what = format!("{action} of {}", victim(run, servers, event.at_ns));
        if ended {
            let began = known.iter().rfind(|(known, _)| known == fault);
            what = began.map_or(what, |(_, began)| format!("{action} after {began}"));
        } else {
            known.push((*fault, what.clone()));
        }
        let place = Place {
            run,
            times: &times,
            index: found.len(),
            at_ns: event.at_ns,
        };
        let is_write = |op: usize| plan.ops.get(op).is_some_and(|op| op.is_write());
        let gaps = &run.interruptions.gaps;
        let after = run
            .interruptions
            .sent_after
            .iter()
            .find(|after| after.at_ns == event.at_ns);
        let writes = plan.ops.iter().any(|op| op.is_write()).then(|| {
            let first_ns = after.and_then(|after| after.write_ns);
            place.unavailability(&gaps.writes, first_ns, &is_write)
        });
        let reads = plan.ops.iter().any(|op| !op.is_write()).then(|| {
            let first_ns = after.and_then(|after| after.read_ns);
            place.unavailability(&gaps.reads, first_ns, &|op| !is_write(op))
        });
        let served_ns = [&gaps.writes, &gaps.reads].map(|gaps| place.served_ns(gaps));
        found.push(Impact {
            run: index,
            fault: *fault,
            action: action.clone(),
            servers: servers.clone(),
            what,
            ended,
            at_ns: event.at_ns,
            until_ns: place.until_ns(),
            took_ms: ms(i64::try_from(*took_ns).unwrap_or(i64::MAX)),
            writes,
            reads,
            recovery_ms: place.recovery_ms(served_ns.into_iter().max(), &|_| true),
            sessions: SessionImpact::of(run, plan, &times, place.index),
        });
    }
    found
}

/// One event of a fault in its run.
struct Place<'a> {
    run: &'a Recording,
    times: &'a FaultTimes,
    /// Index of the event among the events of faults.
    index: usize,
    at_ns: i64,
}

impl Place<'_> {
    fn until_ns(&self) -> i64 {
        let next = self.times.ns().get(self.index + 1).copied();
        next.unwrap_or_else(|| self.run.measured_ns())
    }

    /// The longest gap that belongs to this event.
    fn gap<'g>(&self, gaps: &'g Gaps, cause: Option<usize>) -> Option<&'g Gap> {
        let measured_ns = self.run.measured_ns();
        let own = gaps
            .list
            .iter()
            .filter(|gap| self.times.cause_of(gap) == cause);
        own.max_by_key(|gap| gap.length_ns(measured_ns))
    }

    fn length(&self, gap: Option<&Gap>, gaps: &Gaps) -> Length {
        let Some(gap) = gap else {
            let ns = i64::try_from(gaps.complete_above_ns).unwrap_or(i64::MAX);
            return Length {
                ms: ms(ns),
                known: Known::AtMost,
            };
        };
        let ns = gap.length_ns(self.run.measured_ns());
        Length {
            ms: ms(i64::try_from(ns).unwrap_or(i64::MAX)),
            known: if gap.to_ns.is_some() {
                Known::Exactly
            } else {
                Known::AtLeast
            },
        }
    }

    fn unavailability(
        &self,
        gaps: &Gaps,
        first_ns: Option<i64>,
        of_class: &dyn Fn(usize) -> bool,
    ) -> Unavailability {
        let gap = self.gap(gaps, Some(self.index));
        Unavailability {
            window: self.length(gap, gaps),
            window_from_ms: gap.map(|gap| ms(gap.from_ns - self.at_ns)),
            first_ms: first_ns.map(|first_ns| ms(first_ns - self.at_ns)),
            before: self.length(self.gap(gaps, None), gaps),
            resolution_ms: self.probe_ms(of_class),
            recovery_ms: self.recovery_ms(Some(self.served_ns(gaps)), of_class),
        }
    }

    /// The end of the gap that belongs to this event, or the event.
    fn served_ns(&self, gaps: &Gaps) -> i64 {
        self.gap(gaps, Some(self.index))
            .map_or(self.at_ns, |gap| gap.to_ns.unwrap_or(i64::MAX))
    }

    fn counts(&self, of_class: &dyn Fn(usize) -> bool) -> Vec<u32> {
        let timeline = &self.run.timeline;
        let mut counts = vec![0_u32; timeline.due.len()];
        for (_, of_op) in (0..)
            .zip(&timeline.acknowledged)
            .filter(|(op, _)| of_class(*op))
        {
            for (sum, count) in counts.iter_mut().zip(of_op) {
                *sum = sum.saturating_add(*count);
            }
        }
        counts
    }

    fn recovery_ms(&self, served_ns: Option<i64>, of_class: &dyn Fn(usize) -> bool) -> Option<f64> {
        let buckets = self.counts(of_class);
        let counts = Counts {
            buckets: &buckets,
            bucket_ms: self.run.timeline.bucket_ms,
        };
        let span = Span {
            first_fault_ns: *self.times.ns().first()?,
            at_ns: self.at_ns,
            served_ns: served_ns.unwrap_or(self.at_ns),
            until_ns: self.run.measured_ns(),
        };
        recovery_ms(counts, span)
    }

    /// The mean distance of two acknowledgements before the first fault, in milliseconds.
    fn probe_ms(&self, of_class: &dyn Fn(usize) -> bool) -> Option<f64> {
        let bucket_ms = self.run.timeline.bucket_ms;
        if bucket_ms == 0 {
            return None;
        }
        let first_ms = u64::try_from(self.times.ns().first()? / 1_000_000).ok()?;
        let end = usize::try_from(first_ms / bucket_ms).ok()?;
        let most = usize::try_from(PROBE_MS / bucket_ms).ok()?.max(1);
        let counts = self.counts(of_class);
        let before = counts.get(end.saturating_sub(most)..end)?;
        let total: u64 = before.iter().copied().map(u64::from).sum();
        let length_ms = u64::try_from(before.len()).ok()? * bucket_ms;
        (total > 0).then(|| float(length_ms) / float(total))
    }
}

#[expect(clippy::cast_precision_loss, reason = "below 2^53")]
fn float(value: u64) -> f64 {
    value as f64
}
