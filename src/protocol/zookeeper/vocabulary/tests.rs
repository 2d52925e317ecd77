//! What a workload file resolves to, and the words for everything that can be wrong with one.

use super::*;
use crate::protocol::resolve;
use crate::protocol::zookeeper::{OpKind, OpValues, TreePlan, trim_of};
use crate::workload::{
    Arrival, Attach, Gates, KeyChoice, LoadPlan, Plan, RatePhase, Reconnect, Source, Spacing,
    TargetShape, WorkloadError, load,
};

/// Eight lines, so that what a test appends starts at line 9.
const HEAD: &str = "name = \"t\"\nwhy = \"w\"\n\n[prepare]\nznodes = 10\n\n[load]\nrate = 100\n";
const SET: &str = "[[op]]\nkind = \"set\"\n";

fn plan(text: &str, overrides: &[&str]) -> Plan {
    try_plan(text, overrides).unwrap_or_else(|error| panic!("{error}"))
}

pub(super) fn try_plan(text: &str, overrides: &[&str]) -> Result<Plan, WorkloadError> {
    let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    resolve(&Source::from_text("w.toml", text), &overrides, None)
}

#[track_caller]
fn assert_error(text: &str, overrides: &[&str], expected: &str) {
    let error = try_plan(text, overrides)
        .expect_err("must be refused")
        .to_string();
    assert_eq!(error, expected);
}

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
fn sizes_and_keys_in_all_their_forms() {
    let op = |size: &str, keys: &str| {
        let text = format!("{HEAD}{SET}size = {size}\nkeys = {keys}\n");
        plan(&text, &["load.sessions=4"]).ops[0].clone()
    };
    let uniform = op("\"1KiB\"", "\"uniform\"");
    assert_eq!(uniform.size, SizeChoice::Fixed(1_024));
    assert_eq!(uniform.keys, KeyChoice::Uniform);
    let range = op("{ min = 10, max = \"1kB\" }", "\"sequential\"");
    assert_eq!(range.size, SizeChoice::Uniform(10, 1_000));
    assert_eq!(range.keys, KeyChoice::Sequential);
    let list = op("[1, \"2KiB\"]", "{ zipf = 1.2 }");
    assert_eq!(list.size, SizeChoice::OneOf(vec![1, 2_048]));
    assert_eq!(list.keys, KeyChoice::Zipf(1.2));
    assert_eq!(op("0", "\"zipf\"").keys, KeyChoice::Zipf(0.99));
    assert_eq!(op("0", "\"per_session\"").keys, KeyChoice::PerSession);
}

#[test]
fn phases_step_and_ramp_and_imply_the_duration() {
    let text = format!(
        "name = \"t\"\n[load]\nwarm_up = \"1s\"\n[[load.phase]]\nduration = \"10s\"\nrate = 100\n[[load.phase]]\nduration = \"20s\"\nfrom = 100\nto = 1000.5\n{SET}"
    );
    let plan = plan(&text, &[]);
    let Arrival::Open { phases, .. } = &plan.load.arrival else {
        panic!("phases make an open loop")
    };
    let ramp = RatePhase {
        duration_ms: 20_000,
        from_per_s: 100.0,
        to_per_s: 1_000.5,
    };
    assert_eq!(phases[1], ramp);
    assert_eq!(plan.load.duration_ms, 30_000);
    assert_error(
        &text,
        &["load.duration=5s"],
        "--set load.duration=5s: `load.duration` is 5s, but the phases of the load add up to 30s; lengthen it, shorten the phases, or leave it out",
    );
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

/// Every order of the overrides means the same.
#[test]
fn an_override_of_the_kind_replaces_what_the_file_says_for_the_old_kind() {
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
fn operations_of_an_override_go_by_the_labels_that_it_gives() {
    let plan = plan(
        &format!("{HEAD}{SET}"),
        &["op=[{kind=\"get\"},{kind=\"sync\"}]", "op.sync.weight=3"],
    );
    assert_eq!(plan.ops[1].weight, 3);
}

#[test]
fn the_seed_given_goes_before_the_files() {
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
fn a_rendered_plan_resolves_to_itself() {
    let everything = "name = \"all\"\nwhy = \"\"\"two\nlines \\\"quoted\\\" and a backslash \\\\\"\"\"\nseed = 18446744073709551615\n\
        [target]\nvoters = 5\nobservers = 2\nfsync = false\ntick_time = \"150ms\"\ninit_limit = 20\nsync_limit = 7\nheap = \"1GiB\"\n\
        [prepare]\nznodes = 500\nsize = { min = 1, max = 9 }\nper_parent = 7\nchroot = \"/a/b\"\nkeep = true\n\
        [load]\nsessions = 20\nthreads = 2\nin_flight_cap = 3\nwarm_up = \"0s\"\nduration = \"90s\"\ndrain = \"0s\"\nrepeats = 3\ninterval = \"250ms\"\n\
        session_timeout = \"6s\"\noperation_timeout = \"1m 30s\"\nattach = \"followers\"\n\
        [[load.phase]]\nduration = \"30s\"\nfrom = 0.1\nto = 12345.678\n[[load.phase]]\nduration = \"10s\"\nrate = 50\n\
        [[op]]\nkind = \"create\"\nephemeral = true\nsequential = true\nkeep_count = 4\nsize = [1, 2]\n\
        [[op]]\nkind = \"create\"\nlabel = \"other\"\nweight = 0\n[[op]]\nkind = \"delete\"\n[[op]]\nkind = \"set\"\nkeys = \"per_session\"\n\
        [[op]]\nkind = \"get\"\nkeys = { zipf = 0.7 }\n[[op]]\nkind = \"exists\"\nkeys = \"sequential\"\n[[op]]\nkind = \"list\"\n\
        [[op]]\nkind = \"multi\"\nbatch = 5\nsize = 10\n[[op]]\nkind = \"sync\"\n[[op]]\nkind = \"session\"\n\
        [gates]\np50_ms = 0.5\np90_ms = 0.7\np95_ms = 0.8\np99_ms = 1\np999_ms = 2\nmax_ms = 3\nlate_p99_ms = 4\nerror_ratio = 0.001\nthroughput_per_s = 1e3\n\
        [gates.get]\np99_ms = 0.25\n[gates.\"create.trim\"]\nerror_ratio = 0\n";
    let one_phase = format!(
        "name = \"t\"\n[load]\nduration = \"9s\"\n[[load.phase]]\nduration = \"4s\"\nrate = 100\n{SET}"
    );
    let closed = format!("{}{SET}", HEAD.replace("rate = 100", "in_flight = 3"));
    for text in [everything, &one_phase, &closed, &format!("{HEAD}{SET}")] {
        let plan = plan(text, &[]);
        let rendered = plan.render_toml(&ZooKeeperVocabulary);
        let again = resolve(&Source::from_text("rendered", rendered.clone()), &[], None);
        assert_eq!(
            again.unwrap_or_else(|error| panic!("{error}\n{rendered}")),
            plan
        );
        plan.validate(&ZooKeeperVocabulary).unwrap();
    }
}

#[test]
fn a_plan_edited_by_hand_is_refused() {
    let mut plan = plan(&format!("{HEAD}{SET}"), &[]);
    plan.load.sessions = 4_000_000_000;
    let error = plan.validate(&ZooKeeperVocabulary).unwrap_err().to_string();
    assert!(
        error.contains("`load.sessions` is 4000000000; it must be 1 to 100000"),
        "{error}"
    );
    plan.load.sessions = 1;
    plan.ops[0].own.set("batch", 7_u64);
    let error = plan.validate(&ZooKeeperVocabulary).unwrap_err().to_string();
    assert!(error.contains("edited by hand"), "{error}");
}

#[test]
fn unknown_keys_name_the_nearest() {
    assert_error(
        &format!("{HEAD}sesions = 4\n{SET}"),
        &[],
        "w.toml:9: unknown key `load.sesions`; did you mean `load.sessions`?",
    );
    assert_error(
        &format!("{HEAD}{SET}wieght = 1\n"),
        &[],
        "w.toml:11: unknown key `op.0.wieght`; did you mean `op.weight`?",
    );
    assert_error(
        &format!("{HEAD}{SET}watch = true\n"),
        &[],
        "w.toml:11: unknown key `op.0.watch`; not offered; known here: kind, label, weight, size, keys, ephemeral, sequential, keep_count, batch",
    );
    for key in NOT_OFFERED {
        let error = try_plan(&format!("{HEAD}{SET}{key} = 1\n"), &[]).unwrap_err();
        assert!(error.to_string().contains("not offered"), "{error}");
    }
    assert_error(
        &format!("{HEAD}{SET}znodes = 5\n"),
        &[],
        "w.toml:11: unknown key `op.0.znodes`; did you mean `prepare.znodes`?",
    );
    assert_error(
        &format!("{HEAD}{SET}[gate]\np99_ms = 1\n"),
        &[],
        "w.toml:11: unknown key `gate`; did you mean `gates`?",
    );
    assert_error(
        &format!("{HEAD}{SET}"),
        &["load.rte=5"],
        "--set load.rte=5: unknown key `load.rte`; did you mean `load.rate`?",
    );
    assert_error(
        &format!("{HEAD}{SET}"),
        &["xyz.rate=5"],
        "--set xyz.rate=5: unknown key `xyz`; known here: name, why, protocol, seed, target, prepare, load, op, gates",
    );
}

#[test]
fn wrong_types_say_what_was_expected_and_found() {
    assert_error(
        &format!("{HEAD}sessions = \"many\"\n{SET}"),
        &[],
        "w.toml:9: `load.sessions` must be an integer, but it is the string \"many\"",
    );
    assert_error(
        &format!("{HEAD}duration = 30\n{SET}"),
        &[],
        "w.toml:9: `load.duration` must be a duration such as \"5s\", \"250ms\" or \"2m\" (units ms, s, m, h; nothing finer than 1ms), but it is the integer 30",
    );
    assert_error(
        &format!("{HEAD}{SET}size = \"big\"\n"),
        &[],
        "w.toml:11: `op.0.size` must be a size in bytes such as 100, \"1KiB\" or \"1kB\" (units B, kB, KiB, MB, MiB, GB, GiB), but it is the string \"big\"",
    );
    assert_error(
        &format!("{HEAD}{SET}keys = \"gauss\"\n"),
        &[],
        "w.toml:11: `op.0.keys` must be \"uniform\", \"sequential\", \"per_session\", \"zipf\" or { zipf = 0.99 }, but it is the string \"gauss\"",
    );
    assert_error(
        &format!("{HEAD}[op]\nkind = \"set\"\n"),
        &[],
        "w.toml:9: `op` must be a list of tables, each written as [[op]], but it is a table",
    );
    assert_error(
        &format!("{HEAD}{SET}"),
        &["target.fsync=maybe"],
        "--set target.fsync=maybe: `target.fsync` must be true or false, but it is the string \"maybe\"",
    );
}

#[test]
fn arrivals_that_contradict_or_lack() {
    assert_error(
        &format!("{HEAD}in_flight = 4\n{SET}"),
        &[],
        "w.toml:9: `load.rate` and `load.in_flight` exclude each other: `rate` and `phase` make an open loop, `in_flight` a closed one; remove one of them",
    );
    assert_error(
        &format!("name = \"t\"\n[load]\nsessions = 1\n{SET}"),
        &[],
        "w.toml:2: the load has no arrival; give `load.rate` (operations per second, open loop) or `load.in_flight` (operations in flight per session, closed loop)",
    );
    for (rate, shown) in [
        ("0", "0"),
        ("-5", "-5"),
        ("nan", "NaN"),
        ("1e12", "1000000000000"),
    ] {
        assert_error(
            &format!("{HEAD}{SET}"),
            &[&format!("load.rate={rate}")],
            &format!("--set load.rate={rate}: `load.rate` is {shown}; it must be 0.01 to 10000000"),
        );
    }
    assert_error(
        &format!("name = \"t\"\n[load]\n[[load.phase]]\nduration = \"1s\"\nfrom = 1\n{SET}"),
        &[],
        "w.toml:3: a phase needs either `rate` (a step) or both `from` and `to` (a ramp)",
    );
}

#[test]
fn operations_that_cannot_be() {
    assert_error(
        HEAD,
        &[],
        "w.toml:1: the workload has no operations; add at least one [[op]] with a `kind`",
    );
    assert_error(
        &format!("{HEAD}{SET}weight = 0\n"),
        &[],
        "w.toml:11: all weights are zero, so no operation would ever be issued; give at least one [[op]] a weight of 1 or more",
    );
    assert_error(
        &format!("{HEAD}[[op]]\nkind = \"delete\"\n"),
        &[],
        "w.toml:10: a `delete` removes what the session itself created, but no `create` is among the operations; add one, or use `keep_count` on a create instead",
    );
    assert_error(
        &format!("{HEAD}{SET}"),
        &["prepare.znodes=0"],
        "w.toml:10: a `set` chooses among the prepared znodes, but `prepare.znodes` is 0; prepare at least one",
    );
    assert_error(
        &format!("{HEAD}{SET}keys = \"per_session\"\n"),
        &[],
        "w.toml:11: `op.0.keys` is \"per_session\", but 10 prepared znodes cannot be divided among 18 sessions; raise `prepare.znodes`",
    );
    assert_error(
        &format!("{HEAD}{SET}{SET}"),
        &[],
        "w.toml:11: two operations are called `set`; give one of them a `label` of its own",
    );
    assert_error(
        &format!("{HEAD}[[op]]\nkind = \"get\"\nsize = 5\n"),
        &[],
        "w.toml:11: `op.0.size` means nothing for a `get`, only for create, set and multi; remove it",
    );
    assert_error(
        &format!("{HEAD}[[op]]\nkind = \"sett\"\n"),
        &[],
        "w.toml:10: `op.0.kind` is \"sett\"; it must be one of create, set, get, exists, list, delete, multi, sync, session; did you mean \"set\"?",
    );
    assert_error(
        &format!("{HEAD}[[op]]\nkind = \"multi\"\nsize = \"10KiB\"\nbatch = 200\n"),
        &[],
        "w.toml:12: `op.0.batch` is 200; with up to 10240 bytes in each sub-operation the transaction exceeds the 1047552 bytes that a server accepts: lower one of them",
    );
}

/// Overrides of a good file, and what is said about each.
const BEYOND_LIMITS: [(&str, &str); 16] = [
    (
        "target.voters=0",
        "`target.voters` is 0; it must be 1 to 31",
    ),
    (
        "load.sessions=100001",
        "`load.sessions` is 100001; it must be 1 to 100000",
    ),
    (
        "load.sessions=0",
        "`load.sessions` is 0; it must be 1 to 100000",
    ),
    (
        "load.sessions=-1",
        "`load.sessions` is -1; it must be 1 to 100000",
    ),
    (
        "load.threads=19",
        "`load.threads` is 19, more than the 18 sessions; lower it",
    ),
    (
        "load.duration=0s",
        "`load.duration` is 0s; it must be 100ms to 7days",
    ),
    (
        "load.interval=0s",
        "`load.interval` is 0s; it must be 10ms to 1h",
    ),
    (
        "load.interval=31s",
        "`load.interval` is 31s, longer than the measured duration of 30s; shorten it",
    ),
    (
        "load.repeats=0",
        "`load.repeats` is 0; it must be 1 to 1000",
    ),
    (
        "op.set.size=1MiB",
        "`op.0.size` is the string \"1MiB\"; it must be 0 to 1047552 bytes",
    ),
    (
        "op.set.size=-1",
        "`op.0.size` is the integer -1; it must be 0 to 1047552 bytes",
    ),
    (
        "prepare.znodes=10000001",
        "`prepare.znodes` is 10000001; it must be 0 to 10000000",
    ),
    (
        "prepare.znodes=99999999999999999999999999",
        "`prepare.znodes` is 99999999999999999999999999; it must be 0 to 10000000",
    ),
    (
        "gates.error_ratio=2",
        "`gates.error_ratio` is 2; it must be 0 to 1",
    ),
    (
        "target.heap=100MB",
        "`target.heap` is no whole number of MiB; write for instance \"512MiB\"",
    ),
    (
        "load.attach=master",
        "`load.attach` is \"master\"; it must be one of spread, leader, followers, observers",
    ),
];

#[test]
fn everything_has_a_limit() {
    let base = format!("{HEAD}{SET}");
    for (text, expected) in BEYOND_LIMITS {
        assert_error(&base, &[text], &format!("--set {text}: {expected}"));
    }
}

#[test]
fn a_chroot_that_would_remove_too_much_is_refused() {
    let base = format!("{HEAD}{SET}");
    for chroot in [
        "/",
        "q",
        "/a/",
        "/a//b",
        "/a/../b",
        "",
        "/a b",
        "/zookeeper/x",
    ] {
        let text = format!("prepare.chroot=\"{chroot}\"");
        let error = try_plan(&base, &[&text]).expect_err(chroot).to_string();
        assert!(error.contains("`prepare.chroot`"), "{error}");
    }
}

#[test]
fn sums_have_limits_too() {
    let base = format!("{HEAD}{SET}");
    let cases: [(&[&str], &str); 4] = [
        (
            &["prepare.znodes=1000000", "prepare.per_parent=1"],
            "more than 50000 parents; raise it",
        ),
        (
            &[
                "prepare.znodes=10000000",
                "prepare.per_parent=1000",
                "prepare.size=1KiB",
            ],
            "more than 8 GiB in every server's memory",
        ),
        (
            &["load.sessions=100000", "load.in_flight=1000"],
            "more than 10000000 operations in flight",
        ),
        (
            &["load.duration=2h", "load.interval=10ms"],
            "more than 100000 intervals; lengthen it",
        ),
    ];
    for (overrides, expected) in cases {
        let error = try_plan(&base, overrides).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn overrides_that_lead_nowhere() {
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

#[test]
fn even_numbers_of_voters_are_allowed() {
    assert_eq!(
        plan(&format!("{HEAD}{SET}"), &["target.voters=4"])
            .target
            .voters,
        4
    );
}

#[test]
fn names_are_required_and_plain() {
    assert_error(
        &format!("[load]\nrate = 1\n{SET}"),
        &[],
        "w.toml:1: the workload has no name; add name = \"my-workload\" at the top",
    );
    let error = try_plan(&format!("{HEAD}{SET}"), &["name=\"../x\""])
        .unwrap_err()
        .to_string();
    assert!(error.contains("use 1 to 64 of a-z, 0-9 and -"), "{error}");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = load(&folder.path().join("no.toml"))
        .unwrap_err()
        .to_string();
    assert!(
        missing.contains("no.toml") && missing.contains("quorate workloads"),
        "{missing}"
    );
    let long = folder.path().join("long.toml");
    std::fs::write(&long, "#".repeat(2 << 20)).unwrap();
    let error = load(&long).unwrap_err().to_string();
    assert!(error.contains("longer than 1048576 bytes"), "{error}");
    let good = folder.path().join("good.toml");
    std::fs::write(&good, format!("{HEAD}{SET}")).unwrap();
    assert_eq!(resolve(&load(&good).unwrap(), &[], None).unwrap().name, "t");
}

#[test]
fn hostile_text_is_an_error_and_no_panic() {
    let deep = format!("a = {}", "[".repeat(100_000));
    assert!(try_plan(&deep, &[]).is_err());
    let deep = format!("load.rate={}", "[".repeat(100_000));
    assert!(try_plan(&format!("{HEAD}{SET}"), &[&deep]).is_err());
    let keys = format!("{}rate=1", "load.".repeat(100_000));
    let error = try_plan(&format!("{HEAD}{SET}"), &[&keys])
        .unwrap_err()
        .to_string();
    assert!(error.contains("no key has more than 4 parts"), "{error}");
    // Every beginning of a good file, and every file with one character missing.
    let good = format!("{HEAD}{SET}size = {{ min = 1, max = \"1KiB\" }}\nkeys = {{ zipf = 1 }}\n");
    for at in 0..good.len() {
        let missing = format!("{}{}", &good[..at], &good[at + 1..]);
        for text in [&good[..at], &missing] {
            if let Err(error) = try_plan(text, &[]) {
                assert!(!error.to_string().contains("without a reason"), "{text}");
            }
        }
    }
}

#[test]
fn the_protocol_decides_which_keys_there_are() {
    let text = "name = \"t\"\nprotocol = \"echo\"\n[load]\nrate = 1\n[[op]]\nkind = \"echo\"\n";
    let echo = plan(text, &[]);
    assert_eq!(echo.protocol, "echo");
    assert_eq!(echo.ops[0].size, SizeChoice::Fixed(100));
    assert_eq!(echo.ops[0].writes, Some(false));
    assert_error(
        &format!("{text}[prepare]\nznodes = 5\n"),
        &[],
        "w.toml:8: unknown key `prepare.znodes`; protocol echo has no keys here",
    );
    assert_error(
        &format!("{text}keys = \"none\"\nsize = [1, 2]\n[[op]]\nkind = \"echo\"\nlabel = \"e\"\n"),
        &[],
        "w.toml:7: unknown key `op.0.keys`; known here: kind, label, weight, size\n\
         w.toml:8: `op.0.size` must be one number of bytes: all echoes are alike\n\
         w.toml:10: an echo has one operation; remove the others",
    );
    assert_error(
        &format!("{HEAD}{SET}"),
        &["protocol=echo"],
        "w.toml:5: unknown key `prepare.znodes`; protocol echo has no keys here\n\
         w.toml:10: `op.0.kind` is \"set\"; it must be one of echo",
    );
    assert_error(
        text,
        &["protocol=zokeeper"],
        "--set protocol=zokeeper: `protocol` is \"zokeeper\"; it must be one of zookeeper, echo; did you mean \"zookeeper\"?",
    );
    assert_error(
        text,
        &["protocol=1"],
        "--set protocol=1: `protocol` must be one of zookeeper, echo, but it is the integer 1",
    );
}

#[test]
fn a_plan_of_an_older_result_is_as_good_as_a_new_one() {
    let mut plan = plan(&format!("{HEAD}{SET}"), &[]);
    plan.ops[0].writes = None;
    plan.validate(&ZooKeeperVocabulary).unwrap();
}

#[test]
fn an_operation_can_have_gates_of_its_own() {
    let text = format!("{HEAD}{SET}[gates]\np99_ms = 5\n[gates.set]\np99_ms = 1\n");
    let plan = plan(&text, &["gates.set.late_p99_ms=0.5"]);
    assert_eq!(plan.gates.p99_ms, Some(5.0));
    let own = Gates {
        p99_ms: Some(1.0),
        late_p99_ms: Some(0.5),
        ..Gates::default()
    };
    assert_eq!(plan.gates.ops.len(), 1);
    assert_eq!(plan.gates.ops["set"], own);
    assert_error(
        &text,
        &["gates.sett.p99_ms=1"],
        "--set gates.sett.p99_ms=1: `gates.sett` names no operation; the workload has set; did you mean `gates.set`?",
    );
    assert_error(
        &text,
        &["gates.set.p9_ms=1"],
        "--set gates.set.p9_ms=1: unknown key `gates.set.p9_ms`; did you mean `gates.LABEL.p90_ms`?",
    );
    assert_error(
        &text,
        &["gates.set.p99_ms=0"],
        "--set gates.set.p99_ms=0: `gates.set.p99_ms` is 0; it must be 0.001 to 3600000",
    );
}
