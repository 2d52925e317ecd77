//! Chooses the operations that are shown separately where there is no room for all. The most frequent ones are;
//! the others are merged.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::summary::{OpSummary, Summary, float};
use crate::measure::OpRecord;

/// An operation, or several that are shown as one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Lane {
    /// The label of the operation, or `others`.
    pub label: String,
    /// Indices into the plan's operations.
    pub ops: Vec<usize>,
    /// Share of all operations that were due, 0 to 1.
    pub share: f64,
}

impl Lane {
    /// Merges the records of its operations; `records` returns the record of an operation.
    pub(crate) fn merged<'a>(&self, records: impl Fn(usize) -> Option<&'a OpRecord>) -> OpRecord {
        let mut merged = OpRecord::default();
        for op in &self.ops {
            if let Some(record) = records(*op) {
                merged.merge(record);
            }
        }
        merged
    }
}

/// Returns a lane for each of the `most` most frequent operations, and one lane for the others. A single other
/// operation keeps its name. An operation that was never due has no lane.
pub(crate) fn lanes(summary: &Summary<'_>, most: usize) -> Vec<Lane> {
    let total = |op: &OpSummary<'_>| op.record.counts.total();
    let mut order: Vec<usize> = (0..summary.ops.len())
        .filter(|index| total(&summary.ops[*index]) > 0)
        .collect();
    order.sort_by_key(|index| std::cmp::Reverse(total(&summary.ops[*index])));
    let apart = if order.len() <= most + 1 {
        order.len()
    } else {
        most
    };
    let all: u64 = summary.ops.iter().map(total).sum();
    let share = |ops: &[usize]| {
        let part: u64 = ops.iter().map(|index| total(&summary.ops[*index])).sum();
        float(part) / float(all.max(1))
    };
    let mut lanes: Vec<Lane> = order[..apart]
        .iter()
        .map(|index| Lane {
            label: summary.ops[*index].label.to_owned(),
            ops: vec![*index],
            share: share(&[*index]),
        })
        .collect();
    let others = order[apart..].to_vec();
    if !others.is_empty() {
        lanes.push(Lane {
            label: "others".to_owned(),
            share: share(&others),
            ops: others,
        });
    }
    lanes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{ErrorNames, Outcome};
    use crate::result::{RunResult, example};

    /// A result with an operation per count, which was due that often.
    fn with_counts(counts: &[u64]) -> RunResult {
        let mut result = example::result();
        let op = result.plan.ops[0].clone();
        result.plan.ops.clear();
        let interval = &mut result.runs[0].intervals[0];
        interval.ops.clear();
        for (index, count) in counts.iter().enumerate() {
            let mut op = op.clone();
            op.label = format!("op{index}");
            result.plan.ops.push(op);
            let mut record = OpRecord::default();
            (0..*count).for_each(|_| record.counts.count(Outcome::Ok, &ErrorNames::default()));
            interval.ops.push(record);
        }
        result.runs[0].intervals.truncate(1);
        result
    }

    fn labels(counts: &[u64], most: usize) -> Vec<String> {
        let result = with_counts(counts);
        let lanes = lanes(&Summary::new(&result), most);
        lanes.into_iter().map(|lane| lane.label).collect()
    }

    #[test]
    fn the_most_frequent_operations_come_first_and_the_others_are_one_lane() {
        assert_eq!(labels(&[1, 9, 5, 0, 2], 2), ["op1", "op2", "others"]);
        assert_eq!(labels(&[3, 9, 9], 5), ["op1", "op2", "op0"]);
        assert_eq!(labels(&[0], 5), Vec::<String>::new());
    }

    #[test]
    fn a_single_other_operation_keeps_its_name() {
        assert_eq!(labels(&[1, 9, 5], 2), ["op1", "op2", "op0"]);
    }

    #[test]
    fn shares_add_up_and_others_are_merged() {
        let result = with_counts(&[40, 30, 20, 10]);
        let summary = Summary::new(&result);
        let lanes = lanes(&summary, 2);
        let total: f64 = lanes.iter().map(|lane| lane.share).sum();
        assert!((total - 1.0).abs() < 1e-9);
        assert_eq!(lanes[2].ops, [2, 3]);
        let merged = lanes[2].merged(|op| Some(&summary.ops[op].record));
        assert_eq!(merged.counts.ok, 30);
    }
}
