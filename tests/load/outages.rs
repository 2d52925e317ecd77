//! Outages of a responder that knows when it did not answer. The report must state them as they were.

use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use quorate::load::{Fault, Job, Moment, NullReport, NullResponder, NullScript, run};
use quorate::measure::{Event, EventKind, Recording};
use quorate::protocol::zookeeper;
use quorate::report::{Format, render};
use quorate::result::{Environment, RunResult, Target};
use quorate::workload::Plan;

use crate::driver::{faults, plan, server};

/// Operations per second; their distance is the resolution of a gap.
const RATE: f64 = 1_000.0;
/// What a gap may differ from the responder's own account beyond the resolution, in milliseconds.
const TOLERANCE_MS: f64 = 5.0;

/// A run, what the responder counted, and when the measured phase began on the responder's clock.
struct Observed {
    plan: Plan,
    recording: Recording,
    report: NullReport,
    start_ns: i64,
}

fn observe(script: NullScript) -> Observed {
    let load = "sessions = 6\nthreads = 2\nrate = 1000\nduration = \"4s\"";
    let plan = plan(load, "kind = \"set\"");
    let responder = NullResponder::start::<zookeeper::Null>(script).unwrap();
    let (stop, start_ns) = (AtomicBool::new(false), OnceLock::new());
    let recording = run(&Job {
        plan: &plan,
        run: 0,
        servers: &[server(responder.address())],
        stop: &stop,
        progress: &|_| {},
        moment: &|moment| {
            if let Moment::StartKnown(at_ns) = moment {
                start_ns.set(at_ns).unwrap();
            }
        },
    })
    .unwrap();
    Observed {
        plan,
        recording,
        report: responder.stop().unwrap(),
        start_ns: *start_ns.get().unwrap(),
    }
}

/// Notes a fault at `at_ns` of the measured phase and returns what the report says about it.
fn reported(observed: &mut Observed, at_ns: i64) -> serde_json::Value {
    observed.recording.note(Event {
        at_ns,
        kind: EventKind::FaultBegan {
            fault: 0,
            action: "pause".into(),
            servers: vec![observed.recording.servers[0].address.clone()],
            took_ns: 0,
        },
    });
    let result = RunResult::new(
        Environment::default(),
        Target::default(),
        observed.plan.clone(),
        vec![observed.recording.clone()],
    );
    let text = render(&[result], Format::Json).unwrap();
    let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
    json["faults"][0]["runs"][0].take()
}

fn ms(ns: i64) -> f64 {
    ns as f64 / 1e6
}

#[test]
fn an_outage_of_750_ms_is_reported_as_the_responder_knows_it() {
    let length = Duration::from_millis(750);
    let mut observed = observe(faults(&[(1_500, Fault::Stall(length))]));
    let [stall] = observed.report.stalls[..] else {
        panic!("one stall: {:?}", observed.report.stalls);
    };
    let outage_ms = ms(stall.to_ns - stall.from_ns);
    assert!(outage_ms >= 749.9, "{outage_ms}");
    let at_ns = stall.from_ns - observed.start_ns;
    let fault = reported(&mut observed, at_ns);

    // What the generator itself was late by is not the report's error.
    let late_ms = observed.recording.all().late.max_us().unwrap_or(0.0) / 1_000.0;
    let near = |reported: &serde_json::Value, expected: f64, what: &str| {
        let reported = reported
            .as_f64()
            .unwrap_or_else(|| panic!("{what} is {reported}"));
        let allowed = TOLERANCE_MS + 1_000.0 / RATE + late_ms;
        assert!(
            (reported - expected).abs() <= allowed,
            "{what}: {reported} ms instead of {expected} ms, late {late_ms} ms"
        );
    };
    let writes = &fault["writes"];
    near(&writes["unavailable_ms"]["lower"], outage_ms, "the window");
    near(&writes["unavailable_ms"]["upper"], outage_ms, "the window");
    near(
        &writes["first_ms"],
        outage_ms,
        "the first write sent after the fault",
    );
    near(
        &fault["sessions"]["longest_gap_ms"]["most"],
        outage_ms,
        "the longest gap of a session",
    );
    assert!(fault["reads"].is_null(), "{fault}");
    assert_eq!(fault["sessions"]["lost"], 0);
    let resolution_ms = writes["resolution_ms"].as_f64().unwrap();
    assert!((0.9..1.2).contains(&resolution_ms), "{resolution_ms}");
}

#[test]
fn sessions_that_lost_their_connection_are_counted_as_resumed_or_expired() {
    for forgets in [false, true] {
        let script = NullScript {
            forgets,
            ..faults(&[(1_500, Fault::Drop)])
        };
        let mut observed = observe(script);
        let events = &observed.recording.events;
        let lost = events
            .iter()
            .find(|event| matches!(event.kind, EventKind::SessionLost { .. }));
        let at_ns = lost.unwrap().at_ns - 1;
        let fault = reported(&mut observed, at_ns);
        let sessions = &fault["sessions"];
        let (resumed, expired) = if forgets { (0, 6) } else { (6, 0) };
        assert_eq!(sessions["lost"], 6, "{sessions}");
        assert_eq!(sessions["resumed"], resumed, "{sessions}");
        assert_eq!(sessions["expired"], expired, "{sessions}");
        assert_eq!(sessions["gone"], 0, "{sessions}");
        assert!(
            sessions["back_ms"]["least"].as_f64().unwrap() > 0.0,
            "{sessions}"
        );
    }
}
