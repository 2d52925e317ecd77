//! The report as one self-contained HTML page, with a light and a dark theme, for wide and narrow screens. The page
//! loads nothing from the network. It is complete without its script, which adds values at the pointer, zoom and
//! sorting.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use rayon::prelude::*;

use super::ReportError;
use super::curves::figures;
use super::describe::{environment_rows, plan_rows, target_rows};
use super::figure_data::{FigureData, to_script};
use super::page_head::head;
use super::page_tables::{events, glossary, operations, rows, runs, servers};
use super::plot::{Picture, inline};
use super::summary::Summary;
use crate::result::RunResult;

/// Renders all results on one page, one below the other.
pub(crate) fn render(results: &[RunResult]) -> Result<String, ReportError> {
    let mut data = Vec::new();
    let mut parts = Vec::new();
    for result in results {
        parts.push(one(result, parts.len(), &mut data)?);
    }
    let body = html! {
        @for (number, part) in parts.iter().enumerate() {
            @if number > 0 { hr; }
            (part)
        }
        (glossary())
    };
    let names: Vec<&str> = results
        .iter()
        .map(|result| result.plan.name.as_str())
        .collect();
    Ok(page(&names.join(", "), &body, &data))
}

/// Renders a page around `body`, with the style sheet, the data of the figures and the script.
pub(super) fn page(title: &str, body: &Markup, figures: &[FigureData]) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " - Quorate" }
                style { (PreEscaped(include_str!("style.css"))) }
            }
            "\n"
            body {
                main { (body) }
                "\n"
                script type="application/json" id="figures" { (PreEscaped(to_script(figures))) }
                "\n"
                script { (PreEscaped(include_str!("../../assets/report.js"))) }
            }
        }
    };
    page.into_string()
}

fn one(
    result: &RunResult,
    number: usize,
    data: &mut Vec<FigureData>,
) -> Result<Markup, ReportError> {
    let summary = Summary::new(result);
    let plots = plots(&summary, number, data)?;
    Ok(html! {
        (head(&summary))
        (super::failover::page(&summary.failover))
        (plots)
        (operations(&summary))
        (runs(&summary))
        (servers(&summary))
        (events(result))
        div class="split" {
            div { (rows("Plan", &plan_rows(result))) }
            div {
                (rows("Target", &target_rows(result)))
                (rows("Environment", &environment_rows(result)))
            }
        }
    })
}

fn plots(
    summary: &Summary<'_>,
    result: usize,
    data: &mut Vec<FigureData>,
) -> Result<Markup, ReportError> {
    let mut figures = figures(summary);
    figures.retain(|figure| !figure.is_empty());
    let painted: Result<Vec<_>, ReportError> = figures
        .par_iter()
        .map(|figure| {
            let page = inline(Picture::Figure(figure), &figure.title)?;
            let data = FigureData::plot(figure, &page.frames);
            Ok((page.svg, data))
        })
        .collect();
    let mut parts = Vec::new();
    for (figure, (svg, own)) in figures.iter().zip(painted?) {
        parts.push(html! {
            "\n"
            h2 { (figure.title) }
            figure data-figure=(data.len()) data-result={ (result) (figure.clock()) } data-title=(figure.title) {
                div class="stage" { (PreEscaped(svg)) }
                figcaption { (figure.caption) }
            }
        });
        data.push(own);
    }
    Ok(html! { @for part in &parts { (part) } })
}
