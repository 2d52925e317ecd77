//! The top of the page of a report: the workload, the verdict, the gates, the most important figures, the findings
//! and the warnings.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use maud::{Markup, html};

use super::describe::{arrival, gate_line, target_line};
use super::human::{MISSING, count, per_second, share};
use super::lanes::lanes;
use super::quota::quota_note;
use super::resolution;
use super::silence;
use super::summary::{Summary, failures};
use crate::result::RunResult;

/// Operations with a tile; the others share one.
const LANES_MAX: usize = 4;

/// Everything above the figures.
pub(super) fn head(summary: &Summary<'_>) -> Markup {
    let result = summary.result;
    let mut findings = result.findings.clone();
    findings.extend(silence::longest(summary));
    let warnings = if result.warnings.len() == 1 {
        "Warning"
    } else {
        "Warnings"
    };
    html! {
        header {
            h1 { (result.plan.name) }
            p class="why" { (result.plan.why) }
            p class="sub" { (target_line(result)) "; " (arrival(&result.plan)) }
        }
        "\n"
        @if let Some(note) = quota_note(summary) {
            p class="note" { (note) }
            "\n"
        }
        (verdict(result))
        (gates(result))
        (tiles(summary))
        (banner("finding", "What the target did", &findings))
        (banner("warn", warnings, &result.warnings))
    }
}

fn verdict(result: &RunResult) -> Markup {
    let reasons = result.verdict.reasons();
    if result.verdict.is_valid() {
        banner_with("banner", "Valid: the generator did its part.", reasons)
    } else {
        let words =
            "Invalid \u{2013} the generator failed: the figures do not describe the target.";
        banner_with("banner bad", words, reasons)
    }
}

/// The gates judge the target, so they are shown even if the generator failed.
fn gates(result: &RunResult) -> Markup {
    let failed = result.gates.iter().filter(|gate| !gate.passed).count();
    let (class, words) = match failed {
        0 => ("banner gates", "Every gate passed.".to_owned()),
        1 => ("banner gates bad", "A gate failed.".to_owned()),
        _ => (
            "banner gates bad",
            format!("{} gates failed.", count(failed as u64)),
        ),
    };
    html! {
        @if !result.gates.is_empty() {
            div class=(class) {
                b { (words) }
                ul {
                    @for gate in &result.gates {
                        @let word = if gate.passed { "passed" } else { "failed" };
                        li { span class=(word) { (word) } ": " (gate_line(gate)) }
                    }
                }
            }
            "\n"
        }
    }
}

/// A coloured box with a list; nothing if the list is empty.
pub(super) fn banner(class: &str, title: &str, items: &[String]) -> Markup {
    html! {
        @if !items.is_empty() { (banner_with(&format!("banner {class}"), title, items)) }
    }
}

fn banner_with(class: &str, title: &str, items: &[String]) -> Markup {
    html! {
        div class=(class) {
            b { (title) }
            @if !items.is_empty() {
                ul { @for item in items { li { (item) } } }
            }
        }
        "\n"
    }
}

/// A box with a name and one or several figures.
struct Tile {
    name: String,
    /// Each figure with a note about it.
    figures: Vec<(String, String)>,
}

impl Tile {
    fn of_one(name: &str, figure: String, note: String) -> Self {
        Self {
            name: name.to_owned(),
            figures: vec![(figure, note)],
        }
    }
}

fn tiles(summary: &Summary<'_>) -> Markup {
    let mut tiles = Vec::new();
    let asked = summary.asked_per_s.map_or_else(
        || "closed loop: no planned rate".to_owned(),
        |rate| format!("of {} planned", per_second(rate)),
    );
    let throughput = summary.throughput_per_s.map_or_else(
        || MISSING.to_owned(),
        |rate| format!("{}/s", per_second(rate)),
    );
    tiles.push(Tile::of_one("Throughput", throughput, asked));
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
        tiles.push(Tile {
            name,
            figures: vec![(p50, "response p50".to_owned()), (p99, "p99".to_owned())],
        });
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
    tiles.push(Tile::of_one("Failed", share, failed));
    if let Some(rate) = summary.per_server_cpu_s() {
        let note = "operations per second of server CPU: this figure depends least on shared cores";
        let figure = per_second(rate);
        tiles.push(Tile::of_one("Per CPU second", figure, note.to_owned()));
    }
    // The number of columns that leaves the fewest gaps in the last row.
    let columns = if tiles.len().is_multiple_of(3) || tiles.len() == 5 {
        3
    } else {
        4
    };
    html! {
        dl class="tiles" style={ "--columns:" (columns) } {
            @for tile in &tiles {
                "\n"
                div class="tile" {
                    dt { (tile.name) }
                    @for (figure, note) in &tile.figures {
                        dd { (figure) small { (note) } }
                    }
                }
            }
        }
        "\n"
    }
}
