//! Tests the options of the load, such as `--rate`, against the equivalent `--set` overrides.

use crate::bench::Bench;

const OPEN: &str = r#"
name = "mine"
why = "A test."

[load]
sessions = 2
rate = 100
in_flight_cap = 8
warm_up = "100ms"
duration = "1s"

[[op]]
kind = "set"
"#;

#[test]
fn each_option_equals_its_override() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", OPEN);
    let long = [
        "--rate",
        "250",
        "--duration",
        "2s",
        "--sessions",
        "4",
        "--threads",
        "2",
        "--warm-up",
        "1s",
        "--repeats",
        "3",
    ];
    let short = [
        "-r",
        "250",
        "-d2s",
        "-c",
        "4",
        "-t",
        "2",
        "--warmup=1s",
        "--repeats=3",
    ];
    let set = [
        "rate=250",
        "duration=2s",
        "sessions=4",
        "threads=2",
        "warm_up=1s",
        "repeats=3",
    ];
    let set = set.map(|pair| format!("--set=load.{pair}"));
    let set: Vec<&str> = set.iter().map(String::as_str).collect();
    let check = |options: &[&str]| {
        let ran = bench.run(&[&["check", &mine], options].concat());
        assert_eq!(ran.stderr, "", "{ran:?}");
        ran.succeeds().to_owned()
    };
    let expected = check(&set);
    assert_ne!(expected, check(&[]));
    assert_eq!(check(&long), expected);
    assert_eq!(check(&short), expected);
    assert_eq!(check(&["-s", "4"]), check(&["--set", "load.sessions=4"]));
}

#[test]
fn an_option_that_changes_the_kind_of_loop_prints_what_it_drops() {
    let bench = Bench::new();
    let check = |text: &str, options: &[&str]| {
        let file = bench.file("mine.toml", text);
        let ran = bench.run(&[&["check", file.as_str()], options].concat());
        (ran.succeeds().to_owned(), ran.stderr)
    };
    let (plan, note) = check(OPEN, &["--in-flight", "4"]);
    assert!(
        plan.contains("in_flight = 4") && !plan.contains("\nrate = "),
        "{plan}"
    );
    assert_eq!(
        note,
        "mine: --in-flight 4 makes the open loop a closed one: rate = 100 of the workload is dropped\n"
    );
    let closed = OPEN
        .replace("rate = 100", "in_flight = 3")
        .replace("in_flight_cap = 8\n", "");
    let (plan, note) = check(&closed, &["--rate", "50"]);
    assert!(plan.contains("rate = 50"), "{plan}");
    assert_eq!(
        note,
        "mine: --rate 50 makes the closed loop an open one: in_flight = 3 of the workload is dropped\n"
    );
    assert_eq!(check(&closed, &["--in-flight", "2"]).1, "");
    let phases = OPEN.replace(
        "rate = 100",
        "phase = [{rate = 1, duration = \"500ms\"}, {rate = 2, duration = \"500ms\"}]",
    );
    let (_, note) = check(&phases, &["--rate", "50"]);
    assert_eq!(
        note,
        "mine: --rate 50 replaces the phases of the workload by one rate\n"
    );
}

#[test]
fn errors_of_an_option_name_the_option() {
    let bench = Bench::new();
    let mine = bench.file("mine.toml", OPEN);
    let fails = |options: &[&str], words: &[&str]| {
        for command in ["check", "run"] {
            let ran = bench.run(&[&[command, &mine], options].concat());
            ran.fails(2, words);
            assert!(!ran.stderr.contains("--set"), "{ran:?}");
        }
    };
    fails(&["--rate", "fast"], &["error: --rate fast: `load.rate`"]);
    fails(
        &["-d", "30", "-s", "none"],
        &["--duration 30: `load.duration`", "--sessions none: `load."],
    );
    fails(
        &["--rate", "5", "--in-flight", "2"],
        &["--rate", "--in-flight", "cannot be used with"],
    );
    for set in ["load.rate=5", "load.in_flight=5"] {
        let ran = bench.run(&["check", &mine, "--rate", "5", "--set", set]);
        ran.fails(2, &["--rate 5", set.split('=').next().unwrap()]);
    }
    let ran = bench.run(&["compare", "a", "b", "--rate", "5"]);
    ran.fails(2, &["they need --targets"]);
    let compared = ["compare", "--targets", "bundled,bundled", &mine, "-r", "x"];
    bench.run(&compared).fails(2, &["--rate x: `load.rate`"]);
    assert!(!bench.path().join("results").exists(), "a run was started");
}
