//! The tables of a report's page: operations, servers, events, rows of names and values, the glossary.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt::Write as _;

use super::describe::{Row, closed_loop_note};
use super::glossary::definitions;
use super::html::escaped;
use super::human::{count, per_second};
use super::incident::incidents;
use super::resolution::{COLUMNS, cells, note};
use super::servers::ServerFigures;
use super::summary::{OpSummary, Summary, failures, rate, was_blocked};
use crate::measure::{Histogram, ServerRecord};
use crate::result::{Resolution, RunResult};

/// Lines of events per run; the result file has them all.
const EVENTS_SHOWN: usize = 200;
/// Columns that give way on a phone: the mean, p90 and p99.99.
const WIDE_ONLY: [usize; 3] = [0, 2, 5];
/// The column of p99.9, which gives way on a phone in the table of servers.
const P999: usize = 4;
/// Columns of a server's response time: p50, p99, p99.9 and the maximum.
const OF_SERVERS: [usize; 4] = [1, 3, P999, 6];

/// Every operation with its four kinds of time.
pub(super) fn operations(body: &mut String, summary: &Summary<'_>) {
    body.push_str("<h2>Operations</h2>\n<div class=\"scroll\"><table>\n<thead><tr><th></th>");
    for (column, name) in COLUMNS.iter().enumerate() {
        let _ = write!(body, "<th{}>{name}</th>", wide_only(column));
    }
    body.push_str("</tr></thead>\n<tbody>\n");
    for op in &summary.ops {
        operation(body, op, summary.resolution);
    }
    if summary.ops.len() > 1 {
        group(body, COLUMNS.len(), "all together", "");
        let response = &summary.all.response;
        times(
            body,
            " class=\"lead\"",
            "response",
            response,
            summary.resolution,
        );
    }
    body.push_str("</tbody>\n</table></div>\n");
    let notes = [
        note(summary),
        closed_loop_note(&summary.result.plan).map(str::to_owned),
    ];
    for note in notes.into_iter().flatten() {
        let _ = writeln!(body, "<p class=\"note\">{}</p>", escaped(&note));
    }
}

fn operation(body: &mut String, op: &OpSummary<'_>, resolution: Option<Resolution>) {
    let counts = &op.record.counts;
    let mut note = format!(
        "{}/s, {} ok",
        per_second(op.throughput_per_s),
        count(counts.ok)
    );
    if counts.failed() > 0 {
        let failed = count(counts.failed());
        let _ = write!(note, ", {failed} failed ({})", failures(&op.record));
    }
    group(body, COLUMNS.len(), op.label, &note);
    let record = &op.record;
    times(
        body,
        " class=\"lead\"",
        "response",
        &record.response,
        resolution,
    );
    times(body, "", "service", &record.service, resolution);
    if was_blocked(record) {
        times(body, "", "blocked", &record.blocked, None);
    }
    times(body, "", "late", &record.late, None);
}

/// A row that names the rows below it.
fn group(body: &mut String, columns: usize, title: &str, note: &str) {
    let _ = writeln!(
        body,
        "<tr class=\"op\"><th colspan=\"{}\">{} <span>{}</span></th></tr>",
        columns + 1,
        escaped(title),
        escaped(note)
    );
}

fn times(
    body: &mut String,
    class: &str,
    name: &str,
    histogram: &Histogram,
    resolution: Option<Resolution>,
) {
    let _ = write!(body, "<tr{class}><td>{name}</td>");
    for (column, text) in cells(histogram, resolution).iter().enumerate() {
        cell(body, text, WIDE_ONLY.contains(&column));
    }
    body.push_str("</tr>\n");
}

fn cell(body: &mut String, text: &str, wide_only: bool) {
    let mut classes = Vec::new();
    if wide_only {
        classes.push("wide-only");
    }
    if text.starts_with('<') {
        classes.push("below");
    }
    let class = match classes.as_slice() {
        [] => String::new(),
        classes => format!(" class=\"{}\"", classes.join(" ")),
    };
    let _ = write!(body, "<td{class}>{}</td>", escaped(text));
}

fn wide_only(column: usize) -> &'static str {
    if WIDE_ONLY.contains(&column) {
        " class=\"wide-only\""
    } else {
        ""
    }
}

/// The figures by role and by server, where a result has them.
pub(super) fn servers(body: &mut String, summary: &Summary<'_>) {
    let servers = &summary.servers;
    if servers.servers.is_empty() {
        return;
    }
    body.push_str(
        "<h2>By role and by server</h2>\n<div class=\"scroll\"><table>\n<thead><tr><th></th><th>acked/s</th><th>failed</th>",
    );
    for column in OF_SERVERS {
        let class = if column == P999 {
            " class=\"wide-only\""
        } else {
            ""
        };
        let _ = write!(body, "<th{class}>{}</th>", COLUMNS[column]);
    }
    body.push_str("</tr></thead>\n<tbody>\n");
    for figures in servers.roles.iter().chain(&servers.servers) {
        server(body, summary, figures);
    }
    body.push_str("</tbody>\n</table></div>\n");
    if let Some(rate) = summary.per_server_cpu_s() {
        let _ = writeln!(
            body,
            "<p class=\"note\">All servers together acknowledged {} operations per second of their processor time: the figure \
             that survives shared cores.</p>",
            per_second(rate)
        );
    }
}

fn server(body: &mut String, summary: &Summary<'_>, figures: &ServerFigures) {
    group(
        body,
        2 + OF_SERVERS.len(),
        &figures.title(),
        &figures.usage(),
    );
    let rows = figures.rows(summary.result);
    for (label, record) in &rows {
        let ServerRecord {
            response,
            failed,
            acknowledged,
        } = record;
        let rate = rate(*acknowledged, summary.measured_s);
        let lead = if *label == "all" && rows.len() > 1 {
            " class=\"lead\""
        } else {
            ""
        };
        let _ = write!(
            body,
            "<tr{lead}><td>{}</td><td>{}</td><td>{}</td>",
            escaped(label),
            per_second(rate),
            count(*failed)
        );
        let cells = cells(response, summary.resolution);
        for column in OF_SERVERS {
            cell(body, &cells[column], column == P999);
        }
        body.push_str("</tr>\n");
    }
}

/// What happened, one line per cause.
#[expect(clippy::cast_precision_loss, reason = "nanoseconds within a run")]
pub(super) fn events(body: &mut String, result: &RunResult) {
    let dropped = |run: &crate::measure::Recording| run.events_dropped;
    if result
        .runs
        .iter()
        .all(|run| run.events.is_empty() && dropped(run) == 0)
    {
        return;
    }
    body.push_str("<h2>Events</h2>\n<ul class=\"plain\">\n");
    for (number, run) in (1..).zip(&result.runs) {
        let incidents = incidents(&run.events);
        for incident in incidents.iter().take(EVENTS_SHOWN) {
            let which = if result.runs.len() > 1 {
                format!("run {number}, ")
            } else {
                String::new()
            };
            let _ = writeln!(
                body,
                "<li><time>{which}{:+.3} s</time>{}</li>",
                incident.at_ns as f64 / 1e9,
                escaped(&incident.text)
            );
        }
        let hidden = incidents.len().saturating_sub(EVENTS_SHOWN) as u64;
        let hidden = hidden + dropped(run);
        if hidden > 0 {
            let _ = writeln!(body, "<li>and {} more</li>", count(hidden));
        }
    }
    body.push_str("</ul>\n");
}

/// A table of names and values.
pub(super) fn rows(body: &mut String, title: &str, rows: &[Row]) {
    let _ = writeln!(body, "<h2>{title}</h2>\n<table class=\"rows\"><tbody>");
    for (name, value) in rows {
        let _ = writeln!(body, "<tr><th>{name}</th><td>{}</td></tr>", escaped(value));
    }
    body.push_str("</tbody></table>\n");
}

/// What the words mean.
pub(super) fn glossary(body: &mut String) {
    body.push_str("<h2>What the words mean</h2>\n<dl class=\"words\">\n");
    for (word, meaning) in definitions() {
        let _ = writeln!(body, "<dt>{word}</dt><dd>{}</dd>", escaped(&meaning));
    }
    body.push_str("</dl>\n");
}
