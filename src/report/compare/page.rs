//! A comparison as a self-contained HTML page, and its plot as files.

use maud::{Markup, PreEscaped, html};
use rayon::prelude::*;

use super::forest::Forest;
use super::forest_row::speed;
use super::judge::{Contrast, Outcome};
use super::metric::{Figure as Measured, Role};
use super::note::notes;
use super::page_runs;
use super::summary::{sentence, verdict};
use super::text::{findings, marked_verdict};
use super::words::{estimate_interval, estimate_words, value};
use super::{Comparison, Side};
use crate::report::ReportError;
use crate::report::figure::Figure;
use crate::report::figure_data::FigureData;
use crate::report::html::page;
use crate::report::page_head::banner;
use crate::report::plot::{Inline, Picture, PlotFile, files, inline};

/// Findings listed of each side. The report of a side lists all.
const FINDINGS_SHOWN: usize = 50;

/// Paints the plot of a comparison as SVG and PNG.
///
/// # Errors
/// If the drawing library fails.
pub fn comparison_plots(comparison: &Comparison) -> Result<Vec<PlotFile>, ReportError> {
    files(&[Picture::Forest(&Forest::new(comparison))])
}

/// Renders the page as HTML. It is complete without its script.
pub(in crate::report) fn render(comparison: &Comparison) -> Result<String, ReportError> {
    let objections: Vec<String> = comparison
        .objections
        .iter()
        .map(super::Objection::text)
        .collect();
    let class = match comparison.headline().outcome {
        _ if !comparison.objections.is_empty() => "banner warn",
        Outcome::Faster => "banner",
        Outcome::Slower => "banner bad",
        _ => "banner warn",
    };
    let forest = Forest::new(comparison);
    let label = "How much faster or slower the candidate is, with 95 % intervals";
    let painted = inline(Picture::Forest(&forest), label)?;
    let mut data = vec![FigureData::forest(&forest, &painted.frames)];
    let runs = runs(comparison, &mut data)?;
    let body = html! {
        header {
            h1 { (comparison.workload) }
            p class="why" { "Candidate against base" }
        }
        "\n"
        (banner("bad", plural("Objection", &objections), &objections))
        div class=(class) { b { (verdict(comparison)) "." } br; (sentence(comparison)) }
        "\n"
        table class="rows" {
            tbody {
                (side_row("Base", &comparison.base))
                (side_row("Candidate", &comparison.candidate))
            }
        }
        "\n"
        (banner("warn", plural("Warning", &comparison.warnings), &comparison.warnings))
        h2 { "How much faster or slower" }
        figure data-figure="0" data-title=(label) {
            div class="stage" { (PreEscaped(painted.svg)) }
            figcaption { (caption(comparison)) }
        }
        "\n"
        (table(comparison))
        (list("How to read it", &notes(comparison)))
        (list("What the targets did", &findings(comparison, FINDINGS_SHOWN)))
        (runs)
    };
    let title = format!("{}: comparison", comparison.workload);
    Ok(page(&title, &body, &data))
}

/// The noun in singular or plural.
fn plural<'a>(noun: &'a str, items: &[String]) -> &'a str {
    match (noun, items.len()) {
        (_, 1) => noun,
        ("Objection", _) => "Objections",
        _ => "Warnings",
    }
}

fn side_row(name: &str, side: &Side) -> Markup {
    html! {
        tr {
            th { (name) }
            td { (side.target) br; span class="note" { (side.origin()) } }
        }
        "\n"
    }
}

fn caption(comparison: &Comparison) -> &'static str {
    if comparison.rounds.is_some() {
        "Large dot: the median of the rounds. Bar: the 95 % interval. Small dots below: one per round, the candidate against \
         the base of the same round. Grey: no difference shown."
    } else {
        "Large dot: the ratio of the medians. Bar: the 95 % interval. Small dots: one per run against the base's median, the \
         base's above the bar, the candidate's below. Grey: no difference shown."
    }
}

/// The script sorts the rows of all operations together. Then it hides the headings of the operations, and each
/// row shows the name of its own.
fn table(comparison: &Comparison) -> Markup {
    let mut heading = None;
    html! {
        h2 { "Metrics" }
        div class="scroll" {
            table class="words sortable" {
                thead {
                    tr {
                        th { "median over the runs" }
                        th class="wide-only" { "base" }
                        th class="wide-only" { "candidate" }
                        th { "candidate is, 95 % interval" }
                        th class="wide-only" { "verdict" }
                    }
                }
                tbody {
                    @for contrast in &comparison.contrasts {
                        @let op = contrast.metric.op.as_deref().unwrap_or("all operations");
                        @if heading.replace(op) != Some(op) {
                            "\n"
                            tr class="op" { th colspan="5" { (op) } }
                        }
                        (metric(op, contrast))
                    }
                }
            }
        }
        "\n"
    }
}

fn metric(op: &str, contrast: &Contrast) -> Markup {
    let figure = contrast.metric.figure;
    let class = match contrast.outcome {
        Outcome::Faster => "faster",
        Outcome::Slower => "slower",
        Outcome::NoDifference | Outcome::TooFew | Outcome::NotMeasured => "",
        Outcome::NotJudged => "note",
    };
    let lead = contrast.role == Role::Headline;
    let base = value(figure, contrast.base());
    let candidate = value(figure, contrast.candidate());
    let estimate = contrast
        .estimate
        .map(|estimate| speed(figure, estimate.ratio));
    let verdict = marked_verdict(contrast);
    html! {
        "\n"
        tr class=[lead.then_some("lead")] {
            td data-value=(place(figure)) {
                span class="own-op" { (op) ": " }
                (figure.word())
                @if lead { " (headline)" }
                small class="narrow-only" { (base) " \u{2192} " (candidate) }
            }
            td class="wide-only" { (base) }
            td class="wide-only" { (candidate) }
            td data-value=[estimate] {
                (estimate_words(contrast))
                @if let Some(words) = estimate_interval(contrast) { small { (words) } }
                small class={ "narrow-only " (class) } { (verdict) }
            }
            td class={ "wide-only " (class) } data-value=[urgency(contrast.outcome)] { (verdict) }
        }
    }
}

/// The place of a figure among the figures of an operation.
fn place(figure: Measured) -> usize {
    let place = Measured::ALL.iter().position(|other| *other == figure);
    place.unwrap_or(Measured::ALL.len())
}

/// The order of verdicts in a sorted table: the highest comes first.
fn urgency(outcome: Outcome) -> Option<u8> {
    match outcome {
        Outcome::Slower => Some(3),
        Outcome::Faster => Some(2),
        Outcome::NoDifference => Some(1),
        Outcome::TooFew | Outcome::NotMeasured => Some(0),
        Outcome::NotJudged => None,
    }
}

/// The runs of every metric: those of the headline in full view, the others to be opened.
fn runs(comparison: &Comparison, data: &mut Vec<FigureData>) -> Result<Markup, ReportError> {
    let headline = comparison.headline();
    let others = page_runs::others(comparison);
    let figures: Vec<Figure> = [headline]
        .into_iter()
        .chain(others[..page_runs::shown(&others)].iter().copied())
        .map(|contrast| page_runs::figure(comparison, contrast))
        .collect();
    let painted: Result<Vec<Inline>, ReportError> = figures
        .par_iter()
        .map(|figure| inline(Picture::Figure(figure), &figure.title))
        .collect();
    let mut parts = Vec::new();
    for (figure, painted) in figures.iter().zip(painted?) {
        parts.push(html! {
            figure data-figure=(data.len()) data-title=(figure.title) {
                div class="stage" { (PreEscaped(painted.svg)) }
                figcaption { (figure.caption) }
            }
            "\n"
        });
        data.push(FigureData::plot(figure, &painted.frames));
    }
    Ok(html! {
        h2 { (figures[0].title) }
        (parts[0])
        (page_runs::table(comparison, headline))
        (page_runs::closed(comparison, &parts[1..]))
    })
}

fn list(title: &str, items: &[String]) -> Markup {
    html! {
        @if !items.is_empty() {
            h2 { (title) }
            ul class="plain" { @for item in items { "\n" li { (item) } } }
            "\n"
        }
    }
}
