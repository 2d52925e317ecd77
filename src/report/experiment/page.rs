//! The page of an experiment: the answers, the figures with the tables behind them, all cells, the method. One file,
//! complete without its script.

use maud::{Markup, PreEscaped, html};
use rayon::prelude::*;

use super::cell_rows::{COLUMNS, CellRow, cell_rows};
use super::chart::Chart;
use super::estimate::Estimate;
use super::measure::Unit;
use super::overview::{extent_line, headlines, machine, method, warnings};
use super::rows::{rows, runs_text};
use super::study::ExperimentReport;
use crate::report::ReportError;
use crate::report::figure::Figure;
use crate::report::figure_data::FigureData;
use crate::report::html::page;
use crate::report::human::{duration_us, per_second};
use crate::report::page_tables;
use crate::report::plot::{Picture, PlotFile, files, inline};

/// Rows of a table that is open from the start.
const OPEN_ROWS: usize = 24;

/// The page.
pub(crate) fn render(report: &ExperimentReport) -> Result<String, ReportError> {
    let charts = report.charts();
    let mut data = Vec::new();
    let mut parts = Vec::new();
    for chart in &charts {
        parts.push(part(chart, &mut data)?);
    }
    let index = &report.index;
    let body = html! {
        header {
            h1 { (index.name) }
            p class="why" { (index.why) }
            p class="sub" { (extent_line(report)) }
        }
        "\n"
        (overview(report, &charts))
        @for part in &parts { (part) }
        (cells(report))
        (failures(report))
        div class="split" {
            div {
                h2 { "Method" }
                ul class="plain" { @for line in method(report) { "\n" li { (line) } } }
            }
            div { (page_tables::rows("Machine", &machine(report))) }
        }
        h2 { "Files" }
        p {
            a href="experiment.json" { "experiment.json" } " is the index: the file of the experiment, its cells and the state of \
            every run. The folder " code { "cells" } " has the result of every cell, which "
            code { "quorate report" } " shows in full."
        }
        (page_tables::glossary())
    };
    Ok(page(&index.name, &body, &data))
}

/// All pictures as files, with a light background.
pub(crate) fn plots(report: &ExperimentReport) -> Result<Vec<PlotFile>, ReportError> {
    let charts = report.charts();
    let mut figures: Vec<Figure> = charts
        .into_iter()
        .flat_map(|chart| chart.pictures)
        .filter(|figure| !figure.is_empty())
        .collect();
    for figure in &mut figures {
        figure.title = format!("{}: {}", report.index.name, figure.title);
    }
    files(&figures.iter().map(Picture::Figure).collect::<Vec<_>>())
}

fn overview(report: &ExperimentReport, charts: &[Chart]) -> Markup {
    let answers = headlines(charts);
    let warnings = warnings(report);
    html! {
        section class="banner finding answers" aria-label="Answers" {
            @if answers.is_empty() {
                b { "No answer yet: no run was measured." }
            } @else {
                b { "Answers" }
                ul { @for answer in answers { "\n" li { (answer) } } }
            }
        }
        "\n"
        @if !warnings.is_empty() {
            section class="banner warn" aria-label="Warnings" {
                b { @if warnings.len() == 1 { "Warning" } @else { "Warnings" } }
                ul { @for warning in warnings { "\n" li { (warning) } } }
            }
            "\n"
        }
    }
}

fn part(chart: &Chart, data: &mut Vec<FigureData>) -> Result<Markup, ReportError> {
    let drawn: Vec<&Figure> = chart
        .pictures
        .iter()
        .filter(|figure| !figure.is_empty())
        .collect();
    let painted: Result<Vec<_>, ReportError> = drawn
        .par_iter()
        .map(|figure| {
            let painted = inline(Picture::Figure(figure), &figure.title)?;
            let data = FigureData::plot(figure, &painted.frames);
            Ok((painted.svg, data))
        })
        .collect();
    let mut stages = Vec::new();
    for (figure, (svg, own)) in drawn.iter().zip(painted?) {
        // Each picture zooms alone, so it has its own number as a result.
        let number = data.len();
        stages.push(html! {
            @if figure.title != chart.title { h3 { (figure.title) } }
            figure data-figure=(number) data-result=(number) data-title=(figure.title) {
                div class="stage" { (PreEscaped(svg)) }
                figcaption { (figure.caption) }
            }
            "\n"
        });
        data.push(own);
    }
    let timelines = timelines(chart, data)?;
    let further = chart.answers.iter().filter(|answer| !answer.headline);
    let further: Vec<&str> = further.map(|answer| answer.text.as_str()).collect();
    Ok(html! {
        "\n"
        section id=(chart.name) {
            h2 { (chart.title) }
            @if !further.is_empty() {
                ul class="further" { @for answer in further { "\n" li { (answer) } } }
            }
            @if stages.is_empty() { p class="note" { "Nothing was measured for this figure." } }
            @for stage in &stages { (stage) }
            (timelines)
            (table(chart))
            @if !chart.steps.is_empty() { (steps(chart)) }
            @for note in &chart.notes { p class="note" { (note) } }
        }
        "\n"
    })
}

/// The time around faults. Figures around one fault zoom together.
fn timelines(chart: &Chart, data: &mut Vec<FigureData>) -> Result<Markup, ReportError> {
    let mut parts = Vec::new();
    for (cell, (title, figures)) in chart.timelines.iter().enumerate() {
        for figure in figures.iter().filter(|figure| !figure.is_empty()) {
            let painted = inline(Picture::Figure(figure), &figure.title)?;
            parts.push(html! {
                h3 { (figure.title) ", " (title) }
                figure data-figure=(data.len()) data-result={ (chart.name) "-" (cell) "-" (figure.clock()) } data-title=(figure.title) {
                    div class="stage" { (PreEscaped(painted.svg)) }
                    figcaption { (figure.caption) }
                }
                "\n"
            });
            data.push(FigureData::plot(figure, &painted.frames));
        }
    }
    Ok(html! { @for part in &parts { (part) } })
}

/// The values of a chart.
fn table(chart: &Chart) -> Markup {
    let has_x = !chart.layout.x.is_empty();
    let rows = rows(chart);
    html! {
        details open[rows.len() <= OPEN_ROWS] {
            summary { "The values behind it" span class="note" { (rows.len()) " rows" } }
            div class="scroll" tabindex="0" role="region" aria-label={ "Values of " (chart.title) } {
                table class="sortable values" data-chart=(chart.name) {
                    thead {
                        tr {
                            th scope="col" { "line" }
                            @if has_x { th scope="col" { (chart.x_head()) } }
                            @for measure in &chart.measures { th scope="col" { (measure.head()) } }
                            th scope="col" { "runs" }
                        }
                    }
                    tbody {
                        @for row in &rows {
                            "\n"
                            tr {
                                th scope="row" { (row.line) }
                                @if has_x { td data-value=(row.position) { (row.x) } }
                                @for (measure, estimate) in chart.measures.iter().zip(row.estimates) {
                                    (value(measure.unit(), estimate))
                                }
                                td data-value=(row.runs) { (runs_text(row)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A median with its interval below it.
fn value(unit: Unit, estimate: &Estimate) -> Markup {
    html! {
        td data-value=[estimate.median] {
            (estimate.sign) (unit.text(estimate.median))
            @if let (Some(median), Some(interval)) = (estimate.median, estimate.interval) {
                small { (unit.interval_text(median, interval)) }
            }
        }
    }
}

/// The steps of the searches of a curve.
fn steps(chart: &Chart) -> Markup {
    html! {
        details {
            summary { "The steps of the searches" span class="note" { (chart.steps.len()) " rows" } }
            div class="scroll" tabindex="0" role="region" aria-label={ "Steps of " (chart.title) } {
                table class="sortable" {
                    thead {
                        tr {
                            th scope="col" { "line" }
                            @for head in ["rate/s", "achieved/s", "p50", "p99", "held"] {
                                th scope="col" { (head) }
                            }
                        }
                    }
                    tbody {
                        @for row in &chart.steps {
                            "\n"
                            tr {
                                th scope="row" { (chart.who(row.line)) }
                                td data-value=(row.rate_per_s) { (per_second(row.rate_per_s)) }
                                td data-value=[row.achieved_per_s] { (per_second(row.achieved_per_s)) }
                                td data-value=[row.p50_us] { (duration_us(row.p50_us)) }
                                td data-value=[row.p99_us] { (duration_us(row.p99_us)) }
                                td data-value=(row.held) { (row.held) " of " (row.runs) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// All cells with links to their raw files.
fn cells(report: &ExperimentReport) -> Markup {
    let rows = cell_rows(report);
    html! {
        "\n"
        section id="cells" {
            h2 { "Cells" }
            div class="scroll" tabindex="0" role="region" aria-label="Cells" {
                table class="sortable" {
                    thead {
                        tr {
                            th scope="col" { "cell" }
                            th scope="col" { "target" }
                            th scope="col" { "runs" }
                            th scope="col" { "verdict" }
                            @for measure in COLUMNS { th scope="col" { (measure.head()) } }
                        }
                    }
                    tbody { @for row in &rows { "\n" (cell(row)) } }
                }
            }
        }
        "\n"
    }
}

fn cell(row: &CellRow<'_>) -> Markup {
    let state = row.state();
    let findings = row.measured.and_then(|one| one.facts.as_ref());
    let findings = findings.map_or(0, |facts| facts.findings.len());
    html! {
        tr {
            th scope="row" { a href=(row.file) { (row.id) } }
            td title=[row.measured.and_then(|one| one.facts.as_ref()).map(|facts| &facts.target)] { (row.target) }
            td data-value=(row.runs()) { (row.runs()) }
            td class=[(state.contains("invalid") || state.starts_with("not")).then_some("slower")] {
                (state)
                @if findings > 0 {
                    small { (findings) @if findings == 1 { " finding" } @else { " findings" } }
                }
            }
            @for (measure, estimate) in COLUMNS.iter().zip(&row.estimates) { (value(measure.unit(), estimate)) }
        }
    }
}

/// Runs that failed, and why runs are invalid.
fn failures(report: &ExperimentReport) -> Markup {
    let failed = report.failed();
    let invalid: Vec<(String, &[String])> = cell_rows(report)
        .into_iter()
        .filter_map(|row| {
            let facts = row.measured?.facts.as_ref()?;
            let name = format!("{} on {}", row.id, row.target);
            (!facts.reasons.is_empty()).then_some((name, facts.reasons.as_slice()))
        })
        .collect();
    html! {
        @if !failed.is_empty() {
            h2 { "Failed runs" }
            ul class="plain" { @for line in &failed { "\n" li { (line) } } }
        }
        @if !invalid.is_empty() {
            h2 { "Invalid runs" }
            ul class="plain" {
                @for (name, reasons) in &invalid { "\n" li { b { (name) } ": " (reasons.join("; ")) } }
            }
        }
    }
}
