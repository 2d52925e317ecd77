//! Tests ensembles of the bundled server behind proxies.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[path = "live/partitions.rs"]
mod steps;

use quorate::target::{Endpoint, FaultError, Path, Software};
use quorate::workload::Network;

use steps::Ensemble;

#[test]
fn a_leader_that_is_cut_off_stops_serving_and_rejoins() {
    steps::a_leader_that_is_cut_off_stops_serving_and_rejoins(&Software::Bundled);
}

#[test]
fn a_leader_that_is_not_heard_is_replaced() {
    steps::a_leader_that_is_not_heard_is_replaced(&Software::Bundled);
}

#[test]
fn paths_without_a_proxy_cannot_be_cut_and_an_ended_proxy_is_noticed() {
    let ensemble = Ensemble::start(&Software::Bundled, Network::named("lan"));
    let deployment = &ensemble.deployment;
    let nowhere = Path {
        from: Endpoint::Server(0),
        to: Endpoint::Server(0),
    };
    let error = deployment.cut(&[nowhere]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the connections from server 1 to server 1 do not go through a proxy, so they cannot be cut or slowed down"
    );
    assert!(matches!(deployment.cut(&[]), Err(FaultError::NoPath)));
    // Two observers never talk to each other, but a server and the clients do.
    let clients = Path::both(Endpoint::Clients, Endpoint::Server(0));
    let cut = deployment.cut(&clients).unwrap();
    let healed = deployment.heal(&clients).unwrap();
    assert!(cut.at_ns < healed.at_ns);
    assert_eq!(deployment.proxy_end(), None);
    let pid = i32::try_from(deployment.proxy_pid().unwrap()).unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    while deployment.proxy_end().is_none() {
        std::thread::yield_now();
    }
    assert_eq!(deployment.proxy_end().as_deref(), Some("signal 9"));
    assert!(matches!(
        deployment.cut(&clients),
        Err(FaultError::Proxy { .. })
    ));
}
