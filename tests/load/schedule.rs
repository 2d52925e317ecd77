//! Tests when operations are issued: open and closed loops, phases, threads.

use quorate::load::{Fault, NullScript};

use crate::driver::{against, all, faults, plan};

#[test]
fn poisson_arrivals_do_not_depend_on_the_number_of_threads() {
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

#[test]
fn the_issued_operations_follow_the_rate_phases() {
    let load = "sessions = 3\nduration = \"1s\"\ninterval = \"500ms\"\n\
                [[load.phase]]\nduration = \"500ms\"\nrate = 200\n\
                [[load.phase]]\nduration = \"500ms\"\nfrom = 400\nto = 1200";
    let (recording, report) = against(&plan(load, "kind = \"exists\""), NullScript::default());
    assert_eq!(report.requests, 100 + 400);
    let intervals = recording.intervals.iter();
    let due: Vec<u64> = intervals.map(|i| i.all().counts.total()).collect();
    assert_eq!(due, [100, 400], "operations by their intended times");
}

#[test]
fn several_threads_share_the_load() {
    let load = "sessions = 5\nthreads = 3\nrate = 1000\nduration = \"500ms\"";
    let (recording, report) = against(&plan(load, "kind = \"set\""), NullScript::default());
    assert_eq!((report.requests, report.opened), (500, 5));
    assert_eq!(all(&recording).counts.ok, 500);
    assert_eq!(recording.driver.len(), 3);
}

/// Operations that the cap holds back until the end count only as `cap_full`.
#[test]
fn operations_held_back_until_the_end_were_never_in_flight() {
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
fn a_closed_loop_keeps_the_given_number_of_operations_in_flight() {
    let plan = plan(
        "sessions = 3\nin_flight = 7\nduration = \"500ms\"\noperation_timeout = \"5s\"\ndrain = \"100ms\"",
        "kind = \"get\"",
    );
    let (recording, report) = against(&plan, faults(&[(1, Fault::Mute)]));
    // The server never answers, so each of the three sessions sends seven operations and waits.
    assert_eq!(report.requests, 21);
    assert_eq!(recording.in_flight_at_end, 21);
    let record = all(&recording);
    assert_eq!((record.counts.unknown, record.counts.total()), (21, 21));
}

#[test]
fn a_closed_loop_against_a_good_server_has_no_failures() {
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
