//! Tests ensembles of Apache ZooKeeper servers and bundled servers.

use super::client::{Client, SYNC};
use super::load::{Load, assert_all_there};
use super::peers::installations;
use super::servers::{Ensemble, Server, Software, wait_for};

/// More transactions than a leader keeps in memory for its followers (500).
const MANY: usize = 700;

/// Creates `count` children of `path`.
pub(crate) fn fill(client: &mut Client, path: &str, count: usize) {
    client.create(path, b"", 0).unwrap();
    for child in 0..count {
        client
            .create(&format!("{path}/n{child:06}"), b"some data", 0)
            .unwrap();
    }
}

/// Waits until the server serves, and returns a session that sees all committed transactions.
pub(crate) fn session(server: &Server) -> Client {
    wait_for("a session", || {
        let mut client = Client::try_new(server.client, 60_000).ok()?;
        let reply = client
            .try_call(SYNC, &super::client::Bytes::new().string("/"))
            .ok()?;
        (reply.err == 0).then_some(client)
    })
}

pub(crate) fn count(server: &Server, path: &str) -> usize {
    session(server).children(path, false).unwrap().len()
}

#[test]
fn java_follows_our_leader_and_both_see_each_others_writes() {
    for installation in installations() {
        let mut ensemble = Ensemble::prepared(3, 0, "");
        ensemble.servers[0].software = Software::Java(installation.clone());
        ensemble.servers[1].start();
        ensemble.servers[2].start();
        ensemble.servers[1].await_serving();
        ensemble.servers[2].await_serving();
        fill(&mut session(&ensemble.servers[1]), "/before", MANY);

        // The server is empty, so the leader sends it a snapshot.
        ensemble.servers[0].start();
        assert_eq!(
            ensemble.servers[0].await_serving(),
            "follower",
            "{installation:?}"
        );
        assert_eq!(count(&ensemble.servers[0], "/before"), MANY);
        both_ways(&ensemble, "/first");

        ensemble.servers[0].kill();
        fill(&mut session(&ensemble.servers[2]), "/missed", 30);
        // The leader sends the missing transactions from memory.
        ensemble.servers[0].start();
        assert_eq!(ensemble.servers[0].await_serving(), "follower");
        assert_eq!(count(&ensemble.servers[0], "/missed"), 30);

        ensemble.servers[0].kill();
        fill(&mut session(&ensemble.servers[1]), "/much", MANY);
        // The leader sends the missing transactions from its log, or a snapshot.
        ensemble.servers[0].start();
        assert_eq!(ensemble.servers[0].await_serving(), "follower");
        assert_eq!(count(&ensemble.servers[0], "/much"), MANY);
        both_ways(&ensemble, "/second");

        let leader = ensemble.servers[ensemble.leader()].output();
        let syncs: Vec<&str> = leader
            .lines()
            .filter(|line| line.contains("server 1 at"))
            .collect();
        assert!(
            syncs.iter().any(|line| line.contains("by Snap")),
            "{syncs:#?}"
        );
        assert!(
            syncs.iter().any(|line| line.contains("by Diff")),
            "{syncs:#?}"
        );
    }
}

/// Writes through every server, and checks the data and the watch events on all servers. The znodes are ephemeral.
pub(crate) fn both_ways(ensemble: &Ensemble, path: &str) {
    session(&ensemble.servers[0]).create(path, b"", 0).unwrap();
    for (index, server) in ensemble.servers.iter().enumerate() {
        let mut writer = session(server);
        let child = format!("{path}/by{index}");
        let mut readers: Vec<Client> = ensemble.servers.iter().map(session).collect();
        for reader in &mut readers {
            assert_eq!(reader.exists(&child, true), Err(-101));
        }
        writer.create(&child, b"e", 1).unwrap();
        for reader in &mut readers {
            assert_eq!(reader.event(), (1, child.clone()));
            let (data, stat) = reader.get(&child, true).unwrap();
            assert_eq!(
                (data.as_slice(), stat.owner),
                (b"e".as_slice(), writer.session)
            );
        }
        writer.close();
        for mut reader in readers {
            assert_eq!(reader.event(), (2, child.clone()));
            reader.close();
        }
    }
}

#[test]
fn we_follow_a_java_leader_and_take_over_when_it_is_killed() {
    for installation in installations() {
        let mut ensemble = Ensemble::prepared(3, 0, "");
        ensemble.servers[2].software = Software::Java(installation.clone());
        ensemble.start_led_by_the_last();
        both_ways(&ensemble, "/both");

        let load = Load::start(&ensemble.addresses());
        load.await_more(100);
        ensemble.servers[1].kill();
        load.await_more(MANY);
        // The Java leader synchronises the bundled server.
        ensemble.servers[1].start();
        assert_eq!(ensemble.servers[1].await_serving(), "follower");
        load.await_more(50);
        ensemble.servers[2].kill();
        load.await_more(100);
        assert!(ensemble.leader() < 2);
        ensemble.servers[2].start();
        assert_eq!(
            ensemble.servers[2].await_serving(),
            "follower",
            "{installation:?}"
        );
        load.await_more(50);
        let acknowledged = load.finish();
        assert_all_there(&ensemble, &acknowledged);
    }
}
