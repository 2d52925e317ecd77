//! Findings: sentences about what the target did in a run. A finding never makes a run invalid.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::asked::asked_per_s;
use super::thresholds::ACKNOWLEDGED_MIN;
use super::words::{counted, float, grouped, rate, seconds, times};
use crate::measure::{EventKind, OpCounts, OpRecord, Recording, Verified};
use crate::workload::{Arrival, Plan};

/// From this length on, a stretch without acknowledged writes at the end of a run with faults is a finding, in
/// seconds. A shorter one may be chance.
const SILENT_MIN_S: f64 = 1.0;

/// Returns the findings of one run.
pub(super) fn findings(plan: &Plan, run: &Recording, record: &OpRecord) -> Vec<String> {
    let mut found = Vec::new();
    let counts = &record.counts;
    if counts.total() == 0 {
        found.push(nothing_due(plan, run));
    } else if counts.ok == 0 {
        found.push("no operation was acknowledged".to_owned());
    } else {
        found.extend(saturation(plan, run, counts));
    }
    if counts.error_replies() > 0 {
        found.push(format!("error replies: {}", errors(counts)));
    }
    let phrases = [
        (counts.refused, "whose connection could not be opened"),
        (
            counts.unknown,
            "with unknown outcome (connection lost before the reply)",
        ),
        (counts.timed_out, "without a reply in time"),
        (
            counts.no_connection(),
            "never sent: their session had no connection",
        ),
        (
            counts.cap_full,
            "never sent: the in-flight cap of their session was reached until the end",
        ),
        (
            run.in_flight_at_end,
            "still without a reply at the end of the drain",
        ),
    ];
    for (count, what) in phrases {
        if count > 0 {
            found.push(format!("{} {what}", counted(count, "operation")));
        }
    }
    if run.reconnects > 0 {
        found.push(format!("sessions reconnected {}", times(run.reconnects)));
    }
    if run.expired_sessions > 0 {
        found.push(format!(
            "{} expired",
            counted(run.expired_sessions, "session")
        ));
    }
    found.extend(run.verified.iter().flat_map(lost_writes));
    found.extend(no_more_writes(plan, run));
    found.extend(run.events.iter().filter_map(|event| {
        let victim = match &event.kind {
            EventKind::FaultBegan { fault, .. } => victim(plan, *fault),
            EventKind::LeaderChanged { .. }
            | EventKind::ServerEnded { .. }
            | EventKind::FaultEnded { .. }
            | EventKind::FaultFailed { .. } => String::new(),
            EventKind::SessionLost { .. } | EventKind::SessionBack { .. } | EventKind::Note(_) => {
                return None;
            }
        };
        Some(format!(
            "{}{victim} ({:+.2} s)",
            event.kind,
            seconds_of(event.at_ns)
        ))
    }));
    found
}

/// Says how many acknowledged writes were lost, and gives examples.
fn lost_writes(verified: &Verified) -> Vec<String> {
    let unverifiable = match verified.unverifiable {
        0 => String::new(),
        count => format!("; {} could not be read back", grouped(count)),
    };
    let mut found = vec![format!(
        "lost acknowledged writes: {} of {}{unverifiable}",
        grouped(verified.lost),
        grouped(verified.writes)
    )];
    found.extend(
        verified
            .examples
            .iter()
            .map(|example| format!("lost: {example}")),
    );
    found
}

/// Says since when no write was acknowledged, if faults were planned and writing did not recover.
fn no_more_writes(plan: &Plan, run: &Recording) -> Option<String> {
    let timeline = &run.timeline;
    let writes = || plan.ops.iter().enumerate().filter(|(_, op)| op.is_write());
    if plan.faults.is_empty() || writes().count() == 0 || timeline.bucket_ms == 0 {
        return None;
    }
    let last = writes()
        .filter_map(|(op, _)| {
            timeline
                .acknowledged
                .get(op)?
                .iter()
                .rposition(|count| *count > 0)
        })
        .max();
    let silent_from = last.map_or(0, |bucket| bucket + 1);
    let length_s = seconds(timeline.bucket_ms);
    let silent_from_s = length_s * float(silent_from as u64);
    (run.measured_s - silent_from_s >= SILENT_MIN_S).then(|| {
        format!("nobody could write from {silent_from_s:+.2} s on, until the end of the run")
    })
}

/// Returns the victim of a fault as an addition to its event: ` (the leader)`.
fn victim(plan: &Plan, fault: u32) -> String {
    let fault = usize::try_from(fault)
        .ok()
        .and_then(|index| plan.faults.get(index));
    let words = fault.and_then(|fault| fault.victim.in_words());
    words.map_or_else(String::new, |words| format!(" ({words})"))
}

/// Explains that no operation was due: the rate was too low or the run too short.
fn nothing_due(plan: &Plan, run: &Recording) -> String {
    match asked_per_s(&plan.load, run.measured_s) {
        Some(planned_per_s) => format!(
            "no operation was due in {:.1} s at {} operations/s: lengthen load.duration, or set load.spacing = \"even\"",
            run.measured_s,
            rate(planned_per_s)
        ),
        None => "no operation was due".to_owned(),
    }
}

/// Returns the finding that the target acknowledged too few of the issued operations. Open loops
/// only.
pub(super) fn saturation(plan: &Plan, run: &Recording, counts: &OpCounts) -> Option<String> {
    if matches!(plan.load.arrival, Arrival::Closed { .. }) || run.measured_s <= 0.0 {
        return None;
    }
    let issued = float(counts.issued());
    let acknowledged = float(run.acknowledged());
    (acknowledged < ACKNOWLEDGED_MIN * issued).then(|| {
        format!(
            "saturated: {} operations/s acknowledged of {} issued ({:.1} %)",
            rate(acknowledged / run.measured_s),
            rate(issued / run.measured_s),
            100.0 * acknowledged / issued
        )
    })
}

/// Lists the errors, the most frequent first: `NoNode 12, ConnectionLoss 3`.
fn errors(counts: &OpCounts) -> String {
    let mut errors: Vec<(u64, String)> = counts
        .errors
        .iter()
        .map(|(name, count)| (*count, name.clone()))
        .collect();
    errors.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let list: Vec<String> = errors
        .iter()
        .map(|(n, name)| format!("{name} {n}"))
        .collect();
    list.join(", ")
}

#[expect(clippy::cast_precision_loss, reason = "shown with two decimals")]
fn seconds_of(ns: i64) -> f64 {
    ns as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{Event, Outcome, Sample, Unsent};
    use crate::result::run_result::example;

    #[test]
    fn each_finding_is_a_sentence() {
        let mut run = example::bumpy_recording();
        let outcomes = [
            Outcome::TimedOut,
            Outcome::Refused,
            Outcome::NotSent(Unsent::CapFull),
            Outcome::NotSent(Unsent::NoConnection),
        ];
        let samples: Vec<Sample> = outcomes
            .into_iter()
            .map(|outcome| example::sample(1_500, 40_000_000, outcome))
            .collect();
        example::record(&mut run, &samples);
        run.in_flight_at_end = 1;
        run.note(Event {
            at_ns: 1_250_000_000,
            kind: EventKind::ServerEnded {
                server: "h:1".into(),
                how: "signal 9".into(),
            },
        });
        let record = run.all();
        let text = findings(&example::plan(), &run, &record).join("\n");
        for expected in [
            "error replies: ConnectionLoss 1",
            "1 operation with unknown outcome",
            "1 operation without a reply in time",
            "1 operation whose connection could not be opened",
            "1 operation never sent: their session had no connection",
            "1 operation never sent: the in-flight cap of their session was reached",
            "1 operation still without a reply",
            "reconnected once",
            "server h:1 ended: signal 9 (+1.25 s)",
        ] {
            assert!(text.contains(expected), "{expected:?} is not in:\n{text}");
        }
        assert!(!text.contains("saturated"), "{text}");
    }

    #[test]
    fn a_small_rate_keeps_its_digits() {
        let mut plan = example::plan();
        let mut run = example::recording();
        run.intervals.clear();
        if let Arrival::Open { phases, .. } = &mut plan.load.arrival {
            phases[0].from_per_s = 0.01;
            phases[0].to_per_s = 0.01;
        }
        let found = findings(&plan, &run, &OpRecord::default());
        assert!(found[0].contains("at 0.01 operations/s"), "{found:?}");
        assert_eq!(rate(0.4), "0.40");
    }
}
