//! Tests observers of one kind of server with a leader of the other kind.

use super::client::Client;
use super::mixed::{both_ways, count, fill, session};
use super::peers::installations;
use super::replicas::assert_alike;
use super::servers::{Ensemble, Software};

/// More transactions than a leader keeps in memory for its learners (500).
const MANY: usize = 600;
const OBSERVER: usize = 3;

/// Tests three voters of one kind with an observer of the other kind.
fn observed(voters: &Software, observer: &Software) {
    let mut ensemble = Ensemble::prepared(3, 1, "snapshot.trust.empty=true\n");
    for server in &mut ensemble.servers {
        server.software = voters.clone();
    }
    ensemble.servers[OBSERVER].software = observer.clone();
    ensemble.start_all();
    assert_eq!(
        ensemble.servers[OBSERVER].mode().as_deref(),
        Some("observer")
    );
    let leader = ensemble.leader();
    assert!(leader < OBSERVER);

    // All kinds of write through the observer are visible on all servers.
    let mut through = session(&ensemble.servers[OBSERVER]);
    through.create("/o", b"created", 0).unwrap();
    let since = through.last_zxid;
    through.set("/o", b"changed", 0).unwrap();
    through.create("/gone", b"", 0).unwrap();
    through.delete("/gone", 0).unwrap();
    assert_eq!(through.set("/o", b"", 7), Err(-103), "BadVersion");
    for server in &ensemble.servers {
        let mut reader = session(server);
        let (data, stat) = reader.get("/o", false).unwrap();
        assert_eq!((data.as_slice(), stat.version), (b"changed".as_slice(), 1));
        assert_eq!(reader.exists("/gone", false), Err(-101));
        reader.close();
    }
    through.close();
    both_ways(&ensemble, "/both");
    assert_alike(&ensemble, since);

    // If the observer misses few transactions, the leader sends them from memory. If it misses many, the leader sends
    // them from its log, or sends a snapshot.
    for (path, missed) in [("/little", 30), ("/much", MANY)] {
        ensemble.servers[OBSERVER].kill();
        fill(&mut session(&ensemble.servers[leader]), path, missed);
        ensemble.servers[OBSERVER].start();
        assert_eq!(ensemble.servers[OBSERVER].await_serving(), "observer");
        assert_eq!(count(&ensemble.servers[OBSERVER], path), missed);
    }

    // The observer has no vote in the election, and follows the new leader.
    ensemble.servers[leader].kill();
    let next = ensemble.leader();
    assert!(next < OBSERVER && next != leader);
    assert_eq!(ensemble.servers[OBSERVER].await_serving(), "observer");
    let mut through: Client = session(&ensemble.servers[OBSERVER]);
    through.create("/next", b"", 0).unwrap();
    through.close();
    ensemble.servers[leader].start();
    ensemble.servers[leader].await_serving();
    both_ways(&ensemble, "/again");
    assert_eq!(
        ensemble.servers[OBSERVER].mode().as_deref(),
        Some("observer")
    );
}

#[test]
fn java_observes_our_leader() {
    for installation in installations() {
        observed(&Software::Ours, &Software::Java(installation));
    }
}

#[test]
fn we_observe_a_java_leader() {
    for installation in installations() {
        observed(&Software::Java(installation), &Software::Ours);
    }
}
