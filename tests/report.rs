//! Tests of the reports in every format: verdict, findings and gates, figures below the resolution,
//! servers and roles, operations, silences, and results of schema 1.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[path = "golden/fixture.rs"]
mod fixture;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use quorate::report::{Contents, Format, render, svg_plots};
use quorate::result::{RunResult, intervals_csv, read_result, write_result};
use quorate::workload::Arrival;
use serde_json::Value;

fn rendered(result: &RunResult, format: Format) -> String {
    render(std::slice::from_ref(result), format).unwrap()
}

fn json(result: &RunResult) -> Value {
    serde_json::from_str(&rendered(result, Format::Json)).unwrap()
}

fn svg(result: &RunResult, name: &str) -> String {
    let file = svg_plots(result)
        .unwrap()
        .into_iter()
        .find(|file| file.name == name);
    match file.map(|file| file.contents) {
        Some(Contents::Svg(text)) => text,
        _ => panic!("no plot {name}"),
    }
}

/// Joins the lines of a text, wherever they are broken.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns the part of a page from `from` to the first `end` after it.
fn element<'a>(page: &'a str, from: &str, end: &str) -> &'a str {
    let at = page.find(from).unwrap_or_else(|| panic!("no {from:?}"));
    let rest = &page[at..];
    &rest[..rest.find(end).unwrap_or(rest.len())]
}

/// The fixture with a driver thread that was too busy.
fn invalid() -> RunResult {
    let whole = fixture::result();
    let mut runs = whole.runs;
    runs[0].driver[0].busy = 0.93;
    RunResult::new(whole.environment, whole.target, whole.plan, runs)
}

#[test]
fn the_page_separates_verdict_findings_gates_and_warnings() {
    let page = rendered(&invalid(), Format::Html);
    let verdict = element(&page, "<div class=\"banner bad\">", "</div>");
    assert!(
        verdict.contains(
            "Invalid \u{2013} the generator failed: the figures do not describe the target"
        )
    );
    assert!(
        verdict.contains("93 % busy") && verdict.contains("load.threads"),
        "{verdict}"
    );
    assert!(!verdict.contains("gate") && !verdict.contains("NoNode"));
    let findings = element(&page, "<div class=\"banner finding\">", "</div>");
    assert!(findings.contains("error replies: NoNode 1"), "{findings}");
    assert!(!findings.contains("busy"));
    let gates = element(&page, "<div class=\"banner gates bad\">", "</div>");
    assert!(
        gates.contains("A gate failed.") && gates.contains("p99_ms"),
        "{gates}"
    );
    let warnings = element(&page, "<div class=\"banner warn\">", "</div>");
    assert!(warnings.contains("hypervisor"), "{warnings}");
    // A valid result with findings and a failed gate stays valid.
    let page = rendered(&fixture::result(), Format::Html);
    let verdict = element(&page, "<div class=\"banner\">", "</div>");
    assert_eq!(
        verdict,
        "<div class=\"banner\"><b>Valid: the generator did its part.</b>"
    );
}

#[test]
fn text_markdown_and_json_separate_verdict_findings_gates_and_warnings() {
    let result = invalid();
    let text = flat(&rendered(&result, Format::Text));
    assert!(
        text.contains("INVALID - the generator failed: the figures do not describe the target")
    );
    assert!(text.contains("found: error replies: NoNode 1"));
    assert!(text.contains("GATE FAILED: p99_ms"));
    assert!(text.contains("warning: the hypervisor"));
    let markdown = rendered(&result, Format::Markdown);
    let findings = element(&markdown, "## What the target did", "\n## ");
    assert!(findings.contains("- error replies: NoNode 1") && !findings.contains("busy"));
    assert!(
        element(&markdown, "**Invalid \u{2013} the generator failed", "\n|").contains("93 % busy")
    );
    assert!(element(&markdown, "## Gates", "\n## ").contains("**failed**: p99_ms"));
    let json = json(&result);
    assert_eq!(json["verdict"], "invalid");
    assert_eq!(json["reasons"].as_array().unwrap().len(), 1);
    assert_eq!(json["findings"][0], "error replies: NoNode 1");
    assert_eq!(json["gates"][0]["name"], "p99_ms");
    assert_eq!(json["gates"][0]["passed"], false);
    assert_eq!(json["gates"][0]["limit"], 5.0);
    assert_eq!(json["gates_failed"].as_array().unwrap().len(), 1);
    assert!(json["warnings"][0].as_str().unwrap().contains("hypervisor"));
}

#[test]
fn gates_agree_with_the_merged_figures() {
    for result in [fixture::result(), fixture::seven(), fixture::outage()] {
        let json = json(&result);
        for gate in json["gates"].as_array().unwrap() {
            let all = &json["all"];
            let figure = match gate["name"].as_str().unwrap() {
                "p99_ms" => all["response_us"]["p99"].as_f64().unwrap() / 1_000.0,
                "error_ratio" => all["error_ratio"].as_f64().unwrap(),
                "throughput_per_s" => json["throughput_per_s"].as_f64().unwrap(),
                other => panic!("{other}"),
            };
            let actual = gate["actual"].as_f64().unwrap();
            assert!(
                (figure - actual).abs() <= 0.001 * actual,
                "{gate} and {figure}"
            );
        }
    }
}

#[test]
fn blocked_is_shown_only_for_blocked_operations_and_late_for_all() {
    for format in [Format::Text, Format::Markdown, Format::Html] {
        let (stalled, calm) = (fixture::result(), fixture::repeated(1, 100));
        let table = |result: &RunResult| {
            let text = rendered(result, format);
            // The definitions of the words are not rows of the table.
            let end = text.find("What the words mean").unwrap_or(text.len());
            text[..end].to_owned()
        };
        let row = |name: &str| match format {
            Format::Html => format!("<td>{name}</td>"),
            Format::Markdown => format!("| {name} |"),
            _ => format!("\n  {name} "),
        };
        assert!(table(&stalled).contains(&row("blocked")), "{format:?}");
        assert!(!table(&calm).contains(&row("blocked")), "{format:?}");
        assert!(table(&calm).contains(&row("late")), "{format:?}");
    }
}

#[test]
fn withheld_percentiles_are_dashes_in_text_and_null_in_json() {
    let result = fixture::seven();
    let json = json(&result);
    assert!(json["ops"]["get"]["response_us"]["p999"].is_f64());
    assert!(json["ops"]["get"]["response_us"]["p9999"].is_null());
    assert!(json["ops"]["set"]["response_us"]["p999"].is_null());
    let text = rendered(&result, Format::Text);
    let of = |op: &str| {
        let mut lines = text.lines().skip_while(|line| !line.starts_with(op));
        lines.nth(1).unwrap().to_owned()
    };
    assert_eq!(of("get:").matches('\u{2013}').count(), 1);
    assert_eq!(of("set:").matches('\u{2013}').count(), 2);
    // The exact maximum, which differs from the limits of its bucket.
    let longest = json["ops"]["get"]["response_us"]["max"].as_f64().unwrap();
    let total = &result.totals()[1];
    assert!((longest - total.response.max_us().unwrap()).abs() < 0.06);
}

const BELOW: &str =
    "below what this machine can tell: a server that does nothing shows p50 34 µs, p99 90 µs here";

#[test]
fn a_figure_below_the_resolution_is_marked() {
    let result = fixture::seven();
    let text = rendered(&result, Format::Text);
    let exists: Vec<&str> = text
        .lines()
        .skip_while(|line| !line.starts_with("exists:"))
        .collect();
    assert!(
        exists[1].contains("< 34 µs") && exists[1].contains("< 90 µs"),
        "{}",
        exists[1]
    );
    assert!(flat(&text).contains(BELOW));
    let get: Vec<&str> = text
        .lines()
        .skip_while(|line| !line.starts_with("get:"))
        .collect();
    assert!(!get[1].contains('<'), "{}", get[1]);

    let markdown = rendered(&result, Format::Markdown);
    assert!(markdown.contains("| &lt; 34 µs |") && markdown.contains(BELOW));
    let page = rendered(&result, Format::Html);
    let below = element(&page, "<td class=\"below\"", "/td>");
    // The raw figure is on the page for sorting only.
    assert!(
        below.contains(" data-value=\"") && below.ends_with("\">&lt; 34 µs<"),
        "{below}"
    );
    assert!(page.contains(BELOW));
    assert!(element(&page, "<dt>exists", "</div>").contains("<dd>&lt; 34 µs"));

    let json = json(&result);
    assert_eq!(
        json["resolution_us"],
        serde_json::json!({"p50": 34.2, "p99": 90.4})
    );
    assert_eq!(json["ops"]["exists"]["below_resolution"], true);
    assert_eq!(json["ops"]["get"]["below_resolution"], false);
    let p50 = json["ops"]["exists"]["response_us"]["p50"]
        .as_f64()
        .unwrap();
    assert!((20.0..34.0).contains(&p50), "the raw figure: {p50}");
}

#[test]
fn without_a_calibration_there_is_no_resolution() {
    let mut result = fixture::seven();
    result.environment.calibration = None;
    assert!(!rendered(&result, Format::Text).contains("< 34 µs"));
    let json = json(&result);
    assert!(json["resolution_us"].is_null());
    assert_eq!(json["ops"]["exists"]["below_resolution"], false);
}

#[test]
fn servers_and_roles_add_up_to_the_total() {
    let result = fixture::result();
    let json = json(&result);
    let sum = |list: Vec<&Value>, path: [&str; 2]| -> u64 {
        let figures = list
            .iter()
            .map(|entry| entry[path[0]][path[1]].as_u64().unwrap());
        figures.sum()
    };
    let servers: Vec<&Value> = json["servers"].as_array().unwrap().iter().collect();
    let roles: Vec<&Value> = json["roles"].as_object().unwrap().values().collect();
    let acknowledged = json["all"]["acknowledged"].as_u64().unwrap();
    assert_eq!(sum(servers.clone(), ["all", "acknowledged"]), acknowledged);
    assert_eq!(sum(roles, ["all", "acknowledged"]), acknowledged);
    assert_eq!(sum(servers.clone(), ["all", "failed"]), 2);
    assert_eq!(json["roles"]["follower"]["servers"], 2);
    assert_eq!(servers[2]["modes"], serde_json::json!(["leader"]));
    assert_eq!(servers[0]["ops"]["get"]["response_us"]["max"], 1_000_871.0);
    let cpu_s: f64 = servers
        .iter()
        .map(|server| server["cpu_s"].as_f64().unwrap())
        .sum();
    let per_cpu = json["operations_per_server_cpu_s"].as_f64().unwrap();
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let expected = acknowledged as f64 / cpu_s;
    assert!((per_cpu - expected).abs() < 1.0, "{per_cpu} and {expected}");
}

#[test]
fn unknown_figures_of_a_server_are_dashes_or_null_and_never_zero() {
    let mut result = fixture::result();
    assert!(json(&result)["roles"]["observer"]["syncs"].is_null());
    result.runs[0].servers[1].cpu_s = None;
    let json = json(&result);
    assert!(json["operations_per_server_cpu_s"].is_null());
    assert!(json["servers"][1]["cpu_s"].is_null());
    assert!(json["roles"]["follower"]["operations_per_cpu_s"].is_null());
    let text = rendered(&result, Format::Text);
    assert!(!text.contains("depends least on shared cores"));
    let usage = text
        .lines()
        .rfind(|line| line.starts_with("127.0.0.1:2182"))
        .unwrap();
    assert_eq!(usage.matches('\u{2013}').count(), 2, "{usage}");
    assert!(
        rendered(&result, Format::Markdown)
            .contains("| 127.0.0.1:2182, follower | \u{2013} | \u{2013} |")
    );
    // Nothing is known of the servers.
    result.runs[0].servers.clear();
    for (_, format) in Format::ALL {
        assert!(!rendered(&result, format).contains("By role and by server"));
    }
}

#[test]
fn the_headline_has_the_operations_per_second_of_server_cpu() {
    let result = fixture::result();
    let words = "operations per second of server CPU";
    for format in [Format::Text, Format::Markdown, Format::Html] {
        assert!(
            flat(&rendered(&result, format)).contains(words),
            "{format:?}"
        );
    }
}

#[test]
fn every_operation_is_shown_including_implied_ones() {
    let result = fixture::seven();
    let labels = [
        "get",
        "exists",
        "set",
        "list",
        "sync",
        "create",
        "create.trim",
    ];
    let page = rendered(&result, Format::Html);
    for label in labels {
        assert!(
            page.contains(&format!("colspan=\"8\">{label} ")),
            "{label} has no rows"
        );
    }
    let tiles = element(&page, "<dl class=\"tiles\"", "</dl>");
    let names: Vec<&str> = tiles
        .split("<dt>")
        .skip(1)
        .map(|tile| tile.split(['<', ',']).next().unwrap())
        .collect();
    let expected = [
        "Throughput",
        "get",
        "exists",
        "set",
        "list",
        "others",
        "Failed",
        "Per CPU second",
    ];
    assert_eq!(names, expected);
    for name in ["percentiles.svg", "response-time.svg", "throughput.svg"] {
        let plot = svg(&result, name);
        let drawn: Vec<&str> = plot
            .split("<text")
            .skip(1)
            .filter_map(|text| text.split_once('>')?.1.split_once('<'))
            .map(|(text, _)| text.trim())
            .filter(|text| labels.contains(text) || *text == "others")
            .collect();
        let expected = ["get", "exists", "set", "list", "sync", "others"];
        assert_eq!(
            drawn, expected,
            "{name}: the operations with the largest shares come first"
        );
        assert!(!plot.contains("all operations"));
    }
}

#[test]
fn a_stall_is_shaded_and_named_in_both_plots_over_time() {
    for (result, length) in [(fixture::result(), "1.00 s"), (fixture::outage(), "3.00 s")] {
        for name in ["throughput.svg", "response-time.svg"] {
            let plot = svg(&result, name);
            assert!(plot.contains("nothing completed"), "{name}");
        }
        let text = flat(&rendered(&result, Format::Text));
        assert!(
            text.contains(&format!("nothing completed for {length}, from +3.00 s on")),
            "{text}"
        );
        let json = json(&result);
        let silences = json["silences"].as_array().unwrap();
        assert_eq!(silences.len(), 1);
        assert_eq!(silences[0]["run"], 1);
        let page = rendered(&result, Format::Html);
        assert_eq!(
            page.matches("Shaded: nothing completed although operations waited.")
                .count(),
            2
        );
    }
    let calm = fixture::repeated(1, 100);
    assert!(!svg(&calm, "throughput.svg").contains("nothing completed"));
    assert!(!rendered(&calm, Format::Html).contains("Shaded"));
}

#[test]
fn operations_of_an_outage_until_the_end_have_their_full_age() {
    let json = json(&fixture::outage());
    // Due at 3 s at the earliest and given up at the end of the drain.
    let longest = json["ops"]["get"]["response_us"]["max"].as_f64().unwrap();
    assert!((7_990_000.0..8_010_000.0).contains(&longest), "{longest}");
    let csv = intervals_csv(&fixture::outage());
    let last = csv.lines().rfind(|line| line.contains(",get,")).unwrap();
    assert!(
        last.starts_with("1,0,5,5.000,1.000,get,0,0,0,0,0,364,0,0,0,0.0,"),
        "{last}"
    );
}

#[test]
fn many_events_of_one_cause_are_one_line() {
    let page = rendered(&fixture::result(), Format::Html);
    let events = element(&page, "<h2>Events</h2>", "</ul>");
    assert_eq!(events.matches("<li>").count(), 10, "{events}");
    assert!(
        events.contains("4 sessions lost 127.0.0.1:2182 (closed by the server)"),
        "{events}"
    );
    assert!(
        events.contains("sessions are back at 127.0.0.1:2181 after"),
        "{events}"
    );
    assert!(events.contains("<time>+3.960 s</time>127.0.0.1:2182 leads instead of nobody"));
}

#[test]
fn a_closed_loop_says_that_its_response_time_restates_throughput() {
    let mut result = fixture::result();
    for format in [Format::Text, Format::Markdown, Format::Html] {
        let words = "response time restates throughput here";
        assert!(
            !flat(&rendered(&result, format)).contains(words),
            "{format:?}"
        );
        let arrival = std::mem::replace(
            &mut result.plan.load.arrival,
            Arrival::Closed { in_flight: 4 },
        );
        assert!(
            flat(&rendered(&result, format)).contains(words),
            "{format:?}"
        );
        result.plan.load.arrival = arrival;
    }
}

#[test]
fn the_report_describes_plan_and_environment() {
    let page = rendered(&fixture::result(), Format::Html);
    for row in [
        "evenly spaced",
        "a lost session waits up to 25 ms",
        "1 planned; number 0",
        "4 servers and 1 driver thread share 4 cores",
        "12 % of a core busy; 0.4 % of the time waiting for a core; preferred to others (nice -20)",
        "a sync took 340 µs, and 310 µs before any server was started; settled after 1.50 s",
    ] {
        assert!(page.contains(row), "{row}");
    }
    let warnings = element(&page, "<div class=\"banner warn\">", "</div>");
    assert!(!warnings.contains("share"), "{warnings}");
}

/// Collects the names of an object's fields, without labels of operations, names of errors and
/// roles.
fn fields(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (name, inner) in map {
                names.insert(name.clone());
                match inner {
                    Value::Object(labels)
                        if ["ops", "errors", "roles"].contains(&name.as_str()) =>
                    {
                        labels.values().for_each(|inner| fields(inner, names));
                    }
                    inner => fields(inner, names),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|inner| fields(inner, names)),
        _ => {}
    }
}

#[test]
fn every_field_of_the_summary_and_every_column_is_documented() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/RESULTS.md");
    let text = fs::read_to_string(path).unwrap();
    let summary = element(&text, "## The summary of `--json`", "\n## The table");
    let mut names = BTreeSet::new();
    fields(&json(&fixture::result()), &mut names);
    assert!(names.len() > 50, "{names:?}");
    names.retain(|name| !summary.contains(&format!("`{name}`")));
    assert_eq!(names, BTreeSet::new(), "missing in docs/RESULTS.md, --json");

    let section = element(&text, "## intervals.csv", "\n## ");
    let head = intervals_csv(&fixture::result());
    let mut columns: Vec<&str> = head.lines().next().unwrap().split(',').collect();
    columns.retain(|column| !section.contains(&format!("`{column}`")));
    assert_eq!(
        columns,
        Vec::<&str>::new(),
        "missing in docs/RESULTS.md, intervals.csv"
    );
}

/// No operation is due after the last one, so there is no silence after it. Every report must
/// finish.
#[test]
fn a_file_that_claims_an_endless_run_can_be_reported() {
    let mut result = fixture::result();
    result.runs[0].measured_s = 1e15;
    let text = flat(&rendered(&result, Format::Text));
    assert!(
        text.contains("nothing completed for 1.00 s, from +3.00 s on"),
        "{text}"
    );
    assert!(svg_plots(&result).is_ok());
}

/// Finds every `result.json` below a folder.
fn recorded(dir: PathBuf) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut dirs = vec![dir];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.ends_with("result.json") {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn results_of_schema_1_can_be_reported() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = recorded(root.join("results"));
    paths.push(root.join("tests/golden/result-v1.json"));
    for path in paths {
        let result = read_result(&path).unwrap();
        for (name, format) in Format::ALL {
            let report = rendered(&result, format);
            assert!(
                report.contains(&result.plan.name),
                "{}: {name}",
                path.display()
            );
            if result.schema == 1 && format != Format::Csv {
                assert!(
                    flat(&report).contains("recorded under schema 1"),
                    "{}: {name}",
                    path.display()
                );
            }
        }
        assert_eq!(json(&result)["schema"], result.schema);
        assert!(svg_plots(&result).is_ok());
    }
}

/// HdrHistogram's tools, without options, show the measured distribution of the plain log.
#[test]
fn the_plain_interval_log_has_the_distribution_of_the_result() {
    use base64::Engine as _;
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

    let dir = tempfile::tempdir().unwrap();
    let result = fixture::result();
    write_result(dir.path(), &result).unwrap();
    let log = fs::read(dir.path().join("mixed.hlog")).unwrap();
    let mut all =
        hdrhistogram::Histogram::<u64>::new_with_bounds(1_000, 3_600_000_000_000, 3).unwrap();
    for entry in IntervalLogIterator::new(&log) {
        if let LogEntry::Interval(line) = entry.unwrap() {
            assert!(line.tag().is_none());
            let bytes = base64::engine::general_purpose::STANDARD
                .decode(line.encoded_histogram())
                .unwrap();
            let histogram: hdrhistogram::Histogram<u64> = Deserializer::new()
                .deserialize(&mut bytes.as_slice())
                .unwrap();
            all.add(histogram).unwrap();
        }
    }
    let measured = result.runs[0].all().response;
    assert_eq!(all.len(), 2_400);
    assert_eq!(all.len(), measured.count());
    for quantile in [0.5, 0.9, 0.99, 0.999] {
        assert_eq!(
            all.value_at_quantile(quantile),
            measured.hdr().value_at_quantile(quantile)
        );
    }
    let tagged = fs::read_to_string(dir.path().join("mixed.tags.hlog")).unwrap();
    for tag in ["get.response", "get.service", "set.blocked", "set.late"] {
        assert!(tagged.contains(&format!("Tag={tag},")), "{tag}");
    }
}

/// The values by which the tables are sorted are the figures of the page.
#[test]
fn the_dots_of_runs_are_the_figures_of_the_table_of_runs() {
    let result = fixture::repeated(3, 100);
    let page = rendered(&result, Format::Html);
    let table = element(&page, "<h2>Runs</h2>", "</table>");
    let rows: Vec<Vec<f64>> = table
        .split("<tr>")
        .skip(2)
        .map(|row| {
            let cells = row.split("data-value=\"").skip(1);
            cells
                .map(|cell| cell.split('"').next().unwrap().parse().unwrap())
                .collect()
        })
        .collect();
    assert_eq!(rows.len(), 3);
    let data = element(&page, "id=\"figures\">", "</script>");
    let data = data.split_once('>').unwrap().1;
    let figures: Value = serde_json::from_str(data).unwrap();
    let dots = |figure: usize, label: &str| -> Vec<f64> {
        let series = figures[figure]["panels"][0]["series"].as_array().unwrap();
        let found = series
            .iter()
            .find(|one| one["label"].as_str().unwrap().ends_with(label));
        let parts = found.unwrap_or_else(|| panic!("no {label} in {series:?}"))["parts"].clone();
        let parts = parts.as_array().unwrap();
        parts
            .iter()
            .map(|part| part["y"][0].as_f64().unwrap())
            .collect()
    };
    // The first three columns are of all operations; then throughput and response times of the
    // first operation.
    let column = |index: usize| rows.iter().map(|row| row[index]).collect::<Vec<f64>>();
    let close = |a: &[f64], b: &[f64]| {
        assert_eq!(a.len(), b.len());
        for (a, b) in a.iter().zip(b) {
            assert!((a - b).abs() <= 0.001 + 1e-6 * a.abs(), "{a} and {b}");
        }
    };
    close(&column(2), &dots(4, "p50"));
    close(&column(3), &dots(4, "p99"));
    if result.plan.ops.len() == 1 {
        close(&column(1), &dots(3, "run"));
    }
    assert!(!rendered(&fixture::repeated(1, 100), Format::Html).contains("<h2>Runs</h2>"));
}
