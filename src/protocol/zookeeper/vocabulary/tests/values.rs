//! The forms of values, and values of the wrong type.

use super::{HEAD, SET, assert_error, plan};
use crate::workload::{Arrival, KeyChoice, RatePhase, SizeChoice};

#[test]
fn sizes_and_keys_can_be_written_in_every_form() {
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
    let list = op("{ one_of = [1, \"2KiB\"] }", "{ zipf = 1.2 }");
    assert_eq!(list.size, SizeChoice::OneOf(vec![1, 2_048]));
    assert_eq!(list.keys, KeyChoice::Zipf(1.2));
    assert_eq!(op("0", "\"zipf\"").keys, KeyChoice::Zipf(0.99));
    assert_eq!(op("0", "\"per_session\"").keys, KeyChoice::PerSession);
}

#[test]
fn phases_are_steps_or_ramps_and_imply_the_duration() {
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
fn a_wrong_type_is_reported_with_the_expected_and_the_actual_value() {
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
