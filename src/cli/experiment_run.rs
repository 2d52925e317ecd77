//! The part of `quorate run` that runs experiments: every combination of the values of a workload file, on
//! several targets, in rounds.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use super::experiment_report;
use super::experiment_text::{self, Outcome, counted, figures};
use super::failure::{Failure, MeansStatus, Status, bad_usage};
use super::live::Screen;
use super::output;
use super::run::{status_of, worse};
use super::surroundings::Places;
use crate::experiment::{ExperimentError, Matrix, RunContext};
use crate::protocol;
use crate::report::{Format, experiment_answers, render_experiment, write_experiment_report};
use crate::result::{
    EXPERIMENT_FILE, ExperimentIndex, ExperimentParts, ExperimentSource, RunState, read_experiment,
    read_result, read_search, result_file, search_file,
};
use crate::target::TargetSpec;
use crate::workload::{Experiment, Source};

/// An experiment on its targets.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) experiment: Experiment,
    pub(super) targets: Vec<TargetSpec>,
    /// The folder of an experiment that was interrupted.
    pub(super) resumed: Option<PathBuf>,
    pub(super) index: ExperimentIndex,
}

impl Asked {
    /// Prepares an experiment that begins. The folders of `places` become part of it, so that it continues with
    /// them.
    pub(super) fn new(
        experiment: Experiment,
        source: &Source,
        overrides: &[String],
        targets: &[TargetSpec],
        places: &Places,
    ) -> Self {
        let targets: Vec<TargetSpec> = targets
            .iter()
            .map(|target| match (target, &places.zookeeper_home) {
                (TargetSpec::ZooKeeper { home: None }, Some(home)) => TargetSpec::ZooKeeper {
                    home: Some(home.clone()),
                },
                _ => target.clone(),
            })
            .collect();
        let seed = experiment.cells.first().map_or(0, |cell| cell.plan.seed);
        // The experiment may be continued from another working directory.
        let data_dir = places.data_dir.as_deref();
        let data_dir = data_dir.map(|dir| std::path::absolute(dir).unwrap_or(dir.to_owned()));
        let shown: Vec<String> = targets.iter().map(TargetSpec::to_string).collect();
        let index = ExperimentIndex::new(&ExperimentParts {
            experiment: &experiment,
            file: &ExperimentSource {
                name: source.name.clone(),
                text: source.text.clone(),
            },
            overrides,
            seed,
            targets: &shown,
            data_dir: data_dir.as_deref(),
            pin: false,
        });
        Self {
            experiment,
            targets,
            resumed: None,
            index,
        }
    }

    /// Reads an experiment that was interrupted from its folder.
    ///
    /// # Errors
    /// Bad usage if there is none, its file is damaged, or this version resolves it to something else.
    pub(super) fn resume(dir: &Path) -> Result<Self, Failure> {
        let mut index = read_experiment(dir).bad_usage()?;
        let dir = match dir.file_name() {
            Some(name) if name == EXPERIMENT_FILE => dir.parent().unwrap_or(Path::new(".")),
            _ => dir,
        };
        let source = Source::from_text(index.file.name.clone(), index.file.text.clone());
        let mut experiment =
            protocol::expand(&source, &index.overrides, Some(index.seed)).bad_usage()?;
        experiment.rounds = index.rounds;
        let targets = index
            .targets
            .iter()
            .map(|text| text.parse::<TargetSpec>())
            .collect::<Result<Vec<_>, _>>()
            .bad_usage()?;
        let same = experiment.axes == index.axes
            && experiment.cells.len() == index.cells.len()
            && experiment
                .cells
                .iter()
                .zip(&index.cells)
                .all(|(cell, old)| {
                    (&cell.id, &cell.values, &cell.search) == (&old.id, &old.values, &old.search)
                });
        if !same {
            return Err(bad_usage(format!(
                "{}: quorate {} made other cells of this workload than {}, which began it; continue with that version",
                dir.display(),
                env!("CARGO_PKG_VERSION"),
                index.tool.version
            )));
        }
        let matrix = Matrix {
            experiment: &experiment,
            targets: &targets,
        };
        matrix.resume(dir, &mut index).bad_usage()?;
        Ok(Self {
            resumed: Some(dir.to_owned()),
            experiment,
            targets,
            index,
        })
    }

    pub(super) fn matrix(&self) -> Matrix<'_> {
        Matrix {
            experiment: &self.experiment,
            targets: &self.targets,
        }
    }

    /// Whether a run uses a proxy.
    pub(super) fn needs_proxies(&self) -> bool {
        let mut cells = self.experiment.cells.iter();
        self.targets.iter().any(TargetSpec::is_local) && cells.any(|cell| cell.plan.needs_proxies())
    }

    /// Describes the matrix and the expected time.
    pub(super) fn description(&self) -> String {
        let matrix = self.matrix();
        let mut text = experiment_text::matrix(&self.experiment, &self.index.targets);
        let missing = self.index.runs_planned() - self.done();
        if self.resumed.is_some() {
            text.push_str(&format!(
                "{} of {} are finished; ",
                self.done(),
                counted(self.index.runs_planned(), "run")
            ));
        }
        let expected = matrix.expected_time(Some(&self.index));
        text.push_str(&experiment_text::time(missing, expected));
        text.push('\n');
        text
    }

    fn done(&self) -> usize {
        let runs = self.index.runs.iter();
        runs.filter(|run| run.state == RunState::Done).count()
    }
}

/// Runs an experiment in `dir`, writes its report, prints its results and its answers, and returns the status. With
/// `json`, the report is returned as JSON and nothing is printed.
pub(super) fn run(
    asked: &mut Asked,
    dir: &Path,
    context: &RunContext<'_>,
    screen: &Screen,
    json: bool,
) -> Result<Done, Failure> {
    let Asked {
        experiment,
        targets,
        index,
        ..
    } = asked;
    let matrix = Matrix {
        experiment,
        targets,
    };
    let data_dir = index.data_dir.clone();
    let context = &RunContext {
        data_dir: context.data_dir.or(data_dir.as_deref()),
        pin: index.pin,
        ..*context
    };
    let ended = matrix.run(dir, index, context);
    screen.clear();
    let nothing_done = index.runs.is_empty();
    if let Err(ExperimentError::Interrupted) = &ended
        && nothing_done
    {
        remove_empty(dir);
        return Err(ExperimentError::Interrupted.into());
    }
    let (lines, status) = outcome(&matrix, index, dir)?;
    let interrupted = context.stop.load(Ordering::Relaxed);
    let mut text = lines;
    if interrupted {
        output::tell(&format!(
            "interrupted; `quorate run --resume {}` measures the missing runs",
            dir.display()
        ));
    }
    let report = experiment_report::read_cells(dir, index)?;
    let written = write_experiment_report(dir, &report);
    text.push_str(&format!("\n{}\n", experiment_answers(&report)));
    if let Some(page) = written.as_ref().ok().and_then(|written| written.first()) {
        text.push_str(&format!("{}\n", page.display()));
    }
    if !json {
        output::print(&text)?;
    }
    written?;
    match ended {
        Ok(()) | Err(ExperimentError::Interrupted) => Ok(Done {
            status,
            json: render_experiment(&report, Format::Json)?,
        }),
        Err(error) => Err(error.into()),
    }
}

/// A finished or interrupted experiment.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) status: Status,
    /// The report as JSON.
    pub(super) json: String,
}

/// Removes the folder of an experiment without a run. Files of the user stay.
fn remove_empty(dir: &Path) {
    let _ = fs::remove_file(dir.join(EXPERIMENT_FILE));
    let _ = fs::remove_dir(dir);
}

/// Returns one line for each cell and target, and the most severe status.
fn outcome(
    matrix: &Matrix<'_>,
    index: &ExperimentIndex,
    dir: &Path,
) -> Result<(String, Status), Failure> {
    let mut text = String::new();
    let mut status = Status::SUCCESS;
    for (number, cell) in matrix.experiment.cells.iter().enumerate() {
        for (target, spec) in matrix.targets.iter().enumerate() {
            let own = matrix.dir_of(dir, index, number, target);
            let outcome = read_outcome(&own, cell.search.is_some(), matrix.experiment.rounds)?;
            if let Outcome::Measured(result) = &outcome {
                status = worse(status, status_of(result));
            }
            let what = match matrix.experiment.describe(cell) {
                values if values.is_empty() => spec.to_string(),
                values => format!("{values} on {spec}"),
            };
            text.push_str(&format!("{what}: {}\n", figures(&outcome)));
            for run in &index.runs {
                if let RunState::Failed { why } = &run.state
                    && (&run.cell, run.target) == (&cell.id, target)
                {
                    status = worse(status, Status::INVALID);
                    text.push_str(&format!("  round {} failed: {why}\n", run.round + 1));
                }
            }
        }
    }
    Ok((text, status))
}

fn read_outcome(dir: &Path, is_search: bool, rounds: u32) -> Result<Outcome, Failure> {
    if !is_search {
        let file = result_file(dir);
        if !file.is_file() {
            return Ok(Outcome::Nothing);
        }
        return Ok(Outcome::Measured(Box::new(read_result(&file)?)));
    }
    let mut found = Vec::new();
    for round in 0..rounds {
        let file = dir.join(search_file(round));
        if file.is_file() {
            found.push(read_search(&file)?);
        }
    }
    Ok(match found.as_slice() {
        [] => Outcome::Nothing,
        _ => Outcome::Searched(found),
    })
}
