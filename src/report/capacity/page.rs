//! A capacity search as a self-contained HTML page, and its plot as files.

use maud::{Markup, PreEscaped, html};

use super::answer::{answer, by_rate, held, notes};
use super::figure::figure;
use crate::report::ReportError;
use crate::report::figure_data::FigureData;
use crate::report::html::page;
use crate::report::human::{duration_us, per_second};
use crate::report::plot::{Picture, PlotFile, files, inline};
use crate::result::{Capacity, CapacityStep, Held};

/// The plot as SVG and PNG.
pub(crate) fn plots(capacity: &Capacity) -> Result<Vec<PlotFile>, ReportError> {
    let figure = figure(capacity);
    if figure.is_empty() {
        return Ok(Vec::new());
    }
    files(&[Picture::Figure(&figure)])
}

/// Renders the page as HTML. It is complete without its script.
pub(crate) fn render(capacity: &Capacity) -> Result<String, ReportError> {
    let title = format!("Capacity: {}", capacity.workload);
    let class = match capacity.answer_per_s {
        Some(_) if !capacity.generator_limited => "banner",
        Some(_) => "banner warn",
        None => "banner bad",
    };
    let (curve, data) = curve(capacity)?;
    let body = html! {
        header {
            h1 { (title) }
            p class="why" { (subtitle(capacity)) }
        }
        "\n"
        div class=(class) { b { (answer(capacity)) } }
        "\n"
        (curve)
        (table(capacity))
        h2 { "How to read it" }
        ul class="plain" { @for note in notes(capacity) { "\n" li { (note) } } }
        "\n"
    };
    Ok(page(&title, &body, &data))
}

fn curve(capacity: &Capacity) -> Result<(Markup, Vec<FigureData>), ReportError> {
    let figure = figure(capacity);
    if figure.is_empty() {
        return Ok((html! {}, Vec::new()));
    }
    let painted = inline(Picture::Figure(&figure), &figure.title)?;
    let markup = html! {
        h2 { (figure.title) }
        figure data-figure="0" data-result="0" data-title=(figure.title) {
            div class="stage" { (PreEscaped(painted.svg)) }
            figcaption { (figure.caption) }
        }
        "\n"
    };
    Ok((markup, vec![FigureData::plot(&figure, &painted.frames)]))
}

fn subtitle(capacity: &Capacity) -> String {
    let version = capacity.server_version.as_deref();
    let machine = capacity.cpu.as_deref();
    [Some(capacity.target.as_str()), version, machine]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" \u{b7} ")
}

fn table(capacity: &Capacity) -> Markup {
    html! {
        h2 { "Runs" }
        div class="scroll" {
            table class="sortable" {
                thead {
                    tr {
                        @for head in ["rate/s", "achieved", "p50", "p90", "p99", "p99.9", "holds"] {
                            th { (head) }
                        }
                    }
                }
                tbody { @for step in by_rate(capacity) { "\n" (row(step)) } }
            }
        }
        "\n"
    }
}

fn row(step: &CapacityStep) -> Markup {
    let class = match step.held {
        Held::Yes => "faster",
        Held::No => "slower",
        Held::Invalid => "note",
    };
    let rate = per_second(step.rate_per_s);
    html! {
        tr {
            td data-value=(step.rate_per_s) {
                @match &step.result {
                    Some(folder) => a href={ (folder) "/report.html" } { (rate) },
                    None => (rate),
                }
            }
            td data-value=[step.achieved_per_s] { (per_second(step.achieved_per_s)) }
            @for us in [step.p50_us, step.p90_us, step.p99_us, step.p999_us] {
                td data-value=[us] { (duration_us(us)) }
            }
            td class=(class) {
                (held(step))
                @if !step.why.is_empty() { small { (step.why.join("; ")) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::answer::example::capacity;
    use super::*;

    #[test]
    fn the_page_has_the_answer_the_curve_and_every_run() {
        let capacity = capacity();
        let text = render(&capacity).unwrap();
        assert!(text.contains("30,000 operations/s hold"));
        assert!(text.contains("<svg class=\"wide\""));
        assert_eq!(
            text.matches("/report.html\">").count(),
            capacity.steps.len()
        );
    }
}
