//! A comparison as CSV: one line per metric.

use super::Comparison;
use crate::result::CsvTable;

const HEAD: &str = "workload,op,figure,role,base,candidate,ratio,ratio_low,ratio_high,p,p_corrected,verdict,paired,base_runs,candidate_runs";

/// Response times are in microseconds, throughput per second.
pub(in crate::report) fn render(comparison: &Comparison) -> String {
    let mut table = CsvTable::new(HEAD.split(','));
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.4}"));
    for contrast in &comparison.contrasts {
        let estimate = contrast.estimate;
        let interval = estimate.and_then(|estimate| estimate.interval);
        table.row([
            comparison.workload.clone(),
            contrast.metric.op.clone().unwrap_or_default(),
            contrast.metric.figure.word().to_owned(),
            contrast.role.word().to_owned(),
            number(contrast.base()),
            number(contrast.candidate()),
            number(estimate.map(|estimate| estimate.ratio)),
            number(interval.map(|(low, _)| low)),
            number(interval.map(|(_, high)| high)),
            number(estimate.and_then(|estimate| estimate.p)),
            number(estimate.and_then(|estimate| estimate.p_corrected)),
            contrast.outcome.words().to_owned(),
            comparison.rounds.is_some().to_string(),
            contrast.base_runs.len().to_string(),
            contrast.candidate_runs.len().to_string(),
        ]);
    }
    table.into_text()
}
