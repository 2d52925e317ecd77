//! Two experiments as one self-contained page with a sortable table.

use maud::{Markup, html};

use super::text::objections;
use super::{CellComparison, ExperimentComparison};
use crate::report::compare::judge::Outcome;
use crate::report::compare::words::{estimate_interval, estimate_words, value};
use crate::report::html::page;

pub(in crate::report) fn render(comparison: &ExperimentComparison) -> String {
    let verdicts = comparison.verdicts();
    let class = if verdicts.slower > 0 {
        "banner bad"
    } else {
        "banner"
    };
    let title = format!("{}: candidate against base", comparison.base);
    let objections = objections(comparison);
    let body = html! {
        header {
            h1 { (title) }
            p class="sub" { "base " (comparison.base) ", candidate " (comparison.candidate) }
        }
        "\n"
        div class=(class) { b { (comparison.summary()) } }
        @if !objections.is_empty() {
            div class="banner warn" { b { "Objections" } ul { @for text in &objections { li { (text) } } } }
        }
        "\n"
        h2 { "Cells" }
        div class="scroll" tabindex="0" role="region" aria-label="Cells" {
            table class="sortable" {
                thead {
                    tr {
                        @for head in ["cell", "target", "metric", "base", "candidate", "candidate is", "verdict"] {
                            th scope="col" { (head) }
                        }
                    }
                }
                tbody { @for cell in &comparison.cells { "\n" (row(cell)) } }
            }
        }
        "\n"
        @for note in comparison.notes() { p class="note" { (note) } }
        @if !comparison.missing.is_empty() {
            h2 { "Missing" }
            ul class="plain" { @for text in &comparison.missing { li { (text) } } }
        }
    };
    page(&title, &body, &[])
}

fn row(cell: &CellComparison) -> Markup {
    let contrast = &cell.contrast;
    let figure = contrast.metric.figure;
    let class = match cell.outcome {
        Outcome::Slower => Some("slower"),
        Outcome::Faster => Some("faster"),
        _ => None,
    };
    let ratio = contrast.estimate.map(|estimate| estimate.ratio);
    html! {
        tr {
            th scope="row" { (cell.cell) }
            td { (cell.target) }
            td { (cell.metric) }
            td data-value=[contrast.base()] { (value(figure, contrast.base())) }
            td data-value=[contrast.candidate()] { (value(figure, contrast.candidate())) }
            td data-value=[ratio] {
                (estimate_words(contrast))
                @if let Some(interval) = estimate_interval(contrast) { small { (interval) } }
            }
            td class=[class] { (cell.outcome.words()) }
        }
    }
}
