//! The faults in the formats of a report.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt::Write as _;

use maud::{Markup, html};

use super::Failover;
use super::rows::{GapLine, HEADS, lines};
use crate::report::markdown::cell;
use crate::report::table::{Align, Table};
use crate::report::wrap::wrapped;

/// For a terminal: the sentences and the table; nothing without faults.
pub(crate) fn text(failover: &Failover) -> String {
    let mut text = String::new();
    if failover.is_empty() {
        return text;
    }
    for sentence in failover.sentences() {
        wrapped(&mut text, "", 2, &sentence);
    }
    let [median, interval, least, most, runs] = HEADS.map(|head| (Align::Right, head));
    let mut table = Table::new([(Align::Left, ""), median, interval, least, most, runs]);
    let mut last = None;
    for line in lines(&failover.groups) {
        if last != Some(line.kind) {
            table.line(line.kind.title());
            last = Some(line.kind);
        }
        table.row([format!("  {}", line.fault)].into_iter().chain(line.cells));
    }
    text.push('\n');
    text + &table.render()
}

/// As markdown: a chapter; nothing without faults.
pub(crate) fn markdown(failover: &Failover) -> String {
    let mut text = String::new();
    if failover.is_empty() {
        return text;
    }
    text.push_str("## Faults\n\n");
    for sentence in failover.sentences() {
        let _ = writeln!(text, "- {}", cell(&sentence));
    }
    let _ = writeln!(
        text,
        "\n| figure | fault | {} |\n|---|---|---:|---:|---:|---:|---:|",
        HEADS.join(" | ")
    );
    for line in lines(&failover.groups) {
        let cells: Vec<String> = line.cells.iter().map(|text| cell(text)).collect();
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            line.kind.title(),
            cell(&line.fault),
            cells.join(" | ")
        );
    }
    text.push('\n');
    text
}

/// For a page: a chapter; nothing without faults.
pub(crate) fn page(failover: &Failover) -> Markup {
    let lines = lines(&failover.groups);
    html! {
        @if !failover.is_empty() {
            h2 { "Faults" }
            ul { @for sentence in failover.sentences() { li { (sentence) } } }
            div class="scroll" {
                table class="sortable" {
                    thead {
                        tr {
                            th {}
                            @for (column, head) in HEADS.iter().enumerate() {
                                th class=[is_wide(column).then_some("wide-only")] { (head) }
                            }
                        }
                    }
                    @for of_kind in lines.chunk_by(|a, b| a.kind == b.kind) { (figure(of_kind)) }
                }
            }
        }
    }
}

/// Whether a narrow screen hides a column: the interval and the number of runs.
fn is_wide(column: usize) -> bool {
    matches!(column, 1 | 4)
}

/// The rows of one figure, one per fault.
fn figure(lines: &[GapLine]) -> Markup {
    let title = lines.first().map_or("", |line| line.kind.title());
    html! {
        "\n"
        tbody data-name=(title) {
            tr class="op" { th colspan=(HEADS.len() + 1) { (title) } }
            @for line in lines {
                "\n"
                tr {
                    td { (line.fault) }
                    @for (column, cell) in line.cells.iter().enumerate() {
                        td class=[is_wide(column).then_some("wide-only")]
                            data-value=[line.median_ms.filter(|_| column == 0)] { (cell) }
                    }
                }
            }
        }
    }
}
