//! Tests `quorate import`.

use std::fs;

use crate::bench::{Bench, Ran};
use crate::detached::Detached;
use crate::workload::WORKLOAD;

/// The requests of the example that comes with keeper-bench, in the same forms.
const KEEPER_BENCH: &str = "\
concurrency: 4
iterations: 10000
delay: 4
timelimit: 1
continue_on_errors: true
connections:
  operation_timeout_ms: 3000
  connection:
    secure: false
    session_timeout_ms: 2000
    host: \"localhost:9181\"
    sessions: 1
  host: \"localhost:9181\"
generator:
  setup:
    node:
      name: \"parent\"
    node:
      name: \"test\"
      data: \"somedata\"
      node:
        repeat: 4
        name: { random_string: { size: 15 } }
        data: { random_string: { size: { min_value: 10, max_value: 20 } } }
      node:
        repeat: 2
        node:
          repeat: 2
          name: { random_string: { size: 12 } }
        name: { random_string: { size: 15 } }
  requests:
    create:
      path: \"/parent\"
      name_length: 10
      remove_factor: 0.5
    multi:
      size: 20
      create:
        path: \"/test\"
        data: { random_string: { size: { min_value: 10, max_value: 20 } } }
      set:
        weight: 2
        path:
          - \"/parent\"
        path:
          children_of: \"/test\"
        data: { random_string: { size: 10 } }
    get:
      path: [\"/parent\"]
      path:
        children_of: \"/test\"
    list:
      path: [\"/parent\"]
";

#[test]
fn an_imported_keeper_bench_file_runs() {
    let bench = Bench::new();
    let file = bench.file("bench.yaml", KEEPER_BENCH);
    let ran = bench.run(&["import", "keeper-bench", &file, "--out", "mine.toml"]);
    ran.succeeds();
    for words in [
        "--target zk://localhost:9181",
        "ends after 10000 requests",
        "a multi consists of sets",
    ] {
        assert!(ran.stderr.contains(words), "{words} in {ran:?}");
    }
    let text = fs::read_to_string(bench.path().join("mine.toml")).unwrap();
    // The leaves: the parent, four children, and two times two grandchildren.
    for line in ["znodes = 9", "sessions = 2\nin_flight = 2", "batch = 20"] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
    let run = bench.run(&[
        "run",
        "mine.toml",
        "--quiet",
        "--json",
        "--set",
        "target.voters=1",
        "--set",
        "load.duration=300ms",
    ]);
    assert!(run.succeeds().contains("\"multi\""), "{run:?}");
}

#[test]
fn an_existing_file_is_kept_and_bad_files_are_named() {
    let bench = Bench::new();
    let file = bench.file("bench.yaml", KEEPER_BENCH);
    let mine = bench.file("mine.toml", "mine");
    bench
        .run(&["import", "keeper-bench", &file, "--out", &mine])
        .fails(1, &["cannot create", "mine.toml"]);
    assert_eq!(
        fs::read_to_string(bench.path().join("mine.toml")).unwrap(),
        "mine"
    );
    let bad = bench.file("bad.yaml", "generator: [");
    bench
        .run(&["import", "keeper-bench", &bad])
        .fails(2, &["bad.yaml, line 2"]);
    bench
        .run(&["import", "txn-log", "missing"])
        .fails(2, &["cannot read missing"]);
    fs::create_dir(bench.path().join("empty")).unwrap();
    bench
        .run(&["import", "txn-log", "empty"])
        .fails(2, &["no transaction log in empty"]);
    bench
        .run(&["import", "txn-log", &file])
        .fails(2, &["bench.yaml", "transaction log"]);
}

#[test]
fn the_logs_of_a_server_give_its_operations_sizes_and_fan_out() {
    let bench = Bench::new();
    let detached = Detached::up(&bench);
    let mixed = WORKLOAD
        .replace("[prepare]\nznodes = 10", "[prepare]\nznodes = 40\nper_parent = 20\nkeep = true")
        .replace(
            "kind = \"set\"",
            "kind = \"set\"\nsize = 300\nweight = 3\n[[op]]\nkind = \"create\"\nsize = 7\nephemeral = true",
        );
    let workload = bench.file("mixed.toml", &mixed);
    let ran: Ran = bench.run(&[
        "run",
        &workload,
        "--target",
        &detached.target,
        "--quiet",
        "--json",
    ]);
    let result: serde_json::Value = serde_json::from_str(ran.succeeds()).unwrap();
    let imported = bench.run(&["import", "txn-log", "e/server-1/log"]);
    let text = imported.succeeds();
    for line in [
        "ephemeral = true",
        "size = 7",
        "size = 300",
        "kind = \"session\"",
    ] {
        assert!(text.contains(line), "{line} in\n{text}\n{result}");
    }
    assert!(text.contains("holds no reads"), "{text}");
    let copy = bench.file("copy.toml", text);
    bench.run(&["check", &copy]).succeeds();
}
