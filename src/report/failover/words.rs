//! The answers about faults in words.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::group::{GapKind, Group, Spread};
use super::length::{Known, Length};
use crate::report::human::{count, counted, duration_us, span_ms};
use crate::workload::TargetShape;

/// A window that began later than this after its fault is said to, in milliseconds.
const LATE_MS: f64 = 50.0;

/// Describes a group in one sentence: "fault 1, kill of the leader: nobody could write for 214 ms ...".
pub(super) fn sentence(group: &Group) -> String {
    let runs = match group.impacts.len() {
        1 => String::new(),
        runs => format!(" ({runs} runs, medians)"),
    };
    let mut parts = Vec::new();
    parts.extend(windows(group));
    parts.extend(sessions(group));
    parts.push(recovery(group));
    if !group.ended {
        parts.extend(before(group));
    }
    format!(
        "fault {}, {}{runs}: {}",
        group.fault + 1,
        group.what,
        parts.join("; ")
    )
}

fn windows(group: &Group) -> Vec<String> {
    let mut parts = Vec::new();
    let of_class = [
        (
            "write",
            GapKind::WriteWindow,
            GapKind::WriteFirst,
            GapKind::WriteBefore,
        ),
        (
            "read",
            GapKind::ReadWindow,
            GapKind::ReadFirst,
            GapKind::ReadBefore,
        ),
    ];
    let after = if group.ended {
        "after it"
    } else {
        "after the fault"
    };
    for (verb, window, first, before) in of_class {
        let spread = group.spread(window);
        let Some(median) = spread.median else {
            continue;
        };
        let late = late(group, window);
        let length = duration_us(median.ms * 1_000.0);
        let notes = notes(&spread, resolution_ms(group, window));
        parts.push(match median.known {
            Known::AtMost => format!("no gap of {verb}s was over {length}{notes}"),
            Known::Exactly if !exceeds(median, &group.spread(before)) => format!(
                "the longest gap of {verb}s was {length}{notes}, no longer than before the fault"
            ),
            Known::Exactly => format!("nobody could {verb} for {length}{notes}{late}"),
            Known::AtLeast => format!(
                "nobody could {verb} for at least {length}{notes}{late}, until the run ended"
            ),
        });
        let first = group.spread(first);
        match first.median {
            Some(median) => parts.push(format!(
                "the first {verb} sent {after} was acknowledged after {}",
                value(&first, median)
            )),
            None => parts.push(format!("no {verb} that was sent {after} was acknowledged")),
        }
    }
    parts
}

/// Whether a gap is longer than the longest one before the fault, which the load shows by itself.
fn exceeds(median: Length, before: &Spread) -> bool {
    before.most().is_none_or(|most| median.ms > most.ms)
}

/// The extremes of several runs and the resolution: ` (202 ms to 275 ms; resolution 1.00 ms)`.
fn notes(spread: &Spread, resolution_ms: Option<f64>) -> String {
    let mut notes = Vec::new();
    if let (Some(least), Some(most)) = (spread.least(), spread.most())
        && spread.values.len() > 1
    {
        notes.push(format!("{} to {}", least.words(), most.words()));
    }
    if let Some(resolution_ms) = resolution_ms {
        notes.push(format!(
            "resolution {}",
            duration_us(resolution_ms * 1_000.0)
        ));
    }
    if notes.is_empty() {
        return String::new();
    }
    format!(" ({})", notes.join("; "))
}

/// The median with its spread: `214 ms (190 ms to 260 ms)`.
fn value(spread: &Spread, median: Length) -> String {
    match (spread.least(), spread.most()) {
        (Some(least), Some(most)) if spread.values.len() > 1 => {
            format!("{} ({} to {})", median.words(), least.words(), most.words())
        }
        _ => median.words(),
    }
}

/// The resolution of the run that could tell the least.
pub(super) fn resolution_ms(group: &Group, kind: GapKind) -> Option<f64> {
    let of_runs = group.impacts.iter().filter_map(|impact| {
        let class = match kind {
            GapKind::ReadWindow | GapKind::ReadFirst | GapKind::ReadBefore => impact.reads,
            _ => impact.writes,
        };
        class?.resolution_ms
    });
    of_runs.max_by(f64::total_cmp)
}

/// Says when a window began long after its fault.
fn late(group: &Group, kind: GapKind) -> String {
    let from = group.typical().and_then(|impact| {
        let class = if kind == GapKind::WriteWindow {
            impact.writes
        } else {
            impact.reads
        };
        class?.window_from_ms
    });
    match from {
        Some(from_ms) if from_ms > LATE_MS => {
            format!(", from {} after it on", duration_us(from_ms * 1_000.0))
        }
        _ => String::new(),
    }
}

fn sessions(group: &Group) -> Vec<String> {
    let all = || group.impacts.iter().map(|impact| &impact.sessions);
    let sum = |of: fn(&super::SessionImpact) -> u64| all().map(of).sum::<u64>();
    let lost = sum(|one| one.lost);
    let sessions = sum(|one| u64::from(one.sessions));
    if lost == 0 {
        return vec!["no session lost its connection".to_owned()];
    }
    let mut part = format!(
        "{} of {} lost their connection",
        count(lost),
        counted(sessions, "session")
    );
    let back: Vec<f64> = all().flat_map(|one| one.back_ms.iter().copied()).collect();
    let soonest = back.iter().copied().min_by(f64::total_cmp);
    let latest = back.iter().copied().max_by(f64::total_cmp);
    if let (Some(soonest), Some(latest)) = (soonest, latest) {
        part += &format!(
            ", back after {} to {}",
            duration_us(soonest * 1_000.0),
            duration_us(latest * 1_000.0)
        );
    }
    let (expired, gone) = (sum(|one| one.expired), sum(|one| one.gone));
    part += &match (expired, back.is_empty()) {
        (_, true) => String::new(),
        (0, false) => ", all with their session id".to_owned(),
        (expired, false) => format!(
            ", {} with a new session because the old one had expired",
            count(expired)
        ),
    };
    if gone > 0 {
        part += &format!(", {} not back before the run ended", count(gone));
    }
    let mut parts = vec![part];
    let gaps = group.spread(GapKind::SessionGap);
    if let Some(median) = gaps.median {
        parts.push(format!(
            "the longest gap of one session was {}",
            value(&gaps, median)
        ));
    }
    parts
}

fn recovery(group: &Group) -> String {
    let spread = group.spread(GapKind::Recovery);
    match spread.median {
        Some(median) if median.ms <= 0.0 && spread.missing == 0 => {
            "throughput stayed at 95 % or more".to_owned()
        }
        Some(median) => {
            let missing = match spread.missing {
                0 => String::new(),
                runs => format!(" (never in {})", counted(runs as u64, "run")),
            };
            format!(
                "throughput was back at 95 % after {}{missing}",
                value(&spread, median)
            )
        }
        None => "throughput was not seen back at 95 % for a second".to_owned(),
    }
}

fn before(group: &Group) -> Option<String> {
    let write = group.spread(GapKind::WriteBefore);
    let spread = if write.median.is_some() {
        write
    } else {
        group.spread(GapKind::ReadBefore)
    };
    let most = spread.most()?;
    Some(match most.known {
        Known::AtMost => format!(
            "before the fault no gap was over {}",
            duration_us(most.ms * 1_000.0)
        ),
        _ => format!("before the fault the longest gap was {}", most.words()),
    })
}

/// Explains why a pause differs from a kill, if there was a pause.
pub(super) fn pause_note(groups: &[Group], target: &TargetShape) -> Option<String> {
    let paused = groups
        .iter()
        .any(|group| group.action == "pause" && !group.ended);
    let limit_ms = target.tick_time_ms * u64::from(target.sync_limit);
    paused.then(|| {
        format!(
            "a paused server keeps its connections open, so the others notice it only after {} ({} ticks of {}); \
             a killed one they notice at once",
            span_ms(limit_ms),
            target.sync_limit,
            span_ms(target.tick_time_ms)
        )
    })
}
