//! An experiment as a JSON object: the answers, and the figures with every value. Missing values are null.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde::Serialize;

use super::answer::{Answer, Contrast};
use super::cell_rows::{COLUMNS, cell_rows};
use super::chart::Chart;
use super::estimate::{Estimate, Shown};
use super::measure::Measure;
use super::overview::{headlines, warnings};
use super::rows::rows;
use super::study::ExperimentReport;
use crate::result::{IndexRun, to_json_text};
use crate::workload::Axis;

#[derive(Serialize)]
struct Object<'a> {
    experiment: &'a str,
    why: &'a str,
    axes: &'a [Axis],
    targets: &'a [String],
    rounds: u32,
    runs_asked: usize,
    runs_done: usize,
    failed: Vec<String>,
    warnings: Vec<String>,
    answers: Vec<&'a str>,
    figures: Vec<JsonChart<'a>>,
    cells: Vec<JsonCell<'a>>,
    runs: &'a [IndexRun],
    ended_early: Option<&'a str>,
}

#[derive(Serialize)]
struct JsonChart<'a> {
    name: &'a str,
    kind: &'static str,
    title: &'a str,
    x: Option<&'a str>,
    answers: Vec<JsonAnswer<'a>>,
    points: Vec<JsonPoint<'a>>,
    steps: Vec<JsonStep>,
    notes: &'a [String],
}

#[derive(Serialize)]
struct JsonAnswer<'a> {
    text: &'a str,
    contrasts: Vec<JsonContrast<'a>>,
}

#[derive(Serialize)]
struct JsonContrast<'a> {
    measure: String,
    line: &'a str,
    from: &'a str,
    to: &'a str,
    ratio: f64,
    ratio_low: Option<f64>,
    ratio_high: Option<f64>,
    rounds: usize,
    rounds_invalid: usize,
    /// `more`, `less`, `no difference shown` or `too few rounds`.
    shown: &'static str,
}

#[derive(Serialize)]
struct JsonPoint<'a> {
    line: String,
    x: Option<&'a str>,
    runs: usize,
    runs_invalid: usize,
    values: Vec<JsonValue>,
}

#[derive(Serialize)]
struct JsonValue {
    measure: String,
    median: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    runs: Vec<f64>,
}

#[derive(Serialize)]
struct JsonStep {
    line: String,
    rate_per_s: f64,
    runs: usize,
    held: usize,
    achieved_per_s: Option<f64>,
    p50_us: Option<f64>,
    p99_us: Option<f64>,
}

#[derive(Serialize)]
struct JsonCell<'a> {
    id: &'a str,
    values: &'a [String],
    target: String,
    state: String,
    runs: usize,
    file: String,
    values_of_runs: Vec<JsonValue>,
}

pub(crate) fn render(report: &ExperimentReport) -> String {
    let charts = report.charts();
    let index = &report.index;
    to_json_text(&Object {
        experiment: &index.name,
        why: &index.why,
        axes: &index.axes,
        targets: &index.targets,
        rounds: index.rounds,
        runs_asked: index.runs_planned(),
        runs_done: report.runs_done(),
        failed: report.failed(),
        warnings: warnings(report),
        answers: headlines(&charts),
        figures: charts.iter().map(of_chart).collect(),
        cells: cells(report),
        runs: &index.runs,
        ended_early: index.ended_early.as_deref(),
    })
}

fn of_chart(chart: &Chart) -> JsonChart<'_> {
    let has_x = !chart.layout.x.is_empty();
    JsonChart {
        name: &chart.name,
        kind: chart.kind.name(),
        title: &chart.title,
        x: has_x.then_some(chart.layout.x.as_str()),
        answers: chart.answers.iter().map(answer).collect(),
        points: rows(chart)
            .into_iter()
            .map(|row| JsonPoint {
                x: has_x.then_some(row.x),
                runs: row.runs,
                runs_invalid: row.invalid,
                values: values(&chart.measures, row.estimates),
                line: row.line,
            })
            .collect(),
        steps: chart
            .steps
            .iter()
            .map(|step| JsonStep {
                line: chart.who(step.line),
                rate_per_s: step.rate_per_s,
                runs: step.runs,
                held: step.held,
                achieved_per_s: step.achieved_per_s,
                p50_us: step.p50_us,
                p99_us: step.p99_us,
            })
            .collect(),
        notes: &chart.notes,
    }
}

fn answer(answer: &Answer) -> JsonAnswer<'_> {
    JsonAnswer {
        text: &answer.text,
        contrasts: answer.contrasts.iter().map(contrast).collect(),
    }
}

fn contrast(contrast: &Contrast) -> JsonContrast<'_> {
    let ratio = &contrast.ratio;
    JsonContrast {
        measure: contrast.measure.key(),
        line: &contrast.line,
        from: &contrast.from,
        to: &contrast.to,
        ratio: ratio.ratio,
        ratio_low: ratio.interval.map(|found| found.low),
        ratio_high: ratio.interval.map(|found| found.high),
        rounds: ratio.pairs,
        rounds_invalid: ratio.invalid,
        shown: match ratio.shown() {
            Shown::More => "more",
            Shown::Less => "less",
            Shown::NoDifference => "no difference shown",
            Shown::TooFew => "too few rounds",
        },
    }
}

fn values(measures: &[Measure], estimates: &[Estimate]) -> Vec<JsonValue> {
    let pairs = measures.iter().zip(estimates);
    pairs
        .map(|(measure, estimate)| JsonValue {
            measure: measure.key(),
            median: estimate.median,
            low: estimate.interval.map(|found| found.low),
            high: estimate.interval.map(|found| found.high),
            runs: estimate.observations.iter().map(|one| one.value).collect(),
        })
        .collect()
}

fn cells(report: &ExperimentReport) -> Vec<JsonCell<'_>> {
    let rows = cell_rows(report).into_iter();
    rows.map(|row| JsonCell {
        state: row.state(),
        runs: row.runs(),
        values_of_runs: values(&COLUMNS, &row.estimates),
        id: row.id,
        values: row.values,
        target: row.target,
        file: row.file,
    })
    .collect()
}
