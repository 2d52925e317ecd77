//! The top of a report's page: what was run, the verdict, the gates, the figures that matter most, and
//! apart from them what the target did and what a reader should know.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt::Write as _;

use super::describe::{arrival, gate_line, target_line};
use super::html::escaped;
use super::human::{MISSING, count, per_second, share};
use super::lanes::lanes;
use super::resolution;
use super::silence;
use super::summary::{Summary, failures};
use crate::result::RunResult;

/// Operations that have a tile of their own.
const LANES_MAX: usize = 4;

/// Everything above the plots.
pub(super) fn head(body: &mut String, summary: &Summary<'_>) {
    let result = summary.result;
    let _ = writeln!(
        body,
        "<header>\n<h1>{}</h1>\n<p class=\"why\">{}</p>\n<p class=\"sub\">{}; {}</p>\n</header>",
        escaped(&result.plan.name),
        escaped(&result.plan.why),
        escaped(&target_line(result)),
        arrival(&result.plan)
    );
    verdict(body, result);
    gates(body, result);
    tiles(body, summary);
    let mut findings = result.findings.clone();
    findings.extend(silence::longest(summary));
    banner(body, "finding", "What the target did", &findings);
    let noun = if result.warnings.len() == 1 {
        "Warning"
    } else {
        "Warnings"
    };
    banner(body, "warn", noun, &result.warnings);
}

fn verdict(body: &mut String, result: &RunResult) {
    let reasons = result.verdict.reasons();
    let (class, words) = if result.verdict.is_valid() {
        ("", "Valid: the generator did its part.")
    } else {
        (
            " bad",
            "Invalid \u{2013} the generator failed: the figures do not describe the target.",
        )
    };
    let _ = write!(body, "<div class=\"banner{class}\"><b>{words}</b>");
    bullets(body, reasons);
    body.push_str("</div>\n");
}

/// Gates judge the target, whatever the verdict says of the generator.
fn gates(body: &mut String, result: &RunResult) {
    if result.gates.is_empty() {
        return;
    }
    let failed = result.gates.iter().filter(|gate| !gate.passed).count();
    let (class, words) = match failed {
        0 => ("", "Every gate passed.".to_owned()),
        1 => (" bad", "A gate failed.".to_owned()),
        _ => (" bad", format!("{} gates failed.", count(failed as u64))),
    };
    let _ = write!(
        body,
        "<div class=\"banner gates{class}\"><b>{words}</b><ul>"
    );
    for gate in &result.gates {
        let word = if gate.passed { "passed" } else { "failed" };
        let _ = write!(
            body,
            "<li><span class=\"{word}\">{word}</span>: {}</li>",
            escaped(&gate_line(gate))
        );
    }
    body.push_str("</ul></div>\n");
}

fn banner(body: &mut String, class: &str, title: &str, items: &[String]) {
    if !items.is_empty() {
        let _ = write!(body, "<div class=\"banner {class}\"><b>{title}</b>");
        bullets(body, items);
        body.push_str("</div>\n");
    }
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
    let mut tiles = Vec::new();
    let asked = summary.asked_per_s.map_or_else(
        || "closed loop: no rate asked".to_owned(),
        |rate| format!("of {} asked", per_second(rate)),
    );
    let throughput = summary.throughput_per_s.map_or_else(
        || MISSING.to_owned(),
        |rate| format!("{}/s", per_second(rate)),
    );
    tiles.push(tile("Throughput", &[(&throughput, &asked)]));
    let lanes = lanes(summary, LANES_MAX);
    let several = lanes.len() > 1;
    for lane in &lanes {
        let record = lane.merged(|op| Some(&summary.ops[op].record));
        let name = if several {
            format!("{}, {:.0} % of operations", lane.label, 100.0 * lane.share)
        } else {
            lane.label.clone()
        };
        let p50 = resolution::p50(&record.response, summary.resolution);
        let p99 = resolution::p99(&record.response, summary.resolution);
        tiles.push(tile(&name, &[(&p50, "response p50"), (&p99, "p99")]));
    }
    let counts = &summary.all.counts;
    let failed = if counts.failed() == 0 {
        format!("of {}", count(counts.total()))
    } else {
        format!(
            "{} of {}: {}",
            count(counts.failed()),
            count(counts.total()),
            failures(&summary.all)
        )
    };
    let share = share(counts.failed(), counts.total());
    tiles.push(tile("Failed", &[(&share, &failed)]));
    if let Some(rate) = summary.per_server_cpu_s() {
        let note = "operations per second of server CPU: the figure that survives shared cores";
        tiles.push(tile("Per CPU second", &[(&per_second(rate), note)]));
    }
    // As many in a row as leave the fewest gaps in the last one.
    let columns = if tiles.len().is_multiple_of(3) || tiles.len() == 5 {
        3
    } else {
        4
    };
    let _ = writeln!(
        body,
        "<dl class=\"tiles\" style=\"--columns:{columns}\">\n{}</dl>",
        tiles.concat()
    );
}

/// A name with one or several figures, each with what it is.
fn tile(name: &str, figures: &[(&str, &str)]) -> String {
    let mut tile = format!("<div class=\"tile\"><dt>{}</dt>", escaped(name));
    for (figure, note) in figures {
        let _ = write!(
            tile,
            "<dd>{}<small>{}</small></dd>",
            escaped(figure),
            escaped(note)
        );
    }
    tile.push_str("</div>\n");
    tile
}
