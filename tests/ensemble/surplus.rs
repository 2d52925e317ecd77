//! A leader that restarts with uncommitted entries in its log (specification 13.4, TRUNC). These entries
//! are called its surplus.

use std::collections::BTreeMap;

use super::client::{Bytes, CREATE, Client, DELETE, create};
use super::replicas::{Head, assert_alike, log, tree};
use super::servers::{Ensemble, wait_for};

/// What the other servers do before the killed leader restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meanwhile {
    /// They elect a leader. Its newest entry is older than the surplus.
    Nothing,
    /// They elect a leader and commit a write. Its newest entry is newer than the surplus.
    Writes,
}

const SURPLUS: usize = 5;

/// The state of server 3 when it was killed.
struct KilledLeader {
    /// The zxid of the last committed entry.
    committed: i64,
    log: BTreeMap<i64, Head>,
}

/// Lets server 3 lead and log entries that no other server receives, then kills all servers.
fn kill_a_leader_with_surplus(ensemble: &mut Ensemble) -> KilledLeader {
    ensemble.start_led_by_the_last();
    let mut client = Client::new(ensemble.servers[2].client);
    for child in 0..20 {
        client.create(&format!("/n{child}"), b"kept", 0).unwrap();
    }
    for other in &ensemble.servers {
        assert_eq!(tree(other).len(), 20);
    }

    // The paused servers receive nothing, and `kill_all` below kills them before they continue.
    for index in [0, 1] {
        ensemble.servers[index].pause();
    }
    let committed = *log(&ensemble.servers[2]).keys().next_back().unwrap();
    for child in 0..SURPLUS - 1 {
        let create = create(&format!("/surplus{child}"), b"never", 0);
        client.request(CREATE, &create).unwrap();
    }
    let delete = Bytes::new().string("/n7").int(-1);
    client.request(DELETE, &delete).unwrap();
    let log = wait_for("the leader to log the surplus", || {
        let log = log(&ensemble.servers[2]);
        (log.range(committed + 1..).count() == SURPLUS).then_some(log)
    });
    ensemble.kill_all();
    KilledLeader { committed, log }
}

/// Runs [`kill_a_leader_with_surplus`], restarts server 3 as a follower and checks that all servers have
/// the same tree and log. Returns how many surplus entries remain on its disk: none if they were cut, all
/// if the leader sent a snapshot.
pub(crate) fn a_leader_comes_back_with_surplus(
    ensemble: &mut Ensemble,
    meanwhile: Meanwhile,
) -> usize {
    let killed = kill_a_leader_with_surplus(ensemble);
    let (committed, logged) = (killed.committed, killed.log);
    for index in [0, 1] {
        ensemble.servers[index].start();
    }
    for index in [0, 1] {
        ensemble.servers[index].await_serving();
    }
    if meanwhile == Meanwhile::Writes {
        let mut client = Client::new(ensemble.servers[0].client);
        client.create("/meanwhile", b"new", 0).unwrap();
        client.close();
    }
    ensemble.servers[2].start();
    assert_eq!(ensemble.servers[2].await_serving(), "follower");
    let mut client = Client::new(ensemble.servers[2].client);
    client.create("/afterwards", b"new", 0).unwrap();
    let since = client.last_zxid;
    client.close();

    let nodes = tree(&ensemble.servers[2]);
    let expected = 21 + usize::from(meanwhile == Meanwhile::Writes);
    assert_eq!(nodes.len(), expected, "{:?}", nodes.keys());
    assert!(nodes.contains_key("/n7") && !nodes.contains_key("/surplus0"));
    assert_alike(ensemble, since);
    // Except for the surplus, server 3 has logged only entries that the leader has, and the leader has none
    // of the surplus.
    let leader = log(&ensemble.servers[ensemble.leader()]);
    let mut left = log(&ensemble.servers[2]).split_off(&(committed + 1));
    let before = left.len();
    left.retain(|zxid, _| !logged.contains_key(zxid));
    let surplus = before - left.len();
    for (zxid, head) in &left {
        assert_eq!(leader.get(zxid), Some(head), "0x{zxid:x}");
    }
    assert!(
        logged
            .keys()
            .all(|zxid| *zxid <= committed || !leader.contains_key(zxid))
    );

    // After a restart of all servers, in which server 3 may lead again, the trees are unchanged.
    ensemble.kill_all();
    for server in &mut ensemble.servers {
        server.start();
    }
    ensemble.await_all();
    for server in &ensemble.servers {
        assert_eq!(tree(server), nodes, "server {}", server.id);
    }
    surplus
}
