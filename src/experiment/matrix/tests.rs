//! The order of the runs, and the checks before the first run.

use super::*;
use crate::protocol::expand;
use crate::workload::Source;

const TEXT: &str = "name = \"t\"\n[experiment]\nrounds = 4\n[target]\nvoters = [1, 3]\n[load]\nin_flight = 1\nsessions = 2\n\
    warm_up = \"1s\"\nduration = \"9s\"\n[prepare]\nznodes = 0\n[[op]]\nkind = \"create\"\n";

fn experiment(overrides: &[&str]) -> Experiment {
    let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    expand(&Source::from_text("t.toml", TEXT), &overrides, Some(7)).unwrap()
}

fn targets(list: &[&str]) -> Vec<TargetSpec> {
    list.iter().map(|text| text.parse().unwrap()).collect()
}

#[test]
fn rounds_are_outermost_and_each_has_every_cell_and_target_once_in_another_order() {
    let experiment = experiment(&[]);
    let targets = targets(&["bundled", "zookeeper", "zk://h"]);
    let matrix = Matrix {
        experiment: &experiment,
        targets: &targets,
    };
    let runs = matrix.runs();
    assert_eq!(runs.len(), 24);
    assert_eq!(runs, matrix.runs());
    let mut orders = Vec::new();
    for (round, runs) in (0..).zip(runs.chunks(6)) {
        assert!(runs.iter().all(|run| run.round == round), "{runs:?}");
        let order: Vec<(usize, usize)> = runs.iter().map(|run| (run.cell, run.target)).collect();
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]);
        orders.push(order);
    }
    orders.dedup();
    assert!(orders.len() > 1, "the rounds are shuffled: {orders:?}");
    assert_eq!(matrix.describe(runs[0]), {
        let voters = ["1", "3"][runs[0].cell];
        format!("voters {voters} on {}", targets[runs[0].target])
    });
}

#[test]
fn the_expected_time_is_the_sum_of_all_runs_that_are_not_finished() {
    let experiment = experiment(&[]);
    let targets = targets(&["bundled"]);
    let matrix = Matrix {
        experiment: &experiment,
        targets: &targets,
    };
    let run_ms = 10_000 + 1_000 + 200;
    assert_eq!(matrix.expected_time(None).as_millis(), 8 * run_ms);
    let mut index = index(&experiment);
    matrix.record(&mut index, matrix.runs()[0], RunState::Done);
    let why = "x".to_owned();
    matrix.record(&mut index, matrix.runs()[1], RunState::Failed { why });
    assert_eq!(matrix.expected_time(Some(&index)).as_millis(), 7 * run_ms);
}

fn index(experiment: &Experiment) -> ExperimentIndex {
    ExperimentIndex::new(&crate::result::ExperimentParts {
        experiment,
        file: &crate::result::ExperimentSource {
            name: "t.toml".to_owned(),
            text: TEXT.to_owned(),
        },
        overrides: &[],
        seed: 7,
        targets: &["bundled".to_owned()],
        data_dir: None,
        pin: false,
    })
}

#[test]
fn what_no_run_could_do_is_refused_before_the_first() {
    let refused = |overrides: &[&str], target: &str| {
        let experiment = experiment(overrides);
        let targets = targets(&[target]);
        let matrix = Matrix {
            experiment: &experiment,
            targets: &targets,
        };
        matrix.check(None, false).unwrap_err().to_string()
    };
    assert_eq!(
        refused(&[], "zk://h:1"),
        "zk://h:1 is used as it is, but the experiment has several values of `target.voters`; give it one with --set target.voters=1, or choose a target that Quorate starts"
    );
    assert_eq!(
        refused(&["load.attach=observers"], "bundled"),
        "the sessions attach to observers, but the ensemble has none (voters 1); set target.observers to 1 or more, or load.attach to another value"
    );
    let memory = refused(&["target.heap=64GiB"], "zookeeper");
    assert!(
        memory.starts_with("zookeeper with 3 servers needs about 196968 MiB of memory (65656 MiB for each server), but only ")
            || memory.contains("ZooKeeper"),
        "{memory}"
    );
    let nowhere = refused(&[], "zookeeper:/nonexistent");
    assert!(nowhere.contains("/nonexistent"), "{nowhere}");
}
