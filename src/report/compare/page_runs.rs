//! The runs of a comparison on its page: per metric a figure with a dot per run, and a table.

use maud::{Markup, html};

use super::Comparison;
use super::forest_row::speed;
use super::judge::Contrast;
use super::metric::{Figure as Measured, Role};
use super::words::{estimate_words, ratio_words, value};
use crate::report::curves::extent;
use crate::report::figure::{Axis, Figure, Ink, Panel, Scale, Stroke};
use crate::report::human::count;
use crate::report::spread::dots;

/// Metrics beside the headline whose runs are shown.
const OTHERS_MAX: usize = 24;

/// The metrics beside the headline that have values, the judged ones first.
pub(super) fn others(comparison: &Comparison) -> Vec<&Contrast> {
    let measured = |contrast: &&Contrast| {
        let mut runs = contrast.base_runs.iter().chain(&contrast.candidate_runs);
        contrast.role != Role::Headline && runs.any(Option::is_some)
    };
    let mut others: Vec<&Contrast> = comparison.contrasts.iter().filter(measured).collect();
    others.sort_by_key(|contrast| contrast.role == Role::Listed);
    others
}

/// Both sides' values of a metric, by round or by run.
pub(super) fn figure(comparison: &Comparison, contrast: &Contrast) -> Figure {
    let measured = contrast.metric.figure;
    let logarithmic = measured != Measured::Throughput;
    let coordinates = |values: &[Option<f64>]| -> Vec<Option<f64>> {
        let coordinate = |value: f64| {
            if logarithmic {
                value.max(1.0).log10()
            } else {
                value
            }
        };
        values.iter().map(|value| value.map(coordinate)).collect()
    };
    let numbers = numbers(comparison, contrast);
    let candidate = coordinates(&contrast.candidate_runs);
    let base = coordinates(&contrast.base_runs);
    let mut series = dots(
        "candidate",
        Ink::Series(0),
        Stroke::Dots,
        &numbers,
        &candidate,
    );
    series.extend(dots("base", Ink::Series(1), Stroke::Rings, &numbers, &base));
    let panels = vec![Panel {
        title: String::new(),
        series,
    }];
    let (low, high) = extent(&panels);
    let paired = comparison.rounds.is_some();
    let (word, scale) = if paired {
        ("round", Scale::Round)
    } else {
        ("run", Scale::Run)
    };
    let y = if logarithmic {
        Axis::log_duration(measured.word(), 10_f64.powf(low), 10_f64.powf(high))
    } else {
        Axis::fitted("operations per second", low, high)
    };
    Figure {
        name: "comparison-runs".to_owned(),
        title: format!("{}: {}", heading(comparison), contrast.metric.name()),
        caption: caption(paired, logarithmic),
        x: Axis::numbers(word, &numbers, scale),
        y,
        panels,
        marks: Vec::new(),
        bands: Vec::new(),
    }
}

/// `Rounds` or `Runs`.
pub(super) fn heading(comparison: &Comparison) -> &'static str {
    if comparison.rounds.is_some() {
        "Rounds"
    } else {
        "Runs"
    }
}

fn caption(paired: bool, logarithmic: bool) -> String {
    let dots = if paired {
        "The two dots at a number are the two runs of a round, which are judged as a pair."
    } else {
        "One dot per run. Runs with the same number are no pair: the sides were measured separately."
    };
    let axis = if logarithmic {
        ""
    } else {
        " The vertical axis does not begin at 0."
    };
    format!("{dots} The thin lines are the medians.{axis}")
}

/// The numbers of the rounds or of the runs, from 1.
fn numbers(comparison: &Comparison, contrast: &Contrast) -> Vec<u32> {
    let longest = contrast.base_runs.len().max(contrast.candidate_runs.len());
    match &comparison.rounds {
        Some(rounds) => rounds.iter().map(|round| round + 1).collect(),
        None => (1_u32..).take(longest).collect(),
    }
}

/// Both sides' values of a metric, one row per round or run.
pub(super) fn table(comparison: &Comparison, contrast: &Contrast) -> Markup {
    let figure = contrast.metric.figure;
    let paired = comparison.rounds.is_some();
    let (base, candidate) = (&contrast.base_runs, &contrast.candidate_runs);
    let at = |values: &[Option<f64>], index: usize| values.get(index).copied();
    // A run that does not exist is an empty cell; a run without a value is a dash.
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
    let faster = |index: usize| ratio(index).map(|ratio| speed(figure, ratio));
    html! {
        div class="scroll" {
            table class="sortable" {
                thead {
                    tr {
                        th { @if paired { "round" } @else { "run" } }
                        th { "base" }
                        th { "candidate" }
                        @if paired { th { "candidate is" } }
                    }
                }
                tbody {
                    @for (index, number) in numbers(comparison, contrast).into_iter().enumerate() {
                        "\n"
                        tr {
                            td data-value=(number) { (number) }
                            (cell(base, index))
                            (cell(candidate, index))
                            @if paired {
                                td data-value=[faster(index)] {
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

/// The other metrics, closed until a reader opens one. `figures` are the painted figures of the first of them, in
/// their order.
pub(super) fn closed(comparison: &Comparison, figures: &[Markup]) -> Markup {
    let others = others(comparison);
    let hidden = others.len().saturating_sub(figures.len());
    html! {
        @if !figures.is_empty() {
            h2 { (heading(comparison)) " of the other metrics" }
            @for (contrast, figure) in others.iter().zip(figures) {
                details {
                    summary {
                        (contrast.metric.name())
                        " " span class="note" { (outline(contrast)) }
                    }
                    (figure)
                    (table(comparison, contrast))
                }
                "\n"
            }
            @if hidden > 0 {
                p class="note" {
                    "The runs of " (count(hidden as u64)) " more metrics are in the object of "
                    code { "--format json" } "."
                }
            }
        }
    }
}

/// How many of the other metrics are shown.
pub(super) fn shown(others: &[&Contrast]) -> usize {
    others.len().min(OTHERS_MAX)
}

/// `1.45 ms → 651 µs, 2.27x faster`.
fn outline(contrast: &Contrast) -> String {
    let figure = contrast.metric.figure;
    format!(
        "{} \u{2192} {}, {}",
        value(figure, contrast.base()),
        value(figure, contrast.candidate()),
        estimate_words(contrast)
    )
}

#[cfg(test)]
mod tests {
    use super::super::tests::{compared, side_of};
    use super::*;

    #[test]
    fn every_other_metric_has_a_dot_per_run_of_each_side() {
        let comparison = compared(&side_of(7, 10), &side_of(7, 5));
        let others = others(&comparison);
        let names: Vec<String> = others.iter().map(|other| other.metric.name()).collect();
        assert_eq!(names, ["set: response p50", "set: response p99"]);
        for contrast in others {
            let figure = figure(&comparison, contrast);
            let series = &figure.panels[0].series;
            let labels: Vec<&str> = series.iter().map(|series| series.label.as_str()).collect();
            assert_eq!(
                labels,
                ["candidate", "candidate median", "base", "base median"]
            );
            assert_eq!(series[0].stretches.len(), 7);
            assert_eq!(series[2].stretches.len(), 7);
        }
    }

    #[test]
    fn the_axis_of_a_throughput_shows_small_differences() {
        let comparison = compared(&side_of(7, 10), &side_of(7, 10));
        let figure = figure(&comparison, comparison.headline());
        assert!(figure.y.min > 0.0, "{:?}", figure.y);
        assert!(figure.caption.ends_with("does not begin at 0."));
    }
}
