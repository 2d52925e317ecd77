//! The delete that a create with `keep_count` implies.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::OpKind;
use super::values::OpValues;
use crate::workload::{KeyChoice, OpPlan, Plan, SizeChoice};

/// Suffix of its label.
const TRIM: &str = ".trim";

/// Returns the delete that a create with a `keep_count` implies. Its label is the create's with
/// `.trim`, and its weight is 0.
#[must_use]
pub fn trim(create: &OpPlan) -> Option<OpPlan> {
    create.own.integer("keep_count")?;
    Some(OpPlan {
        label: format!("{}{TRIM}", create.label),
        kind: OpKind::Delete.name().to_owned(),
        weight: 0,
        size: SizeChoice::Fixed(0),
        keys: KeyChoice::Uniform,
        writes: Some(true),
        own: OpValues::default().into(),
    })
}

/// Returns the index of the delete that the create at `op` implies.
#[must_use]
pub fn trim_of(plan: &Plan, op: usize) -> Option<usize> {
    let trim = trim(plan.ops.get(op)?)?;
    plan.ops.iter().position(|other| other.label == trim.label)
}
