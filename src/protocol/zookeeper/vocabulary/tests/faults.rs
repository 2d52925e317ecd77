//! Planned faults.

use super::{HEAD, SET, assert_error, plan};
use crate::workload::{Between, Direction, Fault, FaultAction, LinkShape, Victim};

/// The faults in a workload with 3 voters that measures for 30 s and drains for 10 s.
fn with(faults: &str) -> String {
    format!("{HEAD}{SET}{faults}")
}

fn fault(at: &str, kind: &str, victim: &str, rest: &str) -> String {
    format!("[[fault]]\nat = \"{at}\"\nkind = \"{kind}\"\nvictim = \"{victim}\"\n{rest}")
}

#[test]
fn a_fault_has_a_time_a_kind_a_victim_and_a_length() {
    let text = [
        fault("10s", "kill", "leader", "for = \"5s\"\n"),
        fault("20s", "pause", "followers 2", ""),
        fault("21s", "kill", "server 1", ""),
        fault("25s", "restart", "server 1", ""),
    ]
    .concat();
    let plan = plan(&with(&text), &[]);
    let expected = |at_ms, action, victim, for_ms| Fault {
        at_ms,
        action,
        victim,
        for_ms,
    };
    assert_eq!(
        plan.faults,
        [
            expected(10_000, FaultAction::Kill, Victim::Leader, Some(5_000)),
            expected(20_000, FaultAction::Pause, Victim::Followers(2), None),
            expected(21_000, FaultAction::Kill, Victim::Server(1), None),
            expected(25_000, FaultAction::Restart, Victim::Server(1), None),
        ]
    );
}

#[test]
fn a_plan_with_faults_verifies_its_writes_unless_the_file_says_otherwise() {
    let faults = fault("10s", "kill", "leader", "");
    assert!(!plan(&with(""), &[]).load.verify);
    assert!(plan(&with(""), &["load.verify=true"]).load.verify);
    assert!(plan(&with(&faults), &[]).load.verify);
    assert!(!plan(&with(&faults), &["load.verify=false"]).load.verify);
    let lost = format!("{}[gates]\nlost = 0\n", with(&faults));
    assert_eq!(plan(&lost, &[]).gates.lost, Some(0));
    assert_error(
        &lost,
        &["load.verify=false"],
        "w.toml:16: `gates.lost` needs acknowledged writes to be read back after the run; set load.verify = true",
    );
}

#[test]
fn a_missing_or_wrong_part_of_a_fault_is_named() {
    let error = |faults: &str, expected: &str| assert_error(&with(faults), &[], expected);
    error(
        "[[fault]]\n",
        "w.toml:11: this fault has no time; add at = \"10s\", the time since the start of the measured phase\n\
         w.toml:11: this fault has no `kind`; give one of kill, pause, restart, cut, slow\n\
         w.toml:11: this fault has no `victim`; give \"leader\", \"follower\", \"followers 2\", \"observer\", \"all\" or \"server 3\"",
    );
    error(
        &fault("1s", "stop", "leaders", ""),
        "w.toml:13: `fault.0.kind` is \"stop\"; it must be one of kill, pause, restart, cut, slow\n\
         w.toml:14: `fault.0.victim` is \"leaders\"; it must be \"leader\", \"follower\", \"followers 2\", \"observer\", \"all\" or \"server 3\"",
    );
    error(
        &fault("1s", "kill", "leader", "length = \"1s\"\n"),
        "w.toml:15: unknown key `fault.0.length`; known here: at, kind, victim, for, between, direction, delay, jitter, rate",
    );
    error(
        &fault("1s", "restart", "leader", "for = \"1s\"\n"),
        "w.toml:15: `fault.0.for` does not belong to a restart, which has no end; remove it",
    );
}

#[test]
fn a_fault_lies_within_the_run() {
    assert_error(
        &with(&fault("30s", "kill", "leader", "")),
        &[],
        "w.toml:12: `fault.0.at` is 30s, but the measured phase ends after 30s; a fault begins within it: lower `at`, or raise load.duration",
    );
    assert_error(
        &with(&fault("29s", "kill", "leader", "for = \"12s\"\n")),
        &[],
        "w.toml:15: `fault.0.for` makes the fault end after 41s, but the run ends after 40s (load.duration and load.drain); shorten it, or leave it out: then the fault lasts until the end",
    );
    plan(
        &with(&fault("29s", "kill", "leader", "for = \"11s\"\n")),
        &[],
    );
}

#[test]
fn the_ensemble_has_the_victim() {
    let error = |victim: &str, overrides: &[&str], expected: &str| {
        let problem = format!("w.toml:14: `fault.0.victim` is {victim:?}, but {expected}");
        assert_error(&with(&fault("1s", "kill", victim, "")), overrides, &problem);
    };
    error(
        "observer",
        &[],
        "the ensemble has no observers; set target.observers",
    );
    error(
        "followers 3",
        &[],
        "3 voters have 2 followers; lower it, or raise target.voters",
    );
    error(
        "server 4",
        &[],
        "the ensemble has 3 servers; use a number from 1 to 3",
    );
    error(
        "leader",
        &["target.voters=1"],
        "a single server neither leads nor follows; use \"server 1\", or raise target.voters",
    );
    plan(
        &with(&fault("1s", "kill", "server 4", "")),
        &["target.observers=1"],
    );
}

#[test]
fn a_restart_follows_a_kill_of_the_same_victim() {
    let problem = |victim: &str| {
        format!(
            "w.toml:17: `fault.1.kind` restarts {victim:?}, but no kill of the same victim comes before it, or that kill has `for`; add the kill, or remove this fault"
        )
    };
    let kill = fault("1s", "kill", "leader", "");
    assert_error(
        &with(&format!("{kill}{}", fault("2s", "restart", "follower", ""))),
        &[],
        &problem("follower"),
    );
    let ended = fault("1s", "kill", "leader", "for = \"5s\"\n");
    let text = with(&format!("{ended}{}", fault("9s", "restart", "leader", "")));
    assert_error(&text, &[], &problem("leader").replace(":17:", ":18:"));
}

#[test]
fn a_server_has_one_fault_at_a_time() {
    let two = |first: &str, second: &str| with(&format!("{first}{second}"));
    let long = fault("1s", "pause", "server 2", "");
    assert_error(
        &two(&long, &fault("9s", "kill", "server 2", "")),
        &[],
        "w.toml:16: `fault.1.at` is 9s, but the fault that begins at 1s (pause of \"server 2\") lasts until the end of the run and affects the same server; move one of them, or give the earlier one `for`",
    );
    let short = fault("1s", "pause", "leader", "for = \"5s\"\n");
    assert_error(
        &two(&short, &fault("3s", "kill", "all", "")),
        &[],
        "w.toml:17: `fault.1.at` is 3s, but the fault that begins at 1s (pause of \"leader\") lasts until 6s and affects the same server; move one of them, or give the earlier one `for`",
    );
    plan(&two(&short, &fault("6s", "kill", "all", "")), &[]);
    plan(&two(&long, &fault("2s", "kill", "server 1", "")), &[]);
    plan(&two(&short, &fault("2s", "pause", "leader", "")), &[]);
}

#[test]
fn a_fault_of_the_network_names_connections_and_a_direction() {
    let text = [
        fault("1s", "cut", "leader", "for = \"1s\"\n"),
        fault(
            "5s",
            "cut",
            "server 1",
            "for = \"1s\"\nbetween = \"clients\"\ndirection = \"to\"\n",
        ),
        fault(
            "9s",
            "slow",
            "all",
            "delay = \"50ms\"\njitter = \"5ms\"\nrate = \"1MB\"\nbetween = \"servers\"\n",
        ),
    ]
    .concat();
    let plan = plan(&with(&text), &[]);
    let actions: Vec<FaultAction> = plan.faults.iter().map(|fault| fault.action).collect();
    assert_eq!(
        actions,
        [
            FaultAction::Cut {
                direction: Direction::Both,
                between: Between::All,
            },
            FaultAction::Cut {
                direction: Direction::To,
                between: Between::Clients,
            },
            FaultAction::Slow {
                direction: Direction::Both,
                between: Between::Servers,
                link: LinkShape {
                    delay_us: 50_000,
                    jitter_us: 5_000,
                    rate_bytes_per_s: Some(1_000_000),
                },
            },
        ]
    );
    assert!(plan.needs_proxies());
}

#[test]
fn keys_of_the_network_belong_to_faults_of_the_network() {
    let error = |kind: &str, rest: &str, expected: &str| {
        let text = with(&fault("1s", kind, "server 1", rest));
        assert_error(&text, &[], expected);
    };
    error(
        "kill",
        "between = \"all\"\n",
        "w.toml:15: `fault.0.between` does not belong to the kind \"kill\"; remove it",
    );
    error(
        "cut",
        "delay = \"1ms\"\n",
        "w.toml:15: `fault.0.delay` does not belong to the kind \"cut\"; remove it",
    );
    error(
        "cut",
        "direction = \"up\"\n",
        "w.toml:15: `fault.0.direction` is \"up\"; it must be one of both, to, from",
    );
    error(
        "slow",
        "",
        "w.toml:13: `fault.0.kind` slows nothing down; give `delay`, `rate` or both, such as delay = \"50ms\"",
    );
    assert_error(
        &with(&fault("1s", "cut", "server 1", "between = \"servers\"\n")),
        &["target.voters=1"],
        "w.toml:15: `fault.0.between` affects connections between servers, and there is a single server; set between = \"clients\"",
    );
}
