//! Tests preparing and cleaning up.

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use quorate::load::{Fault, Job, NullResponder, NullScript, Phase, clean_up, prepare};
use quorate::protocol::Setup as _;
use quorate::protocol::zookeeper::{self, Tree};

use crate::driver::{plan, server};

#[test]
fn preparation_and_clean_up_send_the_expected_requests() {
    let responder = NullResponder::start::<zookeeper::Null>(NullScript {
        records: true,
        ..NullScript::default()
    })
    .unwrap();
    let plan = plan(
        "sessions = 2\nrate = 10\nduration = \"1s\"",
        "kind = \"set\"",
    );
    let stop = AtomicBool::new(false);
    let phases = Mutex::new(Vec::new());
    let servers = [server(responder.address())];
    let job = Job {
        plan: &plan,
        run: 0,
        servers: &servers,
        stop: &stop,
        progress: &|progress| phases.lock().unwrap().push(progress.phase),
        moment: &|_| {},
    };
    let mut tree = Tree::default();
    clean_up(&job, &tree).unwrap();
    prepare(&job, &mut tree).unwrap();
    assert!(tree.leftovers(&plan, &[]).is_some(), "{tree:?}");
    clean_up(&job, &tree).unwrap();
    let report = responder.stop().unwrap();
    // The first clean-up has nothing to remove and sends no request. The preparation creates /quorate, one parent and
    // a hundred znodes. The second clean-up sends one request, because the responder acknowledges the removal of the
    // chroot.
    assert_eq!(report.requests, 2 + 100 + 1);
    assert_eq!(report.opened, report.closed);
    let phases = phases.into_inner().unwrap();
    assert_eq!(phases.first(), Some(&Phase::Prepare));
    assert_eq!(phases.last(), Some(&Phase::CleanUp));
}

#[test]
fn the_data_of_a_failed_preparation_is_known() {
    let responder = NullResponder::start::<zookeeper::Null>(NullScript {
        faults: vec![(10, Fault::Drop)],
        ..NullScript::default()
    })
    .unwrap();
    let plan = plan(
        "sessions = 2\nrate = 10\nduration = \"1s\"",
        "kind = \"set\"",
    );
    let mut tree = Tree::default();
    let failed = prepare(
        &Job {
            plan: &plan,
            run: 0,
            servers: &[server(responder.address())],
            stop: &AtomicBool::new(false),
            progress: &|_| {},
            moment: &|_| {},
        },
        &mut tree,
    );
    assert!(failed.is_err(), "the preparation ignored a lost connection");
    assert!(tree.leftovers(&plan, &[]).is_some(), "{tree:?}");
}
