//! Tests runs whose servers die. This is a finding about the target, and the measurement stays valid.

use quorate::workload::Role;
use rustix::process::Signal;

use crate::bench::Bench;
use crate::started::{client_address, kill, mode, processes_of};
use crate::workload::WORKLOAD;

#[test]
fn the_death_of_the_leader_is_a_finding_of_a_valid_run() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", WORKLOAD);
    let args = ["run", &mine, "--out", "out", "--data-dir", "data"];
    let three = ["--set", "target.voters=3", "--set", "load.sessions=6"];
    let long = ["--set", "load.duration=6s"];
    let run = bench.measuring(&[&args[..], &three, &long].concat());
    let servers = processes_of(&bench.path().join("data"));
    assert_eq!(servers.len(), 3);
    let leads = |server: &&quorate::target::ProcessIdentity| {
        mode(client_address(**server)) == Some(Role::Leader)
    };
    let leader = *servers.iter().find(leads).unwrap();
    let address = client_address(leader);
    kill(leader.pid, Signal::KILL);
    let ran = run.end();
    ran.succeeds();
    let result = bench.json("out/result.json");
    let verdict = &result["verdict"];
    assert_eq!(verdict["valid"], true, "{verdict}");
    assert_eq!(verdict["reasons"], serde_json::json!([]), "{verdict}");
    let findings = verdict["findings"].as_array().unwrap();
    let count = |words: &str| {
        let texts = findings.iter().map(|text| text.as_str().unwrap());
        texts.filter(|text| text.contains(words)).count()
    };
    let ended = format!("server {address} ended: signal 9; it said last: ");
    assert_eq!(count(&ended), 1, "{findings:?}");
    let changed = format!(" leads instead of {address} (+");
    assert_eq!(count(&changed), 1, "{findings:?}");
    // The result has both events with their times.
    let events = result["runs"][0]["events"].as_array().unwrap();
    let at_ns = |kind: &str| {
        let event = events.iter().find(|event| event["event"] == kind);
        event.unwrap_or_else(|| panic!("no {kind} in {events:?}"))["at_ns"].clone()
    };
    let (ended, changed) = (at_ns("server_ended"), at_ns("leader_changed"));
    assert!(ended.as_i64().unwrap() > 0, "{events:?}");
    assert!(changed.as_i64() > ended.as_i64(), "{events:?}");
    // The dead server cannot answer at the end of the run, so the number of its syncs is missing.
    let run = &result["runs"][0]["servers"];
    let dead = run
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["address"] == address.to_string());
    assert!(dead.unwrap()["syncs"].is_null(), "{run}");
}

/// The only server dies in the first of two runs.
#[test]
fn the_death_of_the_target_is_a_finding_and_the_second_run_is_missing() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", WORKLOAD);
    let args = ["run", &mine, "--out", "out", "--data-dir", "data"];
    let short = [
        "--set",
        "load.repeats=2",
        "--set",
        "load.duration=2s",
        "--set",
        "load.drain=100ms",
    ];
    let run = bench.measuring(&[&args[..], &short].concat());
    let servers = processes_of(&bench.path().join("data"));
    assert_eq!(servers.len(), 1);
    let address = client_address(servers[0]);
    kill(servers[0].pid, Signal::KILL);
    let ran = run.end();
    assert_eq!(ran.status, Some(3), "{ran:?}");
    let verdict = bench.json("out/result.json")["verdict"].clone();
    let [reason] = verdict["reasons"].as_array().unwrap().as_slice() else {
        panic!("{verdict}");
    };
    let reason = reason.as_str().unwrap();
    assert!(
        reason.starts_with("after run 1: ") || reason.starts_with("run 2: "),
        "{reason}"
    );
    let findings = verdict["findings"].to_string();
    let ended = format!("server {address} ended: signal 9");
    assert_eq!(findings.matches(&ended).count(), 1, "{findings}");
}
