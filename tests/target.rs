//! Tests planned faults of the servers of an open target.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use quorate::protocol::zookeeper::AdminClient;
use quorate::target::{FaultError, Launch, Lifetime, Links, Target, TargetConfig, TargetSpec};
use quorate::workload::TargetShape;

/// Timeout for requests and waits. It is longer than any of them takes on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(60);

fn open(spec: &TargetSpec, data_dir: &Path) -> Target {
    Target::open(&TargetConfig {
        spec,
        shape: &TargetShape {
            voters: 1,
            ..TargetShape::default()
        },
        links: Links::default(),
        quorate: Path::new(env!("CARGO_BIN_EXE_quorate")),
        data_dir: Some(data_dir),
        zookeeper_home: None,
        cores: None,
        stop: &AtomicBool::new(false),
        step: &|_| {},
    })
    .unwrap()
}

/// Waits until the first server serves, and returns a client of it.
fn client(target: &Target) -> AdminClient {
    let began = Instant::now();
    loop {
        match AdminClient::connect(&[target.members()[0].address], TIMEOUT) {
            Ok(client) => return client,
            Err(error) => assert!(began.elapsed() < TIMEOUT, "{error}"),
        }
        std::thread::yield_now();
    }
}

#[test]
fn a_killed_server_has_its_data_after_a_restart_and_its_end_is_not_reported() {
    let dir = tempfile::tempdir().unwrap();
    let target = open(&TargetSpec::Bundled, dir.path());
    let mut before = client(&target);
    before.create("/kept", b"x", 0).unwrap();
    target.kill(&[0]).unwrap();
    assert!(matches!(
        target.kill(&[0]),
        Err(FaultError::NotRunning { id: 1, .. })
    ));
    assert!(AdminClient::connect(&[target.members()[0].address], TIMEOUT).is_err());
    target.restart(0).unwrap();
    assert!(matches!(
        target.restart(0),
        Err(FaultError::StillRunning { id: 1 })
    ));
    let mut after = client(&target);
    assert_eq!(after.list("/").unwrap(), ["kept", "zookeeper"]);
    assert_eq!(target.await_exits(), []);
    target.close().unwrap();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_paused_server_serves_after_it_is_resumed_and_can_be_ended_while_paused() {
    let dir = tempfile::tempdir().unwrap();
    let target = open(&TargetSpec::Bundled, dir.path());
    target.pause(0).unwrap();
    assert_eq!(target.take_exits(), []);
    target.resume(0).unwrap();
    assert_eq!(client(&target).list("/").unwrap(), ["zookeeper"]);
    target.pause(0).unwrap();
    target.close().unwrap();
}

#[test]
fn faults_are_refused_for_the_servers_of_a_live_target() {
    let dir = tempfile::tempdir().unwrap();
    let started = open(&TargetSpec::Bundled, dir.path());
    let live = format!("zk://{}", started.members()[0].address);
    let found = open(&live.parse().unwrap(), dir.path());
    let kill = |target: &Target, index| target.kill(&[index]);
    for fault in [kill, Target::pause, Target::resume, Target::restart] {
        assert!(matches!(
            fault(&found, 0),
            Err(FaultError::NotOurs { index: 0 })
        ));
    }
    assert!(matches!(
        started.kill(&[1]),
        Err(FaultError::NotOurs { index: 1 })
    ));
    assert_eq!(client(&started).list("/").unwrap(), ["zookeeper"]);
}

#[test]
fn servers_run_in_a_locale_that_has_every_file_name() {
    let dir = tempfile::tempdir().unwrap();
    let output = dir.path().join("out");
    let launch = Launch {
        quorate: Path::new(env!("CARGO_BIN_EXE_quorate")),
        program: "/bin/sh".into(),
        args: ["-c", "echo $LC_ALL"].map(Into::into).into(),
        dir: dir.path(),
        output: &output,
        lifetime: Lifetime::WithParent,
        cores: &[],
    };
    assert!(launch.start().unwrap().wait().unwrap().success());
    assert_eq!(std::fs::read_to_string(output).unwrap(), "C.UTF-8\n");
}

#[test]
fn a_folder_outside_ascii_holds_the_data_of_its_servers() {
    let dir = tempfile::tempdir().unwrap();
    let target = open(&TargetSpec::Bundled, &dir.path().join("jürgen"));
    client(&target).create("/kept", b"x", 0).unwrap();
    let names = |dir: &Path| -> Vec<_> {
        let entries = std::fs::read_dir(dir).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    let [root] = <[_; 1]>::try_from(names(dir.path())).unwrap();
    let [run] = <[_; 1]>::try_from(names(&root)).unwrap();
    let snapshots = run.join("server-1/data/version-2");
    assert!(snapshots.is_dir(), "{}", snapshots.display());
}
