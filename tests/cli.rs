//! The command line from outside: exit statuses, messages, and processes that end as they should.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use quorate::experiment::Identity;
use rustix::process::Signal;

/// Longer than anything here takes; only a broken test waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// `quorate` in the temporary folder, which is also its home.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quorate"));
        command
            .args(args)
            .current_dir(self.path())
            .env("XDG_CACHE_HOME", self.path().join("cache"))
            .env_remove("ZOOKEEPER_HOME")
            .env_remove("JAVA_HOME")
            .env_remove("ZOOCFGDIR")
            .env_remove("ZOOCFG")
            .env_remove("ZOO_LOG_DIR")
            .stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> Ran {
        Ran::from(self.command(args).output().unwrap())
    }
}

#[derive(Debug)]
struct Ran {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    #[track_caller]
    fn fails(&self, status: i32, words: &[&str]) {
        assert_eq!(self.status, Some(status), "{self:?}");
        assert_eq!(self.stderr.matches("error: ").count(), 1, "{self:?}");
        for word in words {
            assert!(self.stderr.contains(word), "{word:?} is not in {self:?}");
        }
    }

    #[track_caller]
    fn succeeds(&self) -> &str {
        assert_eq!(self.status, Some(0), "{self:?}");
        &self.stdout
    }
}

const WORKLOAD: &str = r#"
name = "mine"
why = "A test."

[prepare]
znodes = 10

[load]
sessions = 2
rate = 100
warm_up = "100ms"
duration = "1s"

[[op]]
kind = "set"
"#;

#[test]
fn a_good_workload_is_printed_in_full_and_is_a_workload_again() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", WORKLOAD);
    let first = bench.run(&["check", &mine, "--set", "load.rate=250", "--seed", "9"]);
    let text = first.succeeds();
    assert!(text.contains("seed = 9") && text.contains("250"), "{text}");
    assert!(
        text.contains("session_timeout"),
        "defaults are printed: {text}"
    );
    let again = bench.file("again.toml", text);
    assert_eq!(bench.run(&["check", &again]).succeeds(), text);
}

#[test]
fn a_bad_workload_is_status_2_and_names_file_line_and_key() {
    let bench = Bench::new();
    for (name, from, to, words) in [
        (
            "unknown",
            "sessions = 2",
            "sesions = 2",
            &["unknown.toml:9", "`load.sesions`", "sessions"][..],
        ),
        (
            "type",
            "sessions = 2",
            "sessions = \"two\"",
            &["type.toml:9", "load.sessions"],
        ),
        (
            "weight",
            "kind = \"set\"",
            "kind = \"set\"\nweight = 0",
            &["weight.toml", "weight"],
        ),
        (
            "both",
            "rate = 100",
            "rate = 100\nin_flight = 1",
            &["both.toml", "rate", "in_flight"],
        ),
        ("toml", "[load]", "[load", &["toml.toml:8"]),
    ] {
        let file = bench.file(&format!("{name}.toml"), &WORKLOAD.replace(from, to));
        bench.run(&["check", &file]).fails(2, words);
        bench.run(&["run", &file]).fails(2, words);
        assert!(!bench.path().join("results").exists(), "nothing is begun");
    }
}

#[test]
fn bad_usage_is_status_2() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", WORKLOAD);
    bench
        .run(&["check", &mine, "--set", "load.rat=1"])
        .fails(2, &["load.rat", "load.rate"]);
    bench
        .run(&["run", "mixd"])
        .fails(2, &["no workload `mixd`", "did you mean `mixed`?"]);
    bench.run(&["run", "none.toml"]).fails(2, &["none.toml"]);
    bench
        .run(&["--target", "zookeper"])
        .fails(2, &["unknown target `zookeper`", "`zk://host:port"]);
    bench
        .run(&["--target", "zk://a:0"])
        .fails(2, &["a:0", "port"]);
    bench.run(&["frobnicate"]).fails(2, &["frobnicate"]);
    bench.run(&["run", "--frob"]).fails(2, &["--frob"]);
    bench
        .run(&["report", "nowhere"])
        .fails(2, &["no result at nowhere"]);
    bench.run(&["report", &mine]).fails(2, &["mine.toml"]);
    bench
        .run(&["report", "x", "--format", "pdf"])
        .fails(2, &["pdf", "markdown"]);
    bench
        .run(&["compare", "a"])
        .fails(2, &["BASE and CANDIDATE", "got 1"]);
    bench
        .run(&["compare", "--targets", "bundled"])
        .fails(2, &["names only one"]);
    bench
        .run(&["compare", "--targets", "bundled,zookeper"])
        .fails(2, &["unknown target `zookeper`"]);
    bench
        .run(&["ensemble", "up", "--target", "zk://a"])
        .fails(2, &["running already"]);
    bench
        .run(&["ensemble", "up", "--voters", "0"])
        .fails(2, &["--voters"]);
    bench.run(&["workloads", "mixd"]).fails(2, &["`mixed`"]);
    bench
        .run(&["man", "guard"])
        .fails(2, &["no command `guard`"]);
}

#[test]
fn every_command_explains_itself() {
    let bench = Bench::new();
    let help = bench.run(&["--help"]);
    let text = help.succeeds();
    assert!(
        text.contains("Exit status: 0 valid, 1 error, 2 bad usage"),
        "{text}"
    );
    assert!(!text.contains("guard"), "{text}");
    for command in [
        "run",
        "check",
        "workloads",
        "report",
        "compare",
        "server",
        "ensemble",
        "calibrate",
        "completions",
        "man",
    ] {
        assert!(
            text.contains(&format!("\n  {command} ")),
            "{command} is not in {text}"
        );
        let help = bench.run(&[command, "--help"]);
        assert!(help.succeeds().contains("Usage: quorate "), "{command}");
    }
    assert!(bench.run(&["--version"]).succeeds().starts_with("quorate "));
}

#[test]
fn shipped_workloads_completions_and_manual_pages_are_printed() {
    let bench = Bench::new();
    let list = bench.run(&["workloads"]);
    for name in [
        "quickstart",
        "write-latency",
        "write-saturation",
        "read-saturation",
        "mixed",
        "session-churn",
        "smoke/mixed",
    ] {
        assert!(list.succeeds().lines().any(|line| line == name), "{name}");
        let file = bench.run(&["workloads", name]);
        let copy = bench.file("copy.toml", file.succeeds());
        bench.run(&["check", &copy]).succeeds();
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(
            bench
                .run(&["completions", shell])
                .succeeds()
                .contains("quorate")
        );
    }
    assert!(bench.run(&["man"]).succeeds().contains(".TH quorate 1"));
    assert!(
        bench
            .run(&["man", "run"])
            .succeeds()
            .contains(".TH quorate-run 1")
    );
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let bench = Bench::new();
    let mut child = bench
        .command(&["completions", "zsh"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ran = Ran::from(child.wait_with_output().unwrap());
    ran.succeeds();
    assert_eq!(ran.stderr, "");
}

#[test]
fn an_unreachable_or_refusing_target_is_named_with_what_was_tried() {
    let bench = Bench::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = listener.local_addr().unwrap();
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    // Closes every connection at once, as a server with too many of them does.
    let refusing = std::thread::spawn(move || {
        for stream in listener.incoming().take(2) {
            drop(stream.unwrap());
        }
    });
    let ran = bench.run(&[
        "run",
        "mixed",
        "--quiet",
        "--target",
        &format!("zk://{silent},{closed}/x"),
    ]);
    ran.fails(
        1,
        &[
            "none of the servers of zk://",
            &format!("{silent}: asked `srvr`"),
            &format!("{closed}: asked `srvr`: connection refused"),
        ],
    );
    drop(refusing);
    assert_eq!(
        fs::read_dir(bench.path().join("results")).unwrap().count(),
        0,
        "no empty folder stays"
    );
}

#[test]
fn a_folder_that_cannot_be_written_is_found_before_the_run() {
    let bench = Bench::new();
    let file = bench.file("file", "x");
    bench
        .run(&[
            "run",
            "mixed",
            "--out",
            &format!("{file}/below"),
            "--target",
            "zk://127.0.0.1:1",
        ])
        .fails(1, &["file/below", "--out"]);
    fs::create_dir(bench.path().join("old")).unwrap();
    bench.file("old/result.json", "{}");
    bench
        .run(&["run", "mixed", "--out", "old"])
        .fails(1, &["already holds a result"]);
    bench
        .run(&["run", "mixed", "--data-dir", &format!("{file}/below")])
        .fails(1, &["cannot keep data in", "--data-dir"]);
}

#[test]
fn without_java_or_zookeeper_the_target_says_what_to_install() {
    let bench = Bench::new();
    let home = bench.path().join("zk");
    fs::create_dir(&home).unwrap();
    let target = format!("zookeeper:{}", home.display());
    let run = || {
        Ran::from(
            bench
                .command(&["run", "mixed", "--quiet", "--target", &target])
                .env("PATH", bench.path())
                .output()
                .unwrap(),
        )
    };
    run().fails(1, &["no Apache ZooKeeper in", "zk/lib", "--zookeeper-home"]);
    fs::write(home.join("zookeeper-3.9.5.jar"), "").unwrap();
    run().fails(
        1,
        &["no Java found", "JAVA_HOME is not set", "apt-get install"],
    );
}

/// A Java that ends at once: what it said is quoted, and nothing is left behind.
#[test]
fn a_server_that_does_not_start_is_quoted() {
    let bench = Bench::new();
    bench.file("zookeeper-3.9.5.jar", "");
    fs::create_dir(bench.path().join("bin")).unwrap();
    let java = bench.file(
        "bin/java",
        "#!/bin/sh\necho \"no room for $1\" >&2\nexit 7\n",
    );
    let mut permissions = fs::metadata(&java).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o755);
    fs::set_permissions(&java, permissions).unwrap();
    let ran = Ran::from(
        bench
            .command(&[
                "run",
                "mixed",
                "--target",
                "zookeeper",
                "--zookeeper-home",
                ".",
                "--data-dir",
                "data",
            ])
            .env("JAVA_HOME", bench.path())
            .output()
            .unwrap(),
    );
    ran.fails(
        1,
        &[
            "the zookeeper ensemble did not start",
            "exit status 7",
            "last lines of out:",
            "no room for -Xmx512m",
        ],
    );
    assert_eq!(
        fs::read_dir(bench.path().join("data")).unwrap().count(),
        0,
        "the data is removed"
    );
}

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
    let identity = Identity::of(mine.id()).unwrap();
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
    let child = Identity::of(pid).unwrap();
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
