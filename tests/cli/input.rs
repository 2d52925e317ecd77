//! Tests malformed input, and the output of commands that start no server.

use std::fs;
use std::net::TcpListener;
use std::process::Stdio;

use crate::bench::{Bench, Ran};

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
fn a_workload_of_another_protocol_than_the_targets_is_refused() {
    let bench = Bench::new();
    let echo = bench.file(
        "echo.toml",
        "name = \"e\"\nprotocol = \"echo\"\n[load]\nrate = 10\n[[op]]\nkind = \"echo\"\n",
    );
    let ran = bench.run(&["run", &echo]);
    assert_eq!(ran.status, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("bundled speaks zookeeper"), "{ran:?}");
}

#[test]
fn check_prints_all_keys_as_a_workload_file() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", WORKLOAD);
    let first = bench.run(&["check", &mine, "--set", "load.rate=250", "--seed", "9"]);
    let text = first.succeeds();
    assert!(text.contains("seed = 9") && text.contains("250"), "{text}");
    assert!(
        text.contains("session_timeout"),
        "defaults are not printed: {text}"
    );
    let again = bench.file("again.toml", text);
    assert_eq!(bench.run(&["check", &again]).succeeds(), text);
}

#[test]
fn errors_of_a_workload_name_file_line_and_key_and_end_with_status_2() {
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
        assert!(!bench.path().join("results").exists(), "a run was started");
    }
}

/// The problems are listed in the order of files and lines. Problems that only follow from others are not listed.
#[test]
fn all_problems_of_all_files_are_listed_once() {
    let bench = Bench::new();
    let text = WORKLOAD
        .replace("znodes = 10", "znodes = \"ten\"")
        .replace("sessions = 2", "sesions = 2")
        .replace("rate = 100", "rte = 100")
        .replace(
            "kind = \"set\"",
            "kind = \"set\"\nweight = -1\nephemeral = true",
        );
    let first = bench.file("first.toml", &text);
    let second = bench.file("second.toml", &WORKLOAD.replace("\"1s\"", "1"));
    let overrides = ["--set", "target.voters=0"];
    let expected = [
        "first.toml:6: `prepare.znodes`",
        "first.toml:9: unknown key `load.sesions`",
        "first.toml:10: unknown key `load.rte`",
        "first.toml:16: `op.0.weight`",
        "first.toml:17: `op.0.ephemeral`",
        "--set target.voters=0: `target.voters`",
        "second.toml:12: `load.duration`",
    ];
    let ran = bench.run(&[&["check", &first, &second], &overrides[..]].concat());
    ran.fails(2, &expected);
    let lines: Vec<&str> = ran.stderr.lines().skip(1).collect();
    assert_eq!(lines.len(), expected.len(), "{ran:?}");
    for (line, words) in lines.iter().zip(expected) {
        assert!(line.starts_with("  ") && line.contains(words), "{ran:?}");
    }
    let ran = bench.run(&[&["run", &first], &overrides[..]].concat());
    ran.fails(2, &expected[..6]);
    assert!(!bench.path().join("results").exists(), "a run was started");
    let whole = bench.file("whole.toml", WORKLOAD);
    let ran = bench.run(&["check", &whole, &whole, "--set", "load.rte=5"]);
    ran.fails(2, &["error: --set load.rte=5: unknown key"]);
    assert_eq!(ran.stderr.matches("load.rte").count(), 2, "{ran:?}");
}

#[test]
fn bad_usage_ends_with_status_2() {
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
    let two = ["compare", "--targets", "bundled,bundled"];
    bench
        .run(&two)
        .fails(2, &["needs a workload", "`quorate workloads`"]);
    let bad = |more: &[&str], words: &[&str]| {
        bench
            .run(&[&two[..], more, &[mine.as_str()]].concat())
            .fails(2, words);
    };
    bad(&["--rounds", "0"], &["--rounds"]);
    bad(
        &["--fail-if", "faster"],
        &["unknown condition `faster`", "slower=5%"],
    );
    bad(
        &["--fail-if", "slower", "--rounds", "5"],
        &["5 rounds cannot give", "--rounds 6"],
    );
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
fn every_command_has_a_help_text() {
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
fn a_closed_pipe_is_no_error() {
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

/// This includes help and version, which clap prints.
#[test]
fn output_that_cannot_be_written_is_an_error() {
    let bench = Bench::new();
    for args in [
        &["--help"][..],
        &["-h"],
        &["help"],
        &["run", "--help"],
        &["--version"],
        &["workloads"],
        &["check", "mixed"],
    ] {
        let full = fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let mut command = bench.command(args);
        let ran = Ran::from(command.stdout(full).output().unwrap());
        ran.fails(1, &["cannot write to standard output"]);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ran = Ran::from(bench.command(args).stdout(writer).output().unwrap());
        ran.succeeds();
        assert_eq!(ran.stderr, "", "{args:?} into a closed pipe");
    }
}

/// Files are written in UTF-8 in every locale.
#[test]
fn output_is_ascii_in_a_locale_without_utf8() {
    let bench = Bench::new();
    let result = format!("{}/tests/golden/result-v1.json", env!("CARGO_MANIFEST_DIR"));
    let run = |locale: [Option<&str>; 3], args: &[&str]| {
        let mut command = bench.command(args);
        for (name, value) in ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().zip(locale) {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        Ran::from(command.output().unwrap())
    };
    let c = [Some("C"), None, None];
    let report = ["report", result.as_str()];
    for (locale, utf8) in [
        (c, false),
        ([Some(""), Some("POSIX"), Some("C.UTF-8")], false),
        ([None, None, Some("de_DE.ISO-8859-1")], false),
        ([Some("C.UTF-8"), Some("C"), Some("C")], true),
        ([None, Some("en_US.utf8"), Some("C")], true),
        ([None, None, None], true),
    ] {
        let ran = run(locale, &report);
        let text = ran.succeeds();
        assert_eq!(text.is_ascii(), !utf8, "{locale:?}: {text}");
        assert_eq!(text.contains(" us "), !utf8, "{locale:?}: {text}");
        assert_eq!(text.contains(" µs "), utf8, "{locale:?}: {text}");
    }
    let ran = run(c, &[&report[..], &["--format", "json"]].concat());
    let json: serde_json::Value = serde_json::from_str(ran.succeeds()).unwrap();
    assert!(json.is_object(), "{json}");
    run(c, &[&report[..], &["-o", "report.txt"]].concat()).succeeds();
    let file = fs::read_to_string(bench.path().join("report.txt")).unwrap();
    assert!(file.contains(" µs "), "{file}");
    // The output of `check` is a workload file, so its characters must not be replaced.
    let mine = bench.file("mine.toml", &WORKLOAD.replace("A test.", "Reads – in µs."));
    let ran = run(c, &["check", &mine]);
    assert!(ran.succeeds().contains("Reads – in µs."), "{ran:?}");
    for command in ["run", "check", "report", "compare", "server", "calibrate"] {
        let ran = run(c, &[command, "--help"]);
        assert!(ran.succeeds().is_ascii(), "{ran:?}");
    }
}

#[test]
fn the_error_for_an_unusable_target_names_every_server_and_request() {
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
        "an empty folder was left behind"
    );
}

#[test]
fn a_folder_that_is_not_writable_is_found_before_the_run() {
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
fn the_error_for_a_missing_java_or_zookeeper_says_what_to_install() {
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

/// The server is a Java that ends at once.
#[test]
fn the_error_for_a_server_that_does_not_start_quotes_its_output() {
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
        "data was left behind"
    );
}
