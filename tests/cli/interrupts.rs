//! Tests interrupts of a run.

use std::fs;

use rustix::process::Signal;

use crate::bench::{Bench, TIMEOUT};
use crate::started::processes_of;
use crate::workload::{ENDLESS, WORKLOAD};

#[test]
fn an_interrupted_run_writes_its_result_ends_its_servers_and_ends_by_the_signal() {
    for signal in [Signal::INT, Signal::TERM] {
        let bench = Bench::new();
        let mine = bench.file("mine.toml", WORKLOAD);
        let args = ["run", &mine, "--out", "out", "--data-dir", "data"];
        let run = bench.measuring(&[&args[..], &ENDLESS].concat());
        let servers = processes_of(&bench.path().join("data"));
        assert_eq!(servers.len(), 1);
        run.signal(signal);
        let ran = run.end();
        // A shell that runs the command in a loop leaves the loop, because the process ends by the signal.
        assert_eq!(ran.signal, Some(signal.as_raw()), "{ran:?}");
        assert!(ran.stdout.contains("interrupted"), "{ran:?}");
        assert!(ran.stdout.ends_with("out/report.html\n"), "{ran:?}");
        let result = bench.json("out/result.json");
        assert_eq!(result["verdict"]["valid"], false);
        assert!(!servers[0].is_alive());
        assert_eq!(bench.left_in("data"), 0);
    }
}

#[test]
fn an_interrupt_during_repeats_makes_the_result_invalid() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", WORKLOAD);
    let args = ["run", &mine, "--out", "out", "--set", "load.repeats=500"];
    let mut run = bench.start(&args);
    run.until("measure 2/500");
    run.signal(Signal::INT);
    let ran = run.end();
    assert_eq!(ran.signal, Some(Signal::INT.as_raw()), "{ran:?}");
    let result = bench.json("out/result.json");
    let runs = result["runs"].as_array().unwrap();
    assert_eq!(runs[0]["interrupted"], false);
    let reasons = result["verdict"]["reasons"].to_string();
    assert!(
        reasons.contains("missing") || reasons.contains("interrupted"),
        "{reasons}"
    );
}

#[test]
fn servers_end_when_the_run_is_killed_and_the_next_run_removes_their_data() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", WORKLOAD);
    let args = ["run", &mine, "--data-dir", "data"];
    let run = bench.measuring(&[&args[..], &ENDLESS].concat());
    let servers = processes_of(&bench.path().join("data"));
    assert_eq!(servers.len(), 1);
    run.kill();
    assert!(
        servers[0].wait(TIMEOUT).unwrap(),
        "the server outlived quorate"
    );
    assert_eq!(bench.left_in("data"), 1);
    bench.run(&args).succeeds();
    assert_eq!(bench.left_in("data"), 0);
}

#[test]
fn a_result_that_cannot_be_written_is_still_printed() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", WORKLOAD);
    let args = ["run", &mine, "--out", "out"];
    let run = bench.measuring(&[&args[..], &ENDLESS].concat());
    fs::remove_dir(bench.path().join("out")).unwrap();
    bench.file("out", "in the way");
    run.signal(Signal::TERM);
    let ran = run.end();
    assert_eq!(ran.signal, Some(Signal::TERM.as_raw()), "{ran:?}");
    assert!(ran.stderr.contains("error: cannot create out"), "{ran:?}");
    assert!(ran.stdout.contains("response time"), "{ran:?}");
}
