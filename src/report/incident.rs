//! Groups the events of a run by cause, so that one cause that affects many sessions is one line.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::human::counted;
use super::human::{count, duration_us};
use crate::measure::{Event, EventKind};
use crate::workload::{Fault, Victim};

/// Events of one cause are one incident if they follow the first one within this time, in nanoseconds.
const TOGETHER_NS: i64 = 100_000_000;

/// An event, or several events of one cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Incident {
    /// Time of the first event, in nanoseconds since the start of the measured phase.
    pub at_ns: i64,
    /// A description for the list of events.
    pub text: String,
    /// A short description for a figure.
    pub short: String,
    /// A figure without room for all labels shows those of the lowest rank. A cause has a lower rank than its
    /// consequences.
    pub rank: u8,
}

/// Groups events, which must be in order of time. `faults` are those of the plan.
pub(crate) fn incidents(events: &[Event], faults: &[Fault]) -> Vec<Incident> {
    let mut groups: Vec<Vec<&Event>> = Vec::new();
    // The groups before this index are too old to take another event.
    let mut open = 0;
    for event in events {
        while groups
            .get(open)
            .is_some_and(|group| event.at_ns - group[0].at_ns > TOGETHER_NS)
        {
            open += 1;
        }
        let same = groups[open..]
            .iter_mut()
            .find(|group| same_cause(&group[0].kind, &event.kind));
        match same {
            Some(group) => group.push(event),
            None => groups.push(vec![event]),
        }
    }
    groups
        .iter()
        .map(|group| Incident {
            at_ns: group[0].at_ns,
            text: text(group, faults),
            short: short(group, faults),
            rank: match group[0].kind {
                EventKind::ServerEnded { .. }
                | EventKind::LeaderChanged { .. }
                | EventKind::FaultBegan { .. }
                | EventKind::FaultEnded { .. }
                | EventKind::FaultFailed { .. } => 0,
                EventKind::Note(_) => 1,
                EventKind::SessionLost { .. } => 2,
                EventKind::SessionBack { .. } => 3,
            },
        })
        .collect()
}

fn same_cause(one: &EventKind, other: &EventKind) -> bool {
    match (one, other) {
        (
            EventKind::SessionLost {
                server: a,
                cause: x,
                ..
            },
            EventKind::SessionLost {
                server: b,
                cause: y,
                ..
            },
        ) => a == b && x == y,
        (
            EventKind::SessionBack {
                server: a,
                resumed: x,
                ..
            },
            EventKind::SessionBack {
                server: b,
                resumed: y,
                ..
            },
        ) => a == b && x == y,
        _ => false,
    }
}

fn text(group: &[&Event], faults: &[Fault]) -> String {
    let first = &group[0].kind;
    if let EventKind::FaultBegan { fault, .. } = first {
        let victim = victim(faults, *fault).and_then(Victim::in_words);
        return match victim {
            Some(victim) => format!("{first} ({victim})"),
            None => first.to_string(),
        };
    }
    if group.len() == 1 {
        return first.to_string();
    }
    let sessions = count(group.len() as u64);
    match first {
        EventKind::SessionLost { server, cause, .. } => {
            let in_flight = group.iter().map(|event| match event.kind {
                EventKind::SessionLost { in_flight, .. } => in_flight,
                _ => 0,
            });
            format!(
                "{sessions} sessions lost {server} ({cause}), {} in flight",
                counted(in_flight.sum(), "operation")
            )
        }
        EventKind::SessionBack {
            server, resumed, ..
        } => {
            let after = group.iter().filter_map(|event| match event.kind {
                EventKind::SessionBack { after_ns, .. } => Some(after_ns),
                _ => None,
            });
            let (soonest, latest) = (after.clone().min(), after.max());
            let which = if *resumed { "the same" } else { "new" };
            format!(
                "{sessions} sessions are back at {server} after {} to {} as {which} sessions",
                duration_us(soonest.map(us)),
                duration_us(latest.map(us))
            )
        }
        EventKind::LeaderChanged { .. }
        | EventKind::ServerEnded { .. }
        | EventKind::FaultBegan { .. }
        | EventKind::FaultEnded { .. }
        | EventKind::FaultFailed { .. }
        | EventKind::Note(_) => first.to_string(),
    }
}

/// Returns the victim of the fault with this index in the plan.
fn victim(faults: &[Fault], fault: u32) -> Option<Victim> {
    let index = usize::try_from(fault).ok()?;
    faults.get(index).map(|fault| fault.victim)
}

/// Letters of a note shown in a figure.
const NOTE_LETTERS: usize = 24;

fn short(group: &[&Event], faults: &[Fault]) -> String {
    match &group[0].kind {
        EventKind::SessionLost { .. } => {
            format!("{} lost", counted(group.len() as u64, "session"))
        }
        EventKind::SessionBack { .. } => {
            format!("{} back", counted(group.len() as u64, "session"))
        }
        EventKind::LeaderChanged { to: Some(to), .. } => format!("server {} leads", port(to)),
        EventKind::LeaderChanged { to: None, .. } => "no leader".to_owned(),
        EventKind::ServerEnded { server, .. } => format!("server {} ended", port(server)),
        EventKind::FaultBegan { fault, action, .. } => match victim(faults, *fault) {
            Some(victim) => format!("{action} {victim}"),
            None => action.clone(),
        },
        EventKind::FaultEnded {
            action, servers, ..
        } => format!("{action} {}", ports(servers)),
        EventKind::FaultFailed { action, .. } => format!("{action} failed"),
        EventKind::Note(text) if text.chars().count() > NOTE_LETTERS => {
            let start: String = text.chars().take(NOTE_LETTERS - 1).collect();
            format!("{}\u{2026}", start.trim_end())
        }
        EventKind::Note(text) => text.clone(),
    }
}

/// Shortens the address of a local server to its port, which is enough to distinguish local servers.
fn port(server: &str) -> &str {
    server.strip_prefix("127.0.0.1:").unwrap_or(server)
}

/// Names one server, or counts several.
fn ports(servers: &[String]) -> String {
    match servers {
        [one] => format!("server {}", port(one)),
        several => counted(several.len() as u64, "server"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
fn us(ns: u64) -> f64 {
    ns as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::FaultAction;

    const MS: i64 = 1_000_000;

    fn lost(at_ms: i64, session: u32, cause: &str) -> Event {
        Event {
            at_ns: at_ms * MS,
            kind: EventKind::SessionLost {
                session,
                server: "127.0.0.1:2182".into(),
                cause: cause.into(),
                in_flight: 2,
            },
        }
    }

    fn back(at_ms: i64, after_ms: u64, resumed: bool) -> Event {
        Event {
            at_ns: at_ms * MS,
            kind: EventKind::SessionBack {
                session: 1,
                server: "127.0.0.1:2183".into(),
                after_ns: after_ms * 1_000_000,
                resumed,
            },
        }
    }

    #[test]
    fn many_events_of_one_cause_are_one_line() {
        let mut events: Vec<Event> = (0..16_u32)
            .map(|session| lost(1_000 + i64::from(session), session, "closed by the server"))
            .collect();
        events.push(back(1_030, 30, true));
        events.push(back(1_060, 58, true));
        events.push(back(1_061, 59, false));
        let found = incidents(&events, &[]);
        let texts: Vec<&str> = found
            .iter()
            .map(|incident| incident.text.as_str())
            .collect();
        assert_eq!(
            texts,
            [
                "16 sessions lost 127.0.0.1:2182 (closed by the server), 32 operations in flight",
                "2 sessions are back at 127.0.0.1:2183 after 30.0 ms to 58.0 ms as the same sessions",
                "session 1 is back at 127.0.0.1:2183 after 59 ms as a new session",
            ]
        );
        assert_eq!(found[0].at_ns, 1_000 * MS);
        let short: Vec<&str> = found
            .iter()
            .map(|incident| incident.short.as_str())
            .collect();
        assert_eq!(
            short,
            ["16 sessions lost", "2 sessions back", "1 session back"]
        );
    }

    #[test]
    fn events_of_another_cause_or_time_are_separate_lines() {
        let events = [
            lost(0, 1, "closed by the server"),
            lost(50, 2, "operation timeout"),
            lost(100, 3, "closed by the server"),
            lost(101, 4, "closed by the server"),
        ];
        let texts: Vec<String> = incidents(&events, &[])
            .into_iter()
            .map(|incident| incident.text)
            .collect();
        assert_eq!(texts.len(), 3);
        assert!(texts[0].starts_with("2 sessions lost"));
        assert!(texts[1].starts_with("session 2 lost"));
        assert!(texts[2].starts_with("session 4 lost"));
    }

    #[test]
    fn a_planned_fault_names_its_victim() {
        let faults = [Fault {
            at_ms: 1_000,
            action: FaultAction::Kill,
            victim: Victim::Leader,
            for_ms: None,
        }];
        let events = [Event {
            at_ns: 1_000 * MS,
            kind: EventKind::FaultBegan {
                fault: 0,
                action: "kill".into(),
                servers: vec!["h:1".into()],
                took_ns: 7,
            },
        }];
        let found = incidents(&events, &faults);
        assert_eq!(found[0].text, "fault 1: killed h:1 (the leader)");
        assert_eq!(found[0].short, "kill leader");
    }
}
