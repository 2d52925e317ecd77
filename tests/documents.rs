//! Checks numbers in the documents against the constants of the code.

use std::fs;
use std::path::Path;

use quorate::ensemble::config::{Class, KEYS, Key};
use quorate::result::thresholds::{
    ACKNOWLEDGED_MIN, DRIVER_BUSY_MAX, DRIVER_WAITING_MAX, ISSUED_MIN, LATE_SHARE_MAX,
    PROCESSORS_BUSY_MAX, QUOTA_USED_UP, STOLEN_MAX,
};

fn document(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let text = fs::read_to_string(path).expect("the document exists");
    // Line breaks are replaced by spaces, because a sentence may be wrapped anywhere.
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_methodology_states_the_thresholds_of_the_verdict() {
    let text = document("docs/METHODOLOGY.md");
    let percent = |share: f64| format!("{} %", (share * 1_000.0).round() / 10.0);
    for sentence in [
        format!("issued less than {} of", percent(ISSUED_MIN)),
        format!(
            "busy for more than {} of its core",
            percent(DRIVER_BUSY_MAX)
        ),
        format!("for more than {} of the time", percent(DRIVER_WAITING_MAX)),
        format!(
            "is more than {} of its response time",
            percent(LATE_SHARE_MAX)
        ),
        format!("acknowledged less than {} of", percent(ACKNOWLEDGED_MIN)),
        format!("above {} a warning says so", percent(STOLEN_MAX)),
        format!(
            "processors were more than {} busy",
            percent(PROCESSORS_BUSY_MAX)
        ),
        format!("no server used {} of its quota", percent(QUOTA_USED_UP)),
    ] {
        assert!(
            text.contains(&sentence),
            "docs/METHODOLOGY.md lacks {sentence:?}"
        );
    }
}

/// Returns the row of a key in the documentation.
fn row(key: &Key) -> String {
    let (first, rest) = key.reason.split_at(1);
    let mut text = format!("{}{rest}.", first.to_uppercase());
    if !key.harmless.is_empty() {
        let values: Vec<String> = key
            .harmless
            .iter()
            .map(|value| match *value {
                "" => "an empty value".to_owned(),
                value => format!("`{value}`"),
            })
            .collect();
        text += &format!(" Accepted: {}.", values.join(", "));
    }
    format!("| `{}` | {text} |", key.name)
}

#[test]
fn the_documentation_lists_every_key_of_zoo_cfg_with_its_class() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ZOO_CFG.md");
    let text = fs::read_to_string(path).expect("the document is there");
    for (class, heading) in [
        (Class::Honoured, "\n## Honoured keys\n"),
        (Class::Refused, "\n## Refused keys\n"),
        (Class::Ignored, "\n## Ignored keys\n"),
    ] {
        let (_, section) = text.split_once(heading).expect("a heading for each class");
        let section = section.split("\n## ").next().unwrap_or_default();
        let rows: Vec<&str> = section
            .lines()
            .filter(|line| line.starts_with("| `"))
            .collect();
        let keys = KEYS.iter().filter(|key| key.class == class);
        let expected: Vec<String> = keys.map(row).collect();
        assert_eq!(
            rows,
            expected,
            "the rows below{heading}must be\n{}",
            expected.join("\n")
        );
    }
}
