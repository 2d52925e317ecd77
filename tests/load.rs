//! The load driver against a null responder that misbehaves on cue: what is recorded must be what
//! happened.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use quorate::load::{
    Fault, Job, LoadError, NullReport, NullResponder, NullScript, Phase, Progress, Server,
    clean_up, prepare, run,
};
use quorate::measure::{EventKind, OpRecord, Recording};
use quorate::protocol::Setup as _;
use quorate::protocol::resolve;
use quorate::protocol::zookeeper::{self, Tree};
use quorate::result::{Environment, Judgement, Target, judge};
use quorate::workload::{Plan, Role, Source};

/// Open loops are evenly spaced, so that tests can count, unless `load` says otherwise.
fn plan(load: &str, op: &str) -> Plan {
    let closed = load.contains("in_flight =");
    let spacing = if closed || load.contains("spacing") {
        ""
    } else {
        "spacing = \"even\"\n"
    };
    let text = format!(
        "name = \"test\"\n[prepare]\nznodes = 100\nsize = 10\n[load]\nwarm_up = \"0s\"\n{spacing}{load}\n[[op]]\n{op}\n"
    );
    resolve(&Source::from_text("test.toml", text), &[], None)
        .unwrap_or_else(|error| panic!("{error}"))
}

fn server(address: SocketAddr) -> Server {
    Server {
        name: address.to_string(),
        address,
        role: Role::Standalone,
    }
}

fn drive(plan: &Plan, servers: &[Server]) -> Result<Recording, LoadError> {
    drive_run(plan, 0, servers)
}

fn drive_run(plan: &Plan, number: u32, servers: &[Server]) -> Result<Recording, LoadError> {
    let stop = AtomicBool::new(false);
    run(&Job {
        plan,
        run: number,
        servers,
        stop: &stop,
        progress: &|_| {},
        moment: &|_| {},
    })
}

/// Runs the plan against one responder with this script.
fn against(plan: &Plan, script: NullScript) -> (Recording, NullReport) {
    let responder = NullResponder::start::<zookeeper::Null>(script).unwrap();
    let recording = drive(plan, &[server(responder.address())]).unwrap();
    (recording, responder.stop().unwrap())
}

fn faults(faults: &[(u64, Fault)]) -> NullScript {
    NullScript {
        faults: faults.to_vec(),
        ..NullScript::default()
    }
}

/// What would be said of it as a result.
fn judged(plan: &Plan, recording: &Recording) -> Judgement {
    let target = Target {
        spec: "zk://null".to_owned(),
        ..Target::default()
    };
    let runs = std::slice::from_ref(recording);
    judge(plan, runs, &Environment::default(), &target)
}

fn texts(recording: &Recording) -> Vec<String> {
    let events = recording.events.iter();
    events.map(|event| event.kind.to_string()).collect()
}

fn all(recording: &Recording) -> OpRecord {
    recording.all()
}

/// Response times above this.
fn slower_than(record: &OpRecord, ms: u64) -> Vec<(f64, u64)> {
    let hdr = record.response.hdr();
    let steps = hdr.iter_recorded();
    let steps = steps.filter(|step| step.value_iterated_to() > ms * 1_000_000);
    let mut slow = Vec::new();
    for step in steps {
        let value_ms = step.value_iterated_to() / 1_000_000;
        slow.push((
            f64::from(u32::try_from(value_ms).unwrap()),
            step.count_at_value(),
        ));
    }
    slow
}

/// The definition of an open loop: nobody waits for the server to recover before asking again.
#[test]
fn a_stall_of_one_second_makes_a_second_of_operations_late() {
    let plan = plan(
        "sessions = 4\nrate = 1000\nduration = \"3s\"\nin_flight_cap = 1000",
        "kind = \"set\"",
    );
    let stall = (1_000, Fault::Stall(Duration::from_secs(1)));
    let (recording, report) = against(&plan, faults(&[stall]));
    let record = all(&recording);
    assert_eq!(report.requests, 3_000, "no due operation is skipped");
    assert_eq!(record.counts.ok, 3_000);
    // Late ones wait between 0 and 1 s: evenly spread, half of them longer than half a second.
    let late: u64 = slower_than(&record, 50)
        .iter()
        .map(|(_, count)| count)
        .sum();
    assert!((900..1_100).contains(&late), "{late} late operations");
    for (ms, expected) in [(250, 750), (500, 500), (750, 250)] {
        let slower: u64 = slower_than(&record, ms)
            .iter()
            .map(|(_, count)| count)
            .sum();
        let allowed = expected - 150..expected + 150;
        assert!(
            allowed.contains(&slower),
            "{slower} took longer than {ms} ms"
        );
    }
    // Nothing held it back: it had room in flight.
    assert_eq!(record.blocked.max_us(), Some(0.0));
}

#[test]
fn what_the_cap_holds_back_is_late_from_its_intended_time() {
    let plan = plan(
        "sessions = 4\nrate = 1000\nduration = \"3s\"\nin_flight_cap = 1",
        "kind = \"set\"",
    );
    let stall = (1_000, Fault::Stall(Duration::from_secs(1)));
    let (recording, report) = against(&plan, faults(&[stall]));
    let record = all(&recording);
    assert_eq!((report.requests, record.counts.ok), (3_000, 3_000));
    let late: u64 = slower_than(&record, 50)
        .iter()
        .map(|(_, count)| count)
        .sum();
    assert!((900..1_200).contains(&late), "{late} late operations");
    let held_back = record.blocked.hdr().count_between(50_000_000, u64::MAX);
    assert!(held_back > 800, "{held_back} held back");
    let slow_service = record.service.hdr().count_between(50_000_000, u64::MAX);
    assert!(
        slow_service <= 8,
        "only what was in flight waited for a reply"
    );
    // The generator was idle meanwhile, and the bad target is not thrown out.
    let late = record.late.hdr().count_between(50_000_000, u64::MAX);
    assert_eq!(late, 0, "waiting for the target is not lateness");
    let reasons = judged(&plan, &recording);
    let reasons = reasons.verdict.reasons().join("; ");
    assert!(!reasons.contains("issued"), "{reasons}");
}

/// On loopback a server may have answered before the system call that sent the request returns.
/// Whatever it says that it took lies within the service time.
#[test]
fn the_service_time_holds_all_of_the_servers_own_account() {
    let plan = plan(
        "sessions = 4\nrate = 4000\nduration = \"1s\"",
        "kind = \"get\"",
    );
    let script = NullScript {
        accounts: true,
        ..NullScript::default()
    };
    let (recording, report) = against(&plan, script);
    let service = all(&recording).service;
    assert_eq!(service.count(), report.kept.count());
    let (shortest, kept) = (service.min_us().unwrap(), report.kept.min_us().unwrap());
    assert!(
        shortest + 0.6 >= kept,
        "a service time of {shortest} us, but the server never took less than {kept} us"
    );
    for quantile in [0.01, 0.1, 0.25, 0.5, 0.9] {
        let service = service.quantile_us(quantile).unwrap();
        let kept = report.kept.quantile_us(quantile).unwrap();
        // Half a microsecond is the width of the smallest bucket.
        assert!(
            service + 0.6 >= kept,
            "at {quantile}: service {service} us, of which the server took {kept} us"
        );
    }
}

#[test]
fn every_run_has_names_and_choices_of_its_own() {
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
    assert_ne!(sets(&first), sets(&second), "the choices differ too");
}

#[test]
fn poisson_arrivals_are_the_same_for_any_number_of_threads() {
    let requests = |threads: u32| {
        let load = format!(
            "sessions = 6\nthreads = {threads}\nrate = 1000\nduration = \"1s\"\nspacing = \"poisson\""
        );
        let (recording, report) = against(&plan(&load, "kind = \"set\""), NullScript::default());
        assert_eq!(all(&recording).counts.total(), report.requests);
        (report.requests, recording.timeline.due)
    };
    let (count, due) = requests(1);
    assert!((800..1_200).contains(&count), "{count}");
    assert_eq!(requests(3), (count, due));
}

/// The sessions of a dead server do not fall on one neighbour.
#[test]
fn a_dead_servers_sessions_scatter_over_the_survivors() {
    let dying = NullResponder::start::<zookeeper::Null>(faults(&[(100, Fault::Quit)])).unwrap();
    let survivors: Vec<NullResponder> = (0..3)
        .map(|_| NullResponder::start::<zookeeper::Null>(NullScript::default()).unwrap())
        .collect();
    let plan = plan(
        "sessions = 24\nrate = 1000\nduration = \"1s\"",
        "kind = \"set\"",
    );
    let mut servers = vec![server(dying.address())];
    servers.extend(survivors.iter().map(|one| server(one.address())));
    let recording = drive(&plan, &servers).unwrap();
    for survivor in survivors {
        let report = survivor.stop().unwrap();
        assert_eq!((report.opened, report.resumed), (6, 2));
    }
    let servers = &recording.servers;
    assert_eq!(servers.len(), 4);
    let total: u64 = servers.iter().map(|one| one.all().response.count()).sum();
    assert_eq!(total, 1_000, "every operation is some server's");
    assert!(servers.iter().all(|one| one.all().acknowledged > 0));
}

#[test]
fn a_closed_loop_keeps_exactly_so_many_in_flight() {
    let plan = plan(
        "sessions = 3\nin_flight = 7\nduration = \"500ms\"\noperation_timeout = \"5s\"\ndrain = \"100ms\"",
        "kind = \"get\"",
    );
    let (recording, report) = against(&plan, faults(&[(1, Fault::Mute)]));
    // Nothing is answered: each session sends its seven and waits.
    assert_eq!(report.requests, 21);
    assert_eq!(recording.in_flight_at_end, 21);
    let record = all(&recording);
    assert_eq!((record.counts.unknown, record.counts.total()), (21, 21));
}

/// In flight at the end is what was sent: what the cap held back is counted as that alone.
#[test]
fn what_the_cap_held_back_to_the_end_was_never_in_flight() {
    let plan = plan(
        "sessions = 1\nrate = 100\nspacing = \"even\"\nin_flight_cap = 2\nduration = \"200ms\"\noperation_timeout = \"5s\"\ndrain = \"100ms\"",
        "kind = \"get\"",
    );
    let (recording, report) = against(&plan, faults(&[(1, Fault::Mute)]));
    assert_eq!(report.requests, 2);
    assert_eq!(recording.in_flight_at_end, 2);
    let counts = all(&recording).counts;
    assert_eq!((counts.unknown, counts.cap_full), (2, 18), "{counts:?}");
}

#[test]
fn a_closed_loop_intends_what_it_can_send() {
    let plan = plan(
        "sessions = 2\nin_flight = 4\nduration = \"300ms\"",
        "kind = \"get\"",
    );
    let (recording, report) = against(&plan, NullScript::default());
    let record = all(&recording);
    assert!(record.counts.ok > 8, "{:?}", record.counts);
    assert_eq!(record.counts.failed(), 0);
    assert_eq!(report.requests, record.counts.ok);
    assert_eq!((report.opened, report.closed), (2, 2));
    assert_eq!(recording.driver.len(), 1);
    assert!(!recording.interrupted);
}

#[test]
fn a_dropped_connection_keeps_its_session_and_leaves_unknowns() {
    let plan = plan(
        "sessions = 2\nrate = 2000\nduration = \"1s\"\nin_flight_cap = 1000",
        "kind = \"set\"",
    );
    let (recording, report) = against(&plan, faults(&[(500, Fault::Drop)]));
    assert_eq!((report.opened, report.resumed), (2, 2));
    assert_eq!((recording.reconnects, recording.expired_sessions), (2, 0));
    let counts = all(&recording).counts;
    assert!(counts.unknown >= 1, "{counts:?}");
    assert_eq!(
        counts.ok + counts.unknown + counts.not_sent,
        2_000,
        "{counts:?}"
    );
    assert_eq!(counts.error_replies() + counts.timed_out, 0, "{counts:?}");
    let texts = texts(&recording);
    let lost = texts.iter().filter(|text| text.contains(" lost ")).count();
    let back = texts
        .iter()
        .filter(|text| text.contains(" as the same session"));
    assert_eq!((lost, back.count()), (2, 2), "{texts:#?}");
    // Those due meanwhile were late, not lost: at least the first wait of the backoff.
    assert!(!slower_than(&all(&recording), 12).is_empty());
}

#[test]
fn an_expired_session_is_replaced_and_counted() {
    let plan = plan(
        "sessions = 2\nrate = 500\nduration = \"1s\"",
        "kind = \"set\"",
    );
    let script = NullScript {
        forgets: true,
        ..faults(&[(100, Fault::Drop)])
    };
    let (recording, report) = against(&plan, script);
    assert_eq!((report.opened, report.resumed), (4, 0));
    assert_eq!((recording.reconnects, recording.expired_sessions), (0, 2));
    let texts = texts(&recording);
    assert!(
        texts.iter().any(|text| text.contains("session expired")),
        "{texts:#?}"
    );
    assert!(
        texts.iter().any(|text| text.contains("as a new session")),
        "{texts:#?}"
    );
}

#[test]
fn time_outs_are_recorded_at_their_full_age() {
    let plan = plan(
        "sessions = 1\nin_flight = 3\nduration = \"1s\"\noperation_timeout = \"400ms\"",
        "kind = \"set\"",
    );
    let (recording, report) = against(&plan, faults(&[(10, Fault::Mute)]));
    let record = all(&recording);
    assert!(record.counts.timed_out >= 1, "{:?}", record.counts);
    assert_eq!(record.counts.timed_out + record.counts.unknown, 3);
    assert!(record.response.max_us().unwrap() >= 400_000.0);
    assert_eq!(
        report.resumed, 1,
        "the connection was given up and opened again"
    );
    let texts = texts(&recording);
    assert!(texts[0].contains("operation timed out"), "{texts:#?}");
}

#[test]
fn without_a_connection_operations_are_never_sent() {
    let plan = plan(
        "sessions = 2\nrate = 100\nduration = \"1s\"\noperation_timeout = \"200ms\"\ndrain = \"300ms\"",
        "kind = \"set\"",
    );
    let (recording, report) = against(&plan, faults(&[(10, Fault::Quit)]));
    let counts = all(&recording).counts;
    assert_eq!(counts.total(), 100, "{counts:?}");
    assert_eq!(
        counts.ok + counts.unknown,
        report.requests.max(10),
        "{counts:?}"
    );
    assert!(counts.no_connection() >= 80, "{counts:?}");
    assert_eq!((counts.cap_full, counts.not_issued), (0, 0), "{counts:?}");
    let judgement = judged(&plan, &recording);
    let findings = judgement.findings.join("\n");
    assert!(
        findings.contains("their session had no connection"),
        "{findings}"
    );
    assert!((recording.measured_s - 1.0).abs() < 1e-6, "the run goes on");
}

#[test]
fn another_server_takes_over_when_one_dies() {
    let dying = NullResponder::start::<zookeeper::Null>(faults(&[(200, Fault::Quit)])).unwrap();
    let living = NullResponder::start::<zookeeper::Null>(NullScript::default()).unwrap();
    let plan = plan(
        "sessions = 2\nrate = 1000\nduration = \"1s\"",
        "kind = \"set\"",
    );
    let servers = [server(dying.address()), server(living.address())];
    let recording = drive(&plan, &servers).unwrap();
    let report = living.stop().unwrap();
    assert_eq!((report.opened, report.resumed), (1, 1));
    let counts = all(&recording).counts;
    assert_eq!(counts.total(), 1_000, "{counts:?}");
    assert!(counts.ok >= 990, "{counts:?}");
    let back = recording.events.iter().find_map(|event| match &event.kind {
        EventKind::SessionBack {
            server, resumed, ..
        } => Some((server.as_str(), *resumed)),
        _ => None,
    });
    let living = servers[1].name.as_str();
    assert_eq!(back, Some((living, true)), "{:#?}", recording.events);
}

#[test]
fn malformed_replies_end_that_connection_only() {
    let cases: [(&[u8], &str); 4] = [
        (&[0x7f, 0, 0, 0], "frame of 2130706432 bytes"),
        (&[255; 8], "frame of -1 bytes"),
        (
            &[0, 0, 0, 16, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0],
            "answered request 65536",
        ),
        (&[0, 0, 0, 2, 1, 1], "malformed reply"),
    ];
    for (bytes, expected) in cases {
        let plan = plan(
            "sessions = 3\nrate = 1000\nduration = \"500ms\"",
            "kind = \"set\"",
        );
        let (recording, report) = against(&plan, faults(&[(100, Fault::Raw(bytes.to_vec()))]));
        let texts = texts(&recording);
        let losses: Vec<_> = texts
            .iter()
            .filter(|text| text.contains(" lost "))
            .collect();
        assert_eq!(losses.len(), 1, "{texts:#?}");
        assert!(losses[0].contains(expected), "{texts:#?}");
        assert_eq!((report.opened, report.resumed), (3, 1));
        let counts = all(&recording).counts;
        assert_eq!(counts.total(), 500, "{counts:?}");
        assert!(counts.ok >= 480, "{counts:?}");
    }
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
        // Which session gets which id depends on who connects first.
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
fn rate_phases_are_what_is_issued() {
    let load = "sessions = 3\nduration = \"1s\"\ninterval = \"500ms\"\n\
                [[load.phase]]\nduration = \"500ms\"\nrate = 200\n\
                [[load.phase]]\nduration = \"500ms\"\nfrom = 400\nto = 1200";
    let (recording, report) = against(&plan(load, "kind = \"exists\""), NullScript::default());
    assert_eq!(report.requests, 100 + 400);
    let intervals = recording.intervals.iter();
    let due: Vec<u64> = intervals.map(|i| i.all().counts.total()).collect();
    assert_eq!(due, [100, 400], "by the intended instant");
}

#[test]
fn sessions_that_are_operations_open_and_close() {
    let load = "sessions = 2\nrate = 200\nduration = \"1s\"";
    let (recording, report) = against(&plan(load, "kind = \"session\""), NullScript::default());
    let counts = all(&recording).counts;
    assert_eq!((counts.ok, counts.failed()), (200, 0), "{counts:?}");
    assert_eq!((report.opened, report.closed), (202, 202));
}

#[test]
fn sessions_that_cannot_be_opened_are_errors_of_the_operation() {
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
                responder.lock().unwrap().take(); // ends it
            }
        },
        moment: &|_| {},
    })
    .unwrap();
    let record = all(&recording);
    // Asked of the server, if in vain: each has a service time.
    assert_eq!(record.service.count(), 50);
    let counts = record.counts;
    assert!(counts.refused >= 10, "{counts:?}");
    assert_eq!(counts.error_replies(), 0, "no server answered with one");
    assert_eq!(counts.total(), 50, "{counts:?}");
}

#[test]
fn every_kind_of_operation_is_understood() {
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
fn more_threads_share_the_same_load() {
    let load = "sessions = 5\nthreads = 3\nrate = 1000\nduration = \"500ms\"";
    let (recording, report) = against(&plan(load, "kind = \"set\""), NullScript::default());
    assert_eq!((report.requests, report.opened), (500, 5));
    assert_eq!(all(&recording).counts.ok, 500);
    assert_eq!(recording.driver.len(), 3);
}

#[test]
fn an_interrupted_run_returns_what_it_measured() {
    let plan = plan(
        "sessions = 2\nrate = 500\nduration = \"60s\"",
        "kind = \"set\"",
    );
    let responder = NullResponder::start::<zookeeper::Null>(NullScript::default()).unwrap();
    let stop = AtomicBool::new(false);
    let phases = Mutex::new(Vec::new());
    let progress = |progress: &Progress| {
        phases.lock().unwrap().push(progress.phase);
        if progress.ok >= 100 {
            stop.store(true, Ordering::Relaxed);
        }
    };
    let recording = run(&Job {
        plan: &plan,
        run: 0,
        servers: &[server(responder.address())],
        stop: &stop,
        progress: &progress,
        moment: &|_| {},
    })
    .unwrap();
    assert!(recording.interrupted);
    assert!(recording.measured_s > 0.0 && recording.measured_s < 60.0);
    let counts = all(&recording).counts;
    assert!(counts.ok >= 100, "{counts:?}");
    assert_eq!(recording.in_flight_at_end, 0);
    assert!(phases.lock().unwrap().contains(&Phase::Measure));
    assert_eq!(
        responder.stop().unwrap().closed,
        2,
        "sessions were closed properly"
    );
}

#[test]
fn progress_tells_of_every_operation_and_every_server() {
    let load = "sessions = 4\nthreads = 2\nrate = 1000\nduration = \"1s\"\ninterval = \"100ms\"";
    let plan = plan(load, "kind = \"set\"\n[[op]]\nkind = \"get\"");
    let responders =
        [0, 1].map(|_| NullResponder::start::<zookeeper::Null>(NullScript::default()).unwrap());
    let servers = responders.each_ref().map(|one| server(one.address()));
    let told = Mutex::new(Vec::new());
    let recording = run(&Job {
        plan: &plan,
        run: 0,
        servers: &servers,
        stop: &AtomicBool::new(false),
        progress: &|progress| told.lock().unwrap().push(progress.clone()),
        moment: &|_| {},
    })
    .unwrap();
    let told = told.into_inner().unwrap();
    let last = told.last().unwrap();
    assert!(last.ok > 0 && last.ok <= recording.acknowledged());
    assert_eq!((last.errors, last.sessions), (0, 4));
    let labels: Vec<&str> = last.ops.iter().map(|op| op.label.as_str()).collect();
    assert_eq!(labels, ["set", "get"]);
    for op in &last.ops {
        assert!(op.counts.ok > 0 && op.p99_us >= op.p50_us, "{op:?}");
        assert!(op.p50_us.is_some(), "{op:?}");
    }
    let names: Vec<&str> = last.servers.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, servers.each_ref().map(|one| one.name.as_str()));
    // The same operations, counted in three ways.
    let of_ops: u64 = last.ops.iter().map(|op| op.counts.ok).sum();
    let of_servers: u64 = last.servers.iter().map(|one| one.acknowledged).sum();
    assert_eq!((of_ops, of_servers), (last.ok, last.ok));
    assert!(last.servers.iter().all(|one| one.acknowledged > 0));
    assert!(told.iter().any(|one| one.throughput_per_s > 0.0));
    for one in &told {
        let ops: f64 = one.ops.iter().map(|op| op.throughput_per_s).sum();
        assert!((one.throughput_per_s - ops).abs() < 1e-6, "{one:?}");
    }
}

#[test]
fn a_run_that_cannot_connect_names_what_was_tried() {
    // Bound, never listening on: nobody else gets the port, and nobody answers.
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let closed = free.local_addr().unwrap();
    drop(free);
    let refusing = NullResponder::start::<zookeeper::Null>(NullScript {
        refuses: true,
        ..NullScript::default()
    })
    .unwrap();
    let plan = plan(
        "sessions = 2\nrate = 10\nduration = \"1s\"",
        "kind = \"set\"",
    );
    let error = drive(&plan, &[server(closed), server(refusing.address())]).unwrap_err();
    let text = error.to_string();
    assert!(text.contains(&format!("{closed} (")), "{text}");
    assert!(
        text.contains(&format!("{} (", refusing.address())),
        "{text}"
    );
    assert!(text.contains("Connection refused"), "{text}");
    assert!(text.contains("refuses to open a session"), "{text}");
}

#[test]
fn preparing_and_cleaning_up_send_what_they_should() {
    let responder = NullResponder::start::<zookeeper::Null>(NullScript {
        records: true,
        ..NullScript::default()
    })
    .unwrap();
    let plan = plan(
        "sessions = 2\nrate = 10\nduration = \"1s\"",
        "kind = \"set\"",
    );
    let stop = AtomicBool::new(false);
    let phases = Mutex::new(Vec::new());
    let servers = [server(responder.address())];
    let job = Job {
        plan: &plan,
        run: 0,
        servers: &servers,
        stop: &stop,
        progress: &|progress| phases.lock().unwrap().push(progress.phase),
        moment: &|_| {},
    };
    let mut tree = Tree::default();
    clean_up(&job, &tree).unwrap();
    prepare(&job, &mut tree).unwrap();
    assert!(tree.leftovers(&plan, &[]).is_some(), "{tree:?}");
    clean_up(&job, &tree).unwrap();
    let report = responder.stop().unwrap();
    // Nothing for the one that created nothing; then /quorate, one parent, a hundred znodes; the
    // responder says that the chroot went at once.
    assert_eq!(report.requests, 2 + 100 + 1);
    assert_eq!(report.opened, report.closed);
    let phases = phases.into_inner().unwrap();
    assert_eq!(phases.first(), Some(&Phase::Prepare));
    assert_eq!(phases.last(), Some(&Phase::CleanUp));
}

#[test]
fn what_a_failed_preparation_created_is_known() {
    let responder = NullResponder::start::<zookeeper::Null>(NullScript {
        faults: vec![(10, Fault::Drop)],
        ..NullScript::default()
    })
    .unwrap();
    let plan = plan(
        "sessions = 2\nrate = 10\nduration = \"1s\"",
        "kind = \"set\"",
    );
    let mut tree = Tree::default();
    let failed = prepare(
        &Job {
            plan: &plan,
            run: 0,
            servers: &[server(responder.address())],
            stop: &AtomicBool::new(false),
            progress: &|_| {},
            moment: &|_| {},
        },
        &mut tree,
    );
    assert!(failed.is_err(), "its connections were dropped");
    assert!(tree.leftovers(&plan, &[]).is_some(), "{tree:?}");
}
