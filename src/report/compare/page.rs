//! A comparison as one self-contained page, and its plot as files.

use std::fmt::Write as _;

use super::forest::Forest;
use super::judge::{Contrast, Outcome};
use super::metric::Role;
use super::note::notes;
use super::summary::{sentence, verdict};
use super::text::{findings, marked_verdict};
use super::words::{estimate_interval, estimate_words, ratio_words, value};
use super::{Comparison, Side};
use crate::report::ReportError;
use crate::report::html::{escaped, page};
use crate::report::plot::{Picture, PlotFile, files, inline};

/// Findings listed of each side; its own report has all.
const FINDINGS_SHOWN: usize = 50;

/// The plot of a comparison as SVG and PNG.
///
/// # Errors
/// If the drawing library fails.
pub fn comparison_plots(comparison: &Comparison) -> Result<Vec<PlotFile>, ReportError> {
    files(&[Picture::Forest(&Forest::new(comparison))])
}

/// The page.
pub(in crate::report) fn render(comparison: &Comparison) -> Result<String, ReportError> {
    let mut body = format!(
        "<header>\n<h1>{}</h1>\n<p class=\"why\">Candidate against base</p>\n</header>\n",
        escaped(&comparison.workload)
    );
    let objections: Vec<String> = comparison
        .objections
        .iter()
        .map(super::Objection::text)
        .collect();
    banner(&mut body, "bad", "Objection", &objections);
    let _ = writeln!(
        body,
        "<div class=\"banner{}\"><b>{}.</b><br>{}</div>",
        match comparison.headline().outcome {
            Outcome::Faster => "",
            Outcome::Slower => " bad",
            _ => " warn",
        },
        verdict(comparison),
        escaped(&sentence(comparison))
    );
    body.push_str("<table class=\"rows\"><tbody>\n");
    for (name, side) in [
        ("Base", &comparison.base),
        ("Candidate", &comparison.candidate),
    ] {
        side_row(&mut body, name, side);
    }
    body.push_str("</tbody></table>\n");
    banner(&mut body, "warn", "Warning", &comparison.warnings);
    let svg = inline(
        Picture::Forest(&Forest::new(comparison)),
        "How much faster or slower the candidate is, with 95 % intervals",
    )?;
    let _ = writeln!(
        body,
        "<h2>How much faster or slower</h2>\n<figure>\n{svg}\n<figcaption>{}</figcaption>\n</figure>",
        caption(comparison)
    );
    table(&mut body, comparison);
    list(&mut body, "How to read it", &notes(comparison));
    list(
        &mut body,
        "What the targets did",
        &findings(comparison, FINDINGS_SHOWN),
    );
    runs(&mut body, comparison);
    Ok(page(&format!("{}: comparison", comparison.workload), &body))
}

fn banner(body: &mut String, class: &str, noun: &str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    let plural = if items.len() == 1 { "" } else { "s" };
    let _ = write!(
        body,
        "<div class=\"banner {class}\"><b>{noun}{plural}</b><ul>"
    );
    for item in items {
        let _ = write!(body, "<li>{}</li>", escaped(item));
    }
    body.push_str("</ul></div>\n");
}

fn side_row(body: &mut String, name: &str, side: &Side) {
    let _ = writeln!(
        body,
        "<tr><th>{name}</th><td>{}<br><span class=\"note\">{}</span></td></tr>",
        escaped(&side.target),
        escaped(&side.origin())
    );
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

fn table(body: &mut String, comparison: &Comparison) {
    body.push_str(
        "<h2>Metrics</h2>\n<div class=\"scroll\"><table class=\"words\">\n<thead><tr><th>median over the runs</th>\
         <th class=\"wide-only\">base</th><th class=\"wide-only\">candidate</th><th>candidate is, 95 % interval</th><th class=\"wide-only\">verdict</th></tr></thead>\n<tbody>\n",
    );
    let mut heading = None;
    for contrast in &comparison.contrasts {
        let op = contrast.metric.op.as_deref().unwrap_or("all operations");
        if heading != Some(op) {
            let _ = writeln!(
                body,
                "<tr class=\"op\"><th colspan=\"5\">{}</th></tr>",
                escaped(op)
            );
            heading = Some(op);
        }
        metric(body, contrast);
    }
    body.push_str("</tbody>\n</table></div>\n");
}

fn metric(body: &mut String, contrast: &Contrast) {
    let figure = contrast.metric.figure;
    let class = match contrast.outcome {
        Outcome::Faster => "faster",
        Outcome::Slower => "slower",
        Outcome::NoDifference | Outcome::TooFew | Outcome::NotMeasured => "",
        Outcome::NotJudged => "note",
    };
    let (lead, mark) = if contrast.role == Role::Headline {
        (" class=\"lead\"", " (headline)")
    } else {
        ("", "")
    };
    let (base, candidate) = (
        value(figure, contrast.base()),
        value(figure, contrast.candidate()),
    );
    let verdict = marked_verdict(contrast);
    let interval = estimate_interval(contrast).map(|words| format!("<small>{words}</small>"));
    let _ = writeln!(
        body,
        "<tr{lead}><td>{}{mark}<small class=\"narrow-only\">{base} \u{2192} {candidate}</small></td><td class=\"wide-only\">{base}</td>\
         <td class=\"wide-only\">{candidate}</td><td>{}{}<small class=\"narrow-only {class}\">{verdict}</small></td>\
         <td class=\"wide-only {class}\">{verdict}</td></tr>",
        figure.word(),
        estimate_words(contrast),
        interval.unwrap_or_default(),
    );
}

fn list(body: &mut String, title: &str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    let _ = write!(body, "<h2>{title}</h2>\n<ul class=\"plain\">\n");
    for item in items {
        let _ = writeln!(body, "<li>{}</li>", escaped(item));
    }
    body.push_str("</ul>\n");
}

/// Every run's value of the headline.
fn runs(body: &mut String, comparison: &Comparison) {
    let headline = comparison.headline();
    let figure = headline.metric.figure;
    let (noun, title) = if comparison.rounds.is_some() {
        ("round", "Rounds")
    } else {
        ("run", "Runs")
    };
    let _ = writeln!(
        body,
        "<h2>{title}: {}</h2>\n<div class=\"scroll\"><table>\n<thead><tr><th>{noun}</th><th>base</th><th>candidate</th>{}</tr></thead>\n<tbody>",
        escaped(&headline.metric.name()),
        if comparison.rounds.is_some() {
            "<th>candidate is</th>"
        } else {
            ""
        }
    );
    let (base, candidate) = (&headline.base_runs, &headline.candidate_runs);
    for index in 0..base.len().max(candidate.len()) {
        let at = |values: &[Option<f64>]| values.get(index).copied();
        // A run that is not there is an empty cell, one without a value a dash.
        let cell = |values: &[Option<f64>]| at(values).map(|found| value(figure, found));
        let number = match &comparison.rounds {
            Some(rounds) => rounds[index] as usize + 1,
            None => index + 1,
        };
        let _ = write!(
            body,
            "<tr><td>{number}</td><td>{}</td><td>{}</td>",
            cell(base).unwrap_or_default(),
            cell(candidate).unwrap_or_default()
        );
        if comparison.rounds.is_some() {
            let pair = at(base).flatten().zip(at(candidate).flatten());
            let usable = pair.filter(|(base, candidate)| *base > 0.0 && *candidate > 0.0);
            let words = usable.map(|(base, candidate)| ratio_words(figure, candidate / base));
            let _ = write!(body, "<td>{}</td>", words.unwrap_or_default());
        }
        body.push_str("</tr>\n");
    }
    body.push_str("</tbody>\n</table></div>\n");
}
