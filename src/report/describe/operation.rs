//! Describes an operation of the plan.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::report::human::{bytes, count};
use crate::workload::{KeyChoice, OpPlan, Plan, SizeChoice, Value};

pub(super) fn operation(op: &OpPlan, plan: &Plan) -> String {
    let mut text = if op.label == op.kind {
        op.label.clone()
    } else {
        format!("{} ({})", op.label, op.kind)
    };
    if let Some((by, _)) = op.label.split_once('.') {
        return format!("{text}, implied by {by}");
    }
    let weights: u64 = plan.ops.iter().map(|op| u64::from(op.weight)).sum();
    if plan.ops.len() > 1 {
        text += &format!(", weight {} of {weights}", op.weight);
    }
    if op.size.max_bytes() > 0 {
        text += &format!(", {}", size(&op.size));
    }
    text += match &op.keys {
        KeyChoice::Uniform => String::new(),
        KeyChoice::Zipf(exponent) => format!(", keys zipf {exponent}"),
        KeyChoice::Sequential => ", keys in sequence".to_owned(),
        KeyChoice::PerSession => ", keys of the session".to_owned(),
    }
    .as_str();
    for (key, value) in op.own.iter() {
        // 1 is the default of every count, so it is not shown.
        if let Some(text_of_value) = own(key, value).filter(|_| *value != Value::Integer(1)) {
            text += &format!(", {text_of_value}");
        }
    }
    text
}

fn size(choice: &SizeChoice) -> String {
    match choice {
        SizeChoice::Fixed(size) => bytes(u64::from(*size)),
        SizeChoice::Uniform(low, high) => {
            format!("{} to {}", bytes(u64::from(*low)), bytes(u64::from(*high)))
        }
        SizeChoice::OneOf(sizes) => sizes
            .iter()
            .map(|size| bytes(u64::from(*size)))
            .collect::<Vec<_>>()
            .join(" or "),
    }
}

/// Describes a value that the protocol defines; `None` if it is false or unset.
pub(super) fn own(key: &str, value: &Value) -> Option<String> {
    Some(match value {
        Value::Boolean(true) => key.to_owned(),
        Value::Boolean(false) | Value::Unset => return None,
        Value::Integer(value) => format!("{key} {}", count(*value)),
        Value::Text(text) => format!("{key} {text}"),
        Value::Size(choice) => format!("{key} {}", size(choice)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::example;
    use crate::workload::Values;

    #[test]
    fn an_implied_operation_names_what_implies_it() {
        let mut plan = example::plan();
        plan.ops.push(OpPlan {
            label: "set.trim".into(),
            kind: "delete".into(),
            weight: 0,
            ..plan.ops[0].clone()
        });
        assert_eq!(
            operation(&plan.ops[1], &plan),
            "set.trim (delete), implied by set"
        );
    }

    #[test]
    fn an_operation_lists_the_values_that_its_protocol_defines() {
        let mut plan = example::plan();
        assert_eq!(operation(&plan.ops[0], &plan), "set, 100 B");
        plan.ops[0] = OpPlan {
            size: SizeChoice::Fixed(0),
            keys: KeyChoice::Sequential,
            own: Values::default()
                .with("batch", 1_u64)
                .with("credit", 2_000_u64)
                .with("limit", None::<u64>)
                .with("lasting", true)
                .with("ordered", false),
            ..plan.ops[0].clone()
        };
        assert_eq!(
            operation(&plan.ops[0], &plan),
            "set, keys in sequence, credit 2,000, lasting"
        );
    }
}
