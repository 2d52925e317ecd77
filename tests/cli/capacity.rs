//! Tests `quorate capacity`.

use crate::bench::Bench;
use crate::workload::WORKLOAD;

/// No server answers within a microsecond, so every run fails or, on a busy machine, is invalid.
const IMPOSSIBLE: [&str; 6] = ["--p99", "1us", "--from", "1000", "--duration", "1s"];

#[test]
fn a_search_that_finds_no_rate_writes_all_results_and_ends_with_status_4() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", WORKLOAD);
    let mut args = vec!["capacity", &mine, "--out", "found"];
    args.extend(IMPOSSIBLE);
    let ran = bench.run(&args);
    assert_eq!(ran.status, Some(4), "{ran:?}");
    assert!(ran.stdout.contains("no rate was found"), "{ran:?}");
    assert!(ran.stdout.contains("found/report.html"), "{ran:?}");
    let found = bench.json("found/capacity.json");
    let steps = found["steps"].as_array().unwrap();
    // 1,000/s is the lowest rate for a run of one second. Two failed runs end the search.
    assert_eq!(steps.len(), 2);
    assert!(found["answer_per_s"].is_null());
    for step in steps {
        assert_ne!(step["held"], "yes");
        let folder = step["result"].as_str().unwrap();
        let result = bench.json(&format!("found/{folder}/result.json"));
        assert_eq!(result["plan"]["load"]["arrival"]["loop"], "open");
        assert_eq!(result["plan"]["gates"]["p99_ms"], 0.001);
    }
    for format in ["text", "markdown", "csv", "json", "html"] {
        let ran = bench.run(&["report", "found", "--format", format]);
        assert!(ran.succeeds().contains("mine"), "{format}");
    }
    let both = bench.run(&["report", "found", "found/run-01"]);
    assert_eq!(both.status, Some(2));
    assert!(both.stderr.contains("reported alone"), "{both:?}");
}

#[test]
fn missing_and_invalid_options_of_a_search_are_bad_usage() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", WORKLOAD);
    let cases: [(&[&str], &str); 5] = [
        (&[], "--p99 5ms"),
        (&["--p99", "5"], "--p99"),
        (&["--p99", "5ms", "--rate", "10"], "--from sets"),
        (&["--p99", "5ms", "--precision", "2"], "--precision must be"),
        (&["--p99", "5ms", "--up-to", "10"], "--up-to must be"),
    ];
    for (more, message) in cases {
        let mut args = vec!["capacity", mine.as_str()];
        args.extend(more);
        let ran = bench.run(&args);
        assert_eq!(ran.status, Some(2), "{ran:?}");
        assert!(ran.stderr.contains(message), "{ran:?}");
    }
    let results = bench.path().join("results");
    assert!(!results.exists(), "a search was started");
}
