//! Epochs that are ahead: forged by a stranger, or left on the disk of a server.

use std::fs;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use super::client::{Bytes, Wire};
use super::servers::{Ensemble, Server, wait_for};
use super::strangers::{End, logged};

const LAST_EPOCH: i64 = 0x7fff_ffff;

fn accepted_epoch(server: &Server) -> i64 {
    let text = fs::read_to_string(server.version_dir().join("acceptedEpoch")).unwrap();
    text.trim().parse().unwrap()
}

/// Claims to be each of the voters, with the last epoch, until it has to end.
fn forge(address: SocketAddr, end: &AtomicBool) {
    while !end.load(Ordering::Relaxed) {
        for id in 1..=3 {
            let info = Bytes::new().long(id).int(0x10000).long(0);
            let follower_info = Bytes::new().int(11).long(LAST_EPOCH << 32).buffer(&info.0);
            let Ok(mut wire) = Wire::open(address) else {
                continue; // the server is down
            };
            let _closed_while_sending = wire.send(&follower_info.int(-1).0);
            wire.finish();
            wire.until_closed();
        }
    }
}

/// One such packet during a discovery poisoned the accepted epochs, and no leader was elected any more.
#[test]
fn servers_elect_a_leader_while_a_stranger_claims_the_last_epoch() {
    let mut ensemble = Ensemble::prepared(3, 0, "");
    let quorum_ports: Vec<SocketAddr> = ensemble.servers.iter().map(|s| s.quorum).collect();
    let since = Instant::now();
    let end = &AtomicBool::new(false);
    thread::scope(|scope| {
        let _end_threads = End(end);
        for address in quorum_ports {
            scope.spawn(move || forge(address, end));
        }
        for election in 1..=3 {
            ensemble.start_all();
            for server in &ensemble.servers {
                let epoch = accepted_epoch(server);
                assert!((election..100).contains(&epoch), "{epoch}");
            }
            wait_for("a line about the epoch", || {
                let lines = |server| logged(server, "reports the accepted epoch 2147483647").lines;
                let all: u64 = ensemble.servers.iter().map(lines).sum();
                (all > 0).then_some(())
            });
            ensemble.kill_all();
        }
    });
    for server in &ensemble.servers {
        let lines = logged(server, "reports the accepted epoch 2147483647").lines;
        // One in a second, and one after each of the starts.
        let most = 3 + since.elapsed().as_secs();
        assert!(lines <= most, "{lines} lines, but {most} seconds");
    }
}

#[test]
fn a_server_whose_accepted_epoch_is_ahead_backs_off_until_the_next_election() {
    let mut ensemble = Ensemble::start(3, 0);
    let leader = ensemble.leader();
    let ahead = ensemble.follower();
    ensemble.servers[ahead].kill();
    let path = ensemble.servers[ahead].version_dir().join("acceptedEpoch");
    fs::write(path, "9\n").unwrap();
    let since = Instant::now();
    ensemble.servers[ahead].start();
    for (server, line) in [
        (ahead, "is behind our accepted epoch 9"),
        (leader, "left (it was Offered)"),
    ] {
        let server = &ensemble.servers[server];
        let lines = wait_for("three attempts", || {
            Some(logged(server, line).lines).filter(|lines| *lines >= 3)
        });
        let most = 2 + since.elapsed().as_secs();
        assert!(lines <= most, "{lines} lines, but {most} seconds");
    }
    assert_eq!(ensemble.servers[ahead].mode(), None);

    ensemble.servers[leader].kill();
    for index in (0..3).filter(|index| *index != leader) {
        ensemble.servers[index].await_serving();
        assert_eq!(accepted_epoch(&ensemble.servers[index]), 10);
    }
}
