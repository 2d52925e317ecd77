//! Compares the loads of two plans.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use serde_json::Value;

use crate::workload::Plan;

/// Returns the keys in which the loads of two plans differ, each as `load.sessions: 15 and 32`;
/// empty if both plans ask for the same operations.
///
/// Only the keys that decide the load count: `load`, `ops`, `prepare`, `faults` and `seed`. Name, why,
/// gates, the number of repeats, `load.verify` and the target may differ; often the target is what is compared.
#[must_use]
pub fn plan_differences(a: &Plan, b: &Plan) -> Vec<String> {
    let (a, b) = (leaves(a), leaves(b));
    let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    keys.into_iter()
        .filter(|key| a.get(*key) != b.get(*key))
        .map(|key| {
            let shown = |side: &BTreeMap<String, Value>| {
                side.get(key)
                    .map_or_else(|| "nothing".to_owned(), Value::to_string)
            };
            format!("{key}: {} and {}", shown(&a), shown(&b))
        })
        .collect()
}

/// Returns every value of the load by its dotted path.
fn leaves(plan: &Plan) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    let value = serde_json::to_value(plan).expect("a plan has a JSON form");
    for key in ["load", "ops", "prepare", "faults", "seed"] {
        if let Some(part) = value.get(key) {
            collect(key.to_owned(), part, &mut found);
        }
    }
    found.remove("load.repeats");
    found.remove("load.verify");
    // `writes` follows from the kind of the operation, and older results do not have it.
    found.retain(|key, _| !key.ends_with("].writes"));
    found
}

fn collect(path: String, value: &Value, found: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                collect(format!("{path}.{key}"), inner, found);
            }
        }
        Value::Array(list) if list.iter().any(|v| v.is_object() || v.is_array()) => {
            for (index, inner) in list.iter().enumerate() {
                collect(format!("{path}[{index}]"), inner, found);
            }
        }
        other => drop(found.insert(path, other.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::run_result::example;
    use crate::workload::{SizeChoice, Values};

    #[test]
    fn name_gates_and_target_may_differ() {
        let a = example::plan();
        let mut b = a.clone();
        b.name = "other".into();
        b.target.voters = 5;
        b.gates.p99_ms = Some(1.0);
        b.load.repeats = 9;
        assert!(plan_differences(&a, &b).is_empty());
    }

    #[test]
    fn differing_keys_are_named_with_both_values() {
        let a = example::plan();
        let mut b = a.clone();
        b.seed = 8;
        b.load.sessions = 32;
        b.ops[0].size = SizeChoice::Fixed(200);
        assert_eq!(
            plan_differences(&a, &b),
            [
                "load.sessions: 15 and 32",
                "ops[0].size.fixed: 100 and 200",
                "seed: 7 and 8"
            ]
        );
    }

    #[test]
    fn values_that_follow_from_the_kind_may_be_missing() {
        let a = example::plan();
        let mut b = a.clone();
        b.ops[0].writes = Some(true);
        assert!(plan_differences(&a, &b).is_empty());
    }

    #[test]
    fn the_json_form_of_a_plan_is_stable() {
        let values = Values::default()
            .with("batch", 10_u32)
            .with("keep_count", None::<u64>)
            .with("ordered", true)
            .with("root", "/a")
            .with("size", SizeChoice::Uniform(1, 2));
        let text =
            r#"{"batch":10,"keep_count":null,"ordered":true,"root":"/a","size":{"uniform":[1,2]}}"#;
        let json: Value = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_value(&values).unwrap(), json);
        assert_eq!(serde_json::from_str::<Values>(text).unwrap(), values);
    }
}
