//! Tests lost connections, dead servers and malformed replies.

use std::net::{Ipv4Addr, TcpListener};

use quorate::load::{Fault, NullResponder, NullScript};
use quorate::measure::EventKind;
use quorate::protocol::zookeeper;

use crate::driver::{against, all, drive, faults, judged, plan, server, slower_than, texts};

#[test]
fn after_a_dropped_connection_the_session_is_resumed_and_open_operations_are_unknown() {
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
    // Operations that were due during the first wait of the backoff were sent later, so they were slow.
    assert!(slower_than(&all(&recording), 12) > 0);
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
fn operations_without_a_connection_are_counted_as_not_sent() {
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
    let measured_s = recording.measured_s;
    assert!((measured_s - 1.0).abs() < 1e-6, "{measured_s} s measured");
}

#[test]
fn a_session_moves_to_another_server_when_its_server_dies() {
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
fn the_sessions_of_a_dead_server_are_distributed_over_all_survivors() {
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
    assert_eq!(total, 1_000, "an operation is not counted for its server");
    assert!(servers.iter().all(|one| one.all().acknowledged > 0));
}

#[test]
fn a_malformed_reply_ends_only_its_own_connection() {
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
fn the_error_of_a_run_that_cannot_connect_names_every_server_and_cause() {
    // The port was free a moment ago, so no process listens on it.
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
