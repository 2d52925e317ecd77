//! What can be wrong with a workload file, in words a user can act on: a line for each problem that
//! names the file and line (or the override), the key, what was found and what to do.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt;

/// Where a value was written: a line of the workload file, or an override on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// `file:line`, lines counted from 1.
    Line {
        /// Name of the workload file as the user gave it.
        file: String,
        /// Line, from 1.
        line: u32,
    },
    /// An override, as given: `load.rate=2000`.
    Override(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { file, line } => write!(f, "{file}:{line}"),
            Self::Override(text) => write!(f, "--set {text}"),
        }
    }
}

/// A workload that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WorkloadError {
    /// The file cannot be read.
    #[error(
        "cannot read the workload file {path}: {source}; give the path of a TOML file, or the name of a shipped workload (`quorate workloads` lists them)"
    )]
    Read {
        /// The file, as given.
        path: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The file is far too long to be a workload.
    #[error(
        "{path} is longer than {limit_bytes} bytes, the limit for a workload file; is it the right file?"
    )]
    TooLong {
        /// The file, as given.
        path: String,
        /// Bytes allowed.
        limit_bytes: u64,
    },
    /// Not TOML.
    #[error("{place}: not valid TOML: {problem}")]
    Syntax {
        /// Where.
        place: Place,
        /// The TOML parser's words.
        problem: String,
    },
    /// A key that no workload has.
    #[error("{place}: unknown key `{key}`; {hint}")]
    UnknownKey {
        /// Where.
        place: Place,
        /// Full path of the key.
        key: String,
        /// The nearest known key, or all of them.
        hint: String,
    },
    /// A value of the wrong type.
    #[error("{place}: `{key}` must be {expected}, but it is {found}")]
    WrongType {
        /// Where.
        place: Place,
        /// Full path of the key.
        key: String,
        /// What was expected, with an example.
        expected: String,
        /// What was found.
        found: String,
    },
    /// A value of the right type that cannot be used.
    #[error("{place}: `{key}` {problem}")]
    BadValue {
        /// Where.
        place: Place,
        /// Full path of the key.
        key: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// Values that contradict each other, or something missing.
    #[error("{place}: {problem}")]
    Inconsistent {
        /// Where.
        place: Place,
        /// What is wrong and what to do.
        problem: String,
    },
    /// More than one of these, in the order of the file; each takes a line.
    #[error("{}", lines(.0))]
    Several(Vec<Self>),
}

impl WorkloadError {
    /// All problems that this one stands for: itself, or those of [`Self::Several`].
    #[must_use]
    pub fn problems(&self) -> &[Self] {
        match self {
            Self::Several(problems) => problems,
            one => std::slice::from_ref(one),
        }
    }

    /// One error of many problems, none of no problem.
    pub(super) fn of(mut problems: Vec<Self>) -> Option<Self> {
        match problems.len() {
            0 | 1 => problems.pop(),
            _ => Some(Self::Several(problems)),
        }
    }

    /// Where the problem is, if it is in the text or in an override.
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
