//! Servers that were stopped for a while and continue.

use std::time::{Duration, Instant};

use super::client::{Bytes, Client, PING};
use super::servers::{Ensemble, wait_for};
use super::strangers::allow_many_files;

/// More sessions than one wait of the event loop reports.
const CLIENTS: usize = 1_000;

/// Waits until more time has passed than a session may be silent. Servers measure it with their own clocks.
fn outlast(timeout_ms: i32) {
    let since = Instant::now();
    let longer = Duration::from_millis(u64::try_from(timeout_ms).unwrap() * 3 / 2);
    wait_for("time to pass", || (since.elapsed() > longer).then_some(()));
}

#[test]
fn a_leader_that_was_stopped_reads_what_waits_before_it_expires_sessions() {
    allow_many_files();
    let ensemble = Ensemble::start(3, 0);
    let leader = ensemble.leader();
    let follower = ensemble.follower();
    let mut clients: Vec<Client> = (0..CLIENTS)
        .map(|at| {
            let server = if at % 4 == 0 { follower } else { leader };
            Client::try_new(ensemble.servers[server].client, 4_000).unwrap()
        })
        .collect();
    ensemble.servers[leader].pause();
    let ping = Bytes::new().int(-2).int(PING).framed();
    for client in &mut clients {
        client.wire.send(&ping).unwrap();
    }
    outlast(clients[0].timeout_ms);
    ensemble.servers[leader].resume();
    for client in &mut clients {
        let reply = client.next().unwrap();
        assert_eq!((reply.xid, reply.err), (-2, 0));
    }
    // A write needs an open session.
    for (at, client) in clients.iter_mut().enumerate() {
        assert_eq!(
            client.create(&format!("/{at}"), b"", 0),
            Ok(format!("/{at}"))
        );
    }
    assert_eq!(ensemble.leader(), leader, "the followers were kept");
    let output = ensemble.servers[leader].output();
    assert!(!output.contains("has expired"), "{output}");
    assert!(!output.contains("left (it was"), "{output}");
}
