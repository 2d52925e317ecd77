//! Tests the guard, the verbs of `quorate server`, and `quorate ensemble`.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use quorate::target::ProcessIdentity;
use rustix::process::Signal;

use crate::bench::{Bench, TIMEOUT};

#[test]
fn the_error_names_a_port_that_is_taken() {
    let bench = Bench::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    bench
        .run(&[
            "ensemble",
            "up",
            "--voters",
            "1",
            "--base-port",
            &port.to_string(),
        ])
        .fails(
            1,
            &[&format!("port {port} of 127.0.0.1 is taken"), "--base-port"],
        );
}

#[test]
fn down_and_status_without_an_ensemble_are_errors() {
    let bench = Bench::new();
    for verb in ["down", "status"] {
        bench
            .run(&["ensemble", verb])
            .fails(1, &["no ensemble in", "`quorate ensemble up`"]);
    }
}

/// The state file is as `up` leaves it when it is killed: one server is not started yet. The pid of another one
/// belongs to a foreign process by now.
#[test]
fn down_ends_the_servers_of_a_killed_up_and_no_other_process() {
    let bench = Bench::new();
    let sleeper = || {
        Command::new("sleep")
            .arg("600")
            .stdin(Stdio::null())
            .spawn()
            .unwrap()
    };
    let (mut server, mut foreign) = (sleeper(), sleeper());
    let identity = ProcessIdentity::of(server.id()).unwrap();
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    fs::create_dir_all(bench.path().join("e/server-1/data")).unwrap();
    bench.file(
        "e/ensemble.state",
        &format!(
            "quorate ensemble 1\nboot {}\nserver 1 {identity} 127.0.0.1:1 voter\nserver 2 {}-1 127.0.0.1:2 voter\nserver 3 - 127.0.0.1:3 observer\n",
            boot.trim(),
            foreign.id()
        ),
    );
    let status = bench.run(&["ensemble", "status", "--dir", "e"]);
    assert_eq!(status.status, Some(1));
    assert!(status.stdout.contains("running, not serving"), "{status:?}");
    assert_eq!(status.stdout.matches("gone").count(), 2, "{status:?}");
    let down = bench.run(&["ensemble", "down", "--dir", "e"]);
    assert!(
        down.succeeds().contains("1 of 3 servers were running"),
        "{down:?}"
    );
    assert!(identity.wait(TIMEOUT).unwrap());
    server.wait().unwrap();
    assert_eq!(
        foreign.try_wait().unwrap(),
        None,
        "a process with a reused pid was killed"
    );
    assert!(!bench.path().join("e").exists());
    foreign.kill().unwrap();
    foreign.wait().unwrap();
}

#[test]
fn a_guarded_process_ends_when_its_parent_is_killed() {
    let bench = Bench::new();
    let script = bench.file(
        "parent.sh",
        "\"$1\" guard --parent $$ -- sleep 600 &\necho $!\nwait\n",
    );
    let mut parent = Command::new("sh")
        .args([script.as_str(), env!("CARGO_BIN_EXE_quorate")])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(parent.stdout.take().unwrap()).lines();
    let pid: u32 = lines.next().unwrap().unwrap().parse().unwrap();
    let child = ProcessIdentity::of(pid).unwrap();
    // The guard has set the parent's death signal when it has replaced itself by the program.
    while fs::read_to_string(format!("/proc/{pid}/comm"))
        .unwrap()
        .trim()
        != "sleep"
    {
        std::thread::yield_now();
    }
    parent.kill().unwrap();
    parent.wait().unwrap();
    assert!(
        child.wait(TIMEOUT).unwrap(),
        "the guarded process outlived its parent"
    );
}

#[test]
fn a_guard_whose_parent_has_ended_does_not_start_the_program() {
    let bench = Bench::new();
    let ran = bench.run(&["guard", "--parent", "1", "--", "touch", "begun"]);
    ran.fails(1, &["the parent process has ended"]);
    assert!(!bench.path().join("begun").exists());
    bench
        .run(&["guard", "--detach", "--", "/nonexistent/program"])
        .fails(1, &["cannot run /nonexistent/program"]);
    let own = bench.run(&[
        "guard",
        "--parent",
        &std::process::id().to_string(),
        "--",
        "echo",
        "-n",
        "--x",
    ]);
    assert_eq!(own.succeeds(), "--x");
}

#[test]
fn the_verbs_print_the_messages_of_zk_server_sh() {
    let bench = Bench::new();
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    bench.file(
        "zoo.cfg",
        &format!(
            "tickTime=2000\ndataDir=data\nclientPort={}\nclientPortAddress=127.0.0.1\n",
            closed.port()
        ),
    );
    let status = bench.run(&["server", "status", "./zoo.cfg"]);
    assert_eq!(status.status, Some(1));
    assert!(
        status.stderr.contains("Using config: ./zoo.cfg"),
        "{status:?}"
    );
    assert!(
        status
            .stdout
            .contains("Error contacting service. It is probably not running."),
        "{status:?}"
    );
    let stop = bench.run(&["server", "stop", "./zoo.cfg"]);
    assert!(
        stop.succeeds()
            .contains("no zookeeper to stop (could not find file data/zookeeper_server.pid)")
    );
    let command = bench.run(&["server", "print-cmd", "./zoo.cfg"]);
    assert!(
        command.succeeds().trim().ends_with("/zoo.cfg"),
        "{command:?}"
    );
    assert!(
        command.stdout.contains("server start-foreground "),
        "{command:?}"
    );
    bench
        .run(&["server", "status", "./none.cfg"])
        .fails(2, &["none.cfg"]);
    bench.file("empty.cfg", "clientPort=1\n");
    bench
        .run(&["server", "start", "./empty.cfg"])
        .fails(2, &["empty.cfg", "dataDir"]);
    let default = bench.run(&["server", "status"]);
    assert!(
        default.stderr.contains("Using config: conf/zoo.cfg"),
        "{default:?}"
    );
}

#[test]
fn stop_does_not_end_a_foreign_process_that_the_pid_file_names() {
    let bench = Bench::new();
    let mut foreign = Command::new("sleep")
        .arg("600")
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    fs::create_dir(bench.path().join("data")).unwrap();
    bench.file("data/zookeeper_server.pid", &foreign.id().to_string());
    bench.file("zoo.cfg", "dataDir=data\nclientPort=1\n");
    bench.run(&["server", "stop", "./zoo.cfg"]).succeeds();
    assert_eq!(foreign.try_wait().unwrap(), None);
    foreign.kill().unwrap();
    foreign.wait().unwrap();
}

/// The running server is a shell whose command line has the word by which servers are recognised.
#[test]
fn start_refuses_a_second_server_and_stop_ends_the_first() {
    let bench = Bench::new();
    fs::create_dir(bench.path().join("data")).unwrap();
    bench.file("zoo.cfg", "dataDir=data\nclientPort=1\n");
    let mut server = Command::new("sh")
        .args(["-c", "echo up; read line", "start-foreground"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut up = [0; 3];
    server.stdout.as_mut().unwrap().read_exact(&mut up).unwrap();
    // Standard input stays open until the end of the test, so that only the signal can end the shell.
    let input = server.stdin.take();
    bench.file("data/zookeeper_server.pid", &server.id().to_string());
    let start = bench.run(&["server", "start", "./zoo.cfg"]);
    assert_eq!(start.status, Some(1));
    assert!(
        start
            .stdout
            .contains(&format!("already running as process {}.", server.id())),
        "{start:?}"
    );
    let stop = bench.run(&["server", "stop", "./zoo.cfg"]);
    assert!(
        stop.succeeds().contains("Stopping zookeeper ... STOPPED"),
        "{stop:?}"
    );
    let ended = server.wait().unwrap();
    assert_eq!(
        std::os::unix::process::ExitStatusExt::signal(&ended),
        Some(Signal::TERM.as_raw())
    );
    assert!(!bench.path().join("data/zookeeper_server.pid").exists());
    drop(input);
}

#[test]
fn start_fails_if_the_port_is_taken_or_the_data_is_damaged() {
    let bench = Bench::new();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap();
    bench.file(
        "zoo.cfg",
        &format!(
            "tickTime=2000\ndataDir=data\nclientPort={}\nclientPortAddress=127.0.0.1\n",
            address.port()
        ),
    );
    let start = bench.run(&["server", "start", "./zoo.cfg"]);
    start.fails(1, &["cannot listen on", &address.to_string(), "clientPort"]);
    assert!(start.stdout.contains("FAILED TO START"), "{start:?}");
    drop(other);
    fs::create_dir_all(bench.path().join("data/version-2")).unwrap();
    bench.file("data/version-2/log.1", &"not a log ".repeat(100));
    let start = bench.run(&["server", "start", "./zoo.cfg"]);
    assert_eq!(start.status, Some(1), "{start:?}");
    assert!(
        start.stderr.contains("version-2/log.1 does not begin like"),
        "{start:?}"
    );
    assert!(start.stdout.contains("FAILED TO START"), "{start:?}");
    assert!(!bench.path().join("data/zookeeper_server.pid").exists());
}
