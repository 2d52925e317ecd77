//! The defaults that resolving fills in.

use super::{HEAD, SET, plan};
use crate::protocol::zookeeper::{OpKind, TreePlan, trim_of};
use crate::workload::{
    Arrival, Attach, Gates, KeyChoice, LoadPlan, RatePhase, Reconnect, SizeChoice, Spacing,
    TargetShape,
};

#[test]
fn every_default_is_filled_in() {
    let plan = plan(&format!("name = \"t\"\n[load]\nrate = 100\n{SET}"), &[]);
    assert_eq!(plan.seed, 1);
    assert_eq!(plan.why, "");
    let target = TargetShape {
        voters: 3,
        observers: 0,
        fsync: true,
        tick_time_ms: 2_000,
        init_limit: 10,
        sync_limit: 5,
        heap_mib: 512,
        jvm_flags: None,
        cpu: None,
        network: None,
    };
    assert_eq!(plan.target, target);
    let tree = TreePlan {
        znodes: 1_000,
        size: SizeChoice::Fixed(100),
        per_parent: 100,
        chroot: "/quorate".to_owned(),
    };
    assert_eq!(plan.protocol, "zookeeper");
    assert_eq!(TreePlan::of(&plan), tree);
    assert!(!plan.prepare.keep);
    let phase = RatePhase {
        duration_ms: 30_000,
        from_per_s: 100.0,
        to_per_s: 100.0,
    };
    let load = LoadPlan {
        sessions: 18,
        threads: 1,
        arrival: Arrival::Open {
            phases: vec![phase],
            in_flight_cap: 64,
            spacing: Spacing::Poisson,
        },
        warm_up_ms: 5_000,
        duration_ms: 30_000,
        drain_ms: 10_000,
        repeats: 1,
        interval_ms: 1_000,
        session_timeout_ms: 10_000,
        operation_timeout_ms: 10_000,
        attach: Attach::Spread,
        reconnect: Reconnect::default(),
        verify: false,
    };
    assert_eq!(plan.load, load);
    assert_eq!(plan.ops.len(), 1);
    assert_eq!(plan.ops[0].label, "set");
    assert_eq!(plan.ops[0].weight, 1);
    assert_eq!(plan.ops[0].size, SizeChoice::Fixed(100));
    assert_eq!(plan.ops[0].keys, KeyChoice::Uniform);
    assert_eq!(plan.gates, Gates::default());
}

#[test]
fn defaults_that_depend_on_other_keys() {
    let churn = plan(
        "name = \"t\"\n[load]\nrate = 1\n[[op]]\nkind = \"session\"\n",
        &[],
    );
    assert_eq!(
        TreePlan::of(&churn).znodes,
        0,
        "nothing to prepare for sessions"
    );
    let quick = plan(&format!("{HEAD}{SET}"), &["load.operation_timeout=500ms"]);
    assert_eq!(quick.load.drain_ms, 500);
    let patient = plan(&format!("{HEAD}{SET}"), &["load.operation_timeout=60s"]);
    assert_eq!(patient.load.drain_ms, 10_000);
    let short = plan(&format!("{HEAD}{SET}"), &["load.duration=300ms"]);
    assert_eq!(short.load.interval_ms, 300);
}

#[test]
fn keep_count_adds_an_implicit_delete_at_the_end() {
    let text = format!("{HEAD}[[op]]\nkind = \"create\"\nkeep_count = 5\n{SET}");
    let plan = plan(&text, &[]);
    let labels: Vec<&str> = plan.ops.iter().map(|op| op.label.as_str()).collect();
    assert_eq!(labels, ["create", "set", "create.trim"]);
    assert_eq!(OpKind::of(&plan.ops[2]), OpKind::Delete);
    assert_eq!(plan.ops[2].weight, 0);
    assert_eq!(trim_of(&plan, 0), Some(2));
    assert_eq!(trim_of(&plan, 1), None);
}
