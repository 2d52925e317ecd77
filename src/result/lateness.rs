//! Compares the lateness of the generator with the response times.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::machine::Resolution;
use super::thresholds::LATE_SHARE_MAX;
use super::words::span;
use crate::measure::OpRecord;
use crate::workload::Plan;

/// Returns a sentence for each operation and percentile at which lateness is more than
/// `LATE_SHARE_MAX` of the response time. Percentiles with fewer than ten operations beyond them
/// are skipped because they are chance. Lateness below the machine's resolution is skipped because
/// it cannot be floor_us from noise.
pub(super) fn material_lateness(
    plan: &Plan,
    ops: &[OpRecord],
    resolution: Option<Resolution>,
) -> Vec<String> {
    let floor_us = |figure: fn(Resolution) -> f64| resolution.map_or(0.0, figure);
    let percentiles = [
        (0.50, "p50", floor_us(|found| found.response_p50_us)),
        (0.99, "p99", floor_us(|found| found.response_p99_us)),
    ];
    let mut words = Vec::new();
    for (op, record) in plan.ops.iter().zip(ops) {
        for (quantile, name, resolution_us) in percentiles {
            let response = record.response.supported_us(quantile);
            let late = record.late.supported_us(quantile);
            if let (Some(response), Some(late)) = (response, late)
                && late > LATE_SHARE_MAX * response
                && late > resolution_us
            {
                words.push(format!(
                    "{}: the generator's lateness {name} is {}, {:.0} % of the response time {name}",
                    op.label,
                    span(late),
                    100.0 * late / response
                ));
            }
        }
    }
    words
}
