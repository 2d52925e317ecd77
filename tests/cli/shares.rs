//! Tests runs whose servers have a CPU quota, or cores of their own.

use std::fs;

use quorate::target::{Cores, check_quota};

use crate::bench::{Bench, TIMEOUT};
use crate::started::processes_of;
use crate::workload::{ENDLESS, WORKLOAD};

/// A small share, under which the closed loop of the workload uses the quota up.
const SHARE: f64 = 0.02;

/// Returns the control group of a process with the CPU controller, as `/proc` names it.
fn group(pid: u32) -> String {
    let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    let of_cpu = |line: &&str| {
        let controllers = line.split(':').nth(1).unwrap();
        controllers.is_empty() || controllers.split(',').any(|name| name == "cpu")
    };
    let lines = text.lines().filter(of_cpu);
    let paths = lines.map(|line| line.rsplit(':').next().unwrap());
    paths.max_by_key(|path| path.len()).unwrap().to_owned()
}

/// Returns the lines of `/proc/self/mountinfo` that are control groups, as folders.
fn mounted() -> Vec<String> {
    let text = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let lines = text.lines().filter(|line| line.contains(" - cgroup"));
    lines
        .map(|line| line.split(' ').nth(4).unwrap().to_owned())
        .collect()
}

fn exists(group: &str) -> bool {
    mounted()
        .iter()
        .any(|mount| fs::exists(format!("{mount}{group}")).unwrap())
}

#[test]
fn a_quota_limits_the_servers_and_its_groups_end_with_the_run_even_after_a_kill() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", WORKLOAD);
    let share = format!("target.cpu={SHARE}");
    let args = [
        "run",
        &mine,
        "--out",
        "out",
        "--data-dir",
        "data",
        "--set",
        &share,
    ];
    if let Err(error) = check_quota(SHARE) {
        // Nothing may be started where no quota can be had.
        let words = error.to_string();
        bench.run(&args).fails(1, &["Delegate=yes", &words]);
        assert_eq!(
            fs::read_dir(bench.path().join("data")).map_or(0, Iterator::count),
            0
        );
        return;
    }
    let killed = bench.measuring(&[&args[..], &ENDLESS].concat());
    let servers = processes_of(&bench.path().join("data"));
    let left = group(servers[0].pid);
    assert!(left.contains("quorate-") && exists(&left), "{left}");
    killed.kill();
    assert!(
        servers[0].wait(TIMEOUT).unwrap(),
        "the server outlived quorate"
    );
    bench.run(&args).succeeds();
    assert!(!exists(&left), "{left} was left behind");
    let result = bench.json("out/result.json");
    let target = &result["target"]["cpu_quota"];
    assert_eq!(target["share"], SHARE, "{target}");
    assert_eq!(target["period_ms"], 50.0, "{target}");
    let run = &result["runs"][0];
    let server = &run["servers"][0];
    let throttled = &server["throttled"];
    assert!(throttled["periods"].as_u64() >= throttled["throttled_periods"].as_u64());
    // The measured phase may contain a period more than its length, and the kernel counts in ticks of 10 ms.
    let allowed_s = SHARE * (run["measured_s"].as_f64().unwrap() + 0.1) + 0.02;
    let used_s = server["cpu_s"].as_f64().unwrap();
    assert!(used_s <= allowed_s, "{used_s} s of {allowed_s} s");
}

#[test]
fn servers_and_driver_get_cores_of_their_own_or_the_command_says_what_is_missing() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", WORKLOAD);
    let args = ["run", &mine, "--out", "out", "--data-dir", "data", "--pin"];
    let too_many = ["--set", "target.voters=31", "--set", "target.observers=64"];
    if Cores::distribute(95, 1).is_err() {
        let ran = bench.run(&[&args[..], &too_many].concat());
        ran.fails(1, &["--pin", "at least 96 cores", "target.cpu=0.03"]);
    }
    let live = ["--target", "zk://127.0.0.1:1"];
    let ran = bench.run(&[&args[..], &live].concat());
    ran.fails(1, &["--pin", "zk://127.0.0.1:1 already runs"]);
    let Ok(cores) = Cores::distribute(1, 1) else {
        // This machine has one core.
        return;
    };
    let run = bench.measuring(&[&args[..], &["--set", "load.duration=1s"]].concat());
    let server = processes_of(&bench.path().join("data"))[0].pid;
    let status = fs::read_to_string(format!("/proc/{server}/status")).unwrap();
    let allowed = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))
        .unwrap()
        .trim();
    let first = cores.servers[0][0].to_string();
    assert!(allowed.starts_with(&first), "{allowed}");
    run.end().succeeds();
    let target = &bench.json("out/result.json")["target"];
    assert_eq!(target["driver_cores"], serde_json::json!(cores.driver));
    assert_eq!(
        target["servers"][0]["cores"],
        serde_json::json!(cores.servers[0])
    );
}
