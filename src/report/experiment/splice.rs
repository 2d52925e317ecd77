//! Puts the parts of an experiment into a document, between marked comments, so that the document cannot differ from the
//! results.
//!
//! `<!-- quorate:NAME:begin -->` and `<!-- quorate:NAME:end -->` enclose the whole of an experiment called NAME: its answers,
//! pictures and tables. `NAME.answers` encloses the answers only, and `NAME.response` or `NAME.throughput-2` the picture and
//! the table of one figure.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt::Write as _;

use super::chart::Chart;
use super::markdown;
use super::study::ExperimentReport;
use crate::report::markdown::cell;

const OPEN: &str = "<!-- quorate:";
const BEGIN: &str = ":begin -->";
const END: &str = ":end -->";

/// Why a document cannot be changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpliceError {
    #[error(
        "no place for the experiment {experiment}: add the lines `<!-- quorate:{experiment}:begin -->` and `<!-- quorate:{experiment}:end -->`"
    )]
    NoPlace { experiment: String },
    #[error(
        "line {line}: `quorate:{name}` begins but does not end; add `<!-- quorate:{name}:end -->`"
    )]
    NotEnded { line: usize, name: String },
    #[error("line {line}: `quorate:{name}` ends but did not begin")]
    NotBegun { line: usize, name: String },
    #[error("line {line}: the experiment has no part `{part}`; its parts are: {}", known.join(", "))]
    UnknownPart {
        line: usize,
        part: String,
        known: Vec<String>,
    },
}

/// Replaces the text between the markers of the experiment and leaves everything else as it is. `folder` is the path from
/// the document to the folder of the experiment, for the links to pictures; empty if it is the same folder.
///
/// # Errors
///
/// If the document has no marker of the experiment, or if its markers do not match.
pub fn splice(
    document: &str,
    report: &ExperimentReport,
    folder: &str,
) -> Result<String, SpliceError> {
    let parts = Parts {
        experiment: &report.index.name,
        charts: report.charts(),
        folder,
    };
    let mut text = String::with_capacity(document.len());
    let mut open: Option<(usize, String)> = None;
    let mut found = false;
    for (number, line) in (1..).zip(document.split_inclusive('\n')) {
        match (marker(line, &parts), &open) {
            (Some(Marker::Begin(name)), None) => {
                let part = parts.text(&name, number)?;
                text.push_str(line);
                let _ = write!(text, "\n{}\n", part.trim_end());
                text.push('\n');
                open = Some((number, name));
                found = true;
            }
            (Some(Marker::End(name)), Some((_, begun))) if name == *begun => {
                text.push_str(line);
                open = None;
            }
            (Some(Marker::End(name)), None) => {
                return Err(SpliceError::NotBegun { line: number, name });
            }
            (Some(_), Some((line, begun))) => {
                return Err(SpliceError::NotEnded {
                    line: *line,
                    name: begun.clone(),
                });
            }
            (None, Some(_)) => {}
            (None, None) => text.push_str(line),
        }
    }
    match open {
        Some((line, name)) => Err(SpliceError::NotEnded { line, name }),
        None if found => Ok(text),
        None => Err(SpliceError::NoPlace {
            experiment: report.index.name.clone(),
        }),
    }
}

enum Marker {
    Begin(String),
    End(String),
}

/// The marker of this experiment in a line.
fn marker(line: &str, parts: &Parts<'_>) -> Option<Marker> {
    let rest = line.trim().strip_prefix(OPEN)?;
    let (name, begins) = match rest.strip_suffix(BEGIN) {
        Some(name) => (name, true),
        None => (rest.strip_suffix(END)?, false),
    };
    let own = name.strip_prefix(parts.experiment)?;
    if !own.is_empty() && !own.starts_with('.') {
        return None;
    }
    let name = name.to_owned();
    Some(if begins {
        Marker::Begin(name)
    } else {
        Marker::End(name)
    })
}

/// The parts of an experiment as markdown.
struct Parts<'a> {
    experiment: &'a str,
    charts: Vec<Chart>,
    folder: &'a str,
}

impl Parts<'_> {
    fn text(&self, name: &str, line: usize) -> Result<String, SpliceError> {
        let part = name.strip_prefix(self.experiment).unwrap_or(name);
        let part = part.trim_start_matches('.');
        if part.is_empty() {
            let mut text = markdown::answers(&self.charts);
            for chart in &self.charts {
                text.push('\n');
                text.push_str(&self.chart(chart));
            }
            return Ok(text);
        }
        if part == "answers" {
            return Ok(markdown::answers(&self.charts));
        }
        match self.charts.iter().find(|chart| chart.name == part) {
            Some(chart) => Ok(self.chart(chart)),
            None => Err(SpliceError::UnknownPart {
                line,
                part: part.to_owned(),
                known: std::iter::once("answers".to_owned())
                    .chain(self.charts.iter().map(|chart| chart.name.clone()))
                    .collect(),
            }),
        }
    }

    /// The pictures of a chart and its table.
    fn chart(&self, chart: &Chart) -> String {
        let mut text = String::new();
        let drawn = chart.pictures.iter().filter(|picture| !picture.is_empty());
        for picture in drawn {
            let path = if self.folder.is_empty() {
                format!("plots/{}.svg", picture.name)
            } else {
                format!("{}/plots/{}.svg", self.folder, picture.name)
            };
            let _ = writeln!(
                text,
                "![{}]({})\n",
                cell(&picture.title).replace(['[', ']'], ""),
                path.replace(' ', "%20")
            );
        }
        text.push_str(&markdown::table(chart));
        text
    }
}
