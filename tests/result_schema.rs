//! Checks result files against `docs/result.schema.json`, and that `docs/RESULTS.md` explains every
//! field.

#[path = "golden/fixture.rs"]
mod fixture;

use std::fs;
use std::path::Path;

use quorate::measure::{Event, EventKind, Throttled};
use quorate::result::{CpuQuota, RunResult, from_json, to_json};
use quorate::workload::{Arrival, KeyChoice, SizeChoice};
use serde_json::Value;

fn schema() -> Value {
    read("docs/result.schema.json")
}

fn read(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    serde_json::from_str(&fs::read_to_string(path).expect("cannot read the file"))
        .expect("the file is not JSON")
}

fn json(result: &RunResult) -> Value {
    serde_json::from_str(&to_json(result)).expect("the result is not JSON")
}

fn complaints(schema: &Value, instance: &Value) -> Vec<String> {
    jsonschema::validator_for(schema)
        .expect("the schema is not a valid JSON schema")
        .iter_errors(instance)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// Notes the beginning, the end and the failure of a fault.
fn note_faults(run: &mut quorate::measure::Recording) {
    let servers = vec!["127.0.0.1:2183".to_owned()];
    for kind in [
        EventKind::FaultBegan {
            fault: 0,
            action: "kill".into(),
            servers: servers.clone(),
            took_ns: 90_000,
        },
        EventKind::FaultEnded {
            fault: 0,
            action: "restart".into(),
            servers: servers.clone(),
            took_ns: 3_000_000,
        },
        EventKind::FaultFailed {
            fault: 1,
            action: "pause".into(),
            servers,
            why: "no server leads".into(),
        },
    ] {
        run.note(Event { at_ns: 7, kind });
    }
}

/// A closed loop with other sizes and keys, an operation without measurements, no environment, and
/// as few facts about the servers as possible.
fn sparse() -> RunResult {
    let mut result = fixture::result();
    result.plan.load.arrival = Arrival::Closed { in_flight: 4 };
    result
        .plan
        .prepare
        .own
        .set("size", SizeChoice::Uniform(10, 20));
    result.plan.ops[0].size = SizeChoice::OneOf(vec![1, 2]);
    result.plan.ops[0].keys = KeyChoice::Zipf(0.99);
    result.plan.ops[0].own.set("keep_count", 3_u64);
    result.plan.ops[1].keys = KeyChoice::PerSession;
    let mut idle = result.plan.ops[1].clone();
    idle.label = "idle".into();
    result.plan.target.network = quorate::workload::Network::named("wan");
    result.target.proxied = Some(quorate::result::Proxied {
        servers: true,
        clients: false,
    });
    result.plan.ops.push(idle);
    share_cores(&mut result);
    let run = &mut result.runs[0];
    run.stolen = None;
    run.disk = None;
    run.processors_busy = Some(0.93);
    run.driver[0].waiting = None;
    run.timeline = quorate::measure::Timeline::default();
    for server in &mut run.servers {
        (server.mode, server.cpu_s, server.syncs) = (None, None, None);
        server.disk_written_bytes = None;
    }
    run.note(Event {
        at_ns: -5,
        kind: EventKind::Note("as of old".into()),
    });
    note_faults(run);
    RunResult::new(
        quorate::result::Environment::default(),
        result.target,
        result.plan,
        result.runs,
    )
}

/// Gives the servers a CPU quota and cores of their own.
fn share_cores(result: &mut RunResult) {
    result.plan.target.cpu = Some(0.03);
    result.plan.target.jvm_flags = Some("-XX:+UseSerialGC".into());
    result.target.cpu_quota = Some(CpuQuota {
        share: 0.03,
        period_ms: 50.0,
    });
    result.target.driver_cores = vec![3];
    result.target.servers[0].cores = vec![0, 1];
    for server in &mut result.runs[0].servers {
        server.throttled = Some(Throttled {
            periods: 400,
            throttled_periods: 397,
            throttled_ns: 19_000_000_000,
        });
    }
}

/// The results that are checked.
fn results() -> [RunResult; 5] {
    [
        fixture::result(),
        fixture::seven(),
        fixture::outage(),
        fixture::failover(),
        sparse(),
    ]
}

#[test]
fn written_results_are_valid_under_the_schema() {
    for result in results() {
        assert_eq!(complaints(&schema(), &json(&result)), Vec::<String>::new());
    }
}

#[test]
fn the_schema_rejects_invalid_results() {
    let mut instance = json(&fixture::result());
    instance["runs"][0]["intervals"][0]["ops"]["get"]["ok"] = "many".into();
    instance["verdict"]["valid"] = Value::Null;
    instance["runs"][0]["events"][0]["event"] = "server_paused".into();
    instance["runs"][0]["timeline"]["due"] = "1,,2".into();
    let found = complaints(&schema(), &instance);
    assert_eq!(found.len(), 4, "{found:?}");
}

#[test]
fn the_schema_knows_every_written_field() {
    let mut strict = schema();
    close(&mut strict);
    for result in results() {
        assert_eq!(complaints(&strict, &json(&result)), Vec::<String>::new());
    }
}

/// Forbids properties that are not listed, in every object of the schema that lists some.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            map.values_mut().for_each(close);
            if map.get("type") == Some(&"object".into()) && map.contains_key("properties") {
                map.insert("additionalProperties".into(), false.into());
            }
        }
        Value::Array(list) => list.iter_mut().for_each(close),
        _ => (),
    }
}

/// A field that is always written is required, so that readers can rely on it. Derived fields, and
/// fields that older files lack, are optional.
#[test]
fn every_field_of_a_run_is_required_unless_it_is_derived() {
    let whole = json(&fixture::result());
    let names: Vec<&String> = whole["runs"][0].as_object().unwrap().keys().collect();
    assert!(names.len() > 15, "{names:?}");
    for name in names {
        let mut instance = whole.clone();
        instance["runs"][0].as_object_mut().unwrap().remove(name);
        let derived = ["throughput_per_s", "ops", "interruptions"].contains(&name.as_str());
        assert_eq!(
            complaints(&schema(), &instance).is_empty(),
            derived,
            "{name}"
        );
    }
}

#[test]
fn every_field_is_documented() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/RESULTS.md");
    let text = fs::read_to_string(path).unwrap();
    let mut names = Vec::new();
    properties(&schema(), &mut names);
    assert!(names.len() > 60, "{names:?}");
    names.retain(|name| {
        !text.contains(&format!("`{name}`")) && !text.contains(&format!("\"{name}\""))
    });
    assert_eq!(names, Vec::<String>::new(), "missing in docs/RESULTS.md");
}

fn properties(schema: &Value, names: &mut Vec<String>) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::Object(properties)) = map.get("properties") {
                names.extend(properties.keys().cloned());
            }
            map.values().for_each(|value| properties_in(value, names));
        }
        other => properties_in(other, names),
    }
}

fn properties_in(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Object(_) => properties(value, names),
        Value::Array(list) => list.iter().for_each(|value| properties_in(value, names)),
        _ => (),
    }
}

/// The first version wrote this file. It must never be rewritten, because old results must stay
/// readable.
#[test]
fn a_result_of_schema_1_stays_readable() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/result-v1.json");
    let text = fs::read_to_string(path).unwrap();
    let result = from_json(&text).unwrap();
    assert_eq!(result.schema, 1);
    assert_eq!(result.plan.name, "mixed");
    assert_eq!(result.runs[0].acknowledged(), 2_398);
    assert_eq!(result.runs[0].events.len(), 2);
    assert_eq!(result.runs[0].all().response.count(), 2_400);
    assert!(
        result.warnings[0].starts_with("recorded under schema 1"),
        "{:?}",
        result.warnings
    );
    let instance: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        complaints(&read("docs/result-v1.schema.json"), &instance),
        Vec::<String>::new()
    );
    assert!(
        !complaints(&schema(), &instance).is_empty(),
        "the file must not have the current format"
    );
}
