//! The report as one self-contained page: no script, no network, light and dark, desk and phone.

use std::fmt::Write as _;

use rayon::prelude::*;

use super::ReportError;
use super::curves::figures;
use super::describe::{
    DEFINITIONS, Row, arrival, environment_rows, gate_line, plan_rows, target_line, target_rows,
};
use super::human::{MISSING, count, duration_us, per_second, share};
use super::plot::{Picture, inline};
use super::summary::{Summary, Times, failures};
use crate::measure::Histogram;
use crate::result::RunResult;

/// Events listed per run; the result file has them all.
const EVENTS_SHOWN: usize = 200;

/// All results on one page, one below the other.
pub(crate) fn render(results: &[RunResult]) -> Result<String, ReportError> {
    let mut body = String::new();
    for (number, result) in results.iter().enumerate() {
        if number > 0 {
            body.push_str("<hr>\n");
        }
        one(&mut body, result)?;
    }
    definitions(&mut body);
    let names: Vec<&str> = results
        .iter()
        .map(|result| result.plan.name.as_str())
        .collect();
    Ok(page(&names.join(", "), &body))
}

/// The frame of a page.
pub(super) fn page(title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{} - Quorate</title>\n<style>\n{}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n",
        escaped(title),
        include_str!("style.css")
    )
}

/// Text that is not markup.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn one(body: &mut String, result: &RunResult) -> Result<(), ReportError> {
    let summary = Summary::new(result);
    let _ = writeln!(
        body,
        "<header>\n<h1>{}</h1>\n<p class=\"why\">{}</p>\n<p class=\"sub\">{}; {}</p>\n</header>",
        escaped(&result.plan.name),
        escaped(&result.plan.why),
        escaped(&target_line(result)),
        arrival(&result.plan)
    );
    verdict(body, result);
    tiles(body, &summary);
    warnings(body, result);
    plots(body, &summary)?;
    operations(body, &summary);
    events(body, result);
    body.push_str("<div class=\"split\">\n<div>\n");
    rows(body, "Plan", &plan_rows(&result.plan));
    body.push_str("</div>\n<div>\n");
    rows(body, "Target", &target_rows(result));
    rows(body, "Environment", &environment_rows(result));
    body.push_str("</div>\n</div>\n");
    Ok(())
}

fn verdict(body: &mut String, result: &RunResult) {
    let failed: Vec<String> = result
        .gates
        .iter()
        .filter(|gate| !gate.passed)
        .map(gate_line)
        .collect();
    let reasons = result.verdict.reasons();
    let (class, word, list) = if !result.verdict.is_valid() {
        (
            " bad",
            "Invalid: the figures do not describe the target.",
            reasons,
        )
    } else if !failed.is_empty() {
        (" bad", "Valid, but a gate failed.", failed.as_slice())
    } else if result.gates.is_empty() {
        ("", "Valid.", reasons)
    } else {
        ("", "Valid, and every gate passed.", reasons)
    };
    let _ = write!(body, "<div class=\"banner{class}\"><b>{word}</b>");
    bullets(body, list);
    body.push_str("</div>\n");
}

fn bullets(body: &mut String, items: &[String]) {
    if items.is_empty() {
        return;
    }
    body.push_str("<ul>");
    for item in items {
        let _ = write!(body, "<li>{}</li>", escaped(item));
    }
    body.push_str("</ul>");
}

fn tiles(body: &mut String, summary: &Summary<'_>) {
    let response = Times::of(&summary.all.response);
    let quantile = |index: usize| {
        response.map_or_else(|| MISSING.to_owned(), |t| duration_us(t.quantiles[index]))
    };
    let asked = summary.asked_per_s.map_or_else(
        || "closed loop: no rate asked".to_owned(),
        |rate| format!("of {} asked", per_second(rate)),
    );
    let throughput = summary.throughput_per_s.map_or_else(
        || MISSING.to_owned(),
        |rate| format!("{}/s", per_second(rate)),
    );
    let counts = &summary.all.counts;
    let tiles = [
        ("Throughput", throughput, asked),
        ("Response time p50", quantile(0), "median".to_owned()),
        (
            "Response time p99",
            quantile(2),
            "1 in 100 was slower".to_owned(),
        ),
        (
            "Response time p99.9",
            quantile(3),
            "1 in 1,000 was slower".to_owned(),
        ),
        (
            "Failed",
            share(counts.failed(), counts.total()),
            format!("{} of {}", count(counts.failed()), count(counts.total())),
        ),
    ];
    body.push_str("<dl class=\"tiles\">\n");
    for (name, value, note) in tiles {
        let _ = writeln!(
            body,
            "<div class=\"tile\"><dt>{name}</dt><dd>{value}<small>{note}</small></dd></div>"
        );
    }
    body.push_str("</dl>\n");
}

fn warnings(body: &mut String, result: &RunResult) {
    if !result.warnings.is_empty() {
        let noun = if result.warnings.len() == 1 {
            "Warning"
        } else {
            "Warnings"
        };
        let _ = write!(body, "<div class=\"banner warn\"><b>{noun}</b>");
        bullets(body, &result.warnings);
        body.push_str("</div>\n");
    }
}

fn plots(body: &mut String, summary: &Summary<'_>) -> Result<(), ReportError> {
    let drawn: Result<Vec<String>, ReportError> = figures(summary)
        .par_iter()
        .map(|figure| {
            if figure.series.is_empty() {
                return Ok(String::new());
            }
            let svg = inline(Picture::Figure(figure), &figure.title)?;
            Ok(format!(
                "<h2>{}</h2>\n<figure>\n{svg}\n<figcaption>{}</figcaption>\n</figure>\n",
                figure.title, figure.caption
            ))
        })
        .collect();
    body.extend(drawn?);
    Ok(())
}

fn operations(body: &mut String, summary: &Summary<'_>) {
    body.push_str(
        "<h2>Operations</h2>\n<div class=\"scroll\"><table>\n<thead><tr><th></th><th class=\"wide-only\">mean</th><th>p50</th>\
         <th class=\"wide-only\">p90</th><th>p99</th><th>p99.9</th><th>max</th></tr></thead>\n<tbody>\n",
    );
    for op in &summary.ops {
        let counts = &op.record.counts;
        let mut note = format!(
            "{}/s, {} ok",
            per_second(op.throughput_per_s),
            count(counts.ok)
        );
        if counts.failed() > 0 {
            let _ = write!(
                note,
                ", {} failed ({})",
                count(counts.failed()),
                failures(&op.record)
            );
        }
        let _ = writeln!(
            body,
            "<tr class=\"op\"><th colspan=\"7\">{} <span>{}</span></th></tr>",
            escaped(op.label),
            escaped(&note)
        );
        times(body, " class=\"lead\"", "response", &op.record.response);
        times(body, "", "service", &op.record.service);
        times(body, "", "blocked", &op.record.blocked);
        times(body, "", "late", &op.record.late);
    }
    if summary.ops.len() > 1 {
        body.push_str("<tr class=\"op\"><th colspan=\"7\">all together</th></tr>\n");
        times(body, " class=\"lead\"", "response", &summary.all.response);
    }
    body.push_str("</tbody>\n</table></div>\n");
    gates(body, summary.result);
}

fn times(body: &mut String, class: &str, name: &str, histogram: &Histogram) {
    let _ = write!(body, "<tr{class}><td>{name}</td>");
    let cells: Vec<String> = Times::of(histogram).map_or_else(
        || vec![MISSING.to_owned(); 6],
        |times| {
            std::iter::once(times.mean)
                .chain(times.quantiles)
                .map(duration_us)
                .collect()
        },
    );
    for (index, cell) in cells.iter().enumerate() {
        // The mean and p90 give way on a phone.
        let class = if matches!(index, 0 | 2) {
            " class=\"wide-only\""
        } else {
            ""
        };
        let _ = write!(body, "<td{class}>{cell}</td>");
    }
    body.push_str("</tr>\n");
}

fn gates(body: &mut String, result: &RunResult) {
    if result.gates.is_empty() {
        return;
    }
    body.push_str("<h2>Gates</h2>\n<ul class=\"plain\">\n");
    for gate in &result.gates {
        let word = if gate.passed { "passed" } else { "failed" };
        let _ = writeln!(
            body,
            "<li><span class=\"{word}\">{word}</span>: {}</li>",
            escaped(&gate_line(gate))
        );
    }
    body.push_str("</ul>\n");
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds within a run")]
fn events(body: &mut String, result: &RunResult) {
    let total: usize = result.runs.iter().map(|run| run.events.len()).sum();
    if total == 0 {
        return;
    }
    body.push_str("<h2>Events</h2>\n<ul class=\"plain\">\n");
    for (number, run) in (1..).zip(&result.runs) {
        for event in run.events.iter().take(EVENTS_SHOWN) {
            let which = if result.runs.len() > 1 {
                format!("run {number}, ")
            } else {
                String::new()
            };
            let _ = writeln!(
                body,
                "<li><time>{which}{:+.3} s</time>{}</li>",
                event.at_ns as f64 / 1e9,
                escaped(&event.kind.to_string())
            );
        }
        let hidden = run.events.len().saturating_sub(EVENTS_SHOWN) as u64 + run.events_dropped;
        if hidden > 0 {
            let _ = writeln!(body, "<li>and {} more</li>", count(hidden));
        }
    }
    body.push_str("</ul>\n");
}

fn rows(body: &mut String, title: &str, rows: &[Row]) {
    let _ = writeln!(body, "<h2>{title}</h2>\n<table class=\"rows\"><tbody>");
    for (name, value) in rows {
        let _ = writeln!(body, "<tr><th>{name}</th><td>{}</td></tr>", escaped(value));
    }
    body.push_str("</tbody></table>\n");
}

fn definitions(body: &mut String) {
    body.push_str("<h2>What the words mean</h2>\n<dl class=\"words\">\n");
    for (word, meaning) in DEFINITIONS {
        let _ = writeln!(body, "<dt>{word}</dt><dd>{}</dd>", escaped(meaning));
    }
    body.push_str("</dl>\n");
}
