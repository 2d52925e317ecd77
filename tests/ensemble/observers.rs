//! Observers answer reads, forward writes, and do not count for a quorum.

use std::thread;
use std::time::Duration;

use super::client::Client;
use super::servers::{Ensemble, wait_for};

#[test]
fn an_observer_serves_and_forwards_but_does_not_count_for_a_quorum() {
    let mut ensemble = Ensemble::start(3, 1);
    assert_eq!(ensemble.servers[3].mode().as_deref(), Some("observer"));
    let mut through = Client::new(ensemble.servers[3].client);
    through.create("/o", b"forwarded", 0).unwrap();
    assert_eq!(through.get("/o", false).unwrap().0, b"forwarded");
    let mut direct = Client::new(ensemble.servers[0].client);
    direct.sync();
    assert_eq!(direct.get("/o", false).unwrap().0, b"forwarded");
    direct.set("/o", b"changed", 0).unwrap();
    through.sync();
    assert_eq!(through.get("/o", false).unwrap().0, b"changed");

    // Without two voters, a voter and an observer remain: two of four servers, but one of three voters.
    let lost = [ensemble.leader(), ensemble.follower()];
    for index in lost {
        ensemble.servers[index].kill();
    }
    let left = 3 - lost[0] - lost[1];
    for index in [left, 3] {
        wait_for("the other servers to stop serving", || {
            ensemble.servers[index].mode().is_none().then_some(())
        });
    }
    for _ in 0..100 {
        // Checks for about a second, five times the duration of an election, that they do not serve.
        assert_eq!(
            (ensemble.servers[left].mode(), ensemble.servers[3].mode()),
            (None, None)
        );
        thread::sleep(Duration::from_millis(10));
    }
    assert!(Client::try_new(ensemble.servers[3].client, 5_000).is_err());

    ensemble.servers[lost[1]].start();
    for index in [left, 3, lost[1]] {
        ensemble.servers[index].await_serving();
    }
    assert_eq!(ensemble.servers[3].mode().as_deref(), Some("observer"));
    let mut after = Client::new(ensemble.servers[3].client);
    assert_eq!(after.get("/o", false).unwrap().0, b"changed");
    after.set("/o", b"again", 1).unwrap();
}
