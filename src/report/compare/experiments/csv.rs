//! Two experiments as CSV: one line per cell and target.

use super::ExperimentComparison;
use crate::result::CsvTable;

const HEAD: [&str; 12] = [
    "base",
    "candidate",
    "cell",
    "target",
    "metric",
    "base_value",
    "candidate_value",
    "ratio",
    "ratio_low",
    "ratio_high",
    "p_corrected",
    "verdict",
];

pub(in crate::report) fn render(comparison: &ExperimentComparison) -> String {
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.6}"));
    let mut table = CsvTable::new(HEAD);
    for cell in &comparison.cells {
        let estimate = cell.contrast.estimate;
        let interval = estimate.and_then(|estimate| estimate.interval);
        table.row([
            comparison.base.clone(),
            comparison.candidate.clone(),
            cell.cell.clone(),
            cell.target.clone(),
            cell.metric.clone(),
            number(cell.contrast.base()),
            number(cell.contrast.candidate()),
            number(estimate.map(|estimate| estimate.ratio)),
            number(interval.map(|(low, _)| low)),
            number(interval.map(|(_, high)| high)),
            number(cell.p_corrected),
            cell.outcome.words().to_owned(),
        ]);
    }
    table.into_text()
}
