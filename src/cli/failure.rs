//! Exit statuses, and errors of commands.

use std::process::ExitCode;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Status(pub(super) u8);

impl Status {
    pub(super) const SUCCESS: Self = Self(0);
    pub(super) const ERROR: Self = Self(1);
    /// The command line or a file is malformed.
    pub(super) const BAD_USAGE: Self = Self(2);
    /// The measurement is invalid. Another attempt may succeed.
    pub(super) const INVALID: Self = Self(3);
    /// A gate or a `--fail-if` condition failed.
    pub(super) const GATE_FAILED: Self = Self(4);
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status.0)
    }
}

/// An error and the exit status that it causes.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) status: Status,
    error: anyhow::Error,
}

impl Failure {
    /// Returns the message of the error and of its causes. A cause that the text already contains is left out.
    pub(super) fn text(&self) -> String {
        let mut text = self.error.to_string();
        for cause in self.error.chain().skip(1) {
            let cause = cause.to_string();
            if !text.contains(&cause) {
                text.push_str(": ");
                text.push_str(&cause);
            }
        }
        text
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self {
            status: Status::ERROR,
            error: error.into(),
        }
    }
}

/// Converts an error to a [`Failure`] with an exit status other than 1.
pub(super) trait MeansStatus<T> {
    /// Converts with [`Status::BAD_USAGE`].
    fn bad_usage(self) -> Result<T, Failure>;
    /// Converts with the given status.
    fn meaning(self, status: Status) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> MeansStatus<T> for Result<T, E> {
    fn bad_usage(self) -> Result<T, Failure> {
        self.meaning(Status::BAD_USAGE)
    }

    fn meaning(self, status: Status) -> Result<T, Failure> {
        self.map_err(|error| Failure {
            status,
            error: error.into(),
        })
    }
}

/// Returns an error of the command line that clap does not detect.
pub(super) fn bad_usage(text: impl Into<String>) -> Failure {
    Failure {
        status: Status::BAD_USAGE,
        error: anyhow::Error::msg(text.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] std::io::Error);

    #[derive(Debug, thiserror::Error)]
    #[error("outer: {0}")]
    struct Quoting(#[source] std::io::Error);

    #[test]
    fn every_cause_is_printed_once() {
        let inner = || std::io::Error::other("inner");
        assert_eq!(Failure::from(Outer(inner())).text(), "outer: inner");
        assert_eq!(Failure::from(Quoting(inner())).text(), "outer: inner");
        assert_eq!(Failure::from(Quoting(inner())).status, Status::ERROR);
        let bad: Result<(), _> = Err(Outer(inner()));
        assert_eq!(bad.bad_usage().unwrap_err().status, Status::BAD_USAGE);
    }
}
