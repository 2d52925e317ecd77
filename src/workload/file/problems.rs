//! What is wrong with a workload, gathered: reading goes on behind a problem, so that all of them are
//! told at once.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::cell::RefCell;
use std::collections::BTreeSet;

use crate::workload::error::{Place, WorkloadError};

/// A value that was read, or nothing when it is wrong. The problem has then been noted, and whatever
/// depends on the value is not checked: it would only tell the same problem in other words.
pub type Read<T> = Option<T>;

/// The problems so far.
#[derive(Debug, Default)]
pub(super) struct Problems {
    found: RefCell<Vec<WorkloadError>>,
    /// Paths of keys about which all is said: their values are not read.
    told: RefCell<BTreeSet<String>>,
    /// Paths, without indices, that an unknown key elsewhere was probably meant for. If such a key is
    /// missing, that is the same problem.
    meant: RefCell<BTreeSet<String>>,
}

impl Problems {
    /// Notes a problem; the value that has it reads as nothing.
    pub(super) fn note<T>(&self, problem: WorkloadError) -> Read<T> {
        self.found.borrow_mut().push(problem);
        None
    }

    /// All is said about the key `path`.
    pub(super) fn settle(&self, path: String) {
        self.told.borrow_mut().insert(path);
    }

    /// Something in the wrong place or with the wrong name was probably meant for the key `path`.
    pub(super) fn presume(&self, path: String) {
        self.meant.borrow_mut().insert(path);
    }

    pub(super) fn is_settled(&self, path: &str) -> bool {
        self.told.borrow().contains(path)
    }

    pub(super) fn is_presumed(&self, path: &str) -> bool {
        self.meant.borrow().contains(path)
    }

    /// `value`, or what is wrong with it: problems of the file by line, then those of the overrides in
    /// their order.
    pub(super) fn decide<T>(
        self,
        value: Read<T>,
        file: &str,
        overrides: &[String],
    ) -> Result<T, WorkloadError> {
        let mut found = self.found.into_inner();
        found.sort_by_key(|problem| match problem.place() {
            Some(Place::Line { line, .. }) => (0, usize::try_from(*line).unwrap_or(usize::MAX)),
            Some(Place::Override(text)) => (1, position(overrides, text)),
            None => (2, 0),
        });
        match (value, WorkloadError::of(found)) {
            (_, Some(error)) => Err(error),
            (Some(value), None) => Ok(value),
            // Nothing reads as wrong without a problem; if it does, the user must not be left alone.
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
