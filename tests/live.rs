//! Against Apache ZooKeeper: needs Java and an installation, and fails without them.
//!
//! `cargo test --features live --test live`; `QUORATE_ZOOKEEPERS` may list further installations,
//! separated by colons.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::AtomicBool;

use quorate::experiment::{Deployment, Mode, Order, Software, Surroundings};
use quorate::workload::TargetShape;

fn shape(voters: u16, observers: u16) -> TargetShape {
    TargetShape {
        voters,
        observers,
        fsync: true,
        tick_time_ms: 2_000,
        init_limit: 10,
        sync_limit: 5,
        heap_mib: 128,
    }
}

/// The installation in the usual places, and those that the environment lists.
fn installations() -> Vec<Software> {
    let around = Surroundings::of_this_process();
    let listed = std::env::var("QUORATE_ZOOKEEPERS").unwrap_or_default();
    let homes = listed.split(':').filter(|home| !home.is_empty());
    std::iter::once(None)
        .chain(homes.map(|home| Some(PathBuf::from(home))))
        .map(|home| Software::Java(around.find(home.as_deref()).unwrap()))
        .collect()
}

#[test]
fn every_shape_starts_serves_and_leaves_nothing() {
    let stop = AtomicBool::new(false);
    for software in installations() {
        for (voters, observers) in [(1, 0), (3, 0), (3, 1)] {
            let root = tempfile::tempdir().unwrap();
            let dir = root.path().join("deployment");
            let (deployment, members) = Deployment::start(&Order {
                software: &software,
                shape: &shape(voters, observers),
                quorate: env!("CARGO_BIN_EXE_quorate").as_ref(),
                dir: &dir,
                stop: &stop,
            })
            .unwrap();
            let count = |mode| members.iter().filter(|member| member.mode == mode).count();
            if voters == 1 {
                assert_eq!(count(Mode::Standalone), 1);
            } else {
                assert_eq!(count(Mode::Leader), 1);
                assert_eq!(count(Mode::Follower), usize::from(voters) - 1);
            }
            assert_eq!(count(Mode::Observer), usize::from(observers));
            assert!(
                members.iter().all(|member| member.version.is_some()),
                "{members:?}"
            );
            assert!(deployment.resident_bytes().iter().all(Option::is_some));
            deployment.stop().unwrap();
            assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
        }
    }
}

#[test]
fn every_installation_can_be_measured() {
    for software in installations() {
        let Software::Java(installation) = software else {
            continue;
        };
        let root = tempfile::tempdir().unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_quorate"))
            .current_dir(root.path())
            .env("XDG_CACHE_HOME", root.path().join("cache"))
            .args(["run", "smoke/write-saturation", "--quiet", "--json"])
            .arg("--target")
            .arg(format!("zookeeper:{}", installation.home.display()))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{said}");
        let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(summary["verdict"], "valid", "{summary}");
        assert!(
            summary["ops"]["set"]["ok"].as_u64().unwrap() > 0,
            "{summary}"
        );
    }
}
