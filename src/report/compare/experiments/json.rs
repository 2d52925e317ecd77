//! Two experiments as a JSON object. Missing values are null.

use serde::Serialize;

use super::{CellComparison, ExperimentComparison};
use crate::result::to_json_text;

#[derive(Serialize)]
struct Object<'a> {
    base: &'a str,
    candidate: &'a str,
    summary: String,
    slower: usize,
    faster: usize,
    no_difference_shown: usize,
    without_verdict: usize,
    cells: Vec<JsonCell<'a>>,
    missing: &'a [String],
    notes: Vec<String>,
}

#[derive(Serialize)]
struct JsonCell<'a> {
    cell: &'a str,
    target: &'a str,
    metric: &'a str,
    paired: bool,
    base: Option<f64>,
    candidate: Option<f64>,
    base_runs: &'a [Option<f64>],
    candidate_runs: &'a [Option<f64>],
    ratio: Option<f64>,
    ratio_low: Option<f64>,
    ratio_high: Option<f64>,
    p: Option<f64>,
    p_corrected: Option<f64>,
    verdict: &'static str,
    objections: Vec<String>,
}

pub(in crate::report) fn render(comparison: &ExperimentComparison) -> String {
    let verdicts = comparison.verdicts();
    to_json_text(&Object {
        base: &comparison.base,
        candidate: &comparison.candidate,
        summary: comparison.summary(),
        slower: verdicts.slower,
        faster: verdicts.faster,
        no_difference_shown: verdicts.same,
        without_verdict: verdicts.without,
        cells: comparison.cells.iter().map(cell).collect(),
        missing: &comparison.missing,
        notes: comparison.notes(),
    })
}

fn cell(cell: &CellComparison) -> JsonCell<'_> {
    let contrast = &cell.contrast;
    let estimate = contrast.estimate;
    let interval = estimate.and_then(|estimate| estimate.interval);
    JsonCell {
        cell: &cell.cell,
        target: &cell.target,
        metric: &cell.metric,
        paired: cell.paired,
        base: contrast.base(),
        candidate: contrast.candidate(),
        base_runs: &contrast.base_runs,
        candidate_runs: &contrast.candidate_runs,
        ratio: estimate.map(|estimate| estimate.ratio),
        ratio_low: interval.map(|(low, _)| low),
        ratio_high: interval.map(|(_, high)| high),
        p: estimate.and_then(|estimate| estimate.p),
        p_corrected: cell.p_corrected,
        verdict: cell.outcome.words(),
        objections: cell.objections.iter().map(|one| one.text()).collect(),
    }
}
