//! Keys that hold lists: the cells of an experiment, and lists that are refused.

use super::{HEAD, SET, assert_error, assert_refused, experiment, plan, try_experiment};
use crate::workload::{Axis, KeyChoice, SizeChoice};

fn axis(key: &str, values: &[&str]) -> Axis {
    Axis {
        key: key.to_owned(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    }
}

#[test]
fn every_combination_of_listed_values_is_a_cell() {
    let text = format!("{HEAD}{SET}size = [100, \"1KiB\"]\n[target]\nvoters = [3, 5, 7]\n");
    let experiment = experiment(&text, &[]);
    assert!(experiment.is_declared);
    assert_eq!((experiment.name.as_str(), experiment.rounds), ("t", 5));
    let axes = [
        axis("op.set.size", &["100", "1KiB"]),
        axis("target.voters", &["3", "5", "7"]),
    ];
    assert_eq!(experiment.axes, axes, "in the order of the lines");
    let cells: Vec<(&str, u16, SizeChoice)> = experiment
        .cells
        .iter()
        .map(|cell| {
            (
                cell.id.as_str(),
                cell.plan.target.voters,
                cell.plan.ops[0].size.clone(),
            )
        })
        .collect();
    let (small, large) = (SizeChoice::Fixed(100), SizeChoice::Fixed(1_024));
    let expected = [
        ("size-100.voters-3", 3, small.clone()),
        ("size-100.voters-5", 5, small.clone()),
        ("size-100.voters-7", 7, small),
        ("size-1kib.voters-3", 3, large.clone()),
        ("size-1kib.voters-5", 5, large.clone()),
        ("size-1kib.voters-7", 7, large),
    ];
    assert_eq!(cells, expected);
    assert_eq!(experiment.cells[4].values, ["1KiB", "5"]);
}

#[test]
fn a_file_without_lists_has_one_cell_and_is_no_declared_experiment() {
    let text = format!("{HEAD}{SET}");
    let experiment = experiment(&text, &[]);
    assert!(!experiment.is_declared && experiment.axes.is_empty());
    assert_eq!(experiment.cells.len(), 1);
    assert_eq!(experiment.cells[0].id, "all");
    assert_eq!(experiment.cells[0].plan, plan(&text, &[]));
    let declared = super::experiment(&text, &["experiment.rounds=2"]);
    assert!(declared.is_declared);
    assert_eq!(declared.rounds, 2);
}

#[test]
fn every_form_of_a_value_can_be_listed() {
    let text = format!(
        "{HEAD}{SET}size = [100, {{ min = 1, max = 9 }}, {{ one_of = [1, 2] }}]\nkeys = [\"zipf\", {{ zipf = 1.5 }}]\n"
    );
    let experiment = experiment(&text, &[]);
    let sizes = ["100", "{ max = 9, min = 1 }", "{ one_of = [1, 2] }"];
    assert_eq!(experiment.axes[0], axis("op.set.size", &sizes));
    assert_eq!(
        experiment.axes[1],
        axis("op.set.keys", &["zipf", "{ zipf = 1.5 }"])
    );
    let last = &experiment.cells[5];
    assert_eq!(last.id, "size-one-of-1-2.keys-zipf-1.5");
    assert_eq!(last.plan.ops[0].size, SizeChoice::OneOf(vec![1, 2]));
    assert_eq!(last.plan.ops[0].keys, KeyChoice::Zipf(1.5));
}

#[test]
fn an_operation_is_named_by_its_label_and_a_phase_by_its_index() {
    let text = format!(
        "name = \"t\"\n{SET}label = \"w\"\nweight = [1, 2]\n[[op]]\nkind = \"get\"\nweight = [3, 4]\n[[load.phase]]\nduration = \"10s\"\nrate = [10, 20]\n"
    );
    let experiment = experiment(&text, &[]);
    let keys: Vec<&str> = experiment
        .axes
        .iter()
        .map(|axis| axis.key.as_str())
        .collect();
    assert_eq!(keys, ["op.w.weight", "op.get.weight", "load.phase.0.rate"]);
    assert_eq!(experiment.cells.len(), 8);
    assert_eq!(experiment.cells[7].plan.ops[1].weight, 4);
}

#[test]
fn an_override_adds_changes_and_removes_an_axis() {
    let text = format!("{HEAD}{SET}[target]\nvoters = [3, 5]\n");
    let keys = |overrides: &[&str]| -> Vec<Axis> { experiment(&text, overrides).axes };
    assert_eq!(keys(&["target.voters=7"]), []);
    assert_eq!(
        keys(&["target.voters=[7]"]),
        [axis("target.voters", &["7"])]
    );
    let both = [
        axis("target.voters", &["3", "5"]),
        axis("target.observers", &["0", "2"]),
    ];
    assert_eq!(keys(&["target.observers=[0,2]"]), both);
    let rates = keys(&["target.voters=3", "load.in_flight=[1, 16]"]);
    assert_eq!(rates, [axis("load.in_flight", &["1", "16"])]);
    assert_eq!(plan(&text, &["target.voters=7"]).target.voters, 7);
    assert_error(
        &text,
        &[],
        "w.toml:1: this is an experiment with 2 cells over target.voters; `quorate run` runs it, and --set with one value for each makes it a single workload",
    );
}

#[test]
fn a_list_over_a_fixed_key_is_refused() {
    assert_refused(
        &format!("{HEAD}repeats = [1, 2]\n{SET}"),
        &[],
        "w.toml:9: `load.repeats` cannot hold a list: `experiment.rounds` says how often every cell runs; set that",
    );
    for (key, words) in [
        (
            "name=[\"a\",\"b\"]",
            "`name` cannot hold a list: it names the experiment",
        ),
        ("why=[\"a\",\"b\"]", "`why` cannot hold a list"),
        ("protocol=[\"zookeeper\",\"echo\"]", "`protocol`"),
        (
            "seed=[1,2]",
            "`seed` cannot hold a list: every round has random choices of its own",
        ),
        (
            "op.set.kind=[\"get\",\"set\"]",
            "`op.0.kind` cannot hold a list",
        ),
        (
            "op.set.label=[\"a\",\"b\"]",
            "`op.0.label` cannot hold a list",
        ),
        (
            "gates.p99_ms=[1,2]",
            "`gates.p99_ms` cannot hold a list: a gate judges a run",
        ),
        (
            "load.rate=[]",
            "`load.rate` must list 1 to 100 values, but it lists 0",
        ),
        ("load.rate=[1,[2]]", "`load.rate` lists a list"),
        ("load.rate=[1,2,1]", "`load.rate` lists 1 twice; remove one"),
    ] {
        let error = try_experiment(&format!("{HEAD}{SET}"), &[key]).unwrap_err();
        let error = error.to_string();
        let rest = error.strip_prefix(&format!("--set {key}: "));
        assert!(
            rest.is_some_and(|rest| rest.contains(words) || words == "`protocol`"),
            "{error}"
        );
    }
}

#[test]
fn a_wrong_value_of_a_list_is_reported_once_at_its_line() {
    assert_refused(
        &format!("{HEAD}sessions = [\n  1,\n  0,\n  \"x\",\n]\n{SET}size = [1, 2]\n"),
        &[],
        "w.toml:11: `load.sessions` is 0; it must be 1 to 100000\n\
         w.toml:12: `load.sessions` must be an integer, but it is the string \"x\"",
    );
    assert_refused(
        &format!("{HEAD}sesions = [1, 2]\n{SET}"),
        &[],
        "w.toml:9: unknown key `load.sesions`; did you mean `load.sessions`?",
    );
}

#[test]
fn an_experiment_has_at_most_500_cells_and_10_000_runs() {
    let list = |count: u32| {
        (1..=count)
            .map(|n| n.to_string())
            .collect::<Vec<_>>()
            .join(",")
    };
    let text = format!("{HEAD}{SET}size = [{}]\n", list(51));
    let ten = format!("load.sessions=[{}]", list(10));
    assert_refused(
        &text,
        &[&ten],
        "w.toml:11: the experiment has 510 cells (51 of op.set.size times 10 of load.sessions), more than 500; shorten a list, or split it into several files",
    );
    assert_refused(
        &text,
        &["experiment.rounds=200"],
        "w.toml:11: the experiment has 10200 runs, more than 10000; lower `experiment.rounds` or shorten a list",
    );
    assert_refused(
        &text,
        &["experiment.rounds=0"],
        "--set experiment.rounds=0: `experiment.rounds` is 0; it must be 1 to 1000",
    );
}

#[test]
fn values_without_effect_are_refused() {
    assert_refused(
        &format!("{HEAD}interval = [\"1s\", \"1000ms\"]\n{SET}"),
        &[],
        "w.toml:9: the values 1s and 1000ms of `load.interval` give the same run, because something else replaces the key; give each case its own value of it instead of a list",
    );
}

#[test]
fn an_experiment_has_rounds_instead_of_repeats() {
    assert_refused(
        &format!("{HEAD}repeats = 3\n{SET}"),
        &["target.voters=[3,5]"],
        "w.toml:9: `load.repeats` has no effect in an experiment; set `experiment.rounds`, the runs of every cell",
    );
}

#[test]
fn an_override_of_a_missing_section_is_refused() {
    assert_refused(
        &format!("{HEAD}{SET}[[case]]\nname = \"a\"\n"),
        &["case.1.name=b"],
        "--set case.1.name=b: there is no `case.1`; the workload has 1 of them, counted from 0",
    );
    let renamed = experiment(
        &format!("{HEAD}{SET}[[case]]\nname = \"a\"\n"),
        &["case.0.name=b"],
    );
    assert_eq!(renamed.axes[0].values, ["b"]);
}

#[test]
fn a_read_ratio_scales_the_weights_of_each_side() {
    let text = format!(
        "{HEAD}read_ratio = [0, 0.5, 0.9, 1]\n{SET}[[op]]\nkind = \"get\"\nweight = 3\n[[op]]\nkind = \"exists\"\n"
    );
    let weights: Vec<Vec<u32>> = experiment(&text, &[])
        .cells
        .iter()
        .map(|cell| cell.plan.ops.iter().map(|op| op.weight).collect())
        .collect();
    let expected = [vec![1, 0, 0], vec![4, 3, 1], vec![4, 27, 9], vec![0, 3, 1]];
    assert_eq!(weights, expected);
    assert_refused(
        &format!("{HEAD}read_ratio = 0.5\n{SET}"),
        &[],
        "w.toml:9: `load.read_ratio` is 0.5, but no operation of the workload reads; add an [[op]] that reads, or remove the key",
    );
}
