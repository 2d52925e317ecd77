//! Tests saving baselines, and comparing runs with them.

use std::fs;

use crate::bench::Bench;
use crate::workload::WORKLOAD;

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

/// Runs the workload and saves the result as the baseline `main`. Returns the path of the workload.
fn saved(bench: &Bench) -> String {
    let mine = bench.file("mine.toml", WORKLOAD);
    let ran = bench.run(&["run", &mine, "--quiet", "--save-baseline", "main"]);
    ran.succeeds();
    assert_eq!(
        ran.stderr,
        "saved as baseline `main`: results/baselines/main\n"
    );
    mine
}

#[test]
fn a_run_is_compared_with_the_baseline_and_then_replaces_it() {
    let bench = Bench::new();
    let mine = saved(&bench);
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
    // Both pages are written to the same folder.
    let pages: Vec<&str> = text.lines().rev().take(2).collect();
    let folder = pages[0].strip_suffix("/comparison.html").unwrap();
    assert_eq!(pages[1], format!("{folder}/report.html"), "{text}");
    let page = fs::read_to_string(bench.path().join(pages[0])).unwrap();
    assert!(page.contains("How much faster or slower"), "{page}");
    assert!(ran.stderr.contains("replacing the previous one"), "{ran:?}");
    let after = fs::read(bench.path().join("results/baselines/main/result.json")).unwrap();
    assert_ne!(before, after);
    // With --json, standard output has one object, which contains the comparison.
    let ran = bench.run(&["run", &mine, "--json", "--baseline", "main", "--out", "out"]);
    let summary = json(ran.succeeds());
    assert_eq!(summary["verdict"], "valid");
    assert_eq!(summary["comparison"]["paired"], false, "{summary}");
    bench.run(&["compare", "main", "out"]).succeeds();
    bench.run(&["report", "results/baselines/main"]).succeeds();
}

#[test]
fn errors_of_a_comparison_with_a_baseline_are_found_before_the_run() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", WORKLOAD);
    let fails = |options: &[&str], words: &[&str]| {
        let ran = bench.run(&[&["run", &mine, "--out", "out"], options].concat());
        ran.fails(2, words);
        assert!(!bench.path().join("out").exists(), "a run was started");
    };
    fails(
        &["--baseline", "main"],
        &["no baseline `main`", "there are no baselines yet"],
    );
    saved(&bench);
    fails(
        &["--baseline", "mein"],
        &["no baseline `mein`", "use one of main"],
    );
    let other = ["--baseline", "main", "--seed", "9"];
    fails(
        &other,
        &[
            "baseline `main` has another load",
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
fn force_allows_another_load_and_an_invalid_run_is_not_saved() {
    let bench = Bench::new();
    let mine = saved(&bench);
    let forced = ["--baseline", "main", "--seed", "9", "--force", "--quiet"];
    let ran = bench.run(&[&["run", &mine], &forced[..]].concat());
    assert!(ran.succeeds().contains("OBJECTION: the plans"), "{ran:?}");
    // No generator can issue this rate, so the run is invalid.
    let impossible = ["--rate", "1e6", "--quiet", "--save-baseline", "bad"];
    let ran = bench.run(&[&["run", &mine], &impossible[..]].concat());
    assert_eq!(ran.status, Some(3), "{ran:?}");
    assert!(
        ran.stderr
            .contains("not saved as baseline `bad`: the run is invalid"),
        "{ran:?}"
    );
    assert!(!bench.path().join("results/baselines/bad").exists());
}
