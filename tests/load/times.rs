//! Tests the recorded times: response, service and blocked times.

use std::time::Duration;

use quorate::load::{Fault, NullScript};

use crate::driver::{against, all, faults, judged, plan, slower_than, texts};

/// In an open loop, operations that become due during a stall wait from their intended times on.
#[test]
fn operations_due_during_a_stall_of_one_second_are_late() {
    let plan = plan(
        "sessions = 4\nrate = 1000\nduration = \"3s\"\nin_flight_cap = 1000",
        "kind = \"set\"",
    );
    let stall = (1_000, Fault::Stall(Duration::from_secs(1)));
    let (recording, report) = against(&plan, faults(&[stall]));
    let record = all(&recording);
    assert_eq!(report.requests, 3_000, "due operations were skipped");
    assert_eq!(record.counts.ok, 3_000);
    // The late operations wait between 0 and 1 s, and their times are evenly distributed.
    let late = slower_than(&record, 50);
    assert!((900..1_100).contains(&late), "{late} late operations");
    for (ms, expected) in [(250, 750), (500, 500), (750, 250)] {
        let slower = slower_than(&record, ms);
        let allowed = expected - 150..expected + 150;
        assert!(
            allowed.contains(&slower),
            "{slower} took longer than {ms} ms"
        );
    }
    // The cap was never reached, so no operation was blocked.
    assert_eq!(record.blocked.max_us(), Some(0.0));
}

#[test]
fn operations_held_back_by_the_cap_are_late_from_their_intended_times() {
    let plan = plan(
        "sessions = 4\nrate = 1000\nduration = \"3s\"\nin_flight_cap = 1",
        "kind = \"set\"",
    );
    let stall = (1_000, Fault::Stall(Duration::from_secs(1)));
    let (recording, report) = against(&plan, faults(&[stall]));
    let record = all(&recording);
    assert_eq!((report.requests, record.counts.ok), (3_000, 3_000));
    let late = slower_than(&record, 50);
    assert!((900..1_200).contains(&late), "{late} late operations");
    let held_back = record.blocked.hdr().count_between(50_000_000, u64::MAX);
    assert!(held_back > 800, "{held_back} held back");
    let slow_service = record.service.hdr().count_between(50_000_000, u64::MAX);
    assert!(
        slow_service <= 8,
        "{slow_service} slow replies, but only operations in flight wait for the server"
    );
    // The generator itself was not late, so the slow target does not invalidate the run.
    let late = record.late.hdr().count_between(50_000_000, u64::MAX);
    assert_eq!(late, 0, "waiting for the target counts as lateness");
    let reasons = judged(&plan, &recording);
    let reasons = reasons.verdict.reasons().join("; ");
    assert!(!reasons.contains("issued"), "{reasons}");
}

/// On the loopback interface a server can answer before the system call that sends the request returns. The service
/// time must still include all of the time that the server measures.
#[test]
fn the_service_time_is_not_shorter_than_the_time_that_the_server_measures() {
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
        "a service time of {shortest} us, but the server took at least {kept} us"
    );
    for quantile in [0.01, 0.1, 0.25, 0.5, 0.9] {
        let service = service.quantile_us(quantile).unwrap();
        let kept = report.kept.quantile_us(quantile).unwrap();
        // The width of the smallest bucket is half a microsecond.
        assert!(
            service + 0.6 >= kept,
            "quantile {quantile}: the service time is {service} us, but the server took {kept} us"
        );
    }
}

#[test]
fn timed_out_operations_are_recorded_with_their_full_time() {
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
        "the connection was not replaced after the timeout"
    );
    let texts = texts(&recording);
    assert!(texts[0].contains("operation timed out"), "{texts:#?}");
}
