//! Overrides on the command line.

use super::{HEAD, SET, assert_error, plan};
use crate::protocol::resolve;
use crate::protocol::zookeeper::{OpKind, OpValues};
use crate::workload::{Arrival, KeyChoice, Plan, SizeChoice, Source};

#[test]
fn overrides_reach_every_key() {
    let text = format!("{HEAD}{SET}[[op]]\nkind = \"get\"\nlabel = \"hot\"\n");
    let overrides = [
        "name=other",
        "load.rate=2000",
        "load.duration = 10s",
        "op.0.weight=3",
        "op.set.size=1KiB",
        "op.hot.keys=sequential",
        "op.hot.keys.zipf=1.5",
        "target.fsync=false",
        "gates.p99_ms=2.5",
        "load.rate=3000",
    ];
    let plan = plan(&text, &overrides);
    assert_eq!(plan.name, "other");
    assert_eq!(
        plan.load.constant_rate_per_s(),
        Some(3_000.0),
        "the last one wins"
    );
    assert_eq!(plan.load.duration_ms, 10_000);
    assert_eq!(plan.ops[0].weight, 3);
    assert_eq!(plan.ops[0].size, SizeChoice::Fixed(1_024));
    assert_eq!(plan.ops[1].keys, KeyChoice::Zipf(1.5));
    assert!(!plan.target.fsync);
    assert_eq!(plan.gates.p99_ms, Some(2.5));
}

#[test]
fn an_arrival_override_replaces_the_arrival_of_the_file() {
    let open = format!("{HEAD}in_flight_cap = 8\n{SET}");
    let closed = plan(&open, &["load.in_flight=4"]);
    assert_eq!(closed.load.arrival, Arrival::Closed { in_flight: 4 });
    let reopened = plan(
        &open
            .replace("rate = 100", "in_flight = 1")
            .replace("in_flight_cap = 8\n", ""),
        &["load.rate=7"],
    );
    assert_eq!(reopened.load.constant_rate_per_s(), Some(7.0));
    assert_error(
        &open,
        &["load.in_flight=4", "load.rate=7"],
        "--set load.in_flight=4: `load.rate` and `load.in_flight` exclude each other: `rate` and `phase` make an open loop, `in_flight` a closed one; remove one of them",
    );
}

#[test]
fn sessions_per_server_count_the_servers_that_sessions_attach_to() {
    let head = HEAD.replace("rate = 100", "rate = 100\nsessions_per_server = 4");
    let text = format!("{head}{SET}[target]\nvoters = 5\nobservers = 2\n");
    let sessions = |overrides: &[&str]| plan(&text, overrides).load.sessions;
    assert_eq!(sessions(&[]), 28);
    for (attach, expected) in [
        ("voters", 20),
        ("observers", 8),
        ("followers", 16),
        ("leader", 4),
    ] {
        assert_eq!(sessions(&[&format!("load.attach={attach}")]), expected);
    }
    assert_eq!(sessions(&["load.sessions=3"]), 3, "it replaces the file's");
    assert_error(
        &text,
        &["load.sessions=3", "load.sessions_per_server=4"],
        "--set load.sessions_per_server=4: `load.sessions` and `load.sessions_per_server` exclude each other; remove one of them",
    );
    assert_error(
        &text,
        &["target.observers=0", "load.attach=observers"],
        "w.toml:9: `load.sessions_per_server` is 4, which makes 0 sessions on 0 servers; there must be 1 to 100000",
    );
}

/// Every order of the overrides means the same.
#[test]
fn an_override_of_the_kind_removes_the_files_values_for_the_old_kind() {
    let file = format!(
        "{HEAD}{SET}size = 70\nkeys = \"sequential\"\n[[op]]\nkind = \"create\"\nkeep_count = 5\n"
    );
    let both = |overrides: [&str; 2], check: &dyn Fn(&Plan)| {
        let [first, second] = overrides;
        check(&plan(&file, &[first, second]));
        check(&plan(&file, &[second, first]));
    };
    both(["op.0.kind=get", "op.0.keys=uniform"], &|plan| {
        assert_eq!(OpKind::of(&plan.ops[0]), OpKind::Get);
        assert_eq!(plan.ops[0].keys, KeyChoice::Uniform);
    });
    both(["op.set.kind=multi", "op.set.batch=3"], &|plan| {
        let batch = OpValues::of(&plan.ops[0]).batch;
        assert_eq!((OpKind::of(&plan.ops[0]), batch), (OpKind::Multi, 3));
        assert_eq!(
            plan.ops[0].size,
            SizeChoice::Fixed(70),
            "still means something"
        );
        assert_eq!(plan.ops[0].keys, KeyChoice::Sequential);
        assert_eq!(plan.ops[0].label, "multi");
    });
    both(["op.create.size.min=1", "op.create.size.max=2"], &|plan| {
        assert_eq!(plan.ops[1].size, SizeChoice::Uniform(1, 2));
    });
    both(["op.create.kind=sync", "op.create.label=flush"], &|plan| {
        let keep_count = OpValues::of(&plan.ops[1]).keep_count;
        assert_eq!((OpKind::of(&plan.ops[1]), keep_count), (OpKind::Sync, None));
        assert_eq!(plan.ops[1].label, "flush");
        assert_eq!(plan.ops.len(), 2, "nothing to trim");
    });
    let alone = format!("{HEAD}{SET}size = 70\nkeys = \"sequential\"\n");
    for overrides in [
        ["op.set.size=200", "op.set.kind=create"],
        ["op.set.kind=create", "op.set.size=200"],
    ] {
        let plan = plan(&alone, &overrides);
        assert_eq!(OpKind::of(&plan.ops[0]), OpKind::Create);
        assert_eq!(plan.ops[0].size, SizeChoice::Fixed(200));
    }
}

#[test]
fn overrides_that_contradict_each_other_are_refused_in_every_order() {
    let file = format!("{HEAD}{SET}size = {{ min = 1, max = 9 }}\n");
    for (kind, other, problem) in [
        (
            "op.set.kind=get",
            "op.set.size=5",
            "--set op.set.size=5: `op.0.size` means nothing for a `get`, only for create, set and multi; remove it",
        ),
        (
            "op.set.kind=get",
            "op.set.size.max=5",
            "--set op.set.size.max=5: `op.0.size` means nothing for a `get`, only for create, set and multi; remove it",
        ),
        (
            "op.0.kind=create",
            "op.set.keys=zipf",
            "--set op.set.keys=zipf: `op.0.keys` means nothing for a `create`, only for set, get, exists, list and multi; remove it",
        ),
    ] {
        assert_error(&file, &[kind, other], problem);
        assert_error(&file, &[other, kind], problem);
    }
    // The label is the file's, so this one is not there.
    assert_error(
        &file,
        &["op.set.kind=get", "op.get.weight=2"],
        "--set op.get.weight=2: there is no `op.get`; the workload has 1 of them, counted from 0 (set)",
    );
    let phased =
        format!("name = \"t\"\n[load]\n[[load.phase]]\nduration = \"1s\"\nrate = 1\n{SET}");
    assert_error(
        &phased,
        &["load.phase.0.rate=5", "load.in_flight=4"],
        "w.toml:3: `load.in_flight` and `load.phase` exclude each other: `rate` and `phase` make an open loop, `in_flight` a closed one; remove one of them",
    );
}

#[test]
fn an_override_of_all_operations_sets_their_labels() {
    let plan = plan(
        &format!("{HEAD}{SET}"),
        &["op=[{kind=\"get\"},{kind=\"sync\"}]", "op.sync.weight=3"],
    );
    assert_eq!(plan.ops[1].weight, 3);
}

#[test]
fn the_seed_of_the_command_line_takes_precedence() {
    let source = Source::from_text("w.toml", format!("seed = 5\n{HEAD}{SET}"));
    assert_eq!(resolve(&source, &[], None).unwrap().seed, 5);
    assert_eq!(
        resolve(&source, &[], Some(u64::MAX)).unwrap().seed,
        u64::MAX
    );
    let overrides = ["seed=18446744073709551615".to_owned()];
    assert_eq!(resolve(&source, &overrides, None).unwrap().seed, u64::MAX);
}

#[test]
fn overrides_of_missing_keys_are_refused() {
    let base = format!("{HEAD}{SET}");
    assert_error(
        &base,
        &["load.rate"],
        "--set load.rate: an override has the form key=value, for instance load.rate=2000",
    );
    assert_error(
        &base,
        &["load..rate=1"],
        "--set load..rate=1: the key before = has an empty part; write for instance load.rate=2000",
    );
    assert_error(
        &base,
        &["op.5.weight=1"],
        "--set op.5.weight=1: there is no `op.5`; the workload has 1 of them, counted from 0 (set)",
    );
    assert_error(
        &base,
        &["op.get.weight=1"],
        "--set op.get.weight=1: there is no `op.get`; the workload has 1 of them, counted from 0 (set)",
    );
    assert_error(
        &base,
        &["name.first=x"],
        "--set name.first=x: `name` is the string \"t\" and has no keys of its own",
    );
}
