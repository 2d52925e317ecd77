//! Tests with groups of the kernel, where this process can create them, and with folders that stand in for them.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::*;

fn burner() -> Child {
    let mut command = Command::new("sh");
    command.args(["-c", "while :; do :; done"]);
    command.stdin(Stdio::null()).spawn().unwrap()
}

#[test]
fn a_server_is_stopped_by_its_quota_until_it_is_lifted_and_the_group_is_removed() {
    let quota = match CpuQuota::new(0.05, 1) {
        Ok(quota) => quota,
        Err(error) => {
            // Without the right to create groups, the error must say what to do.
            let text = error.to_string();
            assert!(
                text.contains("as root") && text.contains("Delegate=yes"),
                "{text}"
            );
            return;
        }
    };
    let mut child = burner();
    quota.admit(0, child.id()).unwrap();
    let gauge = quota.gauge(0).unwrap();
    assert_eq!(gauge.read().unwrap().throttled_periods, 0);
    quota.apply().unwrap();
    while gauge.read().unwrap().throttled_periods < 3 {
        std::thread::yield_now();
    }
    quota.lift().unwrap();
    let stopped = gauge.read().unwrap();
    assert!(stopped.periods >= stopped.throttled_periods && stopped.throttled_ns > 0);
    let dir = quota.groups[0].dir().to_owned();
    assert!(dir.is_dir());
    child.kill().unwrap();
    child.wait().unwrap();
    drop((gauge, quota));
    assert!(!dir.exists(), "{} was left behind", dir.display());
}

#[test]
fn only_groups_of_ended_processes_are_swept() {
    assert_eq!(owner("quorate-12-34.0.server-1").unwrap().pid, 12);
    assert_eq!(owner("quorate-12-34.0.driver").unwrap().started, 34);
    assert_eq!(owner("quorate-12"), None);
    assert_eq!(owner("user.slice"), None);
}

fn file(dir: &Path, name: &str) -> String {
    fs::read_to_string(dir.join(name)).unwrap()
}

#[test]
fn a_group_of_version_2_gets_quota_and_period_in_one_file() {
    let root = tempfile::tempdir().unwrap();
    let place = Place {
        version: Version::V2,
        dir: root.path().to_owned(),
    };
    let group = Group::create(&place, "g").unwrap();
    let dir = root.path().join("g");
    let error = group.limit(Limit::of(0.03)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound, "it created a file");
    for name in ["cpu.max", "cgroup.procs", "cpu.stat"] {
        fs::write(dir.join(name), "").unwrap();
    }
    group.limit(Limit::of(0.03)).unwrap();
    assert_eq!(file(&dir, "cpu.max"), "1500 50000");
    group.add(77).unwrap();
    assert_eq!(file(&dir, "cgroup.procs"), "77");
    assert_eq!(group.throttled(), None);
}

#[test]
fn the_controller_is_handed_on_once_and_a_group_without_it_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let (dir, control) = (root.path(), "cgroup.subtree_control");
    fs::write(dir.join("cgroup.controllers"), "cpuset memory\n").unwrap();
    fs::write(dir.join(control), "").unwrap();
    let error = hand_on(dir, "own").unwrap_err().to_string();
    assert!(error.contains("has no cpu controller"), "{error}");
    fs::write(dir.join("cgroup.controllers"), "cpuset cpu memory\n").unwrap();
    assert!(hand_on(dir, "own").unwrap().is_none());
    assert_eq!(file(dir, control), "+cpu");
    fs::write(dir.join(control), "memory cpu\n").unwrap();
    assert!(hand_on(dir, "own").unwrap().is_none());
    assert_eq!(file(dir, control), "memory cpu\n", "it was written again");
}
