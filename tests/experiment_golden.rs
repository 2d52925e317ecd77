//! Compares the reports of a made-up experiment with golden files, byte for byte.
//! `UPDATE_GOLDEN=1 cargo test --test experiment_golden` rewrites the files. Commit only differences that you understand.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[path = "golden/experiment_fixture.rs"]
mod experiment_fixture;
#[path = "golden/fixture.rs"]
mod fixture;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::LazyLock;

use quorate::report::{
    ExperimentReport, Format, render_experiment, splice, write_experiment_report,
};
use regex::Regex;

fn check(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, actual).expect("cannot write the golden file");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    let line = expected
        .lines()
        .zip(actual.lines())
        .position(|(a, b)| a != b)
        .unwrap_or_else(|| expected.lines().count().min(actual.lines().count()));
    assert!(
        expected == actual,
        "{name} differs from line {}:\n  golden: {:.200}\n  actual: {:.200}",
        line + 1,
        expected.lines().nth(line).unwrap_or("(end)"),
        actual.lines().nth(line).unwrap_or("(end)")
    );
}

static REPORT: LazyLock<ExperimentReport> = LazyLock::new(|| experiment_fixture::report(100));

fn rendered(format: Format) -> String {
    render_experiment(&REPORT, format).unwrap()
}

/// The page without its pictures, style, script and data: its structure and its words.
fn structure(page: &str) -> String {
    let mut text = page.to_owned();
    for (pattern, replacement) in [
        (
            r#"(?s)<svg (class="[a-z]+" role="img" aria-label="[^"]*").*?</svg>"#,
            "<svg $1></svg>",
        ),
        (r"(?s)<style>.*?</style>", "<style></style>"),
        (r"(?s)(<script[^>]*>).*?</script>", "$1</script>"),
    ] {
        let pattern = Regex::new(pattern).unwrap();
        text = pattern.replace_all(&text, replacement).into_owned();
    }
    text.replace("><", ">\n<")
}

#[test]
fn reports_of_an_experiment_equal_the_golden_files() {
    check("experiment.txt", &rendered(Format::Text));
    check("experiment.md", &rendered(Format::Markdown));
    check("experiment.html", &structure(&rendered(Format::Html)));
}

#[test]
fn the_text_fits_into_80_columns() {
    for line in rendered(Format::Text).lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn the_page_is_small_and_loads_nothing() {
    let page = rendered(Format::Html);
    assert!(page.len() < 5_000_000, "{} bytes", page.len());
    for loaded in ["src=\"http", "href=\"http", "url(http", "@import"] {
        assert!(!page.contains(loaded), "the page contains {loaded}");
    }
}

#[test]
fn json_has_every_value_and_csv_every_run() {
    let json: serde_json::Value = serde_json::from_str(&rendered(Format::Json)).unwrap();
    assert_eq!(json["figures"].as_array().unwrap().len(), 4);
    assert_eq!(json["runs_asked"], 180);
    assert_eq!(json["runs_done"], 179);
    let point = &json["figures"][0]["points"][0]["values"][0];
    assert_eq!(point["measure"], "write_response_p50_us");
    let (low, median) = (
        point["low"].as_f64().unwrap(),
        point["median"].as_f64().unwrap(),
    );
    assert!(low < median && median < point["high"].as_f64().unwrap());
    let contrast = &json["figures"][0]["answers"][0]["contrasts"][0];
    assert_eq!(contrast["shown"], "more");
    assert!((contrast["ratio"].as_f64().unwrap() - 1.18).abs() < 0.03);

    let csv = rendered(Format::Csv);
    let first = csv.lines().nth(1).unwrap();
    assert!(
        first.starts_with(
            "ensemble-size,response,bundled,paced-voters-3,bundled,paced,3,write_response_p50_us,1,1,"
        ),
        "{first}"
    );
    // The run that failed has no line.
    let of_cell = |line: &&str| {
        line.contains(",flood-voters-5,zookeeper,") && line.contains(",write_throughput_per_s,")
    };
    assert_eq!(csv.lines().filter(of_cell).count(), 5);
}

#[test]
fn an_experiment_without_results_still_has_a_report() {
    let report = ExperimentReport::new(experiment_fixture::index());
    for (_, format) in Format::ALL {
        render_experiment(&report, format).unwrap();
    }
    let mut nothing = experiment_fixture::index();
    nothing.cells.clear();
    nothing.figures.clear();
    nothing.axes.clear();
    let report = ExperimentReport::new(nothing);
    for (_, format) in Format::ALL {
        render_experiment(&report, format).unwrap();
    }
}

#[test]
fn the_report_and_its_pictures_are_written() {
    let dir = tempfile::tempdir().unwrap();
    let written = write_experiment_report(dir.path(), &REPORT).unwrap();
    let names: Vec<String> = written
        .iter()
        .map(|path| path.strip_prefix(dir.path()).unwrap().display().to_string())
        .collect();
    assert_eq!(
        names,
        [
            "report.html",
            "plots/response.svg",
            "plots/response.png",
            "plots/throughput-reads.svg",
            "plots/throughput-reads.png",
            "plots/throughput-writes.svg",
            "plots/throughput-writes.png",
            "plots/curve.svg",
            "plots/curve.png",
            "plots/failover-writes.svg",
            "plots/failover-writes.png",
            "plots/failover-reads.svg",
            "plots/failover-reads.png"
        ]
    );
}

#[test]
fn a_document_gets_the_parts_between_its_markers() {
    let document = "# Read me\n\n<!-- quorate:ensemble-size.answers:begin -->\nold text\n<!-- quorate:ensemble-size.answers:end -->\n\
        kept\n<!-- quorate:other:begin -->\nof another experiment\n<!-- quorate:other:end -->\n\
        <!-- quorate:ensemble-size.curve:begin -->\n<!-- quorate:ensemble-size.curve:end -->\n";
    let text = splice(document, &REPORT, "results/x").unwrap();
    assert!(
        !text.contains("old text") && text.contains("\nkept\n"),
        "{text}"
    );
    assert!(text.contains("of another experiment"), "{text}");
    assert!(text.contains("- Going from 3 to 5 voters makes the write response time p50"));
    assert!(text.contains("](results/x/plots/curve.svg)"), "{text}");
    assert!(text.contains("| 3 voters, bundled | "), "{text}");
    assert!(
        !text.contains("plots/response.svg"),
        "a part that is not marked"
    );
    assert_eq!(
        splice(&text, &REPORT, "results/x").unwrap(),
        text,
        "a second time changes nothing"
    );

    let whole = "<!-- quorate:ensemble-size:begin -->\n<!-- quorate:ensemble-size:end -->\n";
    let whole = splice(whole, &REPORT, "").unwrap();
    assert!(whole.contains("](plots/response.svg)") && whole.contains("](plots/curve.svg)"));
}

#[test]
fn markers_that_do_not_match_are_errors() {
    let error = |document: &str| splice(document, &REPORT, "").unwrap_err().to_string();
    let begin = "<!-- quorate:ensemble-size:begin -->\n";
    let end = "<!-- quorate:ensemble-size:end -->\n";
    assert!(error("nothing").starts_with("no place for the experiment ensemble-size: add"));
    assert!(error(begin).starts_with("line 1: `quorate:ensemble-size` begins but does not end"));
    assert!(error(end).starts_with("line 1: `quorate:ensemble-size` ends but did not begin"));
    let nested = format!("{begin}{begin}{end}");
    assert!(error(&nested).starts_with("line 1: "), "{}", error(&nested));
    let unknown = begin.replace(":begin", ".gaps:begin");
    assert!(
        error(&unknown).contains(
            "no part `gaps`; its parts are: answers, response, throughput, curve, failover"
        ),
        "{}",
        error(&unknown)
    );
}

fn quorate(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_quorate"))
        .args(arguments)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_commands_read_the_folders_of_experiments() {
    let dir = tempfile::tempdir().unwrap();
    let [base, candidate] = ["base", "candidate"].map(|name| dir.path().join(name));
    experiment_fixture::write(&base, 100);
    experiment_fixture::write(&candidate, 112);
    let [base, candidate] = [&base, &candidate].map(|path| path.display().to_string());

    let reported = quorate(&["report", &base]);
    assert_eq!(text(&reported.stdout), rendered(Format::Text));
    assert_eq!(reported.status.code(), Some(0));
    let together = quorate(&["report", &base, &candidate]);
    assert_eq!(together.status.code(), Some(2));
    assert!(text(&together.stderr).contains("can only be reported alone"));

    let document = dir.path().join("README.md");
    let marked = "<!-- quorate:ensemble-size.response:begin -->\n<!-- quorate:ensemble-size.response:end -->\n";
    fs::write(&document, marked).unwrap();
    let readme = document.display().to_string();
    let check = ["report", "--splice", &readme, "--check", &base];
    assert_eq!(
        quorate(&check).status.code(),
        Some(4),
        "the document is empty"
    );
    assert_eq!(
        quorate(&["report", "--splice", &readme, &base])
            .status
            .code(),
        Some(0)
    );
    let spliced = fs::read_to_string(&document).unwrap();
    assert!(spliced.contains("](base/plots/response.svg)"), "{spliced}");
    assert!(Path::new(&base).join("plots/response.svg").is_file());
    assert_eq!(quorate(&check).status.code(), Some(0));

    // Six rounds cannot show a difference among 30 cells, so the condition cannot be decided.
    let compared = quorate(&[
        "compare",
        &base,
        &candidate,
        "--force",
        "--fail-if",
        "slower=5%",
        "--format",
        "junit",
    ]);
    assert_eq!(compared.status.code(), Some(4));
    let xml = text(&compared.stdout);
    assert!(
        xml.contains("<testsuite name=\"ensemble-size\" tests=\"30\" failures=\"30\""),
        "{xml}"
    );
    assert!(
        xml.contains("<testcase classname=\"ensemble-size.zookeeper\" name=\"flood-voters-5\">"),
        "{xml}"
    );
    let compared = quorate(&["compare", &base, &candidate]);
    let shown = text(&compared.stdout);
    assert!(shown.contains("30 cells: 30 without a verdict."), "{shown}");
    assert!(
        shown.lines().all(|line| line.chars().count() <= 80),
        "{shown}"
    );
    let mixed = quorate(&[
        "compare",
        &base,
        &format!("{candidate}/cells/paced-voters-3/bundled"),
    ]);
    assert_eq!(mixed.status.code(), Some(2));
    assert!(text(&mixed.stderr).contains("is an experiment and"));
}
