//! Opens the pages of reports in a headless Chromium: no error, no horizontal scrolling, labels for screen readers, keys,
//! and the values of the JSON. `cargo test --features browser --test browser`.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod chromium;
#[path = "../golden/experiment_fixture.rs"]
mod experiment_fixture;
#[path = "../golden/fixture.rs"]
mod fixture;

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use chromium::Chromium;
use quorate::report::{
    ExperimentReport, Format, compare, render, render_comparison, render_experiment,
};
use serde_json::Value;
use tempfile::TempDir;

const ARROW_RIGHT: u32 = 39;
const ENTER: u32 = 13;
const PLUS: u32 = 187;

static REPORT: LazyLock<ExperimentReport> = LazyLock::new(|| experiment_fixture::report(100));

/// Pages in a temporary folder.
struct Pages(TempDir);

impl Pages {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn experiment(&self) -> PathBuf {
        let text = render_experiment(&REPORT, Format::Html).unwrap();
        self.write("experiment.html", &text)
    }

    fn result(&self) -> PathBuf {
        let text = render(&[fixture::result()], Format::Html).unwrap();
        self.write("result.html", &text)
    }

    fn comparison(&self) -> PathBuf {
        let (base, candidate) = (fixture::repeated(7, 100), fixture::repeated(7, 120));
        let comparison = compare(&base, &candidate, None).unwrap();
        let text = render_comparison(&comparison, Format::Html).unwrap();
        self.write("comparison.html", &text)
    }
}

fn json() -> Value {
    serde_json::from_str(&render_experiment(&REPORT, Format::Json).unwrap()).unwrap()
}

#[test]
fn every_page_renders_without_errors_and_fits_into_its_window() {
    let pages = Pages::new();
    let mut browser = Chromium::start();
    for path in [pages.experiment(), pages.result(), pages.comparison()] {
        for (width, dark) in [(1_100, true), (390, false)] {
            browser.resize(width, dark);
            browser.open(&path);
            let name = path.display();
            let scroll = browser.evaluate("document.documentElement.scrollWidth");
            assert!(
                scroll.as_u64().unwrap() <= u64::from(width),
                "{name} is {scroll} wide in a window of {width}"
            );
            let shown = browser.evaluate(
                "[...document.querySelectorAll('figure svg')].filter((svg) => svg.getClientRects().length).length",
            );
            let figures = browser.evaluate("document.querySelectorAll('figure').length");
            assert_eq!(
                shown, figures,
                "one picture of each figure of {name} is shown"
            );
            assert!(
                browser.problems.is_empty(),
                "{name}: {:?}",
                browser.problems
            );
        }
    }
}

#[test]
fn tables_show_the_values_of_the_json() {
    let pages = Pages::new();
    let path = pages.experiment();
    let json = json();
    let mut browser = Chromium::start();
    browser.open(&path);
    let mut compared = 0;
    for chart in json["figures"].as_array().unwrap() {
        let name = chart["name"].as_str().unwrap();
        let rows = browser.evaluate(&format!(
            "[...document.querySelectorAll('table.values[data-chart={name:?}] tbody tr')]\
             .map((row) => [...row.querySelectorAll('td')].map((cell) => cell.dataset.value))"
        ));
        let points = chart["points"].as_array().unwrap();
        assert_eq!(rows.as_array().unwrap().len(), points.len(), "{name}");
        for (row, point) in rows.as_array().unwrap().iter().zip(points) {
            let shown: Vec<f64> = row
                .as_array()
                .unwrap()
                .iter()
                .filter_map(|cell| cell.as_str()?.parse().ok())
                .collect();
            for value in point["values"].as_array().unwrap() {
                let Some(median) = value["median"].as_f64() else {
                    continue;
                };
                assert!(
                    shown.contains(&median),
                    "{name}: {median} is not in {shown:?}"
                );
                compared += 1;
            }
        }
    }
    assert!(compared > 40, "{compared} values");
    let answers = browser
        .evaluate("[...document.querySelectorAll('.answers li')].map((item) => item.textContent)");
    assert_eq!(answers, json["answers"]);
}

#[test]
fn everything_has_a_label() {
    let pages = Pages::new();
    let path = pages.experiment();
    let mut browser = Chromium::start();
    browser.open(&path);
    let unlabelled = browser.evaluate(
        "[...document.querySelectorAll('svg[role=img], .stage, .scroll, section.banner, button')]\
         .filter((node) => !(node.getAttribute('aria-label') || node.textContent.trim()))\
         .map((node) => node.outerHTML.slice(0, 200))",
    );
    assert_eq!(unlabelled, serde_json::json!([]));
    let bare = browser.evaluate(
        "[...document.querySelectorAll('table.sortable thead th')].filter((head) => !head.scope).length",
    );
    assert_eq!(bare, 0, "heads of columns have a scope");
    let levels = browser.evaluate(
        "[...document.querySelectorAll('h1, h2, h3')].map((heading) => Number(heading.tagName[1]))",
    );
    let levels: Vec<u64> = levels
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_u64)
        .collect();
    assert_eq!(levels.iter().filter(|level| **level == 1).count(), 1);
    assert!(
        levels.windows(2).all(|two| two[1] <= two[0] + 1),
        "{levels:?}"
    );
    assert_eq!(browser.evaluate("document.documentElement.lang"), "en");
    let language =
        browser.evaluate("document.querySelectorAll('.readout[aria-live=polite]').length");
    assert_eq!(
        language,
        browser.evaluate("document.querySelectorAll('figure').length")
    );
}

#[test]
fn keys_read_values_and_sort_tables() {
    let pages = Pages::new();
    let path = pages.experiment();
    let mut browser = Chromium::start();
    browser.resize(1_100, true);
    browser.open(&path);
    let json = json();

    browser.evaluate("document.querySelector('#throughput .stage').focus()");
    browser.press("ArrowRight", ARROW_RIGHT);
    browser.press("ArrowRight", ARROW_RIGHT);
    let read = browser.evaluate("document.querySelector('#throughput .readout').textContent");
    let read = read.as_str().unwrap();
    assert!(read.starts_with("voters 5"), "{read}");
    let point = &json["figures"][1]["points"][1];
    assert_eq!(
        (&point["line"], &point["x"]),
        (&"bundled".into(), &"5".into())
    );
    let median = point["values"][0]["median"].as_f64().unwrap();
    let words = quorate::report::per_second(median);
    assert!(
        read.contains(&format!("bundled {words}/s [")),
        "{words} is not in {read}"
    );

    let first = "document.querySelector('#cells tbody tr a').textContent";
    assert_eq!(browser.evaluate(first), "paced-voters-3");
    browser.evaluate("document.querySelector('#cells thead th:nth-child(5) button').focus()");
    browser.press("Enter", ENTER);
    let order = browser
        .evaluate("document.querySelector('#cells th[aria-sort]').getAttribute('aria-sort')");
    assert_eq!(order, "descending");
    assert!(browser.problems.is_empty(), "{:?}", browser.problems);
}

#[test]
fn figures_over_time_zoom_by_keys() {
    let pages = Pages::new();
    let path = pages.result();
    let mut browser = Chromium::start();
    browser.resize(1_100, false);
    browser.open(&path);
    browser.evaluate("document.querySelectorAll('figure .stage')[1].focus()");
    browser.press("+", PLUS);
    let reset = "document.querySelector('figure .tools button[aria-label=\"Show the whole time\"]').disabled";
    assert_eq!(browser.evaluate(reset), false, "a zoom can be undone");
    browser.press("Escape", 27);
    assert_eq!(browser.evaluate(reset), true);
    assert!(browser.problems.is_empty(), "{:?}", browser.problems);
}
