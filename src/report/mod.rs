//! Reports, plots and comparisons, made from result files. Nothing here measures or reads a file.
//!
//! Preparation: `summary` merges the runs of a result, `servers` groups by server and role,
//! `resolution` marks figures that the machine cannot tell, `lanes` chooses the operations that get
//! their own plot, `incident` groups events, `silence` finds periods without an acknowledgement,
//! `failover` computes what faults did, and `describe` lists plan, target and machine.
//!
//! The formats print what these return. `figure`, `percentiles` and `over_time` compute plots and
//! `draw` paints them. `compare` judges two results with the tests in `statistics`.

mod canvas;
mod capacity;
mod compare;
mod csv;
mod curves;
mod describe;
mod draw;
mod experiment;
mod failover;
mod figure;
mod figure_data;
mod glossary;
mod html;
mod human;
mod incident;
mod json;
mod lanes;
mod markdown;
mod over_time;
mod page_head;
mod page_tables;
mod percentiles;
mod plot;
mod quota;
mod resolution;
mod servers;
mod silence;
mod spectrum;
mod spread;
mod statistics;
mod summary;
mod table;
mod text;
mod wrap;

use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::result::{Capacity, ResultError, RunResult, save, to_json_text};

pub use compare::{
    CellComparison, CellPlace, CompareError, Comparison, Contrast, Estimate, ExperimentComparison,
    FailIf, FailIfError, Figure, Metric, NumberedSearch, Objection, Outcome, ROUNDS_MIN, RUNS_MIN,
    Role, Side, check_headline, compare, compare_unpaired, comparison_plots, rounds_needed,
};
pub use experiment::{ExperimentReport, SpliceError, splice};
pub use human::{count, duration_us, per_second};
pub use plot::{Contents, Pixels, PlotFile, plots, svg_plots};
pub use spectrum::{SpectrumTime, spectrum};

/// The format of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A table for a terminal of 80 columns.
    Text,
    /// GitHub-flavoured markdown.
    Markdown,
    /// One line per result, run and operation.
    Csv,
    /// The summary object of `--json`; an array for several results.
    Json,
    /// One self-contained page.
    Html,
}

impl Format {
    /// Every format with its name.
    pub const ALL: [(&'static str, Self); 5] = [
        ("text", Self::Text),
        ("markdown", Self::Markdown),
        ("csv", Self::Csv),
        ("json", Self::Json),
        ("html", Self::Html),
    ];
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, format)| *format)
            .ok_or_else(|| {
                let known: Vec<&str> = Self::ALL.iter().map(|(name, _)| *name).collect();
                format!("unknown format {name:?}; use one of {}", known.join(", "))
            })
    }
}

/// Why a report cannot be made or written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error("no result to report")]
    Nothing,
    #[error("cannot draw the plot {name}: {why}")]
    Plot {
        /// File name without extension.
        name: String,
        /// Message of the drawing library.
        why: String,
    },
    #[error(transparent)]
    Write(#[from] ResultError),
}

/// Formats one or several results.
///
/// # Errors
///
/// If there is no result, or (HTML only) a plot cannot be drawn.
pub fn render(results: &[RunResult], format: Format) -> Result<String, ReportError> {
    if results.is_empty() {
        return Err(ReportError::Nothing);
    }
    Ok(match format {
        Format::Text => text::render(results),
        Format::Markdown => markdown::render(results),
        Format::Csv => csv::render(results),
        Format::Json => json::render(results),
        Format::Html => html::render(results)?,
    })
}

/// Formats a comparison.
///
/// # Errors
///
/// If (HTML only) the plot cannot be drawn.
pub fn render_comparison(comparison: &Comparison, format: Format) -> Result<String, ReportError> {
    Ok(match format {
        Format::Text => compare::text(comparison),
        Format::Markdown => compare::markdown(comparison),
        Format::Csv => compare::csv(comparison),
        Format::Json => compare::json(comparison),
        Format::Html => compare::page(comparison)?,
    })
}

/// Formats comparisons in the XML format of JUnit: one test case for each headline.
#[must_use]
pub fn comparisons_as_junit(comparisons: &[Comparison], conditions: &[FailIf]) -> String {
    compare::junit(comparisons, conditions)
}

/// Formats the comparison of two experiments.
#[must_use]
pub fn render_experiment_comparison(comparison: &ExperimentComparison, format: Format) -> String {
    match format {
        Format::Text => compare::experiments_text(comparison),
        Format::Csv => compare::experiments_csv(comparison),
        Format::Markdown => compare::experiments_markdown(comparison),
        Format::Json => compare::experiments_json(comparison),
        Format::Html => compare::experiments_page(comparison),
    }
}

/// Formats the comparison of two experiments in the XML format of JUnit: one test case for each
/// cell and target.
#[must_use]
pub fn experiment_comparison_as_junit(
    comparison: &ExperimentComparison,
    conditions: &[FailIf],
) -> String {
    compare::experiments_junit(comparison, conditions)
}

/// Formats a capacity search.
///
/// # Errors
///
/// If (HTML only) the plot cannot be drawn.
pub fn render_capacity(found: &Capacity, format: Format) -> Result<String, ReportError> {
    Ok(match format {
        Format::Text => capacity::text(found),
        Format::Markdown => capacity::markdown(found),
        Format::Csv => capacity::csv(found),
        Format::Json => to_json_text(found),
        Format::Html => capacity::page(found)?,
    })
}

/// Formats an experiment.
///
/// # Errors
///
/// If (HTML only) a plot cannot be drawn.
pub fn render_experiment(report: &ExperimentReport, format: Format) -> Result<String, ReportError> {
    Ok(match format {
        Format::Text => experiment::text(report),
        Format::Markdown => experiment::markdown(report),
        Format::Csv => experiment::csv(report),
        Format::Json => experiment::json(report),
        Format::Html => experiment::page(report)?,
    })
}

/// Returns the answers of an experiment for a terminal, without the tables.
#[must_use]
pub fn experiment_answers(report: &ExperimentReport) -> String {
    experiment::answers(report)
}

/// Writes `report.html` and its plots into `dir`, the folder of `experiment.json`. Returns the paths
/// of the files, the page first.
///
/// # Errors
///
/// If a plot cannot be drawn or a file cannot be written.
pub fn write_experiment_report(
    dir: &Path,
    report: &ExperimentReport,
) -> Result<Vec<PathBuf>, ReportError> {
    let page = dir.join("report.html");
    save(&page, experiment::page(report)?.as_bytes())?;
    let mut written = vec![page];
    written.extend(plot::write(
        &dir.join("plots"),
        &experiment::plots(report)?,
    )?);
    Ok(written)
}

/// Writes `report.html` and its plots into `dir`, the folder of `capacity.json`. Returns the paths
/// of the files, the page first.
///
/// # Errors
///
/// If a plot cannot be drawn or a file cannot be written.
pub fn write_capacity_report(dir: &Path, found: &Capacity) -> Result<Vec<PathBuf>, ReportError> {
    let page = dir.join("report.html");
    save(&page, capacity::page(found)?.as_bytes())?;
    let mut written = vec![page];
    written.extend(plot::write(&dir.join("plots"), &capacity::plots(found)?)?);
    Ok(written)
}

/// Writes `report.html`, `plots/*.svg` and `plots/*.png` into `dir`, the folder of `result.json`.
/// Returns the paths of the files, the page first.
///
/// # Errors
///
/// If a plot cannot be drawn or a file cannot be written.
pub fn write_report(dir: &Path, result: &RunResult) -> Result<Vec<PathBuf>, ReportError> {
    let page = dir.join("report.html");
    save(
        &page,
        html::render(std::slice::from_ref(result))?.as_bytes(),
    )?;
    let mut written = vec![page];
    written.extend(plot::write(&dir.join("plots"), &plots(result)?)?);
    Ok(written)
}

/// Writes `comparison.html` and its plots into `dir`. Returns the paths of the files, the page
/// first.
///
/// # Errors
///
/// If a plot cannot be drawn or a file cannot be written.
pub fn write_comparison(dir: &Path, comparison: &Comparison) -> Result<Vec<PathBuf>, ReportError> {
    let page = dir.join("comparison.html");
    std::fs::create_dir_all(dir).map_err(|source| ResultError::Io {
        action: "create",
        path: dir.to_owned(),
        source,
    })?;
    save(&page, compare::page(comparison)?.as_bytes())?;
    let mut written = vec![page];
    written.extend(plot::write(
        &dir.join("plots"),
        &comparison_plots(comparison)?,
    )?);
    Ok(written)
}
