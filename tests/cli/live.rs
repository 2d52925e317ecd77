//! Tests runs on live targets. A run must remove its data from the target, or report what it leaves behind.

use std::fs;
use std::net::SocketAddr;
use std::process::{Child, Stdio};

use quorate::protocol::zookeeper::AdminClient;
use rustix::process::Signal;

use crate::bench::{Bench, TIMEOUT};
use crate::detached::Detached;
use crate::started::{kill, mode, wait_for};
use crate::workload::{ENDLESS, WORKLOAD, creates};

#[test]
fn a_run_removes_its_data_from_a_live_target_and_refuses_an_existing_chroot() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", WORKLOAD);
    let ensemble = Detached::up(&bench);
    let target = ensemble.target.clone();
    bench
        .run(&["ensemble", "up", "--dir", "e"])
        .fails(1, &["runs in", &target["zk://".len()..]]);
    let live = format!("{target}/below/that");
    let ran = bench.run(&["run", &mine, "--quiet", "--target", &live, "--out", "out"]);
    ran.succeeds();
    let warnings = bench.json("out/result.json")["verdict"]["warnings"].to_string();
    assert!(!warnings.contains("left behind"), "{warnings}");
    let mut client = ensemble.client();
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
    let servers = ensemble.processes();
    bench.run(&["ensemble", "down", "--dir", "e"]).succeeds();
    assert!(servers.iter().all(|server| !server.is_alive()));
    bench
        .run(&["ensemble", "down", "--dir", "e"])
        .fails(1, &["no ensemble in"]);
}

/// A repeat must not find znodes of the previous repeat, nor znodes of an earlier run that was killed.
#[test]
fn repeats_on_a_live_target_begin_with_the_same_tree() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", &creates());
    let ensemble = Detached::up(&bench);
    let mut client = ensemble.client();
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
        &ensemble.target,
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
        // The resources of servers that Quorate did not start are unknown.
        assert!(run["servers"][0]["cpu_s"].is_null(), "{run}");
    }
    assert_eq!(client.list("/").unwrap(), ["zookeeper"]);
    client.close().unwrap();
}

#[test]
fn data_left_behind_on_a_dead_target_is_reported_on_the_terminal_and_in_the_result() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", WORKLOAD);
    let ensemble = Detached::up(&bench);
    let args = ["run", &mine, "--out", "out", "--target", &ensemble.target];
    let short = ["--set", "load.duration=2s", "--set", "load.drain=100ms"];
    let run = bench.measuring(&[&args[..], &short].concat());
    kill(ensemble.processes()[0].pid, Signal::KILL);
    let ran = run.end();
    ran.succeeds();
    let left = format!(
        "left behind on {}: /quorate; remove it with `zkCli.sh -server {} deleteall /quorate`",
        ensemble.target,
        ensemble.address()
    );
    assert!(ran.stderr.contains(&format!("warning: {left}")), "{ran:?}");
    let warnings = bench.json("out/result.json")["verdict"]["warnings"].clone();
    let texts = warnings.as_array().unwrap().iter();
    assert_eq!(
        texts
            .filter(|text| text.as_str().unwrap().starts_with(&left))
            .count(),
        1,
        "{warnings}"
    );
}

/// The clean-up waits for a server that hangs. The second interrupt must end the program at once. Before that, the
/// program must have reported what stays behind and written the result.
#[test]
fn a_second_interrupt_ends_the_clean_up_after_a_report_of_what_stays_behind() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", WORKLOAD);
    let ensemble = Detached::up(&bench);
    let args = ["run", &mine, "--out", "out", "--target", &ensemble.target];
    let short = ["--set", "load.drain=100ms"];
    let mut client = ensemble.client();
    let mut run = bench.measuring(&[&args[..], &ENDLESS, &short].concat());
    let server = ensemble.processes()[0];
    run.signal(Signal::INT);
    kill(server.pid, Signal::STOP);
    run.until("a second Ctrl-C leaves it behind on");
    wait_for("the result", || {
        bench.path().join("out/result.json").is_file().then_some(())
    });
    run.signal(Signal::INT);
    let ran = run.end();
    assert_eq!(ran.signal, Some(Signal::INT.as_raw()), "{ran:?}");
    assert_eq!(ran.stdout, "", "the program did not end at once");
    assert!(ran.stderr.contains("`zkCli.sh -server"), "{ran:?}");
    let verdict = bench.json("out/result.json")["verdict"].clone();
    let left = format!(
        "left behind on {}: /quorate; remove it with",
        ensemble.target
    );
    assert!(verdict["warnings"].to_string().contains(&left), "{verdict}");
    kill(server.pid, Signal::CONT);
    assert_eq!(client.list("/").unwrap(), ["quorate", "zookeeper"]);
    // The next run on the same target removes the data.
    bench
        .run(&["run", &mine, "--quiet", "--target", &ensemble.target])
        .succeeds();
    assert_eq!(client.list("/").unwrap(), ["zookeeper"]);
}

/// A bundled server with a given configuration. It ends with the test.
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
fn the_error_for_refused_sessions_names_the_server_and_the_likely_cause() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", WORKLOAD);
    let server = Foreground::start(&bench, "maxClientCnxns=10");
    let target = format!("zk://{}", server.address);
    let args = ["run", &mine, "--out", "out", "--target", &target];
    let ran = bench.run(&[&args[..], &["--set", "load.sessions=30"]].concat());
    // The client gets a reset or the end of the stream, depending on timing.
    let tried = format!("cannot be opened; tried {} (", server.address);
    let cause = "; the server may allow fewer connections from one address (maxClientCnxns))";
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
        "a folder was left behind"
    );
    let mut client = AdminClient::connect(&[server.address], TIMEOUT).unwrap();
    assert_eq!(client.list("/").unwrap(), ["zookeeper"]);
}
