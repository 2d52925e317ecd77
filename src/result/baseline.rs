//! Baselines: results that are kept under a name and compared with later runs.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::file::to_json;
use super::run_result::RunResult;
use super::store::{
    RESULT_FILE, RESULTS_DIR, ResultError, create_dirs, failure, read_result, save,
};

/// Folder of all baselines, inside the results folder.
const BASELINES_DIR: &str = "baselines";
/// Limit of the length of a name.
const NAME_CHARS: usize = 64;

/// Name of a baseline, and of its folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaselineName(String);

/// Why a text is not the name of a baseline.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} cannot name a baseline, which is a folder: use 1 to {NAME_CHARS} letters, digits, `-`, `_` and `.`, and no `.` in front"
)]
pub struct BaselineNameError {
    text: String,
}

impl FromStr for BaselineName {
    type Err = BaselineNameError;

    fn from_str(text: &str) -> Result<Self, BaselineNameError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let length = 1..=NAME_CHARS;
        if length.contains(&text.len())
            && !text.starts_with(['.', '-'])
            && text.chars().all(allowed)
        {
            Ok(Self(text.to_owned()))
        } else {
            Err(BaselineNameError {
                text: text.to_owned(),
            })
        }
    }
}

impl fmt::Display for BaselineName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a baseline cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// No baseline has that name.
    #[error("no baseline `{name}` in {}: {}", dir.display(), listed(known))]
    Unknown {
        name: BaselineName,
        dir: PathBuf,
        /// Names of the existing baselines.
        known: Vec<String>,
    },
    /// The baseline or the folder of all baselines exists but cannot be read.
    #[error(transparent)]
    Result(#[from] ResultError),
}

fn listed(known: &[String]) -> String {
    if known.is_empty() {
        "there are no baselines yet; --save-baseline makes one".to_owned()
    } else {
        format!("use one of {}", known.join(", "))
    }
}

/// The folder of all baselines: `results/baselines` in the working directory.
#[derive(Clone, Debug)]
pub struct Baselines {
    dir: PathBuf,
}

impl Default for Baselines {
    fn default() -> Self {
        Self::below(Path::new(RESULTS_DIR))
    }
}

impl Baselines {
    /// The baselines in the folder `results`.
    #[must_use]
    pub fn below(results: &Path) -> Self {
        Self {
            dir: results.join(BASELINES_DIR),
        }
    }

    #[must_use]
    pub fn has(&self, name: &BaselineName) -> bool {
        self.file(name).is_file()
    }

    /// Saves a copy of `result` under `name`, replacing an older one, and returns its folder. The
    /// copy has all data that a comparison reads, but no plots and no logs.
    ///
    /// # Errors
    ///
    /// If it cannot be written. The older baseline is then kept.
    pub fn save(&self, name: &BaselineName, result: &RunResult) -> Result<PathBuf, ResultError> {
        let dir = self.dir.join(&name.0);
        create_dirs(&dir)?;
        save(&self.file(name), to_json(result).as_bytes())?;
        Ok(dir)
    }

    /// Reads a baseline.
    ///
    /// # Errors
    ///
    /// If there is no baseline of that name (the error lists the existing names), or if it cannot
    /// be read.
    pub fn read(&self, name: &BaselineName) -> Result<RunResult, BaselineError> {
        if !self.has(name) {
            return Err(BaselineError::Unknown {
                name: name.clone(),
                dir: self.dir.clone(),
                known: self.names()?,
            });
        }
        Ok(read_result(&self.file(name))?)
    }

    /// Returns the names of all baselines, sorted.
    ///
    /// # Errors
    ///
    /// If their folder exists but cannot be read.
    pub fn names(&self) -> Result<Vec<String>, ResultError> {
        if !self.dir.exists() {
            return Ok(Vec::new());
        }
        let unreadable = |source| failure("read", &self.dir, source);
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.dir).map_err(unreadable)? {
            let name = entry.map_err(unreadable)?.file_name();
            let name = name.to_str().and_then(|name| name.parse().ok());
            names.extend(name.filter(|name| self.has(name)).map(|name| name.0));
        }
        names.sort();
        Ok(names)
    }

    fn file(&self, name: &BaselineName) -> PathBuf {
        self.dir.join(&name.0).join(RESULT_FILE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::example;

    fn name(text: &str) -> BaselineName {
        text.parse().unwrap()
    }

    #[test]
    fn a_name_cannot_leave_the_folder() {
        let long = "x".repeat(NAME_CHARS + 1);
        for bad in ["", ".", "..", "../x", "a/b", "-q", ".hidden", "a b", &long] {
            assert!(bad.parse::<BaselineName>().is_err(), "{bad}");
        }
        assert_eq!(name("v1.2_main-3").to_string(), "v1.2_main-3");
    }

    #[test]
    fn saving_again_replaces_the_baseline() {
        let dir = tempfile::tempdir().unwrap();
        let baselines = Baselines::below(dir.path());
        assert_eq!(baselines.names().unwrap(), Vec::<String>::new());
        let mut result = example::result();
        for seed in [1, 2] {
            result.plan.seed = seed;
            let saved = baselines.save(&name("main"), &result).unwrap();
            assert_eq!(saved, dir.path().join("baselines/main"));
        }
        assert_eq!(baselines.read(&name("main")).unwrap().plan.seed, 2);
        assert_eq!(
            read_result(&dir.path().join("baselines/main"))
                .unwrap()
                .plan
                .seed,
            2
        );
    }

    #[test]
    fn the_error_of_a_missing_baseline_lists_the_others() {
        let dir = tempfile::tempdir().unwrap();
        let baselines = Baselines::below(dir.path());
        let error = |baselines: &Baselines| baselines.read(&name("c")).unwrap_err().to_string();
        assert!(error(&baselines).contains("--save-baseline makes one"));
        for other in ["b", "a"] {
            baselines.save(&name(other), &example::result()).unwrap();
        }
        std::fs::create_dir(dir.path().join("baselines/empty")).unwrap();
        let text = error(&baselines);
        assert!(
            text.starts_with("no baseline `c` in ") && text.ends_with(": use one of a, b"),
            "{text}"
        );
    }
}
