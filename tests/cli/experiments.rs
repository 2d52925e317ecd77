//! Tests experiments: many cells and targets in rounds, and what an interrupted experiment leaves.

use std::collections::BTreeSet;
use std::fs;

use rustix::process::Signal;
use serde_json::Value;

use crate::bench::Bench;
use crate::started::{kill, processes_of};
use crate::workload::WORKLOAD;

/// The workload with two cells and two rounds: four runs.
fn experiment() -> String {
    WORKLOAD.replace("sessions = 2", "sessions = [1, 2]") + "[experiment]\nrounds = 2\n"
}

/// Returns the recordings in the result of a cell as (number, start).
fn recordings(bench: &Bench, file: &str) -> Vec<(u64, u64)> {
    let result = bench.json(file);
    let runs = result["runs"].as_array().unwrap().iter();
    runs.map(|run| {
        let number = run["number"].as_u64().unwrap_or(0);
        (number, run["started_unix_ms"].as_u64().unwrap())
    })
    .collect()
}

const CELLS: [&str; 2] = [
    "out/cells/sessions-1/bundled/result.json",
    "out/cells/sessions-2/bundled/result.json",
];

/// Returns all recordings that are in the results so far.
fn finished(bench: &Bench) -> BTreeSet<(usize, u64, u64)> {
    let mut found = BTreeSet::new();
    for (cell, file) in CELLS.iter().enumerate() {
        if bench.path().join(file).is_file() {
            let of_cell = recordings(bench, file).into_iter();
            found.extend(of_cell.map(|(number, start)| (cell, number, start)));
        }
    }
    found
}

/// Checks the index and the results of a complete experiment with two cells and two rounds.
fn assert_complete(bench: &Bench) {
    let index = bench.json("out/experiment.json");
    let runs = index["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 4, "{index}");
    assert!(runs.iter().all(|run| run["state"] == "done"), "{index}");
    assert_eq!(index["ended_early"], Value::Null);
    let numbers: Vec<(usize, u64)> = finished(bench)
        .into_iter()
        .map(|(cell, number, _)| (cell, number))
        .collect();
    assert_eq!(numbers, [(0, 0), (0, 1), (1, 0), (1, 1)]);
}

#[test]
fn an_experiment_measures_every_cell_in_every_round() {
    let bench = Bench::new();
    let file = bench.file("mine.toml", &experiment());
    let ran = bench.run(&["run", &file, "--out", "out", "--data-dir", "data"]);
    let text = ran.succeeds();
    for words in [
        "sessions 1 on bundled: ",
        "sessions 2 on bundled: ",
        ", 2 runs",
    ] {
        assert!(text.contains(words), "{ran:?}");
    }
    for words in [
        "run 1 of 4, round 1 of 2, about",
        "run 4 of 4, round 2 of 2",
    ] {
        assert!(ran.stderr.contains(words), "{ran:?}");
    }
    assert_complete(&bench);
    assert_eq!(bench.left_in("data"), 0);
    let index = bench.json("out/experiment.json");
    assert_eq!(index["schema"], "quorate-experiment");
    assert_eq!(index["axes"][0]["key"], "load.sessions");
    assert_eq!(index["cells"][1]["values"][0], "2");
    assert_eq!(index["targets"][0], "bundled");
    let result = bench.json(CELLS[1]);
    assert_eq!(result["plan"]["load"]["sessions"], 2);
    assert_eq!(result["verdict"]["valid"], true, "{}", result["verdict"]);
    // Another run into the same folder would mix two experiments.
    bench
        .run(&["run", &file, "--out", "out"])
        .fails(1, &["out", "never overwritten"]);
}

#[test]
fn an_experiment_continues_after_a_kill_and_keeps_the_finished_runs() {
    let bench = Bench::new();
    let file = bench.file("mine.toml", &experiment());
    let args = ["run", &file, "--out", "out", "--data-dir", "data"];
    let mut started = bench.start(&args);
    started.until("run 3 of 4");
    started.until("measure");
    started.kill();
    let before = finished(&bench);
    assert_eq!(before.len(), 2, "two runs were finished: {before:?}");
    assert_eq!(
        bench.json("out/experiment.json")["runs"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let dry = bench.run(&["run", "--resume", "out", "--dry-run"]);
    assert!(
        dry.succeeds()
            .contains("2 of 4 runs are finished; 2 runs, about"),
        "{dry:?}"
    );
    let ran = bench.run(&["run", "--resume", "out"]);
    ran.succeeds();
    for (words, expected) in [
        ("run 2 of 4", false),
        ("run 3 of 4", true),
        ("run 4 of 4", true),
    ] {
        assert_eq!(ran.stderr.contains(words), expected, "{ran:?}");
    }
    assert_complete(&bench);
    let after = finished(&bench);
    assert!(before.is_subset(&after), "{before:?} {after:?}");
    // The servers of the killed process ended with it, and the next start removed their data.
    assert_eq!(processes_of(bench.path()), []);
    assert_eq!(bench.left_in("data"), 0);
}

#[test]
fn a_result_that_the_index_does_not_have_yet_is_kept() {
    let bench = Bench::new();
    let file = bench.file("mine.toml", &experiment());
    bench.run(&["run", &file, "--out", "out"]).succeeds();
    let before = finished(&bench);
    // The process ended between the writes of the last result and of the index, and another result is lost.
    let mut index = bench.json("out/experiment.json");
    index["runs"].as_array_mut().unwrap().pop();
    bench.file("out/experiment.json", &index.to_string());
    let lost = bench.path().join("out/cells/sessions-1");
    fs::remove_dir_all(lost).unwrap();
    let ran = bench.run(&["run", "--resume", "out/experiment.json"]);
    ran.succeeds();
    assert_eq!(ran.stderr.matches(" of 4, round").count(), 2, "{ran:?}");
    assert_complete(&bench);
    let of_second = |found: &BTreeSet<(usize, u64, u64)>| -> Vec<(usize, u64, u64)> {
        found.iter().filter(|run| run.0 == 1).copied().collect()
    };
    assert_eq!(of_second(&before), of_second(&finished(&bench)));
    let nothing_missing = bench.run(&["run", "--resume", "out"]);
    nothing_missing.succeeds();
    assert!(
        !nothing_missing.stderr.contains("starting"),
        "{nothing_missing:?}"
    );
}

#[test]
fn an_interrupt_keeps_the_finished_runs_and_says_how_to_continue() {
    let bench = Bench::new();
    let file = bench.file("mine.toml", &experiment());
    let mut started = bench.start(&["run", &file, "--out", "out", "--data-dir", "data"]);
    started.until("run 2 of 4");
    started.until("measure");
    started.signal(Signal::INT);
    let ran = started.end();
    assert_eq!(ran.signal, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("`quorate run --resume out`"), "{ran:?}");
    assert!(ran.stdout.contains("on bundled: no run"), "{ran:?}");
    assert_eq!(
        bench.json("out/experiment.json")["ended_early"],
        "interrupted"
    );
    assert_eq!(bench.left_in("data"), 0);
    bench.run(&["run", "--resume", "out", "--quiet"]).succeeds();
    assert_complete(&bench);
}

#[test]
fn an_interrupt_before_the_first_result_leaves_no_folder() {
    let bench = Bench::new();
    let file = bench.file("mine.toml", &experiment());
    let mut started = bench.start(&["run", &file, "--out", "out"]);
    started.until("measure");
    started.signal(Signal::INT);
    let ran = started.end();
    assert_eq!(ran.signal, Some(2), "{ran:?}");
    assert!(
        ran.stderr
            .contains("interrupted before anything was measured"),
        "{ran:?}"
    );
    assert!(!bench.path().join("out").exists());
}

#[test]
fn the_logs_of_the_servers_are_kept_if_a_server_ends_during_a_run() {
    let bench = Bench::new();
    let file = bench.file("mine.toml", WORKLOAD);
    let args = ["run", &file, "--out", "out", "--data-dir", "data"];
    let settings = [
        "experiment.rounds=1",
        "target.voters=3",
        "load.sessions=6",
        "load.duration=3s",
    ];
    let settings = settings.map(|setting| ["--set", setting]).concat();
    let run = bench.measuring(&[&args[..], &settings].concat());
    let servers = processes_of(&bench.path().join("data"));
    kill(servers[0].pid, Signal::KILL);
    run.end().succeeds();
    let dir = bench.path().join("out/cells/all/bundled");
    let logs: Vec<u64> = (1..=3)
        .map(|server| dir.join(format!("round-0-server-{server}-out")))
        .map(|log| fs::metadata(log).unwrap().len())
        .collect();
    assert!(logs.iter().all(|bytes| *bytes > 0), "{logs:?}");
    let result = bench.json("out/cells/all/bundled/result.json");
    let findings = result["verdict"]["findings"].to_string();
    assert!(findings.contains("ended: signal 9"), "{findings}");
}

#[test]
fn a_target_that_never_starts_ends_the_experiment_after_three_runs() {
    let bench = Bench::new();
    let file = bench.file("mine.toml", &experiment());
    let ran = bench.run(&["run", &file, "--out", "out", "--target", "zk://127.0.0.1:1"]);
    ran.fails(
        1,
        &["zk://127.0.0.1:1 failed to start in three runs in a row"],
    );
    let index = bench.json("out/experiment.json");
    let runs = index["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 3, "{index}");
    assert!(runs.iter().all(|run| run["state"] == "failed"), "{index}");
    assert!(
        runs[0]["why"].as_str().unwrap().contains("127.0.0.1:1"),
        "{index}"
    );
    let why = index["ended_early"].as_str().unwrap();
    assert!(why.contains("three runs in a row"), "{why}");
    assert!(ran.stdout.contains("round 1 failed: "), "{ran:?}");
}

#[test]
fn a_failing_target_does_not_end_the_runs_of_the_others() {
    let bench = Bench::new();
    let file = bench.file("mine.toml", WORKLOAD);
    let args = ["run", &file, "--out", "out", "--set", "experiment.rounds=2"];
    let targets = ["--target", "bundled,zk://127.0.0.1:1"];
    let ran = bench.run(&[&args[..], &targets].concat());
    assert_eq!(ran.status, Some(3), "a run failed: {ran:?}");
    assert!(ran.stdout.contains("bundled: "), "{ran:?}");
    assert!(
        ran.stdout
            .contains("zk://127.0.0.1:1: no run\n  round 1 failed: "),
        "{ran:?}"
    );
    let result = bench.json("out/cells/all/bundled/result.json");
    assert_eq!(result["runs"].as_array().unwrap().len(), 2);
}

#[test]
fn several_targets_are_measured_in_rounds_and_a_search_is_one_run() {
    let bench = Bench::new();
    let text = experiment().replace("[1, 2]", "2")
        + "[[case]]\nname = \"closed\"\n[[case]]\nname = \"limit\"\nsearch = { p99 = \"1h\", from = 2000, max_runs = 1 }\n";
    let file = bench.file("mine.toml", &text);
    let args = [
        "run",
        &file,
        "--out",
        "out",
        "--set",
        "experiment.rounds=1",
        "--json",
    ];
    let ran = bench.run(&[&args[..], &["--target", "bundled,bundled"]].concat());
    assert!(matches!(ran.status, Some(0 | 3)), "{ran:?}");
    let printed: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(printed["runs"].as_array().unwrap().len(), 4, "{printed}");
    for target in ["bundled", "bundled.2"] {
        let result = bench.json(&format!("out/cells/closed/{target}/result.json"));
        assert_eq!(result["runs"].as_array().unwrap().len(), 1);
        let search = bench.json(&format!("out/cells/limit/{target}/search-0.json"));
        assert_eq!(search["steps"][0]["rate_per_s"], 2_500.0, "{search}");
        assert_eq!(search["conditions"][0]["name"], "p99_ms");
    }
}

#[test]
fn a_dry_run_prints_the_matrix_and_the_time_and_starts_nothing() {
    let bench = Bench::new();
    let text = experiment()
        + "[[case]]\nname = \"lone writer\"\n[[case]]\nname = \"limit\"\nsearch = { p99 = \"5ms\", precision = 0.1 }\n";
    let file = bench.file("mine.toml", &text);
    let ran = bench.run(&["run", &file, "--dry-run", "--target", "bundled,zk://h:1"]);
    assert_eq!(
        ran.succeeds(),
        "mine: 4 cells, 2 rounds\n\
         \x20 case: lone writer, limit\n\
         \x20 load.sessions: 1, 2\n\
         \x20 target: bundled, zk://h:1\n\
         cells:\n\
         \x20 lone-writer.sessions-1\n\
         \x20 lone-writer.sessions-2\n\
         \x20 limit.sessions-1 (search: p99 at most 5 ms)\n\
         \x20 limit.sessions-2 (search: p99 at most 5 ms)\n\
         16 runs, about 3 min\n"
    );
    assert_eq!(ran.stderr, "");
    assert!(!bench.path().join("results").exists());
    let plain = bench.file("plain.toml", WORKLOAD);
    let ran = bench.run(&["run", &plain, "--dry-run"]);
    assert_eq!(
        ran.succeeds(),
        "mine: 1 cell, 1 round\n  target: bundled\n1 run, about 10 s\n"
    );
}

#[test]
fn check_prints_the_matrix_of_an_experiment_and_the_plan_of_a_cell() {
    let bench = Bench::new();
    let file = bench.file("mine.toml", &experiment());
    let ran = bench.run(&["check", &file]);
    assert_eq!(
        ran.succeeds(),
        "mine: 2 cells, 2 rounds\n  load.sessions: 1, 2\ncells:\n  sessions-1\n  sessions-2\n"
    );
    let one = bench.run(&["check", &file, "--sessions", "2"]);
    assert!(one.succeeds().contains("sessions = 2"), "{one:?}");
}

#[test]
fn mistakes_are_found_before_the_first_run() {
    let bench = Bench::new();
    let file = bench.file("mine.toml", &experiment());
    let run = |args: &[&str]| bench.run(&[&["run"], args].concat());
    run(&[
        &file,
        "--set",
        "target.observers=[0,1]",
        "--target",
        "zk://127.0.0.1:1",
    ])
    .fails(
        1,
        &[
            "zk://127.0.0.1:1 is used as it is",
            "several values of `target.observers`",
        ],
    );
    run(&[&file, "--baseline", "x"]).fails(2, &["an experiment has several results"]);
    run(&[&file, "--spectrum"]).fails(2, &["an experiment has several results"]);
    run(&["--resume", "nowhere"]).fails(2, &["cannot read nowhere"]);
    run(&["--resume", "nowhere", &file]).fails(2, &["cannot be used with"]);
    run(&["--resume", "nowhere", "--rate", "5"])
        .fails(2, &["the options of the load cannot change it"]);
    let several = bench.run(&["capacity", &file, "--p99", "5ms"]);
    several.fails(2, &["an experiment with 2 cells over load.sessions"]);
    assert!(!bench.path().join("results").exists());
    bench
        .run(&["run", &file, "--out", "out", "--set", "load.sessions=[1]"])
        .succeeds();
    bench
        .run(&["run", "out"])
        .fails(2, &["out holds an experiment", "--resume out"]);
    let text = fs::read_to_string(bench.path().join("out/experiment.json")).unwrap();
    bench.file(
        "out/experiment.json",
        &text.replace("sessions-1", "sessions-9"),
    );
    run(&["--resume", "out"]).fails(2, &["made other cells of this workload"]);
}
