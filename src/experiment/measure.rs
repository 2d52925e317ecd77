//! Runs one load against a target while its planned faults are carried out, and records the resources that
//! its servers used and the events of its servers.

use std::sync::OnceLock;
use std::sync::mpsc::channel;
use std::thread;

use super::context::RunContext;
use super::prepared::Prepared;
use super::quota_timing::Applying;
use super::script::Script;
use super::watch::{self, Observed, Watch};
use crate::load::clock::now_ns;
use crate::load::{self, Driven, Job, LoadError, Moment, Progress, Server};
use crate::measure::{EVENTS_MAX, Event, EventKind, Recording};
use crate::target::{Meter, Target};
use crate::workload::Plan;

/// Measures run `number` (from 0). The recording includes the events of the servers during the load.
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
    let (announce, start) = channel();
    let script = Script {
        target,
        plan: &prepared.plan,
        watch: &watch,
        context,
    };
    let (driven, played) = thread::scope(|scope| {
        // The script ends when this sender is gone, also after a panic.
        let announce = announce;
        let playing = scope.spawn(move || script.play(&start));
        let driven = under_quota(target, &prepared.plan, |tell_start| {
            load::drive(&Job {
                plan: &prepared.plan,
                run: number,
                servers,
                stop: context.stop,
                progress: &|progress: &Progress| prepared.notify(context, Some(number), progress),
                moment: &|moment: Moment<'_>| match moment {
                    Moment::StartKnown(at_ns) => {
                        tell_start(at_ns);
                        _ = start_ns.set(at_ns);
                        // The script cannot have ended yet.
                        _ = announce.send(at_ns);
                    }
                    Moment::Begin | Moment::End => meter.iter().for_each(Meter::read),
                    Moment::Event(event) => {
                        if matches!(event.kind, EventKind::SessionLost { .. }) {
                            watch.look();
                        }
                    }
                },
            })
        });
        drop(announce);
        (driven, playing.join().unwrap_or_default())
    });
    let observed = watch.end();
    let Driven {
        mut recording,
        ledger,
    } = driven?;
    if let Some(meter) = meter {
        meter.fill(&mut recording);
    }
    if let Some(start_ns) = start_ns.get() {
        note_events(target, &mut recording, &observed, *start_ns);
    }
    for event in played.events {
        note(&mut recording, event);
    }
    recording.find_gaps();
    recording.server_logs = played.logs;
    if let Some(ledger) = ledger.filter(|_| !recording.interrupted) {
        recording.verified = prepared.verify(servers, number, context, ledger.as_ref());
    }
    Ok(recording)
}

/// Runs `load`, and applies the CPU quota of the servers, if they have one, when `load` calls its argument with the
/// beginning of the measured phase.
fn under_quota(
    target: &Target,
    plan: &Plan,
    load: impl FnOnce(&(dyn Fn(i64) + Sync)) -> Result<Driven, LoadError>,
) -> Result<Driven, LoadError> {
    let Some(quota) = target.quota() else {
        return load(&|_start_ns| {});
    };
    thread::scope(|scope| {
        let (applying, teller) = Applying::start(scope, quota, plan.load.warm_up_ms);
        let driven = load(&|start_ns| {
            // The thread waits for this as long as the load runs.
            let _sent = teller.send(start_ns);
        });
        drop(teller);
        let limited = applying.end().map_err(|source| LoadError::System {
            what: "set the CPU quota of the servers",
            source,
        });
        driven.and_then(|driven| limited.map(|()| driven))
    })
}

fn note_events(target: &Target, recording: &mut Recording, observed: &Observed, start_ns: i64) {
    for exit in target.take_exits() {
        let mut ends = observed.ends.iter().rev();
        let end = ends.find(|end| end.index == exit.index);
        note(
            recording,
            Event {
                at_ns: end.map_or_else(now_ns, |end| end.at_ns) - start_ns,
                kind: EventKind::ServerEnded {
                    server: target.name(exit.index),
                    how: exit.description,
                },
            },
        );
    }
    for change in &observed.changes {
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

/// Adds an event of a server. If the list is full, the event replaces the last event of a session.
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
    fn an_event_of_a_server_replaces_an_event_of_a_session_when_the_list_is_full() {
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
