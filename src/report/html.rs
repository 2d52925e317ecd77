//! The report as one self-contained page: no script, no network, light and dark, desk and phone.

use rayon::prelude::*;

use super::ReportError;
use super::curves::figures;
use super::describe::{environment_rows, plan_rows, target_rows};
use super::page_head::head;
use super::page_tables::{events, glossary, operations, rows, servers};
use super::plot::{Picture, inline};
use super::summary::Summary;
use crate::result::RunResult;

/// All results on one page, one below the other.
pub(crate) fn render(results: &[RunResult]) -> Result<String, ReportError> {
    let mut body = String::new();
    for (number, result) in results.iter().enumerate() {
        if number > 0 {
            body.push_str("<hr>\n");
        }
        one(&mut body, result)?;
    }
    glossary(&mut body);
    let names: Vec<&str> = results
        .iter()
        .map(|result| result.plan.name.as_str())
        .collect();
    Ok(page(&names.join(", "), &body))
}

/// The frame of a page.
pub(super) fn page(title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{} - Quorate</title>\n<style>\n{}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n",
        escaped(title),
        include_str!("style.css")
    )
}

/// Text that is not markup.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn one(body: &mut String, result: &RunResult) -> Result<(), ReportError> {
    let summary = Summary::new(result);
    head(body, &summary);
    plots(body, &summary)?;
    operations(body, &summary);
    servers(body, &summary);
    events(body, result);
    body.push_str("<div class=\"split\">\n<div>\n");
    rows(body, "Plan", &plan_rows(result));
    body.push_str("</div>\n<div>\n");
    rows(body, "Target", &target_rows(result));
    rows(body, "Environment", &environment_rows(result));
    body.push_str("</div>\n</div>\n");
    Ok(())
}

fn plots(body: &mut String, summary: &Summary<'_>) -> Result<(), ReportError> {
    let drawn: Result<Vec<String>, ReportError> = figures(summary)
        .par_iter()
        .map(|figure| {
            if figure.is_empty() {
                return Ok(String::new());
            }
            let svg = inline(Picture::Figure(figure), &figure.title)?;
            Ok(format!(
                "<h2>{}</h2>\n<figure>\n{svg}\n<figcaption>{}</figcaption>\n</figure>\n",
                figure.title,
                escaped(&figure.caption)
            ))
        })
        .collect();
    body.extend(drawn?);
    Ok(())
}
