//! Tests which operations are issued: their kinds, names and random choices.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use quorate::load::{Job, NullResponder, NullScript, Phase, run};
use quorate::protocol::zookeeper;

use crate::driver::{against, all, drive_run, plan, server};

#[test]
fn every_kind_of_operation_is_issued_and_acknowledged() {
    let ops = "kind = \"create\"\nkeep_count = 5\nephemeral = true\nsequential = true\n\
               [[op]]\nkind = \"set\"\n[[op]]\nkind = \"get\"\n[[op]]\nkind = \"exists\"\n\
               [[op]]\nkind = \"list\"\n[[op]]\nkind = \"multi\"\nbatch = 2\n[[op]]\nkind = \"sync\"\n\
               [[op]]\nkind = \"delete\"";
    let load = "sessions = 2\nrate = 2000\nduration = \"500ms\"";
    let (recording, report) = against(&plan(load, ops), NullScript::default());
    let totals = recording.totals();
    for (op, record) in totals.iter().enumerate().take(7) {
        assert!(record.counts.ok > 0, "operation {op}: {:?}", record.counts);
        assert_eq!(
            record.counts.failed(),
            0,
            "operation {op}: {:?}",
            record.counts
        );
    }
    assert_eq!(report.requests, 1_000);
}

#[test]
fn every_run_has_its_own_names_and_random_choices() {
    let ops = "kind = \"create\"\n[[op]]\nkind = \"set\"";
    let plan = plan("sessions = 1\nrate = 500\nduration = \"200ms\"", ops);
    let transcript = |number| {
        let script = NullScript {
            records: true,
            ..NullScript::default()
        };
        let responder = NullResponder::start::<zookeeper::Null>(script).unwrap();
        let servers = [server(responder.address())];
        let recording = drive_run(&plan, number, &servers).unwrap();
        assert_eq!(recording.number, number);
        let report = responder.stop().unwrap();
        let bytes = report.transcript.into_values().next().unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let (first, second) = (transcript(0), transcript(1));
    assert!(first.contains("/quorate/r00000/s00000/c0000000000"));
    assert!(second.contains("/quorate/r00001/s00000/c0000000000"));
    assert!(!second.contains("/r00000/"));
    let sets = |text: &str| -> Vec<String> {
        let parts = text.split("/quorate/p").skip(1);
        parts.map(|part| part.chars().take(14).collect()).collect()
    };
    assert_ne!(sets(&first), sets(&second), "the choices are equal");
}

#[test]
fn the_same_plan_and_seed_issue_the_same_operations() {
    let transcript = |seed| -> BTreeMap<i64, Vec<u8>> {
        let ops = "kind = \"set\"\nweight = 3\nsize = { min = 1, max = 200 }\n[[op]]\nkind = \"get\"\nkeys = \"zipf\"\n[[op]]\nkind = \"multi\"\nbatch = 3";
        let mut plan = plan("sessions = 3\nrate = 2000\nduration = \"300ms\"", ops);
        plan.seed = seed;
        let script = NullScript {
            records: true,
            ..NullScript::default()
        };
        against(&plan, script).1.transcript
    };
    let by_content = |seed| {
        // The ids depend on the order in which the sessions connect, so streams are compared by content.
        let mut streams: Vec<_> = transcript(seed).into_values().collect();
        streams.sort();
        streams
    };
    let first = by_content(7);
    assert_eq!(first.len(), 3);
    assert_eq!(first, by_content(7));
    assert_ne!(first, by_content(8));
}

#[test]
fn a_session_operation_opens_and_closes_a_session() {
    let load = "sessions = 2\nrate = 200\nduration = \"1s\"";
    let (recording, report) = against(&plan(load, "kind = \"session\""), NullScript::default());
    let counts = all(&recording).counts;
    assert_eq!((counts.ok, counts.failed()), (200, 0), "{counts:?}");
    assert_eq!((report.opened, report.closed), (202, 202));
}

#[test]
fn session_operations_that_cannot_connect_are_counted_as_refused() {
    let load = "sessions = 1\nrate = 100\nduration = \"500ms\"";
    let plan = plan(load, "kind = \"session\"");
    let responder = NullResponder::start::<zookeeper::Null>(NullScript::default()).unwrap();
    let servers = [server(responder.address())];
    let responder = Mutex::new(Some(responder));
    let stop = AtomicBool::new(false);
    let recording = run(&Job {
        plan: &plan,
        run: 0,
        servers: &servers,
        stop: &stop,
        progress: &|progress| {
            if progress.phase == Phase::Measure {
                // Dropping the responder ends it.
                responder.lock().unwrap().take();
            }
        },
        moment: &|_| {},
    })
    .unwrap();
    let record = all(&recording);
    // Every operation tried to connect, so each has a service time.
    assert_eq!(record.service.count(), 50);
    let counts = record.counts;
    assert!(counts.refused >= 10, "{counts:?}");
    assert_eq!(counts.error_replies(), 0, "{counts:?}");
    assert_eq!(counts.total(), 50, "{counts:?}");
}
