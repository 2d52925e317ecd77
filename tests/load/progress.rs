//! Tests the progress reports, and interrupting a run.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use quorate::load::{Job, NullResponder, NullScript, Phase, Progress, run};
use quorate::protocol::zookeeper;

use crate::driver::{all, plan, server};

#[test]
fn progress_has_figures_of_every_operation_and_every_server() {
    let load = "sessions = 4\nthreads = 2\nrate = 1000\nduration = \"1s\"\ninterval = \"100ms\"";
    let plan = plan(load, "kind = \"set\"\n[[op]]\nkind = \"get\"");
    let responders =
        [0, 1].map(|_| NullResponder::start::<zookeeper::Null>(NullScript::default()).unwrap());
    let servers = responders.each_ref().map(|one| server(one.address()));
    let reports = Mutex::new(Vec::new());
    let recording = run(&Job {
        plan: &plan,
        run: 0,
        servers: &servers,
        stop: &AtomicBool::new(false),
        progress: &|progress| reports.lock().unwrap().push(progress.clone()),
        moment: &|_| {},
    })
    .unwrap();
    let reports = reports.into_inner().unwrap();
    let last = reports.last().unwrap();
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
    // Operations are counted in total, by kind and by server.
    let of_ops: u64 = last.ops.iter().map(|op| op.counts.ok).sum();
    let of_servers: u64 = last.servers.iter().map(|one| one.acknowledged).sum();
    assert_eq!((of_ops, of_servers), (last.ok, last.ok));
    assert!(last.servers.iter().all(|one| one.acknowledged > 0));
    assert!(reports.iter().any(|one| one.throughput_per_s > 0.0));
    for one in &reports {
        let ops: f64 = one.ops.iter().map(|op| op.throughput_per_s).sum();
        assert!((one.throughput_per_s - ops).abs() < 1e-6, "{one:?}");
    }
}

#[test]
fn an_interrupted_run_returns_its_recording_and_closes_its_sessions() {
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
        "sessions were not closed"
    );
}
