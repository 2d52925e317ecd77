//! How the service of a run was interrupted: gaps, and sessions without a connection.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use super::ack_times::{AckTimes, BucketResponse};
use super::gap::{Gap, Gaps, OUTAGES_MAX, SentAfter, SessionGap, SessionOutage};
use super::{EventKind, Recording};

/// One value for the operations that change data, and one for all others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ByClass<T> {
    pub writes: T,
    pub reads: T,
}

/// The gaps of a run, and what its faults did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interruptions {
    /// Gaps over all sessions.
    pub gaps: ByClass<Gaps>,
    /// Per event of a fault, in order of time.
    pub sent_after: Vec<SentAfter>,
    /// Per session its longest gap after each event of a fault, and its longest gap before the
    /// first. Empty without faults.
    pub session_gaps: Vec<SessionGap>,
    /// Response times per bucket of the timeline. Empty without faults.
    pub response: ByClass<Vec<BucketResponse>>,
    /// Sessions without a connection, in order of the loss; at most [`OUTAGES_MAX`].
    pub outages: Vec<SessionOutage>,
    /// Number of outages beyond [`OUTAGES_MAX`].
    pub outages_dropped: u64,
}

impl Interruptions {
    /// Adds an outage, or counts it as dropped if there are too many.
    pub fn add_outage(&mut self, outage: SessionOutage) {
        if self.outages.len() >= OUTAGES_MAX {
            self.outages_dropped += 1;
            return;
        }
        self.outages.push(outage);
    }
}

/// The times of a run's faults. They divide it into the time before the first one and a scope after
/// each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FaultTimes(Vec<i64>);

impl FaultTimes {
    /// Returns the times of the events at which a fault began or ended.
    #[must_use]
    pub fn of(recording: &Recording) -> Self {
        let at = recording.events.iter().filter_map(|event| {
            let of_fault = matches!(
                event.kind,
                EventKind::FaultBegan { .. } | EventKind::FaultEnded { .. }
            );
            of_fault.then_some(event.at_ns)
        });
        let mut times: Vec<i64> = at.collect();
        times.sort_unstable();
        Self(times)
    }

    /// The times in order.
    #[must_use]
    pub fn ns(&self) -> &[i64] {
        &self.0
    }

    /// Returns the index of the event that a gap belongs to: the first one within it, otherwise the
    /// last one before it. `None` if it was over before the first event.
    #[must_use]
    pub fn cause_of(&self, gap: &Gap) -> Option<usize> {
        let next = self.0.partition_point(|at_ns| *at_ns <= gap.from_ns);
        let within = self
            .0
            .get(next)
            .is_some_and(|at_ns| gap.to_ns.is_none_or(|to_ns| *at_ns < to_ns));
        if within {
            Some(next)
        } else {
            next.checked_sub(1)
        }
    }

    /// Returns the index of the last event at or before `at_ns`.
    #[must_use]
    pub fn last_before(&self, at_ns: i64) -> Option<usize> {
        self.0
            .partition_point(|event_ns| *event_ns <= at_ns)
            .checked_sub(1)
    }
}

impl Recording {
    /// Reduces the exact times of the acknowledgements to the gaps and to what followed each fault.
    /// Call it when all events are noted. A second call, and a call for a recording that was read
    /// from a file, change nothing.
    pub fn find_gaps(&mut self) {
        let acks = std::mem::take(&mut self.acks);
        if acks.writes.is_empty() && acks.reads.is_empty() {
            return;
        }
        let until_ns = self.measured_ns();
        let faults = FaultTimes::of(self);
        let found = &mut self.interruptions;
        found.gaps = ByClass {
            writes: acks.writes.gaps(until_ns),
            reads: acks.reads.gaps(until_ns),
        };
        found
            .outages
            .sort_by_key(|outage| (outage.lost_ns, outage.session));
        if faults.ns().is_empty() {
            found.session_gaps = Vec::new();
            return;
        }
        let sent_after = faults.ns().iter().map(|at_ns| SentAfter {
            at_ns: *at_ns,
            write_ns: acks.writes.first_sent_after(*at_ns),
            read_ns: acks.reads.first_sent_after(*at_ns),
        });
        found.sent_after = sent_after.collect();
        found.session_gaps = longest(&found.session_gaps, &faults, until_ns);
        found.response = ByClass {
            writes: AckTimes::into_response(acks.writes),
            reads: AckTimes::into_response(acks.reads),
        };
    }

    /// Returns the length of the measured phase in nanoseconds.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float cast saturates, and a run lasts days at most"
    )]
    pub fn measured_ns(&self) -> i64 {
        (self.measured_s * 1e9).round() as i64
    }
}

/// Returns the longest gap of each session per cause.
fn longest(gaps: &[SessionGap], faults: &FaultTimes, until_ns: i64) -> Vec<SessionGap> {
    let mut longest: BTreeMap<(u32, Option<usize>), SessionGap> = BTreeMap::new();
    for gap in gaps {
        let known = longest
            .entry((gap.session, faults.cause_of(&gap.gap)))
            .or_insert(*gap);
        if gap.gap.length_ns(until_ns) > known.gap.length_ns(until_ns) {
            *known = *gap;
        }
    }
    longest.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{Event, Layout, Outcome, Recorder, Sample};

    const MS: i64 = 1_000_000;

    fn gap(from_ms: i64, to_ms: i64) -> Gap {
        Gap {
            from_ns: from_ms * MS,
            to_ns: Some(to_ms * MS),
        }
    }

    fn fault(at_ms: i64, ended: bool) -> Event {
        let (fault, servers, took_ns) = (0, vec!["h:1".to_owned()], 1);
        let action = if ended { "restart" } else { "kill" }.to_owned();
        let kind = if ended {
            EventKind::FaultEnded {
                fault,
                action,
                servers,
                took_ns,
            }
        } else {
            EventKind::FaultBegan {
                fault,
                action,
                servers,
                took_ns,
            }
        };
        Event {
            at_ns: at_ms * MS,
            kind,
        }
    }

    /// Operation 0 is a write and operation 1 a read. Each is due every millisecond and takes 0.2 ms; writes that are
    /// sent from 500 to 700 ms are acknowledged at 700 ms.
    fn recording() -> Recording {
        let layout = Layout {
            interval_ns: 1_000 * MS,
            measured_ns: 2_000 * MS,
            drain_ns: 0,
        };
        let mut recorder = Recorder::new(2, 1, layout).with_writes([true, false]);
        recorder.take(0);
        for at in 0..2_000 {
            for op in 0..2 {
                let sent_ns = at * MS;
                let late = op == 0 && (500..700).contains(&at);
                recorder.record(&Sample {
                    op,
                    server: Some(0),
                    intended_ns: sent_ns,
                    ready_ns: Some(sent_ns),
                    sent_ns: Some(sent_ns),
                    done_ns: if late { 700 * MS } else { sent_ns + MS / 5 },
                    outcome: Outcome::Ok,
                });
            }
        }
        let mut recording = Recording {
            measured_s: 2.0,
            ..Recording::default()
        };
        recording.add_whole(&recorder.finish());
        recording
    }

    #[test]
    fn a_gap_belongs_to_the_first_fault_within_it_or_the_last_before_it() {
        let mut recording = Recording::default();
        recording.note(fault(500, false));
        recording.note(fault(600, true));
        let faults = FaultTimes::of(&recording);
        assert_eq!(faults.cause_of(&gap(100, 130)), None);
        assert_eq!(faults.cause_of(&gap(499, 700)), Some(0));
        assert_eq!(faults.cause_of(&gap(510, 560)), Some(0));
        assert_eq!(faults.cause_of(&gap(510, 700)), Some(1));
        assert_eq!(faults.cause_of(&gap(800, 900)), Some(1));
        let open = Gap {
            from_ns: 499 * MS,
            to_ns: None,
        };
        assert_eq!(faults.cause_of(&open), Some(0));
        assert_eq!(faults.last_before(500 * MS), Some(0));
        assert_eq!(faults.last_before(499 * MS), None);
        assert_eq!(FaultTimes::default().cause_of(&open), None);
    }

    #[test]
    fn gaps_of_writes_and_reads_are_found_apart() {
        let mut recording = recording();
        recording.find_gaps();
        let found = &recording.interruptions;
        let expected = Gap {
            from_ns: 499 * MS + MS / 5,
            to_ns: Some(700 * MS),
        };
        assert_eq!(found.gaps.writes.list, [expected]);
        assert!(found.gaps.reads.list.is_empty());
        assert!(found.sent_after.is_empty() && found.response.writes.is_empty());
        let once = recording.clone();
        recording.find_gaps();
        assert_eq!(recording, once, "a second call changes nothing");
    }

    #[test]
    fn what_was_sent_after_a_fault_and_the_longest_gap_of_each_session_are_kept() {
        let mut recording = recording();
        recording.note(fault(500, false));
        for (session, from, to) in [
            (4, 10, 60),
            (4, 20, 30),
            (4, 499, 700),
            (4, 900, 950),
            (5, 600, 690),
        ] {
            let gap = gap(from, to);
            recording
                .interruptions
                .session_gaps
                .push(SessionGap { session, gap });
        }
        recording.find_gaps();
        let found = &recording.interruptions;
        let after = SentAfter {
            at_ns: 500 * MS,
            write_ns: Some(700 * MS),
            read_ns: Some(501 * MS + MS / 5),
        };
        assert_eq!(found.sent_after, [after]);
        let kept: Vec<(u32, Gap)> = found
            .session_gaps
            .iter()
            .map(|of| (of.session, of.gap))
            .collect();
        assert_eq!(
            kept,
            [(4, gap(10, 60)), (4, gap(499, 700)), (5, gap(600, 690))]
        );
        assert_eq!(found.response.writes[50].max_us, 200_000);
        assert_eq!(found.response.reads[50].max_us, 200);
    }

    #[test]
    fn outages_beyond_the_limit_are_only_counted() {
        let mut found = Interruptions::default();
        for session in 0..u32::try_from(OUTAGES_MAX).unwrap() + 2 {
            found.add_outage(SessionOutage {
                session,
                server: 0,
                lost_ns: 0,
                back: None,
            });
        }
        assert_eq!(
            (found.outages.len(), found.outages_dropped),
            (OUTAGES_MAX, 2)
        );
    }
}
