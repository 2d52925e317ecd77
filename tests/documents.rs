//! Checks numbers in the documents against the constants of the code.

use std::fs;
use std::path::Path;

use quorate::result::thresholds::{
    ACKNOWLEDGED_MIN, DRIVER_BUSY_MAX, DRIVER_WAITING_MAX, ISSUED_MIN, LATE_SHARE_MAX, STOLEN_MAX,
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
    ] {
        assert!(
            text.contains(&sentence),
            "docs/METHODOLOGY.md lacks {sentence:?}"
        );
    }
}
