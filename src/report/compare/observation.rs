//! The figures of the runs that are compared.

use super::judge::Values;
use super::metric::{Figure, Metric, Role};
use super::warning::Seen;
use crate::measure::OpRecord;
use crate::result::RunResult;

/// The runs of a result that are compared.
pub(super) struct Chosen<'a> {
    pub result: &'a RunResult,
    /// Indices into the runs of the result.
    pub places: Vec<usize>,
}

impl<'a> Chosen<'a> {
    pub(super) fn seen_as(&self, name: &'static str) -> Seen<'a> {
        let result = self.result;
        let places = self.places.iter();
        Seen {
            name,
            result,
            runs: places.map(|place| &result.runs[*place]).collect(),
        }
    }

    /// Returns the values of the chosen runs per metric.
    fn observe(&self, metrics: &[Metric]) -> Vec<Vec<Option<f64>>> {
        let of_all_runs = observe(self.result, metrics).into_iter();
        of_all_runs
            .map(|values| self.places.iter().map(|place| values[*place]).collect())
            .collect()
    }
}

/// Returns the values of both sides in the given runs. A high percentile is left out if a run has
/// too few operations for it, unless it is the headline.
pub(super) fn values(
    metrics: &[Metric],
    roles: Vec<Role>,
    base: &Chosen<'_>,
    candidate: &Chosen<'_>,
) -> Vec<Values> {
    let observed = base.observe(metrics).into_iter();
    let observed = observed.zip(candidate.observe(metrics));
    let all = metrics.iter().zip(roles).zip(observed);
    all.map(|((metric, role), (base, candidate))| Values {
        metric: metric.clone(),
        role,
        base,
        candidate,
    })
    .filter(|values| {
        let has_values = values
            .base
            .iter()
            .chain(&values.candidate)
            .all(Option::is_some);
        has_values || values.role == Role::Headline || values.metric.figure != Figure::ResponseP999
    })
    .collect()
}

/// Returns the values of each metric, one per run; `None` if a run has no value.
fn observe(result: &RunResult, metrics: &[Metric]) -> Vec<Vec<Option<f64>>> {
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
