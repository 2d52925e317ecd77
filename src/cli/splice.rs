//! `quorate report --splice`: puts the tables and figures of an experiment into a document.

use std::fs;
use std::path::{Component, Path, PathBuf};

use clap::Args;

use super::experiment_report::folder;
use super::failure::{Failure, MeansStatus, Status, bad_usage};
use crate::report::{ExperimentReport, splice, write_experiment_report};
use crate::result::save;

/// The options that change a document.
#[derive(Args, Debug)]
pub(super) struct SpliceFlags {
    /// Replaces the text between `<!-- quorate:NAME:begin -->` and `<!-- quorate:NAME:end -->` in a document by the answers,
    /// figures and tables of the experiment NAME, and writes its report.html and plots anew. `NAME.answers` and
    /// `NAME.throughput` mark a part of it
    #[arg(long, value_name = "DOCUMENT", conflicts_with_all = ["format", "output"])]
    splice: Option<PathBuf>,
    /// With --splice, changes nothing and ends with status 4 if the document differs from the experiment
    #[arg(long, requires = "splice")]
    check: bool,
}

impl SpliceFlags {
    pub(super) fn document(&self) -> Option<&Path> {
        self.splice.as_deref()
    }

    /// Changes or checks the document.
    pub(super) fn run(
        &self,
        document: &Path,
        experiment: &Path,
        report: &ExperimentReport,
    ) -> Result<Status, Failure> {
        let old = fs::read_to_string(document)
            .map_err(|error| bad_usage(format!("cannot read {}: {error}", document.display())))?;
        let from = document.parent().unwrap_or(Path::new(""));
        let link = way(&absolute(from)?, &absolute(folder(experiment))?);
        let named = |error: &dyn std::fmt::Display| format!("{}: {error}", document.display());
        let new = splice(&old, report, &link).map_err(|error| bad_usage(named(&error)))?;
        if self.check {
            if old == new {
                return Ok(Status::SUCCESS);
            }
            let mut failure = bad_usage(format!(
                "{} differs from the experiment; run `quorate report --splice {} {}`",
                document.display(),
                document.display(),
                experiment.display()
            ));
            failure.status = Status::GATE_FAILED;
            return Err(failure);
        }
        // The pictures that the document links to are made from the same values.
        write_experiment_report(folder(experiment), report)?;
        if old != new {
            save(document, new.as_bytes())?;
        }
        Ok(Status::SUCCESS)
    }
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    let path = if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    };
    fs::canonicalize(path).bad_usage()
}

/// The way from one folder to another as a link, `../results/x`; empty if both are the same.
fn way(from: &Path, to: &Path) -> String {
    let (from, to): (Vec<Component<'_>>, Vec<Component<'_>>) =
        (from.components().collect(), to.components().collect());
    let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..".to_owned(), from.len() - common);
    let down = to[common..]
        .iter()
        .map(|part| part.as_os_str().to_string_lossy().into_owned());
    up.chain(down).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_from_the_document_to_the_experiment() {
        let way = |from: &str, to: &str| way(Path::new(from), Path::new(to));
        assert_eq!(way("/a", "/a/results/x"), "results/x");
        assert_eq!(way("/a/docs", "/a/results/x"), "../results/x");
        assert_eq!(way("/a", "/a"), "");
    }
}
