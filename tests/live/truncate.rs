//! Tests TRUNC between Apache ZooKeeper and the bundled server, in both directions.

use super::peers::installations;
use super::servers::{Ensemble, Software};
use super::surplus::{Meanwhile, a_leader_comes_back_with_surplus};

const BOTH: [Meanwhile; 2] = [Meanwhile::Nothing, Meanwhile::Writes];

/// 3.4 takes no snapshot at its first start. Newer servers refuse a log without a snapshot unless this is set.
const CONFIG: &str = "snapshot.trust.empty=true\n";

#[test]
fn our_surplus_is_cut_behind_a_java_leader() {
    for installation in installations() {
        for meanwhile in BOTH {
            let mut ensemble = Ensemble::prepared(3, 0, CONFIG);
            for server in &mut ensemble.servers[..2] {
                server.software = Software::Java(installation.clone());
            }
            let left = a_leader_comes_back_with_surplus(&mut ensemble, meanwhile);
            let output = ensemble.servers[2].output();
            let how = output
                .lines()
                .find_map(|line| line.split_once("synchronises us by "))
                .and_then(|(_, how)| how.split(' ').next());
            let case = format!("{meanwhile:?} {installation:?}: {how:?}, {left} left");
            match how {
                Some("Trunc") => assert_eq!(left, 0, "{case}"),
                // Newer leaders send a snapshot if the new epoch has a write already.
                Some("Snap") => assert_eq!(meanwhile, Meanwhile::Writes, "{case}"),
                _ => panic!("{case}"),
            }
        }
    }
}

#[test]
fn a_java_servers_surplus_is_cut_behind_our_leader() {
    for installation in installations() {
        for meanwhile in BOTH {
            let mut ensemble = Ensemble::prepared(3, 0, CONFIG);
            ensemble.servers[2].software = Software::Java(installation.clone());
            let left = a_leader_comes_back_with_surplus(&mut ensemble, meanwhile);
            assert_eq!(left, 0, "{meanwhile:?} {installation:?}");
            let cut = ensemble.servers[..2].iter().any(|server| {
                let output = server.output();
                let mut lines = output.lines();
                lines.any(|line| line.contains("server 3 at") && line.contains("by Trunc"))
            });
            assert!(cut, "{meanwhile:?} {installation:?}");
            let output = ensemble.servers[2].output();
            assert!(output.contains("Truncating log to get in sync"), "{output}");
        }
    }
}
