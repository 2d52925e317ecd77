//! Runs the load driver against null responders.

use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;

use quorate::load::{Fault, Job, LoadError, NullReport, NullResponder, NullScript, Server, run};
use quorate::measure::{OpRecord, Recording};
use quorate::protocol::resolve;
use quorate::protocol::zookeeper;
use quorate::result::{Environment, Judgement, Target, judge};
use quorate::workload::{Plan, Role, Source};

/// Returns a plan with the given keys of the load and of one operation. The operations of an open loop are evenly
/// spaced unless `load` has a spacing, so that tests can count them.
pub(crate) fn plan(load: &str, op: &str) -> Plan {
    let closed = load.contains("in_flight =");
    let spacing = if closed || load.contains("spacing") {
        ""
    } else {
        "spacing = \"even\"\n"
    };
    let text = format!(
        "name = \"test\"\n[prepare]\nznodes = 100\nsize = 10\n[load]\nwarm_up = \"0s\"\n{spacing}{load}\n[[op]]\n{op}\n"
    );
    resolve(&Source::from_text("test.toml", text), &[], None)
        .unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn server(address: SocketAddr) -> Server {
    Server {
        name: address.to_string(),
        address,
        role: Role::Standalone,
    }
}

pub(crate) fn drive(plan: &Plan, servers: &[Server]) -> Result<Recording, LoadError> {
    drive_run(plan, 0, servers)
}

pub(crate) fn drive_run(
    plan: &Plan,
    number: u32,
    servers: &[Server],
) -> Result<Recording, LoadError> {
    let stop = AtomicBool::new(false);
    run(&Job {
        plan,
        run: number,
        servers,
        stop: &stop,
        progress: &|_| {},
        moment: &|_| {},
    })
}

/// Runs the plan against one responder with the given script.
pub(crate) fn against(plan: &Plan, script: NullScript) -> (Recording, NullReport) {
    let responder = NullResponder::start::<zookeeper::Null>(script).unwrap();
    let recording = drive(plan, &[server(responder.address())]).unwrap();
    (recording, responder.stop().unwrap())
}

pub(crate) fn faults(faults: &[(u64, Fault)]) -> NullScript {
    NullScript {
        faults: faults.to_vec(),
        ..NullScript::default()
    }
}

/// Returns the judgement of a result with this recording.
pub(crate) fn judged(plan: &Plan, recording: &Recording) -> Judgement {
    let target = Target {
        spec: "zk://null".to_owned(),
        ..Target::default()
    };
    let runs = std::slice::from_ref(recording);
    judge(plan, runs, &Environment::default(), &target)
}

pub(crate) fn texts(recording: &Recording) -> Vec<String> {
    let events = recording.events.iter();
    events.map(|event| event.kind.to_string()).collect()
}

pub(crate) fn all(recording: &Recording) -> OpRecord {
    recording.all()
}

/// Returns the number of operations with a response time above `ms`.
pub(crate) fn slower_than(record: &OpRecord, ms: u64) -> u64 {
    let hdr = record.response.hdr();
    hdr.iter_recorded()
        .filter(|step| step.value_iterated_to() > ms * 1_000_000)
        .map(|step| step.count_at_value())
        .sum()
}
