//! Compares every report of a small hand-made result with a golden file, byte for byte.
//! `UPDATE_GOLDEN=1 cargo test --test report_golden` rewrites the files. Commit only differences
//! that you understand.

#[path = "golden/fixture.rs"]
mod fixture;

use std::fs;
use std::path::{Path, PathBuf};

use quorate::measure::EventKind;
use quorate::report::{Contents, Format, render, svg_plots, write_report};
use quorate::result::{intervals_csv, write_result};

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

#[test]
fn reports_of_seven_operations_equal_the_golden_files() {
    let results = [fixture::seven()];
    check("seven.txt", &render(&results, Format::Text).unwrap());
    check("seven.md", &render(&results, Format::Markdown).unwrap());
}

#[test]
fn reports_of_faults_equal_the_golden_files() {
    let results = [fixture::failover()];
    check("failover.txt", &render(&results, Format::Text).unwrap());
    check("failover.md", &render(&results, Format::Markdown).unwrap());
    check("failover.json", &render(&results, Format::Json).unwrap());
}

#[test]
fn reports_equal_the_golden_files() {
    let results = [fixture::result()];
    check("report.txt", &render(&results, Format::Text).unwrap());
    check("report.md", &render(&results, Format::Markdown).unwrap());
    check("report.csv", &render(&results, Format::Csv).unwrap());
    check("report.json", &render(&results, Format::Json).unwrap());
    check(
        "report.html",
        &without_script(&render(&results, Format::Html).unwrap()),
    );
    check("intervals.csv", &intervals_csv(&results[0]));
}

#[test]
fn svg_plots_equal_the_golden_files() {
    for file in svg_plots(&fixture::result()).unwrap() {
        if let Contents::Svg(text) = file.contents {
            check(&file.name, &text);
        }
    }
}

#[test]
fn text_reports_fit_into_80_columns() {
    let texts = [
        render(&[fixture::result()], Format::Text).unwrap(),
        render(&[fixture::seven()], Format::Text).unwrap(),
        render(&[fixture::outage()], Format::Text).unwrap(),
        render(&[fixture::failover()], Format::Text).unwrap(),
    ];
    for line in texts.iter().flat_map(|text| text.lines()) {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn json_is_an_array_for_several_results_and_an_object_for_one() {
    let one = render(&[fixture::result()], Format::Json).unwrap();
    let two = render(&[fixture::result(), fixture::result()], Format::Json).unwrap();
    let one: serde_json::Value = serde_json::from_str(&one).unwrap();
    let two: serde_json::Value = serde_json::from_str(&two).unwrap();
    assert_eq!(two, serde_json::json!([one, one]));
    assert_eq!(
        one["ops"]["get"]["errors"],
        serde_json::json!({"NoNode": 1})
    );
    assert_eq!(one["ops"]["get"]["unknown"], 1);
    assert!(render(&[], Format::Json).is_err());
}

#[test]
fn figures_that_were_not_measured_are_null_and_the_page_still_renders() {
    let mut result = fixture::result();
    result.runs[0].intervals.clear();
    let text = render(std::slice::from_ref(&result), Format::Json).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(json["ops"]["get"]["response_us"]["p99"].is_null());
    result.runs.clear();
    for (_, format) in Format::ALL {
        assert!(render(std::slice::from_ref(&result), format).is_ok());
    }
    assert!(svg_plots(&result).is_ok());
}

#[test]
fn markup_in_names_is_escaped() {
    let mut result = fixture::result();
    result.plan.name = "<script>alert(1)</script>".into();
    result.plan.ops[0].label = "a<b>&\"c\"|d".into();
    result.runs[0].events[0].kind = EventKind::Note("<img src=x>".into());
    result.runs[0].servers[0].address = "<b>:1".into();
    result.findings.push("<i>found</i>".into());
    let page = render(&[result], Format::Html).unwrap();
    // The page has two scripts of its own: the data of the figures and the code that shows them.
    assert_eq!(page.matches("<script").count(), 2);
    assert!(!page.contains("<script>alert") && !page.contains("<img") && !page.contains("a<b>"));
    assert!(!page.contains("<b>:1") && !page.contains("<i>"));
    assert!(page.contains("&lt;script&gt;"));
}

#[test]
fn the_page_loads_nothing_from_elsewhere() {
    let page = render(&[fixture::result()], Format::Html).unwrap();
    for reference in [
        "https:",
        "src=",
        "href=",
        "@import",
        "fetch(",
        "XMLHttpRequest",
        "import(",
    ] {
        assert!(!page.contains(reference), "{reference}");
    }
    // The name of the SVG namespace is not loaded, and a clip path refers to the page itself.
    let outside = page.replace("\"http://www.w3.org/2000/svg\"", "");
    assert!(!outside.contains("http:"));
    assert_eq!(page.matches("url(").count(), page.matches("url(#").count());
    assert!(page.contains("prefers-color-scheme:dark"));
    assert!(
        !page.contains("\"#"),
        "a plot has a colour that the theme lacks"
    );
}

#[test]
fn a_report_folder_gets_its_page_and_plots() {
    let dir = tempfile::tempdir().unwrap();
    let result = fixture::result();
    write_result(dir.path(), &result).unwrap();
    let written = write_report(dir.path(), &result).unwrap();
    let names: Vec<String> = written
        .iter()
        .map(|path| path.strip_prefix(dir.path()).unwrap().display().to_string())
        .collect();
    assert_eq!(
        names,
        [
            "report.html",
            "plots/percentiles.svg",
            "plots/percentiles.png",
            "plots/throughput.svg",
            "plots/throughput.png",
            "plots/response-time.svg",
            "plots/response-time.png"
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

/// The values that the script shows at a percentile are those of the table.
#[test]
fn the_data_of_a_figure_are_the_figures_of_the_table() {
    let result = fixture::result();
    let page = render(std::slice::from_ref(&result), Format::Html).unwrap();
    let (_, rest) = page
        .split_once("<script type=\"application/json\" id=\"figures\">")
        .unwrap();
    let (data, _) = rest.split_once("</script>").unwrap();
    let figures: serde_json::Value = serde_json::from_str(data).unwrap();
    assert_eq!(
        figures.as_array().unwrap().len(),
        page.matches(" data-figure=").count()
    );
    let table: serde_json::Value =
        serde_json::from_str(&render(&[result], Format::Json).unwrap()).unwrap();
    for op in ["get", "set"] {
        let response = &table["ops"][op]["response_us"];
        let series = figures[0]["panels"][0]["series"].as_array().unwrap();
        let label = format!("{op} response");
        let series = series.iter().find(|one| one["label"] == label).unwrap();
        let numbers = |name: &str| -> Vec<f64> {
            let list = series["parts"][0][name].as_array().unwrap();
            list.iter().map(|number| number.as_f64().unwrap()).collect()
        };
        let (x, y) = (numbers("x"), numbers("y"));
        for (share, name) in [(0.5, "p50"), (0.9, "p90"), (0.99, "p99")] {
            let at = -(1.0_f64 - share).log10();
            let after = x.iter().position(|x| *x >= at).unwrap();
            let told = response[name].as_f64().unwrap();
            let near = (y[after] - told).abs() <= 0.05 * told
                || (y[after - 1] - told).abs() <= 0.05 * told;
            assert!(
                near,
                "{op} {name}: {told} is not near {:?}",
                &y[after - 1..=after]
            );
        }
        let longest = response["max"].as_f64().unwrap();
        assert!((y[y.len() - 1] - longest).abs() <= 0.001 * longest, "{op}");
    }
}
