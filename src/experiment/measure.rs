//! One load against a target, with what its servers used and what happened to them meanwhile.

use std::sync::OnceLock;

use super::context::RunContext;
use super::prepared::Prepared;
use super::watch::{self, Seen, Watch};
use crate::load::clock::now_ns;
use crate::load::{self, Job, LoadError, Moment, Progress, Server};
use crate::measure::{EVENTS_MAX, Event, EventKind, Recording};
use crate::target::{Meter, Target};

/// Run `number` (from 0). What happens to the servers during the load is in the recording.
///
/// # Errors
/// If the driver fails.
pub(super) fn measure(
    target: &Target,
    servers: &[Server],
    prepared: &Prepared,
    number: u32,
    context: &RunContext<'_>,
) -> Result<Recording, LoadError> {
    let watch = Watch::start(target.members(), target.handles(), watch::ANSWER_TIMEOUT).map_err(
        |source| LoadError::System {
            what: "watch the servers",
            source,
        },
    )?;
    let meter = target.meter();
    let start_ns = OnceLock::new();
    let driven = load::run(&Job {
        plan: &prepared.plan,
        run: number,
        servers,
        stop: context.stop,
        progress: &|progress: &Progress| prepared.notify(context, Some(number), progress),
        moment: &|moment: Moment<'_>| match moment {
            Moment::StartKnown(at_ns) => _ = start_ns.set(at_ns),
            Moment::Begin | Moment::End => meter.iter().for_each(Meter::read),
            Moment::Event(event) => {
                if matches!(event.kind, EventKind::SessionLost { .. }) {
                    watch.look();
                }
            }
        },
    });
    let seen = watch.end();
    let mut recording = driven?;
    if let Some(meter) = meter {
        meter.fill(&mut recording);
    }
    if let Some(start_ns) = start_ns.get() {
        note_events(target, &mut recording, &seen, *start_ns);
    }
    Ok(recording)
}

fn note_events(target: &Target, recording: &mut Recording, seen: &Seen, start_ns: i64) {
    for exit in target.take_exits() {
        let noticed = seen.ended.iter().find(|(ended, _)| *ended == exit.index);
        note(
            recording,
            Event {
                at_ns: noticed.map_or_else(now_ns, |(_, at_ns)| *at_ns) - start_ns,
                kind: EventKind::ServerEnded {
                    server: target.name(exit.index),
                    how: exit.description,
                },
            },
        );
    }
    for change in &seen.changes {
        note(
            recording,
            Event {
                at_ns: change.at_ns - start_ns,
                kind: EventKind::LeaderChanged {
                    from: change.from.clone(),
                    to: change.to.clone(),
                },
            },
        );
    }
}

/// Adds an event about a server, if need be in the place of the last one of the many about sessions.
fn note(recording: &mut Recording, event: Event) {
    if recording.events.len() >= EVENTS_MAX {
        let of_session = |event: &Event| {
            matches!(
                event.kind,
                EventKind::SessionLost { .. } | EventKind::SessionBack { .. }
            )
        };
        if let Some(position) = recording.events.iter().rposition(of_session) {
            recording.events.remove(position);
            recording.events_dropped += 1;
        }
    }
    recording.note(event);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_to_a_server_is_kept_before_what_happened_to_sessions() {
        let mut recording = Recording::default();
        for session in 0..1_000 {
            recording.note(Event {
                at_ns: i64::from(session),
                kind: EventKind::SessionLost {
                    session,
                    server: "h:1".into(),
                    cause: "closed".into(),
                    in_flight: 0,
                },
            });
        }
        let kind = EventKind::ServerEnded {
            server: "h:1".into(),
            how: "signal 9".into(),
        };
        note(
            &mut recording,
            Event {
                at_ns: -1,
                kind: kind.clone(),
            },
        );
        assert_eq!(recording.events.len(), EVENTS_MAX);
        assert_eq!(recording.events[0].kind, kind);
        assert_eq!(recording.events_dropped, 1);
    }
}
