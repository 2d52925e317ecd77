//! A comparison as one self-contained page, and its plot as files.

use std::fmt::Write as _;

use super::ReportError;
use super::compare::{Comparison, Outcome};
use super::compare_table::{READING, headline, interval, ratio, sides, value};
use super::forest::Forest;
use super::html::{escaped, page};
use super::plot::{Picture, PlotFile, files, inline};

/// The plot of a comparison as SVG and PNG.
///
/// # Errors
/// If the drawing library fails.
pub fn comparison_plots(comparison: &Comparison) -> Result<Vec<PlotFile>, ReportError> {
    files(&[Picture::Forest(&Forest::new(comparison))])
}

/// The page.
pub(super) fn render(comparison: &Comparison) -> Result<String, ReportError> {
    let mut body = format!(
        "<header>\n<h1>{}</h1>\n<p class=\"why\">Candidate against base</p>\n</header>\n",
        escaped(&comparison.workload)
    );
    let _ = writeln!(
        body,
        "<div class=\"banner{}\"><b>{}</b></div>",
        banner(comparison),
        escaped(&headline(comparison))
    );
    if !comparison.objections.is_empty() {
        body.push_str("<div class=\"banner warn\"><b>Forced</b><ul>");
        for objection in &comparison.objections {
            let _ = write!(body, "<li>{}</li>", escaped(objection));
        }
        body.push_str("</ul></div>\n");
    }
    body.push_str("<table class=\"rows\"><tbody>\n");
    for (name, side) in sides(comparison) {
        let _ = writeln!(body, "<tr><th>{name}</th><td>{}</td></tr>", escaped(&side));
    }
    body.push_str("</tbody></table>\n");
    let svg = inline(
        Picture::Forest(&Forest::new(comparison)),
        "Ratio of medians with 95 % interval",
    )?;
    let _ = writeln!(
        body,
        "<h2>Ratio of medians</h2>\n<figure>\n{svg}\n<figcaption>{READING}</figcaption>\n</figure>"
    );
    table(&mut body, comparison);
    Ok(page(&format!("{}: comparison", comparison.workload), &body))
}

/// Green only when nothing got worse.
fn banner(comparison: &Comparison) -> &'static str {
    let any = |outcome| {
        let mut overall = comparison
            .findings
            .iter()
            .filter(|finding| finding.metric.op.is_none());
        overall.any(|finding| finding.outcome == outcome)
    };
    match (any(Outcome::Faster), any(Outcome::Slower)) {
        (true, false) => "",
        (false, true) => " bad",
        _ => " warn",
    }
}

fn table(body: &mut String, comparison: &Comparison) {
    body.push_str(
        "<h2>Metrics</h2>\n<div class=\"scroll\"><table class=\"words\">\n<thead><tr><th>median over runs</th><th>base</th>\
         <th>candidate</th><th class=\"wide-only\">ratio</th><th class=\"wide-only\">95 % interval</th><th>verdict</th></tr></thead>\n<tbody>\n",
    );
    for finding in &comparison.findings {
        let class = match finding.outcome {
            Outcome::Faster => "faster",
            Outcome::Slower => "slower",
            Outcome::NoDifference | Outcome::TooFewRuns | Outcome::NotMeasured => "",
        };
        let _ = writeln!(
            body,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"wide-only\">{}</td><td class=\"wide-only\">{}</td><td class=\"{class}\">{}</td></tr>",
            escaped(&finding.metric.name()),
            value(finding, finding.base),
            value(finding, finding.candidate),
            ratio(finding),
            interval(finding),
            finding.outcome.words()
        );
    }
    body.push_str("</tbody>\n</table></div>\n");
}
