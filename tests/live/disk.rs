//! Tests that Apache ZooKeeper and the bundled server read each other's data directories.

use std::fs;

use super::client::Client;
use super::mixed::{fill, session};
use super::peers::installations;
use super::servers::{Ensemble, Software};

/// `snapCount` is small so that the servers often take snapshots. 3.4 takes no snapshot at its first start, so newer
/// servers must accept a log without one.
const CONFIG: &str = "snapCount=100\nsnapshot.trust.empty=true\n";

/// Checks all data that [`write`] wrote under `path`.
fn check(client: &mut Client, path: &str) {
    assert_eq!(client.children(path, false).unwrap().len(), 329, "{path}");
    let (data, stat) = client.get(&format!("{path}/n000007"), false).unwrap();
    assert_eq!((data.as_slice(), stat.version), (b"changed".as_slice(), 1));
    assert_eq!(client.exists(&format!("{path}/n000008"), false), Err(-101));
    let (data, stat) = client.get(&format!("{path}/n000009"), false).unwrap();
    assert_eq!(
        (data.as_slice(), stat.version, stat.owner),
        (b"some data".as_slice(), 0, 0)
    );
    let stat = client.exists(path, false).unwrap();
    assert_eq!((stat.children, stat.cversion), (329, 331));
}

fn write(client: &mut Client, path: &str) {
    fill(client, path, 330);
    client
        .set(&format!("{path}/n000007"), b"changed", 0)
        .unwrap();
    client.delete(&format!("{path}/n000008"), 0).unwrap();
    // The failed request puts an error transaction into the log.
    assert_eq!(client.delete(&format!("{path}/n000008"), 0), Err(-101));
    client.create(&format!("{path}-ephemeral"), b"", 1).unwrap();
}

#[test]
fn a_standalone_servers_directory_is_used_by_both_kinds_in_turn() {
    for installation in installations() {
        let java = Software::Java(installation);
        for software in [[Software::Ours, java.clone()], [java, Software::Ours]] {
            let mut ensemble = Ensemble::prepared(1, 0, CONFIG);
            for round in 0..4 {
                let server = &mut ensemble.servers[0];
                server.software = software[round % 2].clone();
                server.start();
                server.await_serving();
                let mut client = session(server);
                for before in 0..round {
                    check(&mut client, &format!("/round{before}"));
                }
                write(&mut client, &format!("/round{round}"));
                ensemble.servers[0].kill();
            }
        }
    }
}

/// Releases before 3.6 cannot read compressed snapshots.
#[test]
fn compressed_snapshots_are_read_by_both_kinds() {
    for installation in installations() {
        if installation.home.to_string_lossy().contains("3.4.") {
            continue;
        }
        for (method, suffix) in [("gz", ".gz"), ("snappy", ".snappy")] {
            let config = format!("{CONFIG}snapshot.compression.method={method}\n");
            let mut ensemble = Ensemble::prepared(1, 0, &config);
            for round in 0..4 {
                let server = &mut ensemble.servers[0];
                server.software = match round % 2 {
                    0 => Software::Ours,
                    _ => Software::Java(installation.clone()),
                };
                server.start();
                server.await_serving();
                let mut client = session(server);
                for before in 0..round {
                    check(&mut client, &format!("/round{before}"));
                }
                write(&mut client, &format!("/round{round}"));
                server.kill();
                let files = fs::read_dir(server.version_dir()).unwrap();
                let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
                let (compressed, plain): (Vec<_>, Vec<_>) = names
                    .filter(|name| name.starts_with("snapshot.") && !name.ends_with(".tmp"))
                    .partition(|name| name.ends_with(suffix));
                assert!(!compressed.is_empty() && plain.is_empty(), "{plain:?}");
            }
        }
    }
}

#[test]
fn an_ensembles_directories_are_used_by_both_kinds_in_turn() {
    for installation in installations() {
        let java = Software::Java(installation);
        let mut ensemble = Ensemble::prepared(3, 0, CONFIG);
        for (round, software) in [Software::Ours, java, Software::Ours]
            .into_iter()
            .enumerate()
        {
            for server in &mut ensemble.servers {
                server.software = software.clone();
            }
            ensemble.start_all();
            for before in 0..round {
                for server in &ensemble.servers {
                    check(&mut session(server), &format!("/round{before}"));
                }
            }
            write(
                &mut session(&ensemble.servers[round]),
                &format!("/round{round}"),
            );
            ensemble.kill_all();
        }
    }
}
