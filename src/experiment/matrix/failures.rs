//! Counts runs that fail for the same reason, so that a target that cannot start ends the experiment soon.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use super::super::error::ExperimentError;

/// Failures of a target in a row that end the experiment.
const LIMIT: u32 = 3;

#[derive(Debug, Default)]
pub(super) struct Failures {
    /// The reason and the number of the last failures in a row, by target.
    last: BTreeMap<usize, (String, u32)>,
}

impl Failures {
    pub(super) fn succeeded(&mut self, target: usize) {
        self.last.remove(&target);
    }

    /// Counts a failure of `target`. Returns whether it is the third in a row for the same reason. Only
    /// failures to open the target count: a target that opens may fail because of the load of its cell.
    pub(super) fn failed(&mut self, target: usize, error: &ExperimentError) -> bool {
        if !matches!(
            error,
            ExperimentError::Target(_) | ExperimentError::DataDir(_)
        ) {
            self.last.remove(&target);
            return false;
        }
        let reason = reason(&error.to_string());
        let entry = self.last.entry(target).or_default();
        if entry.0 == reason {
            entry.1 += 1;
        } else {
            *entry = (reason, 1);
        }
        entry.1 >= LIMIT
    }
}

/// Returns the first line without digits: numbers of servers and ports differ between attempts.
fn reason(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.chars().filter(|c| !c.is_ascii_digit()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::TargetError;

    fn no_start(port: u16) -> ExperimentError {
        ExperimentError::Target(TargetError::DataDir(crate::target::unusable(
            std::path::Path::new(&format!("/x/{port}")),
        )(std::io::Error::other(
            "full",
        ))))
    }

    #[test]
    fn three_equal_failures_of_a_target_in_a_row_end_the_experiment() {
        let mut failures = Failures::default();
        assert!(!failures.failed(0, &no_start(1)));
        assert!(!failures.failed(1, &no_start(1)));
        assert!(!failures.failed(0, &no_start(2)));
        assert!(failures.failed(0, &no_start(3)));
    }

    #[test]
    fn a_success_and_a_failure_of_another_kind_end_the_row() {
        let mut failures = Failures::default();
        for _ in 0..5 {
            assert!(!failures.failed(0, &no_start(1)));
            assert!(!failures.failed(0, &no_start(1)));
            failures.succeeded(0);
        }
        let search = ExperimentError::Search {
            target: "bundled".to_owned(),
            why: "x".to_owned(),
        };
        for _ in 0..5 {
            assert!(!failures.failed(0, &search));
            assert!(!failures.failed(0, &no_start(1)));
        }
    }
}
