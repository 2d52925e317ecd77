//! Snapshots that the leader sends: to a follower that has lost everything, and to strangers.

use std::fs;
use std::net::SocketAddr;

use super::client::{Bytes, Client, Wire};
use super::load::{Load, assert_all_there};
use super::replicas::tree;
use super::servers::{Ensemble, wait_for};

const NODES: usize = 200;
const NODE_BYTES: usize = 100_000;
/// Packets of the quorum port.
const OBSERVER_INFO: i32 = 16;
const ACK_EPOCH: i32 = 18;
const LEADER_INFO_BYTES: usize = 24;

/// Creates a tree that is much larger than what the leader keeps for learners, 20 MB.
fn fill(address: SocketAddr) {
    let mut client = Client::new(address);
    for node in 0..NODES {
        let data = vec![b'd'; NODE_BYTES];
        client.create(&format!("/large{node}"), &data, 0).unwrap();
    }
    client.close();
}

#[test]
fn a_wiped_follower_gets_a_snapshot_of_a_tree_that_changes() {
    let mut ensemble = Ensemble::start(3, 0);
    fill(ensemble.servers[ensemble.leader()].client);
    let load = Load::start(&ensemble.addresses());
    load.await_more(50);
    for _ in 0..2 {
        let follower = ensemble.follower();
        let server = &mut ensemble.servers[follower];
        server.kill();
        fs::remove_dir_all(server.version_dir()).unwrap();
        server.start();
        assert_eq!(server.await_serving(), "follower");
        load.await_more(50);
    }
    assert_all_there(&ensemble, &load.finish());
    let trees: Vec<_> = ensemble.servers.iter().map(tree).collect();
    assert!(trees[0].len() > NODES);
    assert!(trees[0] == trees[1] && trees[1] == trees[2]);
    let output = ensemble.servers[ensemble.leader()].output();
    assert!(output.contains("was sent a snapshot"), "{output}");
}

/// Connects as an observer whose log is empty, and reads nothing after LEADERINFO.
fn stranger(quorum: SocketAddr, id: i64) -> Wire {
    let mut wire = Wire::open(quorum).unwrap();
    let info = Bytes::new().long(id).int(0x1_0000).long(0).0;
    let packet = Bytes::new()
        .int(OBSERVER_INFO)
        .long(0)
        .buffer(&info)
        .int(-1);
    wire.send(&packet.0).unwrap();
    wire.exactly(LEADER_INFO_BYTES);
    let epoch = (-1_i32).to_be_bytes();
    let packet = Bytes::new().int(ACK_EPOCH).long(0).buffer(&epoch).int(-1);
    wire.send(&packet.0).unwrap();
    wire
}

#[test]
fn strangers_that_read_no_snapshot_cost_the_leader_little_memory() {
    const STRANGERS: i64 = 30;
    const SENT_AT_A_TIME: usize = 10;
    let ensemble = Ensemble::start(3, 0);
    let leader = &ensemble.servers[ensemble.leader()];
    fill(leader.client);
    let before = leader.memory_bytes_max();
    let strangers: Vec<Wire> = (0..STRANGERS)
        .map(|id| stranger(leader.quorum, 100 + id))
        .collect();
    wait_for("snapshots for strangers", || {
        let begun = leader.output().matches("is synchronised by Snap").count();
        (begun >= SENT_AT_A_TIME).then_some(())
    });
    // A client is served, and the tree can change.
    let mut client = Client::new(leader.client);
    client.create("/after", b"", 0).unwrap();
    let grown = leader.memory_bytes_max() - before;
    assert!(
        grown < NODES * NODE_BYTES,
        "the leader took {grown} bytes for strangers, more than a copy of the tree"
    );
    drop(strangers);
}
