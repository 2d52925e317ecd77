//! Results that are kept under a name, and runs that are compared with them.

use std::fs;

use crate::bench::Bench;
use crate::workload::WORKLOAD;

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

/// A run that keeps its result as `main`.
fn kept(bench: &Bench) -> String {
    let mine = bench.file("mine.toml", WORKLOAD);
    let ran = bench.run(&["run", &mine, "--quiet", "--save-baseline", "main"]);
    ran.succeeds();
    assert_eq!(
        ran.stderr,
        "kept as baseline `main`: results/baselines/main\n"
    );
    mine
}

#[test]
fn a_run_is_compared_with_the_baseline_and_replaces_it() {
    let bench = Bench::new();
    let mine = kept(&bench);
    let before = fs::read(bench.path().join("results/baselines/main/result.json")).unwrap();
    let options = ["--quiet", "--baseline", "main", "--save-baseline", "main"];
    let ran = bench.run(&[&["run", &mine], &options[..]].concat());
    let text = ran.succeeds();
    assert!(text.contains("\ncompared with the baseline:\n"), "{text}");
    assert!(text.contains("candidate is"), "{text}");
    assert!(
        text.contains("The runs were not paired in rounds"),
        "{text}"
    );
    assert!(
        text.lines().last().unwrap().ends_with("/report.html"),
        "{text}"
    );
    assert!(ran.stderr.contains("in place of the one before"), "{ran:?}");
    let after = fs::read(bench.path().join("results/baselines/main/result.json")).unwrap();
    assert_ne!(before, after);
    // One object on standard output, whatever is compared.
    let ran = bench.run(&["run", &mine, "--json", "--baseline", "main", "--out", "out"]);
    let summary = json(ran.succeeds());
    assert_eq!(summary["verdict"], "valid");
    assert_eq!(summary["comparison"]["paired"], false, "{summary}");
    // By its name, too.
    bench.run(&["compare", "main", "out"]).succeeds();
    bench.run(&["report", "results/baselines/main"]).succeeds();
}

#[test]
fn what_keeps_a_run_from_being_compared_is_told_before_it_starts() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", WORKLOAD);
    let fails = |options: &[&str], words: &[&str]| {
        let ran = bench.run(&[&["run", &mine, "--out", "out"], options].concat());
        ran.fails(2, words);
        assert!(!bench.path().join("out").exists(), "nothing is begun");
    };
    fails(
        &["--baseline", "main"],
        &["no baseline `main`", "there are no baselines yet"],
    );
    kept(&bench);
    fails(
        &["--baseline", "mein"],
        &["no baseline `mein`", "use one of main"],
    );
    let other = ["--baseline", "main", "--seed", "9"];
    fails(
        &other,
        &[
            "baseline `main` asks for another load",
            "seed: 1 and 9",
            "--force",
        ],
    );
    let undecided = ["--baseline", "main", "--fail-if", "slower"];
    fails(
        &undecided,
        &["--fail-if needs a verdict, which takes 5 runs", "has 1"],
    );
    fails(
        &["--baseline", "main", "--headline", "p7"],
        &["no metric `p7`", "set: throughput"],
    );
    fails(
        &["--save-baseline", "../main"],
        &["\"../main\" cannot name a baseline"],
    );
    fails(&["--fail-if", "slower"], &["--baseline"]);
    fails(
        &[&mine, "--save-baseline", "two"],
        &["of one workload, not of 2"],
    );
}

#[test]
fn force_compares_with_another_load_and_an_invalid_run_is_not_kept() {
    let bench = Bench::new();
    let mine = kept(&bench);
    let forced = ["--baseline", "main", "--seed", "9", "--force", "--quiet"];
    let ran = bench.run(&[&["run", &mine], &forced[..]].concat());
    assert!(ran.succeeds().contains("OBJECTION: the plans"), "{ran:?}");
    // Nothing issues so much: the generator fails.
    let impossible = ["--rate", "1e6", "--quiet", "--save-baseline", "bad"];
    let ran = bench.run(&[&["run", &mine], &impossible[..]].concat());
    assert_eq!(ran.status, Some(3), "{ran:?}");
    assert!(
        ran.stderr
            .contains("not kept as baseline `bad`: the run is invalid"),
        "{ran:?}"
    );
    assert!(!bench.path().join("results/baselines/bad").exists());
}
