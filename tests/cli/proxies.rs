//! Tests runs whose connections go through proxies.

use quorate::target::ProcessIdentity;
use rustix::process::Signal;

use crate::bench::{Bench, TIMEOUT};
use crate::started::{kill, processes_of, wait_for};
use crate::workload::{ENDLESS, WORKLOAD};

/// Returns the proxy process whose error messages go to a file below `data`.
fn proxy_of(bench: &Bench) -> ProcessIdentity {
    let data = std::fs::canonicalize(bench.path().join("data")).unwrap();
    let is_ours = |pid: u32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let output = std::fs::read_link(format!("/proc/{pid}/fd/2")).unwrap_or_default();
        line.ends_with(b"\0proxy\0") && output.starts_with(&data)
    };
    wait_for("a proxy process", || {
        std::fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok())
            .find(|pid| is_ours(*pid))
            .and_then(ProcessIdentity::of)
    })
}

#[test]
fn a_run_through_proxies_records_the_network_and_what_they_add() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", WORKLOAD);
    let ran = bench.run(&[
        "run",
        &mine,
        "--out",
        "out",
        "--data-dir",
        "data",
        "--set",
        "target.voters=3",
        "--set",
        "target.network=multi-az",
    ]);
    let report = ran.succeeds();
    assert!(
        report.contains("network multi-az through proxies (+"),
        "{report}"
    );
    let result = bench.json("out/result.json");
    assert_eq!(
        result["target"]["proxied"],
        serde_json::json!({"servers": true, "clients": true})
    );
    assert_eq!(result["plan"]["target"]["network"]["delay_us"], 500);
    let cost = &result["environment"]["calibration"]["proxy"];
    assert!(cost["adds_p50_us"].is_f64(), "{cost}");
    // A write takes two round trips of 1 ms: from the session to its server, and from the leader to a follower.
    let text = std::fs::read_to_string(bench.path().join("out/result.json")).unwrap();
    let recording = &quorate::result::from_json(&text).unwrap().runs[0];
    let fastest_us = recording.all().response.min_us().unwrap();
    // A bucket of the histogram is not wider than 1 % of its value.
    assert!(fastest_us >= 1_980.0, "{fastest_us}");
    // The cost is measured once.
    assert!(ran.stderr.contains("what a proxy adds"), "{ran:?}");
    let stored = bench.json("cache/quorate/calibration.json").to_string();
    assert!(stored.contains("kept_delay_p50_us"), "{stored}");
    assert_eq!(bench.left_in("data"), 0);
}

#[test]
fn the_end_of_the_proxy_is_an_error_of_the_run() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", WORKLOAD);
    let run = bench.measuring(&[
        "run",
        &mine,
        "--out",
        "out",
        "--data-dir",
        "data",
        "--set",
        "target.network=lan",
        "--set",
        "load.duration=2s",
        "--set",
        "load.drain=100ms",
    ]);
    let proxy = proxy_of(&bench);
    kill(proxy.pid, Signal::KILL);
    let ran = run.end();
    ran.fails(
        1,
        &[
            "the proxy process of bundled ended during the run: signal 9",
            "the proxy process ended: signal 9",
        ],
    );
    assert_eq!(bench.left_in("data"), 0);
}

#[test]
fn servers_and_proxy_end_when_quorate_is_killed() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", WORKLOAD);
    let args = ["run", &mine, "--out", "out", "--data-dir", "data"];
    let network = ["--set", "target.network=lan", "--set", "target.voters=3"];
    let run = bench.measuring(&[&args[..], &network, &ENDLESS].concat());
    let mut processes = processes_of(&bench.path().join("data"));
    assert_eq!(processes.len(), 3);
    processes.push(proxy_of(&bench));
    run.kill();
    for process in processes {
        assert!(process.wait(TIMEOUT).unwrap(), "{process} outlived quorate");
    }
}
