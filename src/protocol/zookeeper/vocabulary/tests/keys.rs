//! Known and unknown keys.

use super::super::NOT_OFFERED;
use super::{HEAD, SET, assert_error, plan, try_plan};
use crate::workload::SizeChoice;

#[test]
fn an_unknown_key_is_reported_with_the_nearest_known_key() {
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
        "--set xyz.rate=5: unknown key `xyz`; known here: name, why, protocol, seed, experiment, case, figure, target, prepare, load, op, fault, gates",
    );
}

#[test]
fn the_protocol_determines_the_known_keys() {
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
        &format!(
            "{text}keys = \"none\"\nsize = {{ one_of = [1, 2] }}\n[[op]]\nkind = \"echo\"\nlabel = \"e\"\n"
        ),
        &[],
        "w.toml:7: unknown key `op.0.keys`; known here: kind, label, weight, size\n\
         w.toml:8: `op.0.size` must be one number of bytes, because all echoes have the same size\n\
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
