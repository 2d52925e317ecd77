//! The tables of the page of a report: operations, runs, servers, events, rows of names and values, the glossary.
//!
//! The script sorts tables by the attribute `data-value` of a cell: its figure, not rounded, in its base unit.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use maud::{Markup, html};

use super::describe::{Row, closed_loop_note};
use super::glossary::definitions;
use super::human::{count, per_second};
use super::incident::incidents;
use super::lanes::{Lane, lanes};
use super::resolution::{self, COLUMNS, cells, figures, note};
use super::servers::ServerFigures;
use super::summary::{OpSummary, Summary, failures, float, rate, was_blocked};
use crate::measure::{Histogram, Recording, ServerRecord};
use crate::result::{Resolution, RunResult};

/// Events shown per run; the result file has all of them.
const EVENTS_SHOWN: usize = 200;
/// Columns hidden on a narrow screen: the mean, p90 and p99.99.
const WIDE_ONLY: [usize; 3] = [0, 2, 5];
/// The column of p99.9, which the table of servers hides on a narrow screen.
const P999: usize = 4;
/// Columns of the table of servers: p50, p99, p99.9 and the maximum.
const OF_SERVERS: [usize; 4] = [1, 3, P999, 6];
/// Operations that the table of runs shows separately.
const LANES_OF_RUNS: usize = 5;

struct Cell {
    text: String,
    value: Option<f64>,
    wide_only: bool,
}

impl Cell {
    fn new(text: String, value: impl Into<Option<f64>>) -> Self {
        Self {
            text,
            value: value.into(),
            wide_only: false,
        }
    }

    fn markup(&self) -> Markup {
        let below = self.text.starts_with('<');
        html! {
            td class=[class(self.wide_only, below)] data-value=[self.value] { (self.text) }
        }
    }
}

fn class(wide_only: bool, below: bool) -> Option<&'static str> {
    match (wide_only, below) {
        (true, true) => Some("wide-only below"),
        (true, false) => Some("wide-only"),
        (false, true) => Some("below"),
        (false, false) => None,
    }
}

/// One cell per column of a histogram.
fn times(histogram: &Histogram, resolution: Option<Resolution>) -> Vec<Cell> {
    let texts = cells(histogram, resolution).into_iter();
    let all = texts.zip(figures(histogram)).enumerate();
    all.map(|(column, (text, value))| Cell {
        text,
        value,
        wide_only: WIDE_ONLY.contains(&column),
    })
    .collect()
}

/// Every operation with its response, service, blocked and late time.
pub(super) fn operations(summary: &Summary<'_>) -> Markup {
    let notes = [
        note(summary),
        closed_loop_note(&summary.result.plan).map(str::to_owned),
    ];
    html! {
        h2 { "Operations" }
        div class="scroll" {
            table class="sortable" {
                thead {
                    tr {
                        th {}
                        @for (column, name) in COLUMNS.iter().enumerate() {
                            th class=[class(WIDE_ONLY.contains(&column), false)] { (name) }
                        }
                    }
                }
                @for op in &summary.ops { (operation(op, summary.resolution)) }
                @if summary.ops.len() > 1 {
                    tbody data-last {
                        (group(COLUMNS.len(), "all together", ""))
                        (row(true, "response", &times(&summary.all.response, summary.resolution)))
                    }
                }
            }
        }
        "\n"
        @for note in notes.iter().flatten() { p class="note" { (note) } "\n" }
    }
}

fn operation(op: &OpSummary<'_>, resolution: Option<Resolution>) -> Markup {
    let record = &op.record;
    let counts = &record.counts;
    let failed = if counts.failed() > 0 {
        let failed = count(counts.failed());
        format!(", {failed} failed ({})", failures(record))
    } else {
        String::new()
    };
    let rate = per_second(op.throughput_per_s);
    let note = format!("{rate}/s, {} ok{failed}", count(counts.ok));
    html! {
        "\n"
        tbody data-name=(op.label) {
            (group(COLUMNS.len(), op.label, &note))
            (row(true, "response", &times(&record.response, resolution)))
            (row(false, "service", &times(&record.service, resolution)))
            @if was_blocked(record) { (row(false, "blocked", &times(&record.blocked, None))) }
            (row(false, "late", &times(&record.late, None)))
        }
    }
}

/// A heading for the rows below it.
fn group(columns: usize, title: &str, note: &str) -> Markup {
    html! {
        tr class="op" { th colspan=(columns + 1) { (title) " " span { (note) } } }
        "\n"
    }
}

fn row(lead: bool, name: &str, cells: &[Cell]) -> Markup {
    html! {
        tr class=[lead.then_some("lead")] {
            td { (name) }
            @for cell in cells { (cell.markup()) }
        }
        "\n"
    }
}

/// The figures of every run; empty if there is only one run.
pub(super) fn runs(summary: &Summary<'_>) -> Markup {
    let result = summary.result;
    if result.runs.len() < 2 {
        return html! {};
    }
    let lanes = lanes(summary, LANES_OF_RUNS);
    html! {
        h2 { "Runs" }
        div class="scroll" {
            table class="sortable" {
                thead {
                    tr {
                        th { "run" }
                        th { "acked/s" }
                        @for lane in &lanes {
                            th { (lane.label) " p50" }
                            th { (lane.label) " p99" }
                        }
                    }
                }
                tbody {
                    @for (number, run) in (1_u32..).zip(&result.runs) {
                        "\n"
                        tr {
                            td data-value=(number) { (number) }
                            @for cell in of_run(run, &lanes, summary.resolution) { (cell.markup()) }
                        }
                    }
                }
            }
        }
        "\n"
    }
}

fn of_run(run: &Recording, lanes: &[Lane], resolution: Option<Resolution>) -> Vec<Cell> {
    let rate = run.throughput_per_s();
    let mut cells = vec![Cell::new(per_second(rate), rate)];
    let totals = run.totals();
    for lane in lanes {
        let response = lane.merged(|op| totals.get(op)).response;
        let p50 = resolution::p50(&response, resolution);
        let p99 = resolution::p99(&response, resolution);
        cells.push(Cell::new(p50, response.p50_us()));
        cells.push(Cell::new(p99, response.p99_us()));
    }
    cells
}

/// The figures by role and by server; empty if the result has none.
pub(super) fn servers(summary: &Summary<'_>) -> Markup {
    let servers = &summary.servers;
    if servers.servers.is_empty() {
        return html! {};
    }
    html! {
        h2 { "By role and by server" }
        div class="scroll" {
            table class="sortable" {
                thead {
                    tr {
                        th {}
                        th { "acked/s" }
                        th { "failed" }
                        @for column in OF_SERVERS {
                            th class=[class(column == P999, false)] { (COLUMNS[column]) }
                        }
                    }
                }
                @for figures in servers.roles.iter().chain(&servers.servers) {
                    (server(summary, figures))
                }
            }
        }
        "\n"
        @if let Some(rate) = summary.per_server_cpu_s() {
            p class="note" {
                "All servers together acknowledged " (per_second(rate)) " operations per second of their processor time: \
                 this figure depends least on shared cores."
            }
            "\n"
        }
    }
}

fn server(summary: &Summary<'_>, figures: &ServerFigures) -> Markup {
    let title = figures.title();
    let rows = figures.rows(summary.result);
    let cells_of = |record: &ServerRecord| {
        let rate = rate(record.acknowledged, summary.measured_s);
        let failed = float(record.failed);
        let mut cells = vec![
            Cell::new(per_second(rate), rate),
            Cell::new(count(record.failed), failed),
        ];
        let mut all = times(&record.response, summary.resolution);
        for column in OF_SERVERS {
            let cell = std::mem::replace(&mut all[column], Cell::new(String::new(), None));
            cells.push(Cell {
                wide_only: column == P999,
                ..cell
            });
        }
        cells
    };
    html! {
        "\n"
        tbody data-name=(title) {
            (group(2 + OF_SERVERS.len(), &title, &figures.usage()))
            @for (label, record) in &rows {
                (row(*label == "all" && rows.len() > 1, label, &cells_of(record)))
            }
        }
    }
}

/// The list of events, one line per cause. The figures over time show the same numbers.
#[expect(clippy::cast_precision_loss, reason = "nanoseconds within a run")]
pub(super) fn events(result: &RunResult) -> Markup {
    let quiet = |run: &Recording| run.events.is_empty() && run.events_dropped == 0;
    if result.runs.iter().all(quiet) {
        return html! {};
    }
    let several = result.runs.len() > 1;
    let mut first = 1;
    let runs = (1_u32..).zip(&result.runs).map(|(number, run)| {
        let incidents = incidents(&run.events, &result.plan.faults);
        let own = first;
        first += incidents.len();
        (number, run, own, incidents)
    });
    html! {
        h2 { "Events" }
        ul class="plain events" {
            @for (number, run, first, incidents) in runs {
                @for (event, incident) in (first..).zip(&incidents).take(EVENTS_SHOWN) {
                    "\n"
                    li {
                        b { (event) } " "
                        time {
                            @if several { "run " (number) ", " }
                            (format!("{:+.3} s", incident.at_ns as f64 / 1e9))
                        }
                        (incident.text)
                    }
                }
                @let hidden = incidents.len().saturating_sub(EVENTS_SHOWN) as u64 + run.events_dropped;
                @if hidden > 0 { li { "and " (count(hidden)) " more" } }
            }
        }
        "\n"
    }
}

/// A table of names and values.
pub(super) fn rows(title: &str, rows: &[Row]) -> Markup {
    html! {
        h2 { (title) }
        table class="rows" {
            tbody {
                @for (name, value) in rows { "\n" tr { th { (name) } td { (value) } } }
            }
        }
        "\n"
    }
}

/// Definitions of the terms of the page.
pub(super) fn glossary() -> Markup {
    html! {
        h2 { "What the words mean" }
        dl class="words" {
            @for (word, meaning) in definitions() { "\n" dt { (word) } dd { (meaning) } }
        }
        "\n"
    }
}
