//! Compares the reports of a made-up experiment with golden files, byte for byte.
//! `UPDATE_GOLDEN=1 cargo test --test experiment_golden` rewrites the files. Commit only differences that you understand.

#[path = "golden/experiment_fixture.rs"]
mod experiment_fixture;
#[path = "golden/fixture.rs"]
mod fixture;

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use quorate::report::{ExperimentReport, Format, render_experiment, write_experiment_report};
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
        (r#"(?s)<svg (class="[a-z]+" role="img" aria-label="[^"]*").*?</svg>"#, "<svg $1></svg>"),
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
    assert_eq!(json["figures"].as_array().unwrap().len(), 3);
    assert_eq!(json["runs_asked"], 108);
    assert_eq!(json["runs_done"], 107);
    let point = &json["figures"][0]["points"][0]["values"][0];
    assert_eq!(point["measure"], "write_response_p50_us");
    let (low, median) = (point["low"].as_f64().unwrap(), point["median"].as_f64().unwrap());
    assert!(low < median && median < point["high"].as_f64().unwrap());
    let contrast = &json["figures"][0]["answers"][0]["contrasts"][0];
    assert_eq!(contrast["shown"], "more");
    assert!((contrast["ratio"].as_f64().unwrap() - 1.18).abs() < 0.03);

    let csv = rendered(Format::Csv);
    let first = csv.lines().nth(1).unwrap();
    assert!(
        first.starts_with("ensemble-size,response,paced-voters-3,bundled,paced,3,write_response_p50_us,1,1,"),
        "{first}"
    );
    // The run that failed has no line.
    let of_cell = |line: &&str| line.contains(",flood-voters-5,zookeeper,") && line.contains(",write_throughput_per_s,");
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
    let written =
        write_experiment_report(dir.path(), &REPORT).unwrap();
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
            "plots/curve.png"
        ]
    );
}
