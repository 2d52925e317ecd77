//! A comparison as a JSON object. `docs/RESULTS.md` explains its fields.

use serde::Serialize;

use super::judge::Contrast;
use super::note::notes;
use super::summary::sentence;
use super::words::{estimate_interval, estimate_words};
use super::{Comparison, Objection, Side};
use crate::result::to_json_text;

#[derive(Serialize)]
struct Object<'a> {
    workload: &'a str,
    base: JsonSide<'a>,
    candidate: JsonSide<'a>,
    paired: bool,
    rounds: Option<&'a [u32]>,
    headline: String,
    verdict: &'static str,
    words: String,
    summary: String,
    objections: Vec<JsonObjection>,
    warnings: &'a [String],
    notes: Vec<String>,
    metrics: Vec<JsonMetric<'a>>,
}

#[derive(Serialize)]
struct JsonSide<'a> {
    spec: &'a str,
    target: &'a str,
    path: Option<String>,
    started_unix_ms: Option<u64>,
    runs: usize,
    schema_version: u64,
    valid: bool,
    findings: &'a [String],
}

#[derive(Serialize)]
struct JsonObjection {
    kind: &'static str,
    text: String,
}

#[derive(Serialize)]
struct JsonMetric<'a> {
    metric: String,
    op: Option<&'a str>,
    figure: &'static str,
    role: &'static str,
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
    words: Option<String>,
    interval_words: Option<String>,
}

pub(in crate::report) fn render(comparison: &Comparison) -> String {
    let headline = comparison.headline();
    to_json_text(&Object {
        workload: &comparison.workload,
        base: side(&comparison.base),
        candidate: side(&comparison.candidate),
        paired: comparison.rounds.is_some(),
        rounds: comparison.rounds.as_deref(),
        headline: headline.metric.name(),
        verdict: headline.outcome.words(),
        words: estimate_words(headline),
        summary: sentence(comparison),
        objections: comparison.objections.iter().map(objection).collect(),
        warnings: &comparison.warnings,
        notes: notes(comparison),
        metrics: comparison.contrasts.iter().map(metric).collect(),
    })
}

fn side(side: &Side) -> JsonSide<'_> {
    JsonSide {
        spec: &side.spec,
        target: &side.target,
        path: side
            .folder
            .as_ref()
            .map(|folder| folder.display().to_string()),
        started_unix_ms: side.started_unix_ms,
        runs: side.runs,
        schema_version: side.schema,
        valid: side.valid,
        findings: &side.findings,
    }
}

fn objection(objection: &Objection) -> JsonObjection {
    JsonObjection {
        kind: objection.kind(),
        text: objection.text(),
    }
}

fn metric(contrast: &Contrast) -> JsonMetric<'_> {
    let estimate = contrast.estimate;
    let interval = estimate.and_then(|estimate| estimate.interval);
    JsonMetric {
        metric: contrast.metric.name(),
        op: contrast.metric.op.as_deref(),
        figure: contrast.metric.figure.word(),
        role: contrast.role.word(),
        base: contrast.base(),
        candidate: contrast.candidate(),
        base_runs: &contrast.base_runs,
        candidate_runs: &contrast.candidate_runs,
        ratio: estimate.map(|estimate| estimate.ratio),
        ratio_low: interval.map(|(low, _)| low),
        ratio_high: interval.map(|(_, high)| high),
        p: estimate.and_then(|estimate| estimate.p),
        p_corrected: estimate.and_then(|estimate| estimate.p_corrected),
        verdict: contrast.outcome.words(),
        words: estimate.map(|_| estimate_words(contrast)),
        interval_words: estimate_interval(contrast),
    }
}
