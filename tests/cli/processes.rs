//! The guard, the verbs of the server and detached ensembles: processes that end as they should.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use quorate::target::ProcessIdentity;
use rustix::process::Signal;

use crate::bench::{Bench, PATIENCE};

#[test]
fn a_taken_port_is_named() {
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
fn there_is_no_ensemble_before_up() {
    let bench = Bench::new();
    for verb in ["down", "status"] {
        bench
            .run(&["ensemble", verb])
            .fails(1, &["no ensemble in", "`quorate ensemble up`"]);
    }
}

/// What `up` wrote before it was killed is enough for `down`.
#[test]
fn down_ends_what_a_killed_up_left_and_nothing_else() {
    let bench = Bench::new();
    let sleeper = || {
        Command::new("sleep")
            .arg("600")
            .stdin(Stdio::null())
            .spawn()
            .unwrap()
    };
    let (mut mine, mut stranger) = (sleeper(), sleeper());
    let identity = ProcessIdentity::of(mine.id()).unwrap();
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    fs::create_dir_all(bench.path().join("e/server-1/data")).unwrap();
    bench.file(
        "e/ensemble.state",
        &format!(
            "quorate ensemble 1\nboot {}\nserver 1 {identity} 127.0.0.1:1 voter\nserver 2 {}-1 127.0.0.1:2 voter\nserver 3 - 127.0.0.1:3 observer\n",
            boot.trim(),
            stranger.id()
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
    assert!(identity.wait(PATIENCE).unwrap());
    mine.wait().unwrap();
    assert_eq!(
        stranger.try_wait().unwrap(),
        None,
        "a recycled pid was killed"
    );
    assert!(!bench.path().join("e").exists());
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[test]
fn a_guarded_process_ends_with_its_parent_even_by_sigkill() {
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
    // Only once the guard has become the program is it sure to have arranged for its end.
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
        child.wait(PATIENCE).unwrap(),
        "the guarded process outlived its parent"
    );
}

#[test]
fn a_guard_whose_parent_is_gone_does_not_begin() {
    let bench = Bench::new();
    let ran = bench.run(&["guard", "--parent", "1", "--", "touch", "begun"]);
    ran.fails(1, &["is gone"]);
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
fn the_verbs_of_zk_server_speak_its_words() {
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

/// The pid file of a server is believed only if the process is one.
#[test]
fn a_pid_file_that_points_at_a_stranger_stops_nobody() {
    let bench = Bench::new();
    let mut stranger = Command::new("sleep")
        .arg("600")
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    fs::create_dir(bench.path().join("data")).unwrap();
    bench.file("data/zookeeper_server.pid", &stranger.id().to_string());
    bench.file("zoo.cfg", "dataDir=data\nclientPort=1\n");
    bench.run(&["server", "stop", "./zoo.cfg"]).succeeds();
    assert_eq!(stranger.try_wait().unwrap(), None);
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

/// A stand-in for a running server: same command line, another program.
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
    // Held until the end, so that nothing but the signal can have ended it.
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

/// "STARTED" is only said of a server that answers, and never because somebody else does.
#[test]
fn start_fails_if_the_port_is_taken_or_the_data_is_damaged() {
    let bench = Bench::new();
    let somebody = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = somebody.local_addr().unwrap();
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
    drop(somebody);
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
