//! Tests deployments of Apache ZooKeeper with different numbers of voters and observers.

use std::fs;
use std::sync::atomic::AtomicBool;

use quorate::target::{Deployment, DeploymentConfig, Links, Software};
use quorate::workload::{Role, TargetShape};

use super::peers::installations;

fn shape(voters: u16, observers: u16) -> TargetShape {
    TargetShape {
        voters,
        observers,
        heap_mib: 128,
        ..TargetShape::default()
    }
}

#[test]
fn a_deployment_of_any_shape_serves_and_leaves_no_files() {
    let stop = AtomicBool::new(false);
    for installation in installations() {
        let software = Software::Java(installation);
        for (voters, observers) in [(1, 0), (3, 0), (3, 1)] {
            let root = tempfile::tempdir().unwrap();
            let dir = root.path().join("deployment");
            let (deployment, members) = Deployment::start(&DeploymentConfig {
                software: &software,
                shape: &shape(voters, observers),
                links: Links::default(),
                quorate: env!("CARGO_BIN_EXE_quorate").as_ref(),
                dir: &dir,
                stop: &stop,
                cores: None,
            })
            .unwrap();
            let count = |mode| members.iter().filter(|member| member.role == mode).count();
            if voters == 1 {
                assert_eq!(count(Role::Standalone), 1);
            } else {
                assert_eq!(count(Role::Leader), 1);
                assert_eq!(count(Role::Follower), usize::from(voters) - 1);
            }
            assert_eq!(count(Role::Observer), usize::from(observers));
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
