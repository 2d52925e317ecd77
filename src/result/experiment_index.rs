//! The index of an experiment, `experiment.json`: what was asked, and the state of every run.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::store::save;
use super::{FormatError, ResultError, Tool};
use crate::workload::{Axis, FigurePlan};

pub const EXPERIMENT_FILE: &str = "experiment.json";
const SCHEMA: &str = "quorate-experiment";
/// Version of the file's format.
const VERSION: u32 = 1;

/// An experiment: its plan, and the state of every run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExperimentIndex {
    /// `quorate-experiment`.
    pub schema: String,
    /// Version of the file's format.
    pub version: u32,
    pub tool: Tool,
    pub name: String,
    pub why: String,
    /// The text of the workload file.
    pub file: String,
    /// Overrides of the command line, `KEY=VALUE`.
    pub overrides: Vec<String>,
    pub seed: u64,
    pub axes: Vec<Axis>,
    /// The targets as the user wrote them.
    pub targets: Vec<String>,
    /// Runs of every cell on every target.
    pub rounds: u32,
    pub figures: Vec<FigurePlan>,
    pub cells: Vec<IndexedCell>,
    pub runs: Vec<IndexedRun>,
}

/// A combination of values of the axes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexedCell {
    /// Name of its folder.
    pub id: String,
    /// One value per axis.
    pub values: Vec<String>,
}

/// A run of one cell on one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexedRun {
    /// Index into the cells.
    pub cell: usize,
    /// Index into the targets.
    pub target: usize,
    /// Number of the round, from 0.
    pub round: u32,
    pub state: RunState,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    Done,
    Failed {
        /// The reason, as a sentence.
        why: String,
    },
}

impl ExperimentIndex {
    #[must_use]
    pub fn new(name: &str, why: &str) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            version: VERSION,
            tool: Tool::this_build(),
            name: name.to_owned(),
            why: why.to_owned(),
            file: String::new(),
            overrides: Vec::new(),
            seed: 0,
            axes: Vec::new(),
            targets: Vec::new(),
            rounds: 1,
            figures: Vec::new(),
            cells: Vec::new(),
            runs: Vec::new(),
        }
    }

    /// Returns the folder of a cell on a target, relative to the experiment's folder.
    #[must_use]
    pub fn run_dir(&self, cell: usize, target: usize) -> PathBuf {
        let id = self.cells.get(cell).map_or("", |cell| cell.id.as_str());
        let spec = self.targets.get(target).map_or("", String::as_str);
        Path::new("cells").join(id).join(slug(spec))
    }
}

fn slug(spec: &str) -> String {
    let mut slug = String::new();
    for c in spec.chars() {
        if c.is_ascii_alphanumeric() || c == '.' {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_matches('-').to_owned()
}

/// Writes the file into `dir` and returns its path.
///
/// # Errors
///
/// If it cannot be written.
pub fn write_experiment(dir: &Path, index: &ExperimentIndex) -> Result<PathBuf, ResultError> {
    let path = dir.join(EXPERIMENT_FILE);
    let text =
        serde_json::to_string_pretty(index).map_err(|error| malformed(path.clone(), &error))?;
    save(&path, text.as_bytes())?;
    Ok(path)
}

/// Reads `experiment.json` from a path to the file or to its folder; `None` if there is no such
/// file.
///
/// # Errors
///
/// If it cannot be read or is not the index of an experiment.
pub fn read_experiment(path: &Path) -> Result<Option<ExperimentIndex>, ResultError> {
    let file = if path.is_dir() {
        path.join(EXPERIMENT_FILE)
    } else {
        path.to_owned()
    };
    if file.file_name().is_none_or(|name| name != EXPERIMENT_FILE) || !file.is_file() {
        return Ok(None);
    }
    let text = fs::read_to_string(&file).map_err(|source| ResultError::Io {
        action: "read",
        path: file.clone(),
        source,
    })?;
    let index: ExperimentIndex =
        serde_json::from_str(&text).map_err(|error| malformed(file.clone(), &error))?;
    if index.version > VERSION {
        return Err(ResultError::Format {
            path: file,
            source: FormatError::Newer {
                found: u64::from(index.version),
            },
        });
    }
    Ok(Some(index))
}

fn malformed(path: PathBuf, error: &serde_json::Error) -> ResultError {
    ResultError::Format {
        path,
        source: FormatError::Corrupt(error.to_string()),
    }
}
