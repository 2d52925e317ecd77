//! The file of an experiment, `experiment.json`: what was asked, and the state of every run. The results of
//! a cell on a target are in a folder below it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::store::{failure, save};
use super::tool::Tool;
use super::{FormatError, ResultError, to_json_text};
use crate::workload::{Axis, Experiment, FigurePlan, SearchPlan, slug};

pub const EXPERIMENT_FILE: &str = "experiment.json";
/// Identifies the file.
const SCHEMA: &str = "quorate-experiment";
const VERSION: u32 = 1;
/// Maximum length of the name of a target's folder.
const SLUG_CHARS: usize = 60;
/// Maximum length of the file in bytes.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// An experiment and the state of its runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExperimentIndex {
    /// Always `quorate-experiment`.
    pub schema: String,
    /// Version of the file's format.
    pub schema_version: u32,
    pub tool: Tool,
    /// Name of the workload.
    pub name: String,
    /// The purpose of the workload.
    pub why: String,
    /// The workload file.
    pub file: ExperimentSource,
    /// The overrides of the command line.
    pub overrides: Vec<String>,
    pub seed: u64,
    pub axes: Vec<Axis>,
    /// The targets as the user wrote them.
    pub targets: Vec<String>,
    /// Folder for the data of local servers, if the user named one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,
    /// Whether each server and the driver have cores of their own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pin: bool,
    /// Runs of each cell on each target.
    pub rounds: u32,
    pub figures: Vec<FigurePlan>,
    pub cells: Vec<IndexCell>,
    /// The finished and the failed runs in the order in which they ended. A run that is not in the list has
    /// not ended yet.
    pub runs: Vec<IndexRun>,
    /// Why the experiment ended before all runs, as a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_early: Option<String>,
}

/// A workload file as it was when the experiment began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExperimentSource {
    /// The path, or the name of a shipped workload.
    pub name: String,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IndexCell {
    /// Name of the folder of the cell.
    pub id: String,
    /// One value per axis.
    pub values: Vec<String>,
    /// If present, the runs of the cell are searches for a capacity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<SearchPlan>,
}

/// A run that has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexRun {
    /// Id of the cell.
    pub cell: String,
    /// Index of the target, from 0.
    pub target: usize,
    /// Number of the round, from 0. It is the number of the recording.
    pub round: u32,
    #[serde(flatten)]
    pub state: RunState,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RunState {
    Done,
    Failed {
        /// What failed, as a sentence.
        why: String,
    },
}

/// What an experiment consists of.
#[derive(Clone, Copy, Debug)]
pub struct ExperimentParts<'a> {
    pub experiment: &'a Experiment,
    pub file: &'a ExperimentSource,
    pub overrides: &'a [String],
    pub seed: u64,
    pub targets: &'a [String],
    pub data_dir: Option<&'a Path>,
    pub pin: bool,
}

impl ExperimentIndex {
    /// Makes the index of an experiment before its first run.
    #[must_use]
    pub fn new(parts: &ExperimentParts<'_>) -> Self {
        let experiment = parts.experiment;
        let cells = experiment.cells.iter().map(|cell| IndexCell {
            id: cell.id.clone(),
            values: cell.values.clone(),
            search: cell.search.clone(),
        });
        Self {
            schema: SCHEMA.to_owned(),
            schema_version: VERSION,
            tool: Tool::this_build(),
            name: experiment.name.clone(),
            why: experiment.why.clone(),
            file: parts.file.clone(),
            overrides: parts.overrides.to_vec(),
            seed: parts.seed,
            axes: experiment.axes.clone(),
            targets: parts.targets.to_vec(),
            data_dir: parts.data_dir.map(Path::to_owned),
            pin: parts.pin,
            rounds: experiment.rounds,
            figures: experiment.figures.clone(),
            cells: cells.collect(),
            runs: Vec::new(),
            ended_early: None,
        }
    }

    /// Returns the number of runs of the whole experiment.
    #[must_use]
    pub fn runs_planned(&self) -> usize {
        let rounds = usize::try_from(self.rounds).unwrap_or(usize::MAX);
        (self.cells.len() * self.targets.len()).saturating_mul(rounds)
    }

    /// Whether every run has ended, be it with a failure.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.runs.len() >= self.runs_planned()
    }

    /// Records the end of a run. It replaces an earlier failure of the same run.
    pub fn record(&mut self, run: IndexRun) {
        self.runs
            .retain(|old| (&old.cell, old.target, old.round) != (&run.cell, run.target, run.round));
        self.runs.push(run);
    }

    /// Returns the path of the results of a cell on a target, relative to the folder of the experiment:
    /// `cells/voters-3/bundled`.
    #[must_use]
    pub fn dir_of(&self, cell: &str, target: usize) -> PathBuf {
        Path::new("cells").join(cell).join(self.slug_of(target))
    }

    /// Returns the name of the folder of a target: its text in `[a-z0-9.-]`, and a number if an earlier
    /// target has the same name.
    #[must_use]
    pub fn slug_of(&self, target: usize) -> String {
        let mut taken: BTreeMap<String, u32> = BTreeMap::new();
        let mut name = String::new();
        for text in self.targets.iter().take(target + 1) {
            let plain = slug(text, SLUG_CHARS);
            let count = taken.entry(plain.clone()).or_default();
            *count += 1;
            name = if *count == 1 {
                plain
            } else {
                format!("{plain}.{count}")
            };
        }
        name
    }
}

/// Name of the file of a search in the folder of a cell and target. `round` counts from 0.
#[must_use]
pub fn search_file(round: u32) -> String {
    format!("search-{round}.json")
}

/// Writes `experiment.json` into `dir`, completely or not at all.
///
/// # Errors
/// If it cannot be written.
pub fn write_experiment(dir: &Path, index: &ExperimentIndex) -> Result<PathBuf, ResultError> {
    let path = dir.join(EXPERIMENT_FILE);
    save(&path, to_json_text(index).as_bytes())?;
    Ok(path)
}

/// Reads `experiment.json` from a path to the file or to its folder.
///
/// # Errors
/// If there is no such file, it cannot be read, it is not the file of an experiment, or a newer version
/// wrote it.
pub fn read_experiment(path: &Path) -> Result<ExperimentIndex, ResultError> {
    let file = if path.is_dir() {
        path.join(EXPERIMENT_FILE)
    } else {
        path.to_owned()
    };
    let length = fs::metadata(&file)
        .map_err(|source| failure("read", &file, source))?
        .len();
    let format = |source| ResultError::Format {
        path: file.clone(),
        source,
    };
    if length > FILE_BYTES_MAX {
        let problem = format!("it has {length} bytes, more than any experiment");
        return Err(format(FormatError::NotAnExperiment(problem)));
    }
    let text = fs::read_to_string(&file).map_err(|source| failure("read", &file, source))?;
    from_json(&text).map_err(format)
}

/// Whether `path` is the folder or the file of an experiment.
#[must_use]
pub fn is_experiment(path: &Path) -> bool {
    path.join(EXPERIMENT_FILE).is_file()
        || (path.file_name().is_some_and(|name| name == EXPERIMENT_FILE) && path.is_file())
}

fn from_json(text: &str) -> Result<ExperimentIndex, FormatError> {
    #[derive(Deserialize)]
    struct Head {
        schema: Option<String>,
        schema_version: Option<u64>,
    }
    let not_ours = |why: String| FormatError::NotAnExperiment(why);
    let head: Head = serde_json::from_str(text).map_err(|error| not_ours(error.to_string()))?;
    if head.schema.as_deref() != Some(SCHEMA) {
        return Err(not_ours(format!("its `schema` is not {SCHEMA:?}")));
    }
    match head.schema_version {
        Some(found) if found > u64::from(VERSION) => return Err(FormatError::Newer { found }),
        Some(1..) => {}
        _ => return Err(FormatError::Corrupt("no schema_version in it".to_owned())),
    }
    let index: ExperimentIndex =
        serde_json::from_str(text).map_err(|error| FormatError::Corrupt(error.to_string()))?;
    check(&index).map_err(FormatError::Corrupt)?;
    Ok(index)
}

/// Checks what the types do not: the names of folders, and that runs refer to cells and targets.
fn check(index: &ExperimentIndex) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    for cell in &index.cells {
        if cell.id.is_empty() || cell.id.starts_with('.') || !cell.id.chars().all(allowed) {
            return Err(format!(
                "the cell {:?} is not the name of a folder",
                cell.id
            ));
        }
        if cell.values.len() != index.axes.len() {
            return Err(format!(
                "cell {} has {} values for {} axes",
                cell.id,
                cell.values.len(),
                index.axes.len()
            ));
        }
    }
    for run in &index.runs {
        let known = index.cells.iter().any(|cell| cell.id == run.cell);
        if !known || run.target >= index.targets.len() || run.round >= index.rounds {
            return Err(format!(
                "it has a run of cell {}, target {}, round {}, which the experiment does not have",
                run.cell, run.target, run.round
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::example;
    use crate::workload::Cell;

    fn index() -> ExperimentIndex {
        let cell = |id: &str, value: &str| Cell {
            id: id.to_owned(),
            values: vec![value.to_owned()],
            plan: example::plan(),
            search: None,
        };
        let mut experiment = Experiment {
            name: "t".to_owned(),
            why: "w".to_owned(),
            is_declared: true,
            axes: vec![Axis {
                key: "target.voters".to_owned(),
                values: vec!["3".to_owned(), "5".to_owned()],
            }],
            cells: vec![cell("voters-3", "3"), cell("voters-5", "5")],
            rounds: 2,
            figures: Vec::new(),
        };
        experiment.cells[1].search = Some(SearchPlan {
            p99_ms: Some(20.0),
            ..SearchPlan::default()
        });
        ExperimentIndex::new(&ExperimentParts {
            experiment: &experiment,
            file: &ExperimentSource {
                name: "t.toml".to_owned(),
                text: "name = \"t\"".to_owned(),
            },
            overrides: &["load.rate=5".to_owned()],
            seed: 7,
            targets: &[
                "bundled".to_owned(),
                "zookeeper:/opt/zk".to_owned(),
                "bundled".to_owned(),
            ],
            data_dir: None,
            pin: false,
        })
    }

    fn run(round: u32, state: RunState) -> IndexRun {
        IndexRun {
            cell: "voters-3".to_owned(),
            target: 0,
            round,
            state,
        }
    }

    #[test]
    fn an_index_round_trips_through_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let mut index = index();
        index.record(run(0, RunState::Done));
        let why = "it did not start".to_owned();
        index.record(run(1, RunState::Failed { why }));
        let path = write_experiment(dir.path(), &index).unwrap();
        assert_eq!(read_experiment(dir.path()).unwrap(), index);
        assert_eq!(read_experiment(&path).unwrap(), index);
        assert!(is_experiment(dir.path()) && is_experiment(&path));
        assert!(!is_experiment(&dir.path().join("x")));
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("\"state\": \"failed\""), "{text}");
    }

    #[test]
    fn a_run_that_succeeds_later_replaces_its_failure() {
        let mut index = index();
        index.record(run(0, RunState::Failed { why: String::new() }));
        index.record(run(0, RunState::Done));
        assert_eq!(index.runs, [run(0, RunState::Done)]);
        assert_eq!(index.runs_planned(), 12);
        assert!(!index.is_complete());
    }

    #[test]
    fn every_cell_and_target_has_a_folder_of_its_own() {
        let dirs = [0, 1, 2].map(|target| index().dir_of("voters-3", target));
        let expected = ["bundled", "zookeeper-opt-zk", "bundled.2"];
        assert_eq!(
            dirs,
            expected.map(|name| Path::new("cells/voters-3").join(name))
        );
    }

    #[test]
    fn errors_name_the_file_and_the_reason() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(EXPERIMENT_FILE);
        let broken = |change: &dyn Fn(&mut serde_json::Value)| {
            let mut value = serde_json::to_value(index()).unwrap();
            change(&mut value);
            fs::write(&path, value.to_string()).unwrap();
            read_experiment(dir.path()).unwrap_err().to_string()
        };
        assert!(
            read_experiment(dir.path())
                .unwrap_err()
                .to_string()
                .contains("cannot read")
        );
        let newer = broken(&|v| v["schema_version"] = 2.into());
        assert!(
            newer.contains("experiment.json: schema version 2"),
            "{newer}"
        );
        let other = broken(&|v| v["schema"] = "x".into());
        assert!(
            other.contains("not the file of an experiment: its `schema`"),
            "{other}"
        );
        let outside = broken(&|v| v["cells"][0]["id"] = "../x".into());
        assert!(
            outside.contains("\"../x\" is not the name of a folder"),
            "{outside}"
        );
        let values = broken(&|v| v["cells"][0]["values"] = serde_json::json!([]));
        assert!(
            values.contains("cell voters-3 has 0 values for 1 axes"),
            "{values}"
        );
        let stranger = broken(&|v| {
            v["runs"] =
                serde_json::json!([{"cell": "voters-3", "target": 3, "round": 0, "state": "done"}]);
        });
        assert!(stranger.contains("target 3, round 0"), "{stranger}");
        fs::write(&path, "{").unwrap();
        let cut = read_experiment(dir.path()).unwrap_err().to_string();
        assert!(cut.contains("not the file of an experiment"), "{cut}");
    }
}
