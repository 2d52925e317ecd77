//! Arrivals and operations that contradict each other.

use super::{HEAD, SET, assert_error};

#[test]
fn contradicting_or_missing_arrivals_are_refused() {
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
fn impossible_operations_are_refused() {
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
