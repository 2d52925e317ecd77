//! Compares the reports of small hand-made comparisons with golden files, byte for byte.
//! `UPDATE_GOLDEN=1 cargo test --test comparison_golden` rewrites the files. Commit only
//! differences that you understand.

#[path = "golden/comparison_fixture.rs"]
mod fixture;

use std::fs;
use std::path::{Path, PathBuf};

use fixture::{BUNDLED, Making, ZOOKEEPER, closed, open};
use quorate::report::{
    Comparison, Contents, Format, ROUNDS_MIN, RUNS_MIN, compare, comparison_plots,
    render_comparison, write_comparison,
};
use quorate::result::{RunResult, Verdict};

const DAY_MS: u64 = 86_400_000;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

fn check(name: &str, actual: &str) {
    let path = golden(name);
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

/// Replaces the script of the page by a placeholder, because the script has its own file.
fn without_script(page: &str) -> String {
    let script = include_str!("../assets/report.js");
    assert_eq!(page.matches(script).count(), 1);
    page.replace(script, "report.js")
}

fn compared(base: &RunResult, candidate: &RunResult) -> Comparison {
    compare(base, candidate, None).expect("both sides have runs")
}

fn text(comparison: &Comparison, format: Format) -> String {
    render_comparison(comparison, format).expect("cannot render the comparison")
}

/// Eight rounds of a mixed open loop.
fn rounds() -> Comparison {
    let mut candidate = open(ZOOKEEPER);
    candidate.findings = vec!["run 3: error replies: NoNode 2".into()];
    for run in &mut candidate.runs[..2] {
        if let Some(disk) = &mut run.disk {
            disk.settled = false;
        }
    }
    compared(&open(BUNDLED), &candidate)
}

/// A closed loop. The sides were measured on different days; one is invalid and has another plan.
fn separate() -> Comparison {
    let later = Making {
        folder: "results/write-saturation-2025-11-25T16-00-00Z",
        rounds: 5,
        ..ZOOKEEPER
    };
    let mut candidate = closed(later, DAY_MS);
    candidate.plan.load.sessions = 48;
    candidate.verdict = Verdict::Invalid {
        reasons: vec!["run 5: interrupted after 1.9 s of 4.0 s".into()],
    };
    compared(&closed(BUNDLED, 0), &candidate)
}

#[test]
fn comparisons_in_rounds_equal_the_golden_files() {
    let comparison = rounds();
    check("comparison.txt", &text(&comparison, Format::Text));
    check("comparison.md", &text(&comparison, Format::Markdown));
    check("comparison.csv", &text(&comparison, Format::Csv));
    check("comparison.json", &text(&comparison, Format::Json));
    check(
        "comparison.html",
        &without_script(&text(&comparison, Format::Html)),
    );
}

#[test]
fn comparisons_of_separate_results_equal_the_golden_files() {
    check("comparison-separate.txt", &text(&separate(), Format::Text));
    check("comparison-separate.json", &text(&separate(), Format::Json));
}

#[test]
fn the_svg_plot_equals_the_golden_file() {
    for file in comparison_plots(&rounds()).unwrap() {
        if let Contents::Svg(text) = file.contents {
            check(&file.name, &text);
        }
    }
}

#[test]
fn text_fits_into_80_columns_and_nothing_is_cut() {
    let few = Making {
        rounds: 2,
        ..ZOOKEEPER
    };
    let comparisons = [
        rounds(),
        separate(),
        compared(&open(BUNDLED), &open(few)),
        compared(&open(BUNDLED), &open(BUNDLED)),
    ];
    for comparison in comparisons {
        let text = text(&comparison, Format::Text);
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
        assert!(!text.contains('…'), "{text}");
        for contrast in &comparison.contrasts {
            let verdict = contrast.outcome.words();
            assert!(text.contains(verdict), "{verdict} is not in:\n{text}");
        }
    }
}

#[test]
fn a_long_name_is_not_cut() {
    let label =
        "a-label-that-somebody-made-to-say-all-there-is-to-say-about-this-very-operation-of-theirs";
    let rename = |mut result: RunResult| {
        result.plan.ops[1].label = label.into();
        result
    };
    let comparison = compared(&rename(open(BUNDLED)), &rename(open(ZOOKEEPER)));
    let text = text(&comparison, Format::Text);
    assert!(text.contains(label), "{text}");
}

#[test]
fn objections_are_shown_first() {
    let comparison = separate();
    let objections = [
        "load.sessions: 16 and 48",
        "the candidate (zookeeper) is invalid",
    ];
    let text_of = |format| text(&comparison, format).replace('\n', " ");
    for format in [Format::Text, Format::Markdown, Format::Html] {
        let text = text_of(format);
        let figures = text.find("throughput").unwrap();
        for objection in objections {
            let at = text.find(objection);
            assert!(at.is_some_and(|at| at < figures), "{objection}: {text}");
        }
    }
}

#[test]
fn two_sides_with_the_same_target_can_be_told_apart() {
    let other = Making {
        folder: "results/b",
        ..BUNDLED
    };
    let mut candidate = open(other);
    for run in &mut candidate.runs {
        run.started_unix_ms += DAY_MS;
    }
    let text = text(&compared(&open(BUNDLED), &candidate), Format::Text);
    for expected in [
        "2025-11-24 16:00:00 UTC, results/compare-mixed/1-bundled",
        "UTC, results/b",
        "2025-11-25",
    ] {
        assert!(text.contains(expected), "{expected:?} is not in:\n{text}");
    }
}

#[test]
fn markup_in_names_is_escaped() {
    let change = |mut result: RunResult| {
        result.plan.name = "<script>alert(1)</script>".into();
        result.plan.ops[0].label = "a<b>&\"c\"|d".into();
        result.findings = vec!["<img src=x>".into()];
        result.path = Some("<i>/result.json".into());
        result
    };
    let comparison = compared(&change(open(BUNDLED)), &change(open(ZOOKEEPER)));
    let page = text(&comparison, Format::Html);
    // The page has two scripts of its own: the data of the figures and the code that shows them.
    assert_eq!(page.matches("<script").count(), 2);
    for markup in ["<script>alert", "<img", "a<b>", "<i>"] {
        assert!(!page.contains(markup), "{markup}");
    }
    let table = text(&comparison, Format::Markdown);
    assert!(table.contains("a&lt;b>&\"c\"\\|d"), "{table}");
}

/// The documents explain every key of the object and quote the numbers of the rules.
#[test]
fn the_documents_match_the_code_of_the_comparison() {
    let document = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("docs")
            .join(name);
        let text = fs::read_to_string(path).unwrap();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let results = document("RESULTS.md");
    let (_, section) = results.split_once("## The comparison object").unwrap();
    let object: serde_json::Value = serde_json::from_str(&text(&separate(), Format::Json)).unwrap();
    let keys = |value: &serde_json::Value| -> Vec<String> {
        value.as_object().unwrap().keys().cloned().collect()
    };
    let parts = [
        &object,
        &object["base"],
        &object["objections"][0],
        &object["metrics"][0],
    ];
    for key in parts.into_iter().flat_map(keys) {
        assert!(
            section.contains(&format!("`{key}`")),
            "{key} is not explained"
        );
    }
    let methodology = document("METHODOLOGY.md");
    for sentence in [
        format!("A verdict needs {ROUNDS_MIN} rounds"),
        format!("A verdict needs {RUNS_MIN} runs a side"),
    ] {
        assert!(methodology.contains(&sentence), "{sentence:?} is missing");
    }
}

#[test]
fn the_page_loads_nothing_from_elsewhere_and_lists_every_round() {
    let page = text(&rounds(), Format::Html);
    for reference in ["https:", "src=", "href=", "@import", "fetch(", "import("] {
        assert!(!page.contains(reference), "{reference}");
    }
    // The name of the SVG namespace is not loaded, and a clip path refers to the page itself.
    let outside = page.replace("\"http://www.w3.org/2000/svg\"", "");
    assert!(!outside.contains("http:"));
    assert_eq!(page.matches("url(").count(), page.matches("url(#").count());
    assert!(
        !page.contains("\"#"),
        "a plot has a colour that the theme lacks"
    );
    for round in 1..=8 {
        let row = format!("<td data-value=\"{round}\">{round}</td>");
        assert!(page.contains(&row), "{round}");
    }
}

#[test]
fn a_comparison_folder_gets_its_page_and_plots() {
    let dir = tempfile::tempdir().unwrap();
    let written = write_comparison(dir.path(), &separate()).unwrap();
    let names: Vec<String> = written
        .iter()
        .map(|path| path.strip_prefix(dir.path()).unwrap().display().to_string())
        .collect();
    assert_eq!(
        names,
        [
            "comparison.html",
            "plots/comparison.svg",
            "plots/comparison.png"
        ]
    );
    let png = fs::read(&written[2]).unwrap();
    assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"));
    assert!(
        png.len() > 10_000,
        "an empty image would be this small: {}",
        png.len()
    );
}
