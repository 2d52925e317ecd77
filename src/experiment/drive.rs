//! One load against a target, with what its servers used and what happened to them meanwhile.

use std::sync::OnceLock;

use super::error::ExperimentError;
use super::meter::{self, Meter};
use super::probe::refresh;
use super::setting::Setting;
use super::subject::{Subject, failed};
use super::watch::{self, Seen, Watch};
use crate::load::clock::now_ns;
use crate::load::{self, Job, LoadError, Moment, Progress};
use crate::measure::{EVENTS_MAX, Event, EventKind, Recording};

impl Subject {
    /// Run `number` (from 0).
    ///
    /// # Errors
    /// If the driver fails. What happens to the servers during the load is in the recording instead.
    pub(super) fn measure(
        &mut self,
        number: u32,
        setting: &Setting<'_>,
    ) -> Result<Recording, ExperimentError> {
        // Who leads may have changed, and `attach` goes by it.
        for member in &mut self.members {
            refresh(member);
        }
        let servers = self.servers();
        let deployment = self.deployment.as_ref();
        let handles = deployment.map(|one| one.handles()).unwrap_or_default();
        let watch =
            Watch::start(&self.members, handles, watch::ANSWER_TIMEOUT).map_err(|source| {
                let what = "watch the servers";
                failed(
                    "running against",
                    &self.spec,
                    LoadError::System { what, source },
                )
            })?;
        let meter = deployment.map(|one| Meter::new(&one.processes(), meter::ANSWER_TIMEOUT));
        let start_ns = OnceLock::new();
        let driven = load::run(&Job {
            plan: &self.driven,
            run: number,
            servers: &servers,
            stop: setting.stop,
            progress: &|progress: &Progress| self.notify(setting, Some(number), progress),
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
        let mut recording = driven.map_err(|source| self.ended("running against", source))?;
        if let Some(meter) = meter {
            meter.fill(&mut recording);
        }
        if let Some(start_ns) = start_ns.get() {
            self.note_events(&mut recording, &seen, *start_ns);
        }
        self.after = self.counters();
        if let Some(deployment) = &self.deployment {
            self.rss_end = deployment.resident_bytes();
        }
        Ok(recording)
    }

    fn note_events(&mut self, recording: &mut Recording, seen: &Seen, start_ns: i64) {
        let deployment = self.deployment.as_mut();
        let ended = deployment.map(|one| one.ended()).unwrap_or_default();
        for (index, how) in ended {
            let noticed = seen.ended.iter().find(|(ended, _)| *ended == index);
            note(
                recording,
                Event {
                    at_ns: noticed.map_or_else(now_ns, |(_, at_ns)| *at_ns) - start_ns,
                    kind: EventKind::ServerEnded {
                        server: self.name(index),
                        how,
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
