//! Whole runs on the bundled servers, good and interrupted.
//!
//! The loads are closed loops: whether an open one is valid depends on what else the machine does.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Stdio};

use quorate::client::AdminClient;
use quorate::experiment::Identity;
use rustix::process::{Pid, Signal, kill_process};

use crate::bench::{Bench, PATIENCE, Ran};

const WORKLOAD: &str = r#"
name = "mine"
why = "A test."

[target]
voters = 1

[prepare]
znodes = 10

[load]
sessions = 2
in_flight = 1
warm_up = "100ms"
duration = "400ms"
interval = "100ms"

[[op]]
kind = "set"
"#;

/// Runs for longer than anybody waits.
const ENDLESS: [&str; 2] = ["--set", "load.duration=10m"];

impl Bench {
    /// Starts a run and returns once it measures; standard error goes on.
    fn measuring(&self, args: &[&str]) -> (Child, BufReader<std::process::ChildStderr>) {
        let mut child = self
            .command(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        while !said.contains("measure") {
            assert_ne!(lines.read_line(&mut said).unwrap(), 0, "it ended: {said}");
        }
        (child, lines)
    }

    fn left_in(&self, dir: &str) -> usize {
        fs::read_dir(self.path().join(dir)).unwrap().count()
    }
}

/// Lets a started run end, and collects what it said.
fn end(mut child: Child, mut stderr: BufReader<std::process::ChildStderr>) -> Ran {
    let (mut out, mut err) = (String::new(), String::new());
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut out)
        .unwrap();
    stderr.read_to_string(&mut err).unwrap();
    Ran {
        status: child.wait().unwrap().code(),
        stdout: out,
        stderr: err,
    }
}

fn signal(child: &Child, signal: Signal) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    kill_process(pid.unwrap(), signal).unwrap();
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

/// Processes whose command line names a file below `dir`.
fn processes_of(dir: &Path) -> Vec<Identity> {
    let dir = fs::canonicalize(dir).unwrap();
    let needle = dir.to_str().unwrap();
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok())
        .filter(|pid: &u32| {
            fs::read(format!("/proc/{pid}/cmdline"))
                .is_ok_and(|line| String::from_utf8_lossy(&line).contains(needle))
        })
        .filter_map(Identity::of)
        .collect()
}

#[test]
fn a_run_leaves_a_result_and_a_report_and_nothing_else() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", WORKLOAD);
    let ran = bench.run(&["run", &mine, "--json", "--data-dir", "data", "--seed", "3"]);
    let summary = json(ran.succeeds());
    assert_eq!(summary["verdict"], "valid", "{summary}");
    assert_eq!(summary["target"], "bundled");
    assert!(
        summary["ops"]["set"]["ok"].as_u64().unwrap() > 0,
        "{summary}"
    );
    let file = bench.path().join(summary["result"].as_str().unwrap());
    let dir = file.parent().unwrap();
    for name in ["result.json", "intervals.csv", "mine.hlog", "report.html"] {
        assert!(dir.join(name).is_file(), "{name}");
    }
    let result = json(&fs::read_to_string(&file).unwrap());
    let server = &result["target"]["servers"][0];
    assert!(server["rss_start_bytes"].as_u64().unwrap() > 0, "{server}");
    assert!(
        server["counters"]["packets_received"]["after"].is_number(),
        "{server}"
    );
    assert!(result["target"]["start_ms"].as_f64().unwrap() > 0.0);
    assert_eq!(result["plan"]["seed"], 3);
    assert_eq!(bench.left_in("data"), 0);
    // The result holds its plan: it can be run again, and reported in every format.
    let again = bench.run(&["check", dir.to_str().unwrap()]);
    assert!(again.succeeds().contains("seed = 3"));
    for format in ["text", "markdown", "csv", "json", "html"] {
        bench
            .run(&["report", dir.to_str().unwrap(), "--format", format])
            .succeeds();
    }
    bench
        .run(&[
            "report",
            dir.to_str().unwrap(),
            "-f",
            "html",
            "-o",
            "page.html",
        ])
        .succeeds();
    assert!(bench.path().join("page.html").is_file());
}

#[test]
fn several_workloads_are_an_array_and_a_failed_gate_is_status_3() {
    let bench = Bench::new();
    let one = bench.file("one.toml", WORKLOAD);
    let two = bench.file("two.toml", &WORKLOAD.replace("\"mine\"", "\"other\""));
    let ran = bench.run(&["run", &one, &two, "--json", "--quiet", "--out", "both"]);
    assert_eq!(json(ran.succeeds()).as_array().unwrap().len(), 2);
    assert_eq!(ran.stderr, "");
    assert!(bench.path().join("both/other/result.json").is_file());
    let ran = bench.run(&["run", &one, "--set", "gates.throughput_per_s=1e9"]);
    assert_eq!(ran.status, Some(3), "{ran:?}");
    assert!(ran.stdout.contains("throughput_per_s"), "{ran:?}");
}

#[test]
fn an_interrupt_keeps_what_was_measured_and_ends_the_servers() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", WORKLOAD);
    let args = ["run", &mine, "--out", "out", "--data-dir", "data"];
    let (child, stderr) = bench.measuring(&[&args[..], &ENDLESS].concat());
    let servers = processes_of(&bench.path().join("data"));
    assert_eq!(servers.len(), 1);
    signal(&child, Signal::INT);
    let ran = end(child, stderr);
    assert_eq!(ran.status, Some(3), "{ran:?}");
    assert!(ran.stdout.contains("interrupted"), "{ran:?}");
    let result = json(&fs::read_to_string(bench.path().join("out/result.json")).unwrap());
    assert_eq!(result["verdict"]["valid"], false);
    assert!(!servers[0].is_alive());
    assert_eq!(bench.left_in("data"), 0);
}

#[test]
fn sigkill_takes_the_servers_along_and_the_next_run_cleans_up() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", WORKLOAD);
    let args = ["run", &mine, "--data-dir", "data"];
    let (mut child, _stderr) = bench.measuring(&[&args[..], &ENDLESS].concat());
    let servers = processes_of(&bench.path().join("data"));
    assert_eq!(servers.len(), 1);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        servers[0].wait(PATIENCE).unwrap(),
        "the server outlived quorate"
    );
    assert_eq!(bench.left_in("data"), 1);
    bench.run(&args).succeeds();
    assert_eq!(bench.left_in("data"), 0);
}

#[test]
fn a_result_that_cannot_be_written_is_shown_all_the_same() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", WORKLOAD);
    let args = ["run", &mine, "--out", "out"];
    let (child, stderr) = bench.measuring(&[&args[..], &ENDLESS].concat());
    fs::remove_dir(bench.path().join("out")).unwrap();
    bench.file("out", "in the way");
    signal(&child, Signal::TERM);
    let ran = end(child, stderr);
    ran.fails(1, &["cannot create out"]);
    assert!(ran.stdout.contains("response time"), "{ran:?}");
}

#[test]
fn targets_are_compared_by_turns_and_results_afterwards() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", WORKLOAD);
    let ran = bench.run(&[
        "compare",
        "--targets",
        "bundled,bundled",
        "--runs",
        "2",
        "--out",
        "out",
        &mine,
    ]);
    assert!(ran.succeeds().contains("too few runs"), "{ran:?}");
    assert!(ran.stderr.contains("turn 2 of 2"), "{ran:?}");
    for file in [
        "1-bundled/result.json",
        "2-bundled/result.json",
        "comparison.html",
    ] {
        assert!(bench.path().join("out").join(file).is_file(), "{file}");
    }
    let two = ["compare", "out/1-bundled", "out/2-bundled"];
    assert_eq!(bench.run(&two).succeeds(), ran.stdout);
    let again = [
        "run",
        &mine,
        "--quiet",
        "--out",
        "larger",
        "--set",
        "load.sessions=3",
    ];
    bench.run(&again).succeeds();
    let different = ["compare", "out/1-bundled", "larger"];
    bench
        .run(&different)
        .fails(2, &["load.sessions: 2 and 3", "--force"]);
    bench
        .run(&[&different[..], &["--force"]].concat())
        .succeeds();
}

/// A standing ensemble is a live target like any other, and is left as it was found.
#[test]
fn an_ensemble_stays_up_between_runs_and_keeps_nothing_of_them() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", WORKLOAD);
    let up = (12_000_u16..13_000)
        .step_by(11)
        .map(|port| {
            bench.run(&[
                "ensemble",
                "up",
                "--dir",
                "e",
                "--voters",
                "1",
                "--base-port",
                &port.to_string(),
            ])
        })
        .find(|ran| !ran.stderr.contains("is taken"))
        .unwrap();
    let target = up.succeeds().trim().to_owned();
    bench
        .run(&["ensemble", "up", "--dir", "e"])
        .fails(1, &["runs in", &target["zk://".len()..]]);
    let live = format!("{target}/below/that");
    bench
        .run(&["run", &mine, "--quiet", "--target", &live])
        .succeeds();
    let address = target["zk://".len()..].parse().unwrap();
    let mut client = AdminClient::connect(&[address], PATIENCE).unwrap();
    assert_eq!(client.list("/").unwrap(), ["zookeeper"]);
    client.create("/app", b"config", 0).unwrap();
    client.create("/app/lock", b"", 0).unwrap();
    let occupied = bench.run(
        &[
            &["run", &mine, "--quiet", "--target", &target],
            &["--set", "prepare.chroot=/app"][..],
        ]
        .concat(),
    );
    occupied.fails(1, &["/app exists on the target", "prepare.chroot"]);
    assert!(!occupied.stderr.contains("warning"), "{occupied:?}");
    assert_eq!(client.list("/app").unwrap(), ["lock"]);
    assert_eq!(client.get("/app").unwrap().data, b"config");
    assert_eq!(client.list("/").unwrap(), ["app", "zookeeper"]);
    client.close().unwrap();
    let status = bench.run(&["ensemble", "status", "--dir", "e"]);
    assert!(status.succeeds().contains("standalone"), "{status:?}");
    let servers = processes_of(&bench.path().join("e"));
    bench.run(&["ensemble", "down", "--dir", "e"]).succeeds();
    assert!(servers.iter().all(|server| !server.is_alive()));
    bench
        .run(&["ensemble", "down", "--dir", "e"])
        .fails(1, &["no ensemble in"]);
}

#[test]
fn the_verbs_start_and_stop_a_real_server() {
    let bench = Bench::new();
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    bench.file(
        "zoo.cfg",
        &format!("dataDir=data\nclientPort={port}\nclientPortAddress=127.0.0.1\n"),
    );
    let verb = |verb: &str| bench.run(&["server", verb, "./zoo.cfg"]);
    assert!(verb("start").succeeds().contains("STARTED"));
    assert_eq!(verb("start").status, Some(1));
    assert!(verb("restart").succeeds().contains("STOPPED"));
    assert!(verb("status").succeeds().contains("Mode: standalone"));
    assert!(verb("stop").succeeds().contains("STOPPED"));
    assert_eq!(verb("status").status, Some(1));
    bench.file("bad.cfg", "dataDir=data\nclientPort=none\n");
    bench
        .run(&["server", "start-foreground", "./bad.cfg"])
        .fails(2, &["bad.cfg:2", "clientPort"]);
}
