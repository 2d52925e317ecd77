//! The figures of each run of a result.

use super::metric::Metric;
use crate::measure::OpRecord;
use crate::result::RunResult;

/// Returns the values of each metric, one per run; `None` if a run has no value.
pub(super) fn observe(result: &RunResult, metrics: &[Metric]) -> Vec<Vec<Option<f64>>> {
    let mut values: Vec<Vec<Option<f64>>> = metrics.iter().map(|_| Vec::new()).collect();
    for run in &result.runs {
        let ops = run.totals();
        let mut all = OpRecord::default();
        ops.iter().for_each(|record| all.merge(record));
        let acknowledged = run.acknowledged_per_op();
        for (metric, values) in metrics.iter().zip(&mut values) {
            let value = match &metric.op {
                None => metric.figure.of(&all, acknowledged.iter().sum(), run),
                Some(label) => {
                    let index = result.plan.ops.iter().position(|op| op.label == *label);
                    index.and_then(|index| {
                        let count = *acknowledged.get(index)?;
                        metric.figure.of(ops.get(index)?, count, run)
                    })
                }
            };
            values.push(value);
        }
    }
    values
}
