//! A comparison as one self-contained page, and its plot as files.

use maud::{Markup, PreEscaped, html};

use super::forest::Forest;
use super::judge::{Contrast, Outcome};
use super::metric::{Figure as Measured, Role};
use super::note::notes;
use super::summary::{sentence, verdict};
use super::text::{findings, marked_verdict};
use super::words::{estimate_interval, estimate_words, ratio_words, value};
use super::{Comparison, Side};
use crate::report::ReportError;
use crate::report::curves::extent;
use crate::report::figure::{Axis, Figure, Ink, Panel, Scale, Stroke};
use crate::report::figure_data::FigureData;
use crate::report::html::page;
use crate::report::page_head::banner;
use crate::report::plot::{Picture, PlotFile, files, inline};
use crate::report::spread::dots;

/// Findings listed of each side; its own report has all.
const FINDINGS_SHOWN: usize = 50;

/// The plot of a comparison as SVG and PNG.
///
/// # Errors
/// If the drawing library fails.
pub fn comparison_plots(comparison: &Comparison) -> Result<Vec<PlotFile>, ReportError> {
    files(&[Picture::Forest(&Forest::new(comparison))])
}

/// The page as HTML, complete without its script.
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
    let label = "How much faster or slower the candidate is, with 95 % intervals";
    let forest = inline(Picture::Forest(&Forest::new(comparison)), label)?.svg;
    let by_run = by_run(comparison);
    let painted = inline(Picture::Figure(&by_run), &by_run.title.replace('"', ""))?;
    let data = [FigureData::new(&by_run, &painted.frames)];
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
        figure {
            (PreEscaped(forest))
            figcaption { (caption(comparison)) }
        }
        "\n"
        (table(comparison))
        (list("How to read it", &notes(comparison)))
        (list("What the targets did", &findings(comparison, FINDINGS_SHOWN)))
        h2 { (by_run.title) }
        figure data-figure="0" data-result="0" data-title=(by_run.title) {
            div class="stage" { (PreEscaped(painted.svg)) }
            figcaption { (by_run.caption) }
        }
        "\n"
        (runs(comparison))
    };
    let title = format!("{}: comparison", comparison.workload);
    Ok(page(&title, &body, &data))
}

/// The noun in its number.
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

/// Both sides' values of the headline, by round or by run.
fn by_run(comparison: &Comparison) -> Figure {
    let headline = comparison.headline();
    let measured = headline.metric.figure;
    let logarithmic = measured != Measured::Throughput;
    let sides = [
        (
            "candidate",
            Ink::Series(0),
            Stroke::Dots,
            &headline.candidate_runs,
        ),
        ("base", Ink::Series(1), Stroke::Rings, &headline.base_runs),
    ];
    let longest = headline.base_runs.len().max(headline.candidate_runs.len());
    let numbers: Vec<u32> = match &comparison.rounds {
        Some(rounds) => rounds.iter().map(|round| round + 1).collect(),
        None => (1_u32..).take(longest).collect(),
    };
    let mut series = Vec::new();
    for (label, ink, stroke, values) in sides {
        let ys: Vec<Option<f64>> = values
            .iter()
            .map(|value| {
                value.map(|value| {
                    if logarithmic {
                        value.max(1.0).log10()
                    } else {
                        value
                    }
                })
            })
            .collect();
        series.extend(dots(label, ink, stroke, &numbers, &ys));
    }
    let panels = vec![Panel {
        title: String::new(),
        series,
    }];
    let (low, high) = extent(&panels);
    let (word, scale, title, caption) = if comparison.rounds.is_some() {
        (
            "round",
            Scale::Round,
            "Rounds",
            "Two dots stand above each other for the two runs of a round, which are judged as a pair. The thin lines are the \
             medians.",
        )
    } else {
        (
            "run",
            Scale::Run,
            "Runs",
            "One dot per run. Runs of one number do not belong together: the sides were measured apart. The thin lines are the \
             medians.",
        )
    };
    let name = headline.metric.name();
    Figure {
        name: "comparison-runs",
        title: format!("{title}: {name}"),
        caption: caption.to_owned(),
        x: Axis::numbers(word, &numbers, scale),
        y: if logarithmic {
            Axis::log_duration(measured.word(), 10_f64.powf(low), 10_f64.powf(high))
        } else {
            Axis::linear("operations per second", high * 1.02, 5.0, true)
        },
        panels,
        marks: Vec::new(),
        bands: Vec::new(),
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

fn table(comparison: &Comparison) -> Markup {
    let mut heading = None;
    html! {
        h2 { "Metrics" }
        div class="scroll" {
            table class="words" {
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
                        (metric(contrast))
                    }
                }
            }
        }
        "\n"
    }
}

fn metric(contrast: &Contrast) -> Markup {
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
    let verdict = marked_verdict(contrast);
    html! {
        "\n"
        tr class=[lead.then_some("lead")] {
            td {
                (figure.word())
                @if lead { " (headline)" }
                small class="narrow-only" { (base) " \u{2192} " (candidate) }
            }
            td class="wide-only" { (base) }
            td class="wide-only" { (candidate) }
            td {
                (estimate_words(contrast))
                @if let Some(words) = estimate_interval(contrast) { small { (words) } }
                small class={ "narrow-only " (class) } { (verdict) }
            }
            td class={ "wide-only " (class) } { (verdict) }
        }
    }
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

/// Every run's value of the headline.
fn runs(comparison: &Comparison) -> Markup {
    let headline = comparison.headline();
    let figure = headline.metric.figure;
    let rounds = comparison.rounds.as_ref();
    let (base, candidate) = (&headline.base_runs, &headline.candidate_runs);
    let at = |values: &[Option<f64>], index: usize| values.get(index).copied();
    // A run that is not there is an empty cell, one without a value a dash.
    let cell = |values: &[Option<f64>], index: usize| {
        let found = at(values, index);
        html! {
            td data-value=[found.flatten()] { @if let Some(found) = found { (value(figure, found)) } }
        }
    };
    let ratio = |index: usize| {
        let pair = at(base, index)
            .flatten()
            .zip(at(candidate, index).flatten());
        let usable = pair.filter(|(base, candidate)| *base > 0.0 && *candidate > 0.0);
        usable.map(|(base, candidate)| candidate / base)
    };
    html! {
        div class="scroll" {
            table class="sortable" {
                thead {
                    tr {
                        th { @if rounds.is_some() { "round" } @else { "run" } }
                        th { "base" }
                        th { "candidate" }
                        @if rounds.is_some() { th { "candidate is" } }
                    }
                }
                tbody {
                    @for index in 0..base.len().max(candidate.len()) {
                        @let number = rounds.map_or(index + 1, |rounds| rounds[index] as usize + 1);
                        "\n"
                        tr {
                            td data-value=(number) { (number) }
                            (cell(base, index))
                            (cell(candidate, index))
                            @if rounds.is_some() {
                                td data-value=[ratio(index)] {
                                    @if let Some(ratio) = ratio(index) { (ratio_words(figure, ratio)) }
                                }
                            }
                        }
                    }
                }
            }
        }
        "\n"
    }
}
