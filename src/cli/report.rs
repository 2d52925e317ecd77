//! `quorate report`: earlier results in any format.

use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::failure::{Failure, MeansStatus, Status, bad_usage};
use super::output;
use crate::report::{Format, render, render_capacity};
use crate::result::{Capacity, read_capacity, read_result, save};

/// Prints earlier results as text, Markdown, CSV, JSON or one HTML page
#[derive(Args, Debug)]
pub(super) struct ReportArgs {
    /// Result folders, or result.json files; or one folder of a capacity search
    #[arg(required = true, value_name = "DIR|FILE")]
    results: Vec<PathBuf>,
    #[command(flatten)]
    layout: Layout,
}

/// The format of a report, and where it goes.
#[derive(Args, Debug)]
pub(super) struct Layout {
    /// Format
    #[arg(long, short, value_name = "FORMAT", default_value = "text", value_parser = PossibleValuesParser::new(Format::ALL.map(|(name, _)| name)))]
    format: String,
    /// File to write instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Layout {
    pub(super) fn format(&self) -> Result<Format, Failure> {
        self.format
            .parse()
            .map_err(|problem: String| bad_usage(problem))
    }

    /// Writes `text` to the file, or to standard output.
    pub(super) fn deliver(&self, text: &str) -> Result<(), Failure> {
        match &self.output {
            Some(file) => save(file, text.as_bytes())?,
            None => output::print(text)?,
        }
        Ok(())
    }
}

pub(super) fn run(args: &ReportArgs) -> Result<Status, Failure> {
    if let Some(found) = capacity(args)? {
        args.layout
            .deliver(&render_capacity(&found, args.layout.format()?)?)?;
        return Ok(Status::SUCCESS);
    }
    let results = args
        .results
        .iter()
        .map(|path| read_result(path).bad_usage())
        .collect::<Result<Vec<_>, _>>()?;
    args.layout
        .deliver(&render(&results, args.layout.format()?)?)?;
    Ok(Status::SUCCESS)
}

/// The capacity search that is asked for, if it is one.
fn capacity(args: &ReportArgs) -> Result<Option<Capacity>, Failure> {
    for path in &args.results {
        if let Some(found) = read_capacity(path).bad_usage()? {
            return if args.results.len() == 1 {
                Ok(Some(found))
            } else {
                Err(bad_usage(format!(
                    "{} holds a capacity search, which is reported alone",
                    path.display()
                )))
            };
        }
    }
    Ok(None)
}
