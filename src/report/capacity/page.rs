//! A capacity search as one self-contained page, and its plot as files.

use std::fmt::Write as _;

use super::answer::{answer, by_rate, held, notes};
use super::figure::figure;
use crate::report::ReportError;
use crate::report::html::{escaped, page};
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

/// The page.
pub(crate) fn render(capacity: &Capacity) -> Result<String, ReportError> {
    let title = format!("Capacity: {}", capacity.workload);
    let mut body = format!(
        "<header>\n<h1>{}</h1>\n<p class=\"why\">{}</p>\n</header>\n",
        escaped(&title),
        escaped(&subtitle(capacity))
    );
    let class = match capacity.answer_per_s {
        Some(_) if !capacity.generator_limited => "",
        Some(_) => " warn",
        None => " bad",
    };
    let _ = writeln!(
        body,
        "<div class=\"banner{class}\"><b>{}</b></div>",
        escaped(&answer(capacity))
    );
    let figure = figure(capacity);
    if !figure.is_empty() {
        let svg = inline(Picture::Figure(&figure), &figure.title)?;
        let _ = writeln!(
            body,
            "<h2>{}</h2>\n<figure>\n{svg}\n<figcaption>{}</figcaption>\n</figure>",
            figure.title,
            escaped(&figure.caption)
        );
    }
    table(&mut body, capacity);
    body.push_str("<h2>How to read it</h2>\n<ul class=\"plain\">\n");
    for note in notes(capacity) {
        let _ = writeln!(body, "<li>{}</li>", escaped(&note));
    }
    body.push_str("</ul>\n");
    Ok(page(&title, &body))
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

fn table(body: &mut String, capacity: &Capacity) {
    body.push_str(
        "<h2>Runs</h2>\n<div class=\"scroll\"><table>\n<thead><tr><th>rate/s</th><th>achieved</th><th>p50</th><th>p90</th>\
         <th>p99</th><th>p99.9</th><th></th></tr></thead>\n<tbody>\n",
    );
    for step in by_rate(capacity) {
        row(body, step);
    }
    body.push_str("</tbody>\n</table></div>\n");
}

fn row(body: &mut String, step: &CapacityStep) {
    let class = match step.held {
        Held::Yes => "faster",
        Held::No => "slower",
        Held::Invalid => "note",
    };
    let rate = per_second(step.rate_per_s);
    let rate = match &step.result {
        Some(folder) => format!("<a href=\"{}/report.html\">{rate}</a>", escaped(folder)),
        None => rate,
    };
    let _ = write!(body, "<tr><td>{rate}</td>");
    let _ = write!(body, "<td>{}</td>", per_second(step.achieved_per_s));
    for us in [step.p50_us, step.p90_us, step.p99_us, step.p999_us] {
        let _ = write!(body, "<td>{}</td>", duration_us(us));
    }
    let why = if step.why.is_empty() {
        String::new()
    } else {
        format!("<small>{}</small>", escaped(&step.why.join("; ")))
    };
    let _ = writeln!(body, "<td class=\"{class}\">{}{why}</td></tr>", held(step));
}

#[cfg(test)]
mod tests {
    use super::super::answer::example::capacity;
    use super::*;

    #[test]
    fn the_page_has_the_answer_the_curve_and_every_run() {
        let capacity = capacity();
        let text = render(&capacity).unwrap();
        assert!(text.contains(&escaped(&answer(&capacity))));
        assert!(text.contains("<svg class=\"wide\""));
        assert_eq!(
            text.matches("/report.html\">").count(),
            capacity.steps.len()
        );
        assert!(!text.contains("http://") && !text.contains("https://"));
    }
}
