//! A leader whose log holds more than was ever committed (specification 13.4, TRUNC).

use std::collections::BTreeMap;

use super::client::{Bytes, CREATE, Client, DELETE, create};
use super::replicas::{Head, assert_alike, log, tree};
use super::servers::{Ensemble, wait_for};

/// What happens between the leader's death and its return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meanwhile {
    /// A new leader, and nothing else: its newest entry is older than the surplus.
    Nothing,
    /// Writes of the new epoch: its newest entry is newer than the surplus.
    Writes,
}

const SURPLUS: usize = 5;

/// Server 3 leads and logs what nobody else ever receives; then all are killed. The last zxid that was
/// committed, and server 3's log.
fn a_leader_dies_with_surplus(ensemble: &mut Ensemble) -> (i64, BTreeMap<i64, Head>) {
    ensemble.start_led_by_the_last();
    let mut client = Client::new(ensemble.servers[2].client);
    for child in 0..20 {
        client.create(&format!("/n{child}"), b"kept", 0).unwrap();
    }
    for other in &ensemble.servers {
        assert_eq!(tree(other).len(), 20);
    }

    // Stopped, they take in nothing; killed, they never will.
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
    let logged = wait_for("the leader to log them", || {
        let log = log(&ensemble.servers[2]);
        (log.range(committed + 1..).count() == SURPLUS).then_some(log)
    });
    ensemble.kill_all();
    (committed, logged)
}

/// Server 3 comes back from [`a_leader_dies_with_surplus`] behind another leader.
/// Returns, when all three have the same tree and log, what is left of the surplus on its disk: nothing
/// if it was cut, all if a snapshot was laid over it.
pub(crate) fn a_leader_comes_back_with_surplus(
    ensemble: &mut Ensemble,
    meanwhile: Meanwhile,
) -> usize {
    let (committed, logged) = a_leader_dies_with_surplus(ensemble);
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
    // Nobody has logged after its return, or got from its leader, what the leader has not.
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

    // And from its disk alone: as the leader again, which it may be with an equal log.
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
