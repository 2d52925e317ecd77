//! Kills servers under load. No acknowledged write may be lost.

use super::load::{Load, assert_all_there};
use super::servers::Ensemble;
use super::surplus::{Meanwhile, a_leader_comes_back_with_surplus};

#[test]
fn writes_resume_after_the_leader_is_killed_and_none_is_lost() {
    let mut ensemble = Ensemble::start(3, 0);
    let load = Load::start(&ensemble.addresses());
    load.await_more(200);
    let leader = ensemble.leader();
    ensemble.servers[leader].kill();
    load.await_more(200);
    ensemble.servers[leader].start();
    assert_eq!(ensemble.servers[leader].await_serving(), "follower");
    load.await_more(100);
    let acknowledged = load.finish();
    assert_all_there(&ensemble, &acknowledged);
}

#[test]
fn all_servers_killed_at_once_come_back_with_every_acknowledged_write() {
    let mut ensemble = Ensemble::start(3, 0);
    let load = Load::start(&ensemble.addresses());
    load.await_more(300);
    ensemble.kill_all();
    ensemble.start_all();
    load.await_more(50);
    let acknowledged = load.finish();
    assert_all_there(&ensemble, &acknowledged);
}

#[test]
fn a_follower_that_missed_many_writes_catches_up() {
    // 900 writes are more than the 500 that the leader keeps in memory, so it may send a snapshot.
    let mut ensemble = Ensemble::start_with(3, 0, "snapCount=300\n");
    let follower = ensemble.follower();
    ensemble.servers[follower].kill();
    let load = Load::start(&ensemble.addresses());
    load.await_more(900);
    ensemble.servers[follower].start();
    ensemble.servers[follower].await_serving();
    load.await_more(50);
    let acknowledged = load.finish();
    assert_all_there(&ensemble, &acknowledged);
}

#[test]
fn a_restarted_leader_cuts_uncommitted_entries_from_its_log() {
    for meanwhile in [Meanwhile::Nothing, Meanwhile::Writes] {
        let mut ensemble = Ensemble::prepared(3, 0, "");
        let left = a_leader_comes_back_with_surplus(&mut ensemble, meanwhile);
        assert_eq!(left, 0, "{meanwhile:?}");
        let output = ensemble.servers[2].output();
        assert!(output.contains("synchronises us by Trunc"), "{output}");
    }
}
