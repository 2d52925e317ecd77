//! A result with faults for tests.

use crate::measure::{
    Event, EventKind, Gap, Layout, Outcome, Recorder, Recording, Sample, SessionGap, SessionOutage,
    SessionReturn,
};
use crate::result::{RunResult, example};

const MS: i64 = 1_000_000;
/// The kill of the leader and its restart, in milliseconds.
pub(super) const KILL_MS: i64 = 3_000;
pub(super) const RESTART_MS: i64 = 5_000;

/// What a run is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Course {
    /// Nobody can write from the kill on for this long, in milliseconds.
    pub(super) outage_ms: i64,
    pub(super) action: &'static str,
}

/// Eight seconds with a write and a read due in every millisecond; each takes 0.4 ms. Writes that are due in the outage
/// are acknowledged at its end, reads go on. Eight of twelve sessions lose their connection.
pub(super) fn run(course: Course) -> Recording {
    let layout = Layout {
        interval_ns: 1_000 * MS,
        measured_ns: 8_000 * MS,
        drain_ns: 1_000 * MS,
    };
    let mut recorder = Recorder::new(2, 3, layout).with_writes([true, false]);
    let back_ms = KILL_MS + course.outage_ms;
    let mut samples: Vec<Sample> = Vec::new();
    for at in 0..8_000 {
        for op in 0..2 {
            let sent_ns = at * MS;
            let waits = op == 0 && (KILL_MS..back_ms).contains(&at);
            samples.push(Sample {
                op,
                server: Some(usize::try_from(at % 3).unwrap_or(0)),
                intended_ns: sent_ns,
                ready_ns: Some(sent_ns),
                sent_ns: Some(sent_ns),
                done_ns: if waits {
                    back_ms * MS
                } else {
                    sent_ns + 400_000
                },
                outcome: Outcome::Ok,
            });
        }
    }
    samples.sort_by_key(|sample| sample.done_ns);
    let mut run = Recording {
        measured_s: 8.0,
        intervals: Vec::new(),
        timeline: crate::measure::Timeline::default(),
        acks: crate::measure::ByClass::default(),
        ..example::recording()
    };
    run.servers.iter_mut().for_each(|server| server.ops.clear());
    let mut interval = -1;
    for sample in &samples {
        let current = sample.done_ns.div_euclid(1_000 * MS);
        if current != interval {
            interval = current;
            let parts = recorder.take(current).intervals;
            parts.into_iter().for_each(|part| run.add(part));
        }
        recorder.record(sample);
    }
    let parts = recorder.take(interval + 1).intervals;
    parts.into_iter().for_each(|part| run.add(part));
    run.add_whole(&recorder.finish());
    run.timeline.trim();
    sessions(&mut run, back_ms);
    events(&mut run, course.action);
    run
}

fn sessions(run: &mut Recording, back_ms: i64) {
    for session in 0..8_u32 {
        let lost_ns = KILL_MS * MS + 300_000;
        let after_ms = 12 + 4 * i64::from(session);
        let back = SessionReturn {
            at_ns: lost_ns + after_ms * MS,
            server: 0,
            resumed: session != 7,
        };
        run.interruptions.add_outage(SessionOutage {
            session,
            server: 2,
            lost_ns,
            back: Some(back),
        });
        run.interruptions.session_gaps.push(SessionGap {
            session,
            gap: Gap {
                from_ns: (KILL_MS - 11) * MS,
                to_ns: Some((back_ms + i64::from(session)) * MS),
            },
        });
    }
}

fn events(run: &mut Recording, action: &str) {
    let servers = vec!["127.0.0.1:2183".to_owned()];
    let end = if action == "pause" {
        "resume"
    } else {
        "restart"
    };
    for (at_ms, kind) in [
        (
            KILL_MS,
            EventKind::FaultBegan {
                fault: 0,
                action: action.to_owned(),
                servers: servers.clone(),
                took_ns: 80_000,
            },
        ),
        (
            KILL_MS + 150,
            EventKind::LeaderChanged {
                from: Some("127.0.0.1:2183".into()),
                to: Some("127.0.0.1:2182".into()),
            },
        ),
        (
            RESTART_MS,
            EventKind::FaultEnded {
                fault: 0,
                action: end.to_owned(),
                servers,
                took_ns: 4_000_000,
            },
        ),
    ] {
        run.note(Event {
            at_ns: at_ms * MS,
            kind,
        });
    }
}

/// A result with a run per course.
pub(super) fn result(courses: &[Course]) -> RunResult {
    let mut plan = example::plan();
    plan.load.duration_ms = 8_000;
    plan.load.sessions = 12;
    let mut get = plan.ops[0].clone();
    get.label = "get".into();
    get.kind = "get".into();
    plan.ops.push(get);
    let runs = courses.iter().map(|course| run(*course)).collect();
    RunResult::new(example::environment(), example::target(), plan, runs)
}

/// One run in which the leader is killed and nobody can write for 214 ms.
pub(super) fn killed() -> RunResult {
    result(&[Course {
        outage_ms: 214,
        action: "kill",
    }])
}
