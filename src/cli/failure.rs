//! How a command ends.

use std::process::ExitCode;

/// An exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Status(pub(super) u8);

impl Status {
    /// Valid; done.
    pub(super) const SUCCESS: Self = Self(0);
    /// Something went wrong.
    pub(super) const ERROR: Self = Self(1);
    /// Bad usage or a bad file.
    pub(super) const BAD_USAGE: Self = Self(2);
    /// A measurement is invalid: worth another try.
    pub(super) const INVALID: Self = Self(3);
    /// A gate failed: the target is not good enough.
    pub(super) const GATE_FAILED: Self = Self(4);
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status.0)
    }
}

/// An error on its way to the user.
#[derive(Debug)]
pub(super) struct Failure {
    /// What the process ends with.
    pub(super) status: Status,
    error: anyhow::Error,
}

impl Failure {
    /// The error, and each of its causes that the text does not contain yet.
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

/// Gives an error another exit status than 1.
pub(super) trait MeansStatus<T> {
    /// Bad usage or a bad file.
    fn bad_usage(self) -> Result<T, Failure>;
    /// The given status.
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

/// Bad usage that the parser of the command line does not find.
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
    fn causes_are_said_once() {
        let inner = || std::io::Error::other("inner");
        assert_eq!(Failure::from(Outer(inner())).text(), "outer: inner");
        assert_eq!(Failure::from(Quoting(inner())).text(), "outer: inner");
        assert_eq!(Failure::from(Quoting(inner())).status, Status::ERROR);
        let bad: Result<(), _> = Err(Outer(inner()));
        assert_eq!(bad.bad_usage().unwrap_err().status, Status::BAD_USAGE);
    }
}
