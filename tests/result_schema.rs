//! `docs/result.schema.json` describes what is written, all of it, and `docs/RESULTS.md` explains it.

#[path = "golden/fixture.rs"]
mod fixture;

use std::fs;
use std::path::Path;

use quorate::result::{RunResult, from_json, to_json};
use quorate::workload::{Arrival, KeyChoice, SizeChoice};
use serde_json::Value;

fn schema() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/result.schema.json");
    serde_json::from_str(&fs::read_to_string(path).expect("the schema is there"))
        .expect("the schema is JSON")
}

fn json(result: &RunResult) -> Value {
    serde_json::from_str(&to_json(result)).expect("a result is JSON")
}

fn complaints(schema: &Value, instance: &Value) -> Vec<String> {
    jsonschema::validator_for(schema)
        .expect("the schema is a schema")
        .iter_errors(instance)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// Closed loop, other sizes and keys, nothing measured for one operation, no environment.
fn sparse() -> RunResult {
    let mut result = fixture::result();
    result.plan.load.arrival = Arrival::Closed { in_flight: 4 };
    result.plan.prepare.size = SizeChoice::Uniform(10, 20);
    result.plan.ops[0].size = SizeChoice::OneOf(vec![1, 2]);
    result.plan.ops[0].keys = KeyChoice::Zipf(0.99);
    result.plan.ops[0].keep_count = Some(3);
    result.plan.ops[1].keys = KeyChoice::PerSession;
    let mut idle = result.plan.ops[1].clone();
    idle.label = "idle".into();
    result.plan.ops.push(idle);
    RunResult::new(
        quorate::result::Environment::default(),
        result.target,
        result.plan,
        result.runs,
    )
}

#[test]
fn what_is_written_is_valid_under_the_schema() {
    for result in [fixture::result(), sparse()] {
        assert_eq!(complaints(&schema(), &json(&result)), Vec::<String>::new());
    }
}

#[test]
fn the_schema_can_say_no() {
    let mut instance = json(&fixture::result());
    instance["runs"][0]["intervals"][0]["ops"]["get"]["ok"] = "many".into();
    instance["verdict"]["valid"] = Value::Null;
    let found = complaints(&schema(), &instance);
    assert!(found.len() >= 2, "{found:?}");
}

#[test]
fn nothing_is_written_that_the_schema_does_not_know() {
    let mut strict = schema();
    close(&mut strict);
    for result in [fixture::result(), sparse()] {
        assert_eq!(complaints(&strict, &json(&result)), Vec::<String>::new());
    }
}

/// Forbids properties that are not listed, wherever some are.
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

#[test]
fn every_field_is_explained() {
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

/// Written once by the first version and never again: old results stay readable.
#[test]
fn a_result_of_schema_version_1_stays_readable() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/result-v1.json");
    let text = fs::read_to_string(path).unwrap();
    let result = from_json(&text).unwrap();
    assert_eq!(result.plan.name, "mixed");
    assert_eq!(result.runs[0].acknowledged(), 2_398);
    assert_eq!(result.runs[0].events.len(), 2);
    assert_eq!(result.runs[0].all().response.count(), 2_400);
    assert_eq!(
        complaints(&schema(), &serde_json::from_str(&text).unwrap()),
        Vec::<String>::new()
    );
}
