//! Live targets: they are taken as they are, left as they were found, and what is left behind is told.

use std::fs;
use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

use quorate::protocol::zookeeper::AdminClient;
use quorate::target::ProcessIdentity;
use rustix::process::Signal;

use crate::bench::{Bench, PATIENCE};
use crate::started::{kill, mode, processes_of, wait_for};
use crate::workload::{ENDLESS, WORKLOAD, creates};

/// An ensemble that stays up until the test ends.
struct Standing<'a> {
    bench: &'a Bench,
    target: String,
}

impl<'a> Standing<'a> {
    fn up(bench: &'a Bench) -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let target = wait_for("free ports", || {
            let step = NEXT.fetch_add(1, Ordering::Relaxed) % 90;
            let port = (12_000 + 11 * step).to_string();
            let args = [
                "ensemble",
                "up",
                "--dir",
                "e",
                "--voters",
                "1",
                "--base-port",
            ];
            let up = bench.run(&[&args[..], &[&port]].concat());
            // Somebody else may take the port after it was looked at.
            (up.status == Some(0)).then(|| up.stdout.trim().to_owned())
        });
        Self { bench, target }
    }

    fn address(&self) -> SocketAddr {
        self.target["zk://".len()..].parse().unwrap()
    }

    fn client(&self) -> AdminClient {
        AdminClient::connect(&[self.address()], PATIENCE).unwrap()
    }

    fn processes(&self) -> Vec<ProcessIdentity> {
        processes_of(&self.bench.path().join("e"))
    }
}

impl Drop for Standing<'_> {
    fn drop(&mut self) {
        if !self.bench.path().join("e").exists() {
            return;
        }
        for server in self.processes() {
            kill(server.pid, Signal::CONT);
        }
        self.bench.run(&["ensemble", "down", "--dir", "e"]);
    }
}

/// A standing ensemble is a live target like any other, and is left as it was found.
#[test]
fn an_ensemble_stays_up_between_runs_and_keeps_nothing_of_them() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", WORKLOAD);
    let standing = Standing::up(&bench);
    let target = standing.target.clone();
    bench
        .run(&["ensemble", "up", "--dir", "e"])
        .fails(1, &["runs in", &target["zk://".len()..]]);
    let live = format!("{target}/below/that");
    let ran = bench.run(&["run", &mine, "--quiet", "--target", &live, "--out", "out"]);
    ran.succeeds();
    let warnings = bench.json("out/result.json")["verdict"]["warnings"].to_string();
    assert!(!warnings.contains("left behind"), "{warnings}");
    let mut client = standing.client();
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
    let servers = standing.processes();
    bench.run(&["ensemble", "down", "--dir", "e"]).succeeds();
    assert!(servers.iter().all(|server| !server.is_alive()));
    bench
        .run(&["ensemble", "down", "--dir", "e"])
        .fails(1, &["no ensemble in"]);
}

/// Neither what the run before created nor what one that was cut short left is met.
#[test]
fn repeats_on_a_live_target_meet_the_same_tree() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", &creates());
    let standing = Standing::up(&bench);
    let mut client = standing.client();
    client.create("/quorate", b"quorate", 0).unwrap();
    client.create("/quorate/r00000", b"", 0).unwrap();
    for session in 0..2 {
        let dir = format!("/quorate/r00000/s0000{session}");
        client.create(&dir, b"", 0).unwrap();
        for number in 0..20 {
            client
                .create(&format!("{dir}/c{number:010}"), b"", 0)
                .unwrap();
        }
    }
    let args = [
        "run",
        &mine,
        "--quiet",
        "--out",
        "out",
        "--target",
        &standing.target,
    ];
    bench
        .run(&[&args[..], &["--set", "load.repeats=2"]].concat())
        .succeeds();
    let result = bench.json("out/result.json");
    let runs = result["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 2);
    for run in runs {
        let create = &run["ops"]["create"];
        assert!(create["ok"].as_u64().unwrap() > 20, "{create}");
        assert_eq!(create["errors"], serde_json::json!({}), "{create}");
        // Servers that Quorate did not start tell nothing of what they use.
        assert!(run["servers"][0]["cpu_s"].is_null(), "{run}");
    }
    assert_eq!(client.list("/").unwrap(), ["zookeeper"]);
    client.close().unwrap();
}

#[test]
fn what_a_dead_target_keeps_is_told_on_the_terminal_and_in_the_result() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", WORKLOAD);
    let standing = Standing::up(&bench);
    let args = ["run", &mine, "--out", "out", "--target", &standing.target];
    let short = ["--set", "load.duration=2s", "--set", "load.drain=100ms"];
    let run = bench.measuring(&[&args[..], &short].concat());
    kill(standing.processes()[0].pid, Signal::KILL);
    let ran = run.end();
    ran.succeeds();
    let left = format!(
        "left behind on {}: /quorate; remove it with `zkCli.sh -server {} deleteall /quorate`",
        standing.target,
        standing.address()
    );
    assert!(ran.stderr.contains(&format!("warning: {left}")), "{ran:?}");
    let warnings = bench.json("out/result.json")["verdict"]["warnings"].clone();
    let told = warnings.as_array().unwrap().iter();
    assert_eq!(
        told.filter(|text| text.as_str().unwrap().starts_with(&left))
            .count(),
        1,
        "{warnings}"
    );
}

/// A server that hangs keeps the clean-up waiting: the second interrupt ends the program at once. What it
/// leaves was told before, and the result is there.
#[test]
fn a_second_interrupt_ends_the_clean_up_and_what_it_leaves_is_told() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", WORKLOAD);
    let standing = Standing::up(&bench);
    let args = ["run", &mine, "--out", "out", "--target", &standing.target];
    let short = ["--set", "load.drain=100ms"];
    let mut client = standing.client();
    let mut run = bench.measuring(&[&args[..], &ENDLESS, &short].concat());
    let server = standing.processes()[0];
    run.signal(Signal::INT);
    kill(server.pid, Signal::STOP);
    run.until("a second Ctrl-C leaves it behind on");
    wait_for("the result", || {
        bench.path().join("out/result.json").is_file().then_some(())
    });
    run.signal(Signal::INT);
    let ran = run.end();
    assert_eq!(ran.signal, Some(Signal::INT.as_raw()), "{ran:?}");
    assert_eq!(ran.stdout, "", "it ended at once");
    assert!(ran.stderr.contains("`zkCli.sh -server"), "{ran:?}");
    let verdict = bench.json("out/result.json")["verdict"].clone();
    let left = format!(
        "left behind on {}: /quorate; remove it with",
        standing.target
    );
    assert!(verdict["warnings"].to_string().contains(&left), "{verdict}");
    kill(server.pid, Signal::CONT);
    assert_eq!(client.list("/").unwrap(), ["quorate", "zookeeper"]);
    // The next run there takes it over and removes it.
    bench
        .run(&["run", &mine, "--quiet", "--target", &standing.target])
        .succeeds();
    assert_eq!(client.list("/").unwrap(), ["zookeeper"]);
}

/// A server in the foreground, with a configuration of its own.
struct Foreground {
    child: Child,
    address: SocketAddr,
}

impl Foreground {
    fn start(bench: &Bench, config: &str) -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        bench.file(
            "zoo.cfg",
            &format!(
                "dataDir=data\nclientPort={}\nclientPortAddress=127.0.0.1\n{config}\n",
                address.port()
            ),
        );
        let child = bench
            .command(&["server", "start-foreground", "./zoo.cfg"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_for("the server", || mode(address));
        Self { child, address }
    }
}

impl Drop for Foreground {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn a_server_that_takes_no_more_sessions_is_named_with_the_likely_cause() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", WORKLOAD);
    let server = Foreground::start(&bench, "maxClientCnxns=10");
    let target = format!("zk://{}", server.address);
    let args = ["run", &mine, "--out", "out", "--target", &target];
    let ran = bench.run(&[&args[..], &["--set", "load.sessions=30"]].concat());
    // How the server's refusal shows depends on which side is faster.
    let tried = format!("cannot be opened; tried {} (", server.address);
    let cause =
        "; a server does so when one address has more connections than its maxClientCnxns allows)";
    ran.fails(1, &["session ", &tried, cause]);
    let shows = [
        "(Connection reset by peer (os error 104);",
        "(closed by the server;",
    ];
    assert!(
        shows.iter().any(|words| ran.stderr.contains(words)),
        "{ran:?}"
    );
    assert!(
        !fs::exists(bench.path().join("out")).unwrap(),
        "nothing was measured"
    );
    let mut client = AdminClient::connect(&[server.address], PATIENCE).unwrap();
    assert_eq!(client.list("/").unwrap(), ["zookeeper"]);
}
