//! The forms of values, and values of the wrong type.

use super::{HEAD, SET, assert_error, plan};
use crate::workload::{Arrival, KeyChoice, LinkShape, Network, RatePhase, SizeChoice};

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

#[test]
fn a_network_is_a_word_or_a_table() {
    let network = |value: &str| {
        let key = format!("target.network={value}");
        plan(&format!("{HEAD}{SET}"), &[&key]).target.network
    };
    assert_eq!(network("loopback"), None);
    assert_eq!(network("multi-az").unwrap().link.delay_us, 500);
    let link = LinkShape {
        delay_us: 100,
        ..LinkShape::default()
    };
    let of_table = network("{ delay = \"0.1ms\" }");
    assert_eq!(
        of_table,
        Some(Network {
            link,
            clients: true
        })
    );
    assert_eq!(of_table, network("lan"));
    let everything =
        network("{ delay = \"2ms\", jitter = \"250us\", rate = \"1MB\", clients = false }");
    let link = LinkShape {
        delay_us: 2_000,
        jitter_us: 250,
        rate_bytes_per_s: Some(1_000_000),
    };
    let clients = false;
    assert_eq!(everything, Some(Network { link, clients }));
}

#[test]
fn a_wrong_network_is_reported_with_what_is_possible() {
    let refused = |value: &str, expected: &str| {
        let key = format!("target.network={value}");
        let expected = format!("--set {key}: {expected}");
        assert_error(&format!("{HEAD}{SET}"), &[&key], &expected);
    };
    refused(
        "multiaz",
        "`target.network` is \"multiaz\"; it must be loopback, lan, multi-az, wan or a table such as { delay = \"2ms\" }; did you mean \"multi-az\"?",
    );
    refused(
        "3",
        "`target.network` must be a word such as \"lan\" or a table such as { delay = \"2ms\" }, but it is the integer 3",
    );
    refused(
        "{ delay = \"1m\" }",
        "`target.network.delay` must be a duration such as \"250us\", \"0.1ms\" or \"20ms\" (units us, ms, s; nothing finer than 1us), but it is the string \"1m\"",
    );
    refused(
        "{ delay = \"11s\" }",
        "`target.network.delay` is 11s; it must be 0ms to 10s",
    );
    refused(
        "{ delay = \"1ms\", jitter = \"1.5ms\" }",
        "`target.network.jitter` is 1500us, more than the delay of 1ms; the delay varies by the jitter in both directions, so lower it",
    );
    refused(
        "{ delay = \"1ms\", rate = 1 }",
        "`target.network.rate` is the integer 1; it must be 100 to 100000000000 bytes",
    );
    refused(
        "{ latency = \"1ms\" }",
        "unknown key `target.network.latency`; known here: delay, jitter, rate, clients",
    );
}
