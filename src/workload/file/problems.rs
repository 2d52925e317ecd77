//! Collects the problems of a workload. Reading continues after a problem, so that all of them are
//! reported at once.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::cell::RefCell;
use std::collections::BTreeSet;

use crate::workload::error::{Place, WorkloadError};

/// A value, or `None` if it is wrong. The problem is then recorded, and values that depend on it
/// are not checked, so that one mistake is reported once.
pub type Read<T> = Option<T>;

#[derive(Debug, Default)]
pub(super) struct Problems {
    found: RefCell<Vec<WorkloadError>>,
    /// Paths of keys that need no further report. Their values are not read.
    told: RefCell<BTreeSet<String>>,
    /// Paths, without indices, that an unknown key elsewhere probably means. Such a key is not
    /// reported as missing.
    meant: RefCell<BTreeSet<String>>,
}

impl Problems {
    /// Records a problem and returns `None` as the value.
    pub(super) fn note<T>(&self, problem: WorkloadError) -> Read<T> {
        self.found.borrow_mut().push(problem);
        None
    }

    /// Records the problems of `error`. One that is already recorded, because several cells have it, is
    /// not repeated.
    pub(super) fn note_all(&self, error: WorkloadError) {
        let problems = match error {
            WorkloadError::Several(problems) => problems,
            one => vec![one],
        };
        let mut found = self.found.borrow_mut();
        for problem in problems {
            let text = problem.to_string();
            if found.iter().all(|other| other.to_string() != text) {
                found.push(problem);
            }
        }
    }

    /// Whether a problem was recorded.
    pub(super) fn any(&self) -> bool {
        !self.found.borrow().is_empty()
    }

    /// Marks the key `path` as reported.
    pub(super) fn settle(&self, path: String) {
        self.told.borrow_mut().insert(path);
    }

    /// Notes that a key with a wrong place or name probably means the key `path`.
    pub(super) fn presume(&self, path: String) {
        self.meant.borrow_mut().insert(path);
    }

    pub(super) fn is_settled(&self, path: &str) -> bool {
        self.told.borrow().contains(path)
    }

    pub(super) fn is_presumed(&self, path: &str) -> bool {
        self.meant.borrow().contains(path)
    }

    /// Returns `value`, or all problems: those of the file by line, then those of the overrides in
    /// their order.
    pub(super) fn decide<T>(
        self,
        value: Read<T>,
        file: &str,
        overrides: &[String],
    ) -> Result<T, WorkloadError> {
        let mut found = self.found.into_inner();
        found.sort_by_key(|problem| match problem.place() {
            Some(Place::Line { line, .. } | Place::Case { line, .. }) => {
                (0, usize::try_from(*line).unwrap_or(usize::MAX))
            }
            Some(Place::Override(text)) => (1, position(overrides, text)),
            None => (2, 0),
        });
        match (value, WorkloadError::of(found)) {
            (_, Some(error)) => Err(error),
            (Some(value), None) => Ok(value),
            // A value is missing only after a problem. If the code breaks this rule, the user still
            // gets a message.
            (None, None) => Err(WorkloadError::Inconsistent {
                place: Place::Line {
                    file: file.to_owned(),
                    line: 1,
                },
                problem: "the workload is refused without a reason; this is a mistake in Quorate: please report it with the file".to_owned(),
            }),
        }
    }
}

fn position(overrides: &[String], text: &str) -> usize {
    let at = overrides.iter().position(|other| other == text);
    at.unwrap_or(overrides.len())
}
