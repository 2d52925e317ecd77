//! Tests complete runs with bundled servers.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::bench::Bench;
use crate::started::processes_of;
use crate::workload::{WORKLOAD, creates};

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_run_writes_a_result_and_a_report_and_leaves_no_data_behind() {
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
    // The result contains its plan, so it can be checked and run again. It can be reported in every format.
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
fn several_workloads_give_a_json_array_and_a_failed_gate_ends_with_status_4() {
    let bench = Bench::new();
    let one = bench.file("one.toml", WORKLOAD);
    let two = bench.file("two.toml", &WORKLOAD.replace("\"mine\"", "\"other\""));
    let ran = bench.run(&["run", &one, &two, "--json", "--quiet", "--out", "both"]);
    assert_eq!(json(ran.succeeds()).as_array().unwrap().len(), 2);
    assert_eq!(ran.stderr, "");
    assert!(bench.path().join("both/other/result.json").is_file());
    let ran = bench.run(&["run", &one, "--set", "gates.throughput_per_s=1e9"]);
    assert_eq!(ran.status, Some(4), "{ran:?}");
    assert!(ran.stdout.contains("throughput_per_s"), "{ran:?}");
}

#[test]
fn the_last_line_of_a_run_is_the_path_of_its_page() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", WORKLOAD);
    let ran = bench.run(&["run", &mine, "--quiet", "--out", "out"]);
    let last = ran.succeeds().lines().last().unwrap();
    assert_eq!(last, "out/report.html");
    assert!(bench.path().join(last).is_file());
}

#[test]
fn every_run_has_the_resources_that_local_servers_used() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", WORKLOAD);
    let args = ["run", &mine, "--out", "out", "--set", "load.repeats=2"];
    bench.run(&args).succeeds();
    let result = bench.json("out/result.json");
    for run in result["runs"].as_array().unwrap() {
        let server = &run["servers"][0];
        assert!(server["cpu_s"].is_f64(), "{server}");
        assert!(server["disk_written_bytes"].is_u64(), "{server}");
        // Servers sync before they acknowledge a set, so the number of syncs is not zero.
        assert!(server["syncs"].as_u64().unwrap() > 0, "{server}");
    }
}

#[test]
fn repeats_begin_with_the_same_tree() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", &creates());
    let args = ["run", &mine, "--out", "out", "--set", "load.repeats=2"];
    bench.run(&args).succeeds();
    let result = bench.json("out/result.json");
    for (number, run) in (0..).zip(result["runs"].as_array().unwrap()) {
        assert_eq!(run["number"], number, "{run}");
        let create = &run["ops"]["create"];
        assert!(create["ok"].as_u64().unwrap() > 0, "{create}");
        assert_eq!(create["errors"], serde_json::json!({}), "{create}");
    }
    assert_eq!(result["runs"][1]["number"], 1);
}

#[test]
fn unevenly_distributed_sessions_cause_a_warning_before_the_load_and_in_the_result() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", WORKLOAD);
    let three = ["--set", "target.voters=3", "--set", "load.sessions=4"];
    let ran = bench.run(&[&["run", &mine, "--out", "out"], &three[..]].concat());
    ran.succeeds();
    let words = "4 sessions do not divide by 3 servers: 127.0.0.1:";
    let (before, _) = ran.stderr.split_once("warm up").unwrap();
    assert!(before.contains(words), "{ran:?}");
    let warnings = &bench.json("out/result.json")["verdict"]["warnings"];
    let texts = warnings.as_array().unwrap().iter();
    assert_eq!(
        texts
            .filter(|text| text.as_str().unwrap().starts_with(words))
            .count(),
        1,
        "{warnings}"
    );
}

#[test]
fn more_sessions_than_the_limit_of_open_files_are_refused_before_a_server_starts() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", WORKLOAD);
    let command = bench.command(&["run", &mine, "--set", "load.sessions=1000"]);
    let mut limited = Command::new("sh");
    limited
        .arg("-c")
        .arg("ulimit -n 300; exec \"$@\"")
        .arg0("sh")
        .arg("sh")
        .arg(command.get_program())
        .args(command.get_args())
        .current_dir(bench.path());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    let ran = crate::bench::Ran::from(limited.output().unwrap());
    ran.fails(1, &["1000 sessions need", "the limit is 300", "ulimit -n"]);
    assert!(!ran.stderr.contains("starting"), "{ran:?}");
    assert_eq!(processes_of(bench.path()), []);
}

#[test]
fn the_resolution_of_a_machine_is_measured_once_and_stored() {
    let bench = Bench::uncalibrated();
    let mine = bench.file("mine.toml", WORKLOAD);
    let message = "once on this machine";
    let ran = bench.run(&["run", &mine, "--out", "first"]);
    ran.succeeds();
    let (before, _) = ran.stderr.split_once("starting").unwrap();
    assert!(before.contains(message), "{ran:?}");
    let again = bench.run(&["run", &mine, "--out", "second"]);
    again.succeeds();
    assert!(!again.stderr.contains(message), "{again:?}");
    let of = |dir: &str| {
        let result = bench.json(&format!("{dir}/result.json"));
        result["environment"]["calibration"].clone()
    };
    assert!(of("first")["resolution"]["late_p99_us"].is_number());
    assert_eq!(of("first"), of("second"));
}

#[test]
fn comparing_targets_in_rounds_and_comparing_their_results_print_the_same() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", WORKLOAD);
    let ran = bench.run(&[
        "compare",
        "--targets",
        "bundled,bundled",
        "--rounds",
        "2",
        "--out",
        "out",
        &mine,
    ]);
    assert!(ran.succeeds().contains("too few runs"), "{ran:?}");
    let announced = "mine on bundled, bundled: 2 rounds, each with a fresh deployment, 100 ms warm-up and 400 ms measured";
    assert!(ran.stderr.starts_with(announced), "{ran:?}");
    assert!(ran.stderr.contains("round 2 of 2"), "{ran:?}");
    for file in [
        "1-bundled/result.json",
        "2-bundled/result.json",
        "comparison.html",
    ] {
        assert!(bench.path().join("out").join(file).is_file(), "{file}");
    }
    let two = ["compare", "out/1-bundled", "out/2-bundled"];
    let text = bench.run(&two);
    assert_eq!(text.succeeds(), ran.stdout);
    let and = |args: &[&str], more: &[&str]| bench.run(&[args, more].concat());
    and(&two, &["--fail-if", "slower=5%"]).fails(4, &["cannot be decided", "too few runs"]);
    and(&two, &["--headline", "p99"]).fails(2, &["--headline takes one of", "set: response p99"]);
    let json = and(&two, &["--json", "--headline", "response p99"]);
    let object: serde_json::Value = serde_json::from_str(json.succeeds()).unwrap();
    assert_eq!(object["headline"], "set: response p99");
    assert_eq!(object["paired"], true);
    assert_eq!(object["candidate"]["path"], "out/2-bundled");
}

#[test]
fn an_objection_is_printed_first_and_sets_the_exit_status_and_the_figures_follow() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", WORKLOAD);
    let run = |out: &str, more: &[&str]| {
        let args = ["run", &mine, "--quiet", "--out", out];
        bench.run(&[&args[..], more].concat()).succeeds();
    };
    run("base", &[]);
    run("larger", &["--set", "load.sessions=3"]);
    let different = ["compare", "base", "larger"];
    let ran = bench.run(&different);
    ran.fails(2, &["the plans ask for different loads", "--force"]);
    assert!(
        ran.stdout.starts_with("OBJECTION: the plans ask"),
        "{ran:?}"
    );
    assert!(ran.stdout.contains("load.sessions: 2 and 3"), "{ran:?}");
    assert!(ran.stdout.contains("> throughput"), "{ran:?}");
    let forced = bench.run(&[&different[..], &["--force"]].concat());
    assert_eq!(forced.succeeds(), ran.stdout);

    let file = bench.path().join("base/result.json");
    let mut object: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    object["verdict"]["valid"] = false.into();
    object["verdict"]["reasons"] = serde_json::json!(["it was made up"]);
    fs::write(&file, object.to_string()).unwrap();
    let invalid = ["compare", "base", "base"];
    let ran = bench.run(&invalid);
    ran.fails(3, &["the base (bundled) is invalid"]);
    assert!(ran.stdout.contains("it was made up"), "{ran:?}");
    let forced = bench.run(&[&invalid[..], &["--force"]].concat());
    assert_eq!(forced.succeeds(), ran.stdout);
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

#[test]
fn the_percentile_spectrum_follows_the_tables() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", WORKLOAD);
    let ran = bench.run(&["run", &mine, "--quiet", "--out", "out", "--spectrum"]);
    let text = ran.succeeds();
    assert!(
        text.contains("\npercentile spectrum of the response time\n"),
        "{text}"
    );
    assert!(text.contains("\n  maximum "), "{text}");
    assert!(
        text.lines().last().unwrap().ends_with("report.html"),
        "{text}"
    );
    let ran = bench.run(&["report", "--spectrum=service", "out"]);
    assert!(
        ran.succeeds().contains("spectrum of the service time"),
        "{ran:?}"
    );
    assert!(
        !bench
            .run(&["report", "out"])
            .succeeds()
            .contains("spectrum")
    );
    for format in ["markdown", "json"] {
        let ran = bench.run(&["report", "out", "--spectrum", "-f", format]);
        ran.fails(2, &["--spectrum belongs to the text"]);
    }
    let ran = bench.run(&["run", &mine, "--spectrum", "--json"]);
    ran.fails(2, &["--spectrum belongs to the text"]);
    let ran = bench.run(&["report", "out", "--spectrum=late"]);
    ran.fails(2, &["late", "response, service"]);
}
