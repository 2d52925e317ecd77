//! The format of a comparison and its destination.

use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::cli::failure::{Failure, bad_usage};
use crate::cli::report::deliver;
use crate::report::Format;

/// The name of the format of JUnit.
const JUNIT: &str = "junit";

/// The format of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ComparisonFormat {
    Report(Format),
    /// The XML that pipelines read, with a test case per comparison.
    Junit,
}

/// The format of a comparison and its destination.
#[derive(Args, Debug)]
pub(super) struct ComparisonLayout {
    /// Format; `junit` is the XML that pipelines read: a test case for each comparison, which fails if a --fail-if condition
    /// holds or, without one, if the candidate is slower
    #[arg(long, short, value_name = "FORMAT", default_value = "text", value_parser = names())]
    format: String,
    /// File to write instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

fn names() -> PossibleValuesParser {
    let mut names = Format::ALL.map(|(name, _)| name).to_vec();
    names.push(JUNIT);
    PossibleValuesParser::new(names)
}

impl ComparisonLayout {
    pub(super) fn format(&self) -> Result<ComparisonFormat, Failure> {
        if self.format == JUNIT {
            return Ok(ComparisonFormat::Junit);
        }
        let format = self.format.parse::<Format>();
        format.map(ComparisonFormat::Report).map_err(bad_usage)
    }

    /// Writes `text` to the file, or to standard output.
    pub(super) fn deliver(&self, text: &str) -> Result<(), Failure> {
        deliver(self.output.as_deref(), text)
    }
}
