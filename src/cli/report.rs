//! `quorate report`: prints earlier results in any format.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::failure::{Failure, MeansStatus, Status, bad_usage};
use super::splice::SpliceFlags;
use super::{experiment_report, output};
use crate::report::{
    ExperimentReport, Format, ReportError, SpectrumTime, render, render_capacity,
    render_experiment, spectrum,
};
use crate::result::{Capacity, RunResult, read_capacity, read_result, save};

/// Prints earlier results as text, Markdown, CSV, JSON or one HTML page
#[derive(Args, Debug)]
pub(super) struct ReportArgs {
    /// Result folders or result.json files, or one folder of a capacity search or of an experiment
    #[arg(required = true, value_name = "DIR|FILE")]
    results: Vec<PathBuf>,
    #[command(flatten)]
    spectrum: SpectrumFlag,
    #[command(flatten)]
    splice: SpliceFlags,
    #[command(flatten)]
    layout: Layout,
}

/// The option for percentile spectra.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct SpectrumFlag {
    /// Adds the percentile spectrum of each operation to the text: of the response time, or of the service time
    /// with --spectrum=service
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true, default_missing_value = "response", value_parser = spectrum_time())]
    spectrum: Option<SpectrumTime>,
}

fn spectrum_time() -> impl TypedValueParser<Value = SpectrumTime> {
    PossibleValuesParser::new(SpectrumTime::ALL.map(|(name, _)| name))
        .try_map(|name| name.parse::<SpectrumTime>())
}

impl SpectrumFlag {
    pub(super) fn is_given(self) -> bool {
        self.spectrum.is_some()
    }

    /// Formats a result as text, with its spectrum if the option is given.
    ///
    /// # Errors
    /// Like [`render`].
    pub(super) fn text(self, result: &RunResult) -> Result<String, ReportError> {
        let mut text = render(std::slice::from_ref(result), Format::Text)?;
        if let Some(time) = self.spectrum {
            text.push('\n');
            text.push_str(&spectrum(result, time));
        }
        Ok(text)
    }
}

/// The format of a report and its destination.
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
        deliver(self.output.as_deref(), text)
    }
}

/// Writes `text` to a file, or to standard output.
pub(super) fn deliver(file: Option<&Path>, text: &str) -> Result<(), Failure> {
    match file {
        Some(file) => save(file, text.as_bytes())?,
        None => output::print(text)?,
    }
    Ok(())
}

pub(super) fn run(args: &ReportArgs) -> Result<Status, Failure> {
    if let Some(report) = experiment(args)? {
        if args.spectrum.is_given() {
            return Err(bad_usage(
                "--spectrum belongs to the result of one cell: name its folder below `cells`",
            ));
        }
        if let Some(document) = args.splice.document() {
            return args.splice.run(document, &args.results[0], &report);
        }
        args.layout
            .deliver(&render_experiment(&report, args.layout.format()?)?)?;
        return Ok(Status::SUCCESS);
    }
    if args.splice.document().is_some() {
        return Err(bad_usage(
            "--splice takes the folder of an experiment, which has an experiment.json",
        ));
    }
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
    let format = args.layout.format()?;
    let text = match format {
        Format::Text => {
            let texts = results.iter().map(|result| args.spectrum.text(result));
            texts.collect::<Result<Vec<_>, _>>()?.join("\n")
        }
        _ if args.spectrum.is_given() => {
            return Err(bad_usage(
                "--spectrum belongs to the text; leave out --format, or the spectrum",
            ));
        }
        _ => render(&results, format)?,
    };
    args.layout.deliver(&text)?;
    Ok(Status::SUCCESS)
}

/// Reads the experiment that the arguments name, if they name one.
fn experiment(args: &ReportArgs) -> Result<Option<ExperimentReport>, Failure> {
    for path in &args.results {
        if let Some(found) = experiment_report::read(path)? {
            return if args.results.len() == 1 {
                Ok(Some(found))
            } else {
                Err(bad_usage(format!(
                    "{} contains an experiment, which can only be reported alone",
                    path.display()
                )))
            };
        }
    }
    Ok(None)
}

/// Reads the capacity search that the arguments name, if they name one.
fn capacity(args: &ReportArgs) -> Result<Option<Capacity>, Failure> {
    for path in &args.results {
        if let Some(found) = read_capacity(path).bad_usage()? {
            return if args.results.len() == 1 {
                Ok(Some(found))
            } else {
                Err(bad_usage(format!(
                    "{} contains a capacity search, which can only be reported alone",
                    path.display()
                )))
            };
        }
    }
    Ok(None)
}
