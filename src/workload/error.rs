//! Errors of workload files. Each problem takes one line, which names the file and line (or the
//! override), the key, what was found and what to do.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt;

/// Where a value was written: a line of the workload file or an override on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// `file:line`, lines counted from 1.
    Line {
        /// Name of the workload file as the user gave it.
        file: String,
        line: u32,
    },
    /// A key that a `[[case]]` of the file sets.
    Case {
        /// Name of the workload file as the user gave it.
        file: String,
        line: u32,
    },
    /// An override as the user wrote it: `load.rate=2000`.
    Override(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { file, line } | Self::Case { file, line } => write!(f, "{file}:{line}"),
            Self::Override(text) => write!(f, "--set {text}"),
        }
    }
}

/// A workload that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WorkloadError {
    #[error(
        "cannot read the workload file {path}: {source}; give the path of a TOML file, or the name of a shipped workload (`quorate workloads` lists them)"
    )]
    Read {
        /// The path as the user wrote it.
        path: String,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// The file is too long for a workload.
    #[error(
        "{path} is longer than {limit_bytes} bytes, the limit for a workload file; is it the right file?"
    )]
    TooLong {
        /// The path as the user wrote it.
        path: String,
        /// Maximum length in bytes.
        limit_bytes: u64,
    },
    /// The text is not valid TOML.
    #[error("{place}: not valid TOML: {problem}")]
    Syntax {
        place: Place,
        /// The message of the TOML parser.
        problem: String,
    },
    /// No workload has such a key.
    #[error("{place}: unknown key `{key}`; {hint}")]
    UnknownKey {
        place: Place,
        /// Full path of the key.
        key: String,
        /// The nearest known key, or all of them.
        hint: String,
    },
    #[error("{place}: `{key}` must be {expected}, but it is {found}")]
    WrongType {
        place: Place,
        /// Full path of the key.
        key: String,
        /// What was expected, with an example.
        expected: String,
        found: String,
    },
    /// The value has the right type and cannot be used.
    #[error("{place}: `{key}` {problem}")]
    BadValue {
        place: Place,
        /// Full path of the key.
        key: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// Values contradict each other, or a value is missing.
    #[error("{place}: {problem}")]
    Inconsistent {
        place: Place,
        /// What is wrong and what to do.
        problem: String,
    },
    /// Several errors in the order of the file. Each takes a line.
    #[error("{}", lines(.0))]
    Several(Vec<Self>),
}

impl WorkloadError {
    /// Returns all problems: the errors in [`Self::Several`], or the error itself.
    #[must_use]
    pub fn problems(&self) -> &[Self] {
        match self {
            Self::Several(problems) => problems,
            one => std::slice::from_ref(one),
        }
    }

    /// Makes one error of all problems; `None` if there is no problem.
    pub(super) fn of(mut problems: Vec<Self>) -> Option<Self> {
        match problems.len() {
            0 | 1 => problems.pop(),
            _ => Some(Self::Several(problems)),
        }
    }

    /// Returns where the problem is, if it is in the text or in an override.
    pub(super) const fn place(&self) -> Option<&Place> {
        match self {
            Self::Syntax { place, .. }
            | Self::UnknownKey { place, .. }
            | Self::WrongType { place, .. }
            | Self::BadValue { place, .. }
            | Self::Inconsistent { place, .. } => Some(place),
            Self::Read { .. } | Self::TooLong { .. } | Self::Several(_) => None,
        }
    }
}

fn lines(problems: &[WorkloadError]) -> String {
    let lines: Vec<String> = problems.iter().map(WorkloadError::to_string).collect();
    lines.join("\n")
}
